"""Another user of the machine at the control socket: kept out by the modes, and where these were loosened by the node."""

import json
import os
import shutil
import subprocess
import sys

import mesh

OTHER_USER = "65534"
# Connects, and says what came: an error's name, or all bytes until the far end closes.
KNOCK = """
import errno, json, socket
end = socket.socket(socket.AF_UNIX)
end.settimeout(10)
try:
    end.connect("control.sock")
    try:
        end.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status","params":{}}\\n')
    except BrokenPipeError:
        pass
    heard = b""
    try:
        while some := end.recv(65536):
            heard += some
    except ConnectionResetError:
        pass
    print(json.dumps({"heard": heard.decode()}))
except OSError as error:
    print(json.dumps({"error": errno.errorcode.get(error.errno, str(error))}))
"""


class OtherUser(mesh.MeshTest):
    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("another user can only be had by root, with setpriv(1)")
        # The way to the data directory is open: what keeps others out is the directory and the socket.
        for path in (self.box.path, self.box.path / "data"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        self.alice = self.node("Alice").start()

    def knock(self, user=OTHER_USER):
        done = subprocess.run(
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", sys.executable, "-B", "-c", KNOCK],
            cwd=self.alice.data_dir, capture_output=True, timeout=mesh.stretched(20))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self):
        return self.alice.status()["counters"]["control_refused_user"]

    def assert_owner_goes_on(self, text):
        self.assertTrue(self.alice.call("message.send", text=text)["id"])
        self.assertEqual(self.alice.connect().call("status")["name"], "Alice")

    def test_the_modes_keep_it_out(self):
        self.assertEqual(self.knock(), {"error": "EACCES"})
        self.alice.data_dir.chmod(0o755)
        self.assertEqual(self.knock(), {"error": "EACCES"}, "the socket's own mode")
        self.assertEqual(self.refused(), 0)
        self.assert_owner_goes_on("nobody was there")

    def test_where_the_modes_were_loosened_the_node_refuses_it(self):
        self.alice.data_dir.chmod(0o755)
        (self.alice.data_dir / "control.sock").chmod(0o666)
        for number in range(1, 4):
            self.assertEqual(self.knock(), {"heard": ""})
            self.assertEqual(self.refused(), number)
            self.assert_owner_goes_on(f"after {number}")
        self.assertIn("refused a control client of another user (65534)", self.alice.log.read_text())
        # The socket was there to be used: root may look after any node.
        self.assertIn('"name":"Alice"', self.knock_as_root())

    def knock_as_root(self):
        done = subprocess.run([mesh.program("p2pmeshctl"), "--data-dir", str(self.alice.data_dir), "--json", "status"],
                              capture_output=True, timeout=mesh.stretched(20))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().replace(" ", "")


if __name__ == "__main__":
    mesh.main()
