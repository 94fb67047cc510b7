"""p2pmeshctl check: what works of an address, in words and as JSON, without joining anything there."""

import json
import socket
import threading

import mesh


class Check(mesh.MeshTest):
    def check(self, host, port, *options, status=0):
        done = self.box.run("p2pmeshctl", "check", host, str(port), *options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stderr.startswith(b"p2pmeshctl: "), status != 0, done.stderr)
        self.assertLessEqual(done.stderr.count(b"\n"), 1)
        self.complaint = done.stderr.decode()
        return done.stdout.decode()

    def steps(self, text):
        return [line.split(":", 1)[0] for line in text.splitlines()]

    def counted(self, node):
        status = node.status()
        return status["members"], status["online"], status["neighbors"], node.call("members.list")

    def test_an_open_mesh_is_told_of_and_nobody_is_seen_there(self):
        alice = self.node("Alice").start()
        watcher = alice.connect()
        watcher.call("events.subscribe")
        watcher.wait_event("live")
        port, before = alice.status()["port"], self.counted(alice)
        said = self.check("127.0.0.1", port)
        self.assertEqual(self.steps(said), ["resolves", "answers", "speaks", "node", "mesh", "round trip"])
        self.assertIn(f"127.0.0.1:{port} after ", said)
        self.assertIn("the p2pmesh protocol, version 3", said)
        self.assertIn(f"node: {alice.status()['node_key']}\n", said)
        self.assertIn(f"mesh: open to everybody, {alice.status()['mesh']}\n", said)
        found = json.loads(self.check("localhost", port, "--json"))
        self.assertEqual((found["host"], found["port"], found["speaks"], found["state"], found["status"]),
                         ("localhost", port, True, "open", 0))
        self.assertEqual(found["mesh"], alice.status()["mesh"])
        self.assertEqual(found["greeted"], f"127.0.0.1:{port}")
        answers = {one["address"]: one["answers"] for one in found["addresses"]}
        self.assertEqual(answers, {f"[::1]:{port}": False, f"127.0.0.1:{port}": True})
        # What a member does is an event: after that message nothing else can still be on the way.
        alice.call("message.send", text="anybody?")
        watcher.wait_event("message")
        self.assertEqual([event["type"] for event in watcher.events], ["live", "message"])
        self.assertEqual(self.counted(alice), before)

    def test_a_closed_mesh_is_an_answer(self):
        alice = self.node("Alice", options=["--private"]).start()
        port = alice.status()["port"]
        said = self.check("127.0.0.1", port)
        self.assertIn("mesh: closed: who has an invite is let in", said)
        self.assertNotIn(alice.status()["mesh"], said)
        found = json.loads(self.check("127.0.0.1", port, "--json"))
        self.assertEqual((found["state"], found["reason"], found["status"]), ("closed", 6, 0))
        self.assertNotIn("mesh", found)

    def test_nobody_a_stranger_and_an_unknown_host(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
            said = self.check("127.0.0.1", port, status=69)
            self.assertEqual(self.steps(said), ["resolves", "does not answer"])
            self.assertIn("refused the connection", self.complaint)
            server.listen()
            answering = threading.Thread(target=answer_as_http, args=(server,))
            answering.start()
            said = self.check("127.0.0.1", port, status=76)
            answering.join()
            self.assertEqual(self.steps(said), ["resolves", "answers"])
            self.assertIn("does not speak the p2pmesh protocol", self.complaint)
        for name in ("no-such-host.invalid", "-x", "a b", "\x1b[2J\u202e"):
            done = self.box.run("p2pmeshctl", "check", "--", name, "1")
            self.assertIn(done.returncode, (64, 68), name)
            self.assertIsNone(mesh.RAW_CONTROL.search(done.stdout + done.stderr))
        found = json.loads(self.check("no-such-host.invalid", 1, "--json", status=68))
        self.assertEqual((found["status"], found["speaks"], found["addresses"]), (68, False, []))

    def test_what_is_no_place_is_refused(self):
        for words in (["h"], ["h", "0"], ["h", "65536"], ["h", "x"], ["", "1"], ["h", "1", "2"]):
            done = self.box.run("p2pmeshctl", "check", *words)
            self.assertEqual(done.returncode, 64, words)


def answer_as_http(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 5000)


if __name__ == "__main__":
    mesh.main()
