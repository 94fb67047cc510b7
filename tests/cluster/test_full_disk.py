"""A disk that fills up: sends are refused by name, nothing acknowledged is lost, and it goes on when there is room."""

import os
import shutil
import subprocess
import tempfile

import control
import mesh


class FullDisk(mesh.MeshTest):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not shutil.which("mount"):
            self.skipTest("a small file system can only be mounted by root")
        self.mount_point = tempfile.mkdtemp(prefix="p2pmesh-small-disk-")
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.mount_point], capture_output=True)
        if made.returncode != 0:
            os.rmdir(self.mount_point)
            self.skipTest(f"mount is not allowed here: {made.stderr.decode().strip()}")

    def tearDown(self):
        super().tearDown()
        if hasattr(self, "mount_point") and os.path.isdir(self.mount_point):
            subprocess.run(["umount", "-l", self.mount_point], check=False)
            os.rmdir(self.mount_point)

    def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address], data_dir=os.path.join(self.mount_point, "bob")).start()
        talk = bob.connect()
        text = "x" * 4000
        acknowledged = []
        refusal = None
        for number in range(3000):
            request = talk.send("message.send", text=f"{number} {text}")
            mesh.wait_until(lambda: talk.pump(0.05) or request in talk.replies or
                            bob.call("status")["storage"] != "ok", 10, "an answer, or word of the full disk")
            if "result" not in talk.replies.get(request, {}):
                break  # waits for the disk, or refused by it
            acknowledged.append(number)
        self.assertGreater(len(acknowledged), 10)
        state = mesh.wait_until(lambda: bob.call("status")["storage"] if bob.call("status")["storage"] != "ok" else None,
                                10, "the full disk shows in status")
        self.assertIn("full", state)
        try:
            talk.call("message.send", text="one more")
        except control.RpcFault as fault:
            refusal = fault
        self.assertIsNotNone(refusal, "a send onto a full disk is refused")
        self.assertEqual(refusal.status, 74)
        alice.call("message.send", text="said meanwhile")

        grown = subprocess.run(["mount", "-o", "remount,size=64m", self.mount_point], capture_output=True)
        self.assertEqual(grown.returncode, 0, grown.stderr)
        mesh.wait_until(lambda: bob.call("status")["storage"] == "ok", 20, "the disk is taken into use again")
        talk.call("message.send", text="there is room again")
        mesh.same_exports([alice, bob], 20)
        held = {message["text"] for message in bob.messages()}
        for number in acknowledged:
            self.assertIn(f"{number} {text}", held)
        self.assertIn("said meanwhile", held)
        self.assertIn("there is room again", held)
        bob.terminate()


if __name__ == "__main__":
    mesh.main()
