"""--known-only: who comes to a node is let in when a discovery server knows its key, and cut when none does."""

import mesh
from chat import Chat
from people import texts
from rendezvous import RendezvousTest


class KnownOnly(RendezvousTest):
    def start(self, name, server, *options, **more):
        node = self.node(name, options=["--rendezvous", f"127.0.0.1:{server.port}", *options], **more).start()
        mesh.wait_until(lambda: node.call("rendezvous.list")[0]["registered"], 15, f"{name} is registered")
        return node

    def cuts(self, node):
        return node.log.read_text().count(" was cut: ")

    def test_who_is_known_comes_in_and_who_is_not_is_cut(self):
        server = self.server()
        alice = self.start("Alice", server, "--known-only")
        eve = Chat(self.box, "Eve", *alice.address.rsplit(":", 1))
        mesh.wait_until(lambda: self.cuts(alice) >= 1, 30, "Eve is cut")
        self.assertEqual(alice.status()["members"], 1)
        eve.end()
        # Known before it comes: it registers under its own mesh first.
        bob = self.start("Bob", server)
        host, port = alice.address.rsplit(":", 1)
        bob.call("mesh.enter", host=host, port=int(port))
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is in")
        bob_there = bob.connect()
        bob_there.call("mesh.use", mesh=alice.status()["mesh"])
        bob_there.call("message.send", text="let in")
        mesh.wait_until(lambda: texts(alice.messages()) == ["let in"], 15, "and heard")

    def test_the_same_name_with_another_key_is_cut(self):
        server = self.server()
        alice = self.start("Alice", server, "--known-only")
        bob = self.start("Bob", server)
        bob.terminate()
        thief = Chat(self.box, "Bob", *alice.address.rsplit(":", 1), data_dir=self.box.new_name("thief"))
        mesh.wait_until(lambda: self.cuts(alice) >= 1, 30, "the thief is cut")
        self.assertEqual(alice.status()["members"], 1)
        thief.end()

    def test_without_the_server_nobody_new_comes_and_who_was_here_returns(self):
        server = self.server()
        alice = self.start("Alice", server, "--known-only")
        bob = self.start("Bob", server)
        host, port = alice.address.rsplit(":", 1)
        bob.call("mesh.enter", host=host, port=int(port))
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is in")
        carol = self.start("Carol", server)
        server.kill()
        mesh.wait_until(lambda: not alice.call("rendezvous.list")[0]["linked"], 15, "the server is gone")
        alice.call("message.send", text="goes on")
        bob.kill()
        bob.restart()
        mesh.wait_until(lambda: alice.status()["online"] == 2, 30, "Bob is back without it")
        before = self.cuts(alice)
        at_carol = carol.connect()
        at_carol.send("mesh.enter", host=host, port=int(port))
        mesh.wait_until(lambda: self.cuts(alice) > before, 30, "nobody can say who Carol is")
        self.assertEqual(alice.status()["members"], 2)
        server.start()
        mesh.wait_until(lambda: alice.call("rendezvous.list")[0]["registered"], 60, "the server is back")
        carol.call("mesh.enter", host=host, port=int(port))
        mesh.wait_until(lambda: alice.status()["online"] == 3, 30, "now she is let in")

    def test_it_needs_a_server_to_ask(self):
        for program, more in [("p2pmeshd", ["--name", "Alice"]), ("p2pchat", ["Alice"])]:
            done = self.box.run(program, "--listen", "127.0.0.1:0", "--data-dir", str(self.box.new_name("x")), "--known-only",
                                *more)
            self.assertEqual(done.returncode, 64)
            self.assertIn(b"--rendezvous HOST:PORT", done.stderr)


if __name__ == "__main__":
    mesh.main()
