"""Members at a discovery server: they are found by name and joined, whoever is asked; its crash ends no chat, and all
come back when it does. It never sees a word of what is said."""

import re

import mesh
from chat import Chat
from control import RpcFault
from people import texts
from rendezvous import RendezvousTest
from terminal import Terminal


class Members(RendezvousTest):
    def registered(self, node):
        return [entry["registered"] for entry in node.call("rendezvous.list")] == [True]

    def start(self, name, server, **options):
        node = self.node(name, options=["--rendezvous", f"127.0.0.1:{server.port}"], **options).start()
        mesh.wait_until(lambda: self.registered(node), 15, f"{name} is registered")
        return node

    def find(self, name, server, whom, **options):
        return Chat(self.box, name, options=["--rendezvous", f"127.0.0.1:{server.port}", "--find", whom], **options)

    def test_somebody_is_found_and_joined_and_the_crash_of_the_server_ends_no_chat(self):
        server = self.server()
        alice = self.start("Alice", server)
        bob = self.find("Bob", server, "alice").expect_open()  # as names are compared
        self.assertEqual(bob.greeting, ">INFO: Here: Alice.")
        mesh.wait_until(lambda: server.facts()["online"] == 2, 15, "the server knows both")
        bob.say("before")
        mesh.wait_until(lambda: texts(alice.messages()) == ["before"], 15, "they talk")
        server.kill()
        bob.say("meanwhile")
        alice.call("message.send", text="and back")
        bob.expect("^Alice: and back$")
        # Written side by side, so either may stand first.
        mesh.wait_until(lambda: sorted(texts(alice.messages())) == ["and back", "before", "meanwhile"], 15,
                        "the chat goes on")
        # Through a member, as ever.
        carol = self.node("Carol", join=[alice.address]).start()
        mesh.wait_until(lambda: len(texts(carol.messages())) == 3, 15, "who comes by a member has the history")
        entry = alice.call("rendezvous.list")[0]
        self.assertFalse(entry["registered"])
        self.assertNotEqual(entry["trouble"], "")
        server.start()
        mesh.wait_until(lambda: server.facts()["online"] == 2, 60, "both are registered again")
        mesh.wait_until(lambda: self.registered(alice), 15, "and know it")
        dora = self.find("Dora", server, "Bob").expect_open()
        self.assertIn("Alice", dora.greeting)
        self.assertEqual(dora.leave(), 0)
        self.assertEqual(bob.leave(), 0)
        mesh.wait_until(lambda: server.facts()["online"] == 1, 15, "who leaves says so")

    def test_who_is_not_known_or_not_there_is_told(self):
        server = self.server()
        alice = self.start("Alice", server)
        nobody = self.find("Bob", server, "Zoe")
        self.assertEqual(nobody.wait(), 68)
        self.assertIn("Nobody called Zoe is known", nobody.stderr())
        self.assertEqual(alice.terminate(), 0)
        mesh.wait_until(lambda: server.facts()["online"] == 0, 15, "Alice is gone")
        absent = self.find("Bob", server, "Alice")
        self.assertEqual(absent.wait(), 69)
        self.assertIn("Alice is not online", absent.stderr())
        server.kill()
        unreachable = self.find("Bob", server, "Alice")
        self.assertEqual(unreachable.wait(), 69)
        self.assertRegex(unreachable.stderr(), rf"No discovery server answers: 127\.0\.0\.1:{server.port} \(.*refused")
        # Nothing was opened by all that.
        self.assertFalse((unreachable.data_dir / "last_mesh").exists())

    def test_a_name_that_another_key_holds(self):
        server = self.server()
        self.start("Alice", server)
        thief = self.node("Alice", data_dir=self.box.data_dir("thief"),
                          options=["--rendezvous", f"127.0.0.1:{server.port}"]).start()
        mesh.wait_until(lambda: "held by another key" in thief.call("rendezvous.list")[0]["trouble"], 15, "it is told")
        self.assertFalse(self.registered(thief))
        thief.call("name.set", name="Alina")
        mesh.wait_until(lambda: self.registered(thief), 30, "another name is taken")
        found = self.find("Bob", server, "Alina").expect_open()
        self.assertIn("Alina", found.greeting)
        self.assertEqual(found.leave(), 0)

    def test_undiscoverable_and_closed(self):
        server = self.server()
        alice = self.start("Alice", server)
        alice.call("discover.set", on=False)
        mesh.wait_until(lambda: self.find_status(server, "Alice") == 68, 30, "nobody is told of her")
        alice.call("discover.set", on=True)
        mesh.wait_until(lambda: self.find_status(server, "Alice") == 0, 30, "again")
        eve = self.node("Eve", options=["--private", "--rendezvous", f"127.0.0.1:{server.port}"]).start()
        mesh.wait_until(lambda: self.registered(eve), 15, "Eve is registered")
        refused = self.find("Bob", server, "Eve")
        self.assertEqual(refused.wait(), 77)
        self.assertIn("Eve is in no mesh that is open", refused.stderr())

    def find_status(self, server, whom):
        chat = self.find("Seeker", server, whom, data_dir=self.box.new_name("seeker"))
        chat.end_input()
        return chat.wait(30)

    def test_in_a_running_node(self):
        server = self.server()
        alice = self.start("Alice", server)
        bob = self.node("Bob").start()
        host, port = "127.0.0.1", str(server.port)
        with self.assertRaises(RpcFault) as raised:
            bob.call("mesh.enter", find="Alice")
        self.assertEqual(raised.exception.status, 69)
        self.assertIn("No discovery server is known", raised.exception.message)
        self.ctl(bob.data_dir, "rendezvous", f"{host}:{port}")
        mesh.wait_until(lambda: self.ctl(bob.data_dir, "rendezvous").stdout
                        == f"{host}:{port}, registered\n".encode(), 15, "Bob is registered")
        entered = self.ctl(bob.data_dir, "enter", "Alice").stdout
        self.assertRegex(entered.decode(), r"^(Alice|[0-9a-f]{8}), open, ")
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is in Alice's mesh too")
        self.assertEqual(len(bob.call("mesh.list")), 2)
        with self.assertRaises(RpcFault) as raised:
            bob.call("mesh.enter", find="Zoe")
        self.assertEqual(raised.exception.status, 68)

    def test_no_word_of_a_chat_is_in_its_database(self):
        server = self.server()
        alice = self.start("Alice", server)
        bob = self.start("Bob", server, join=[alice.address])
        canary = "canary-5d1f7b20"
        alice.call("message.send", text=canary)
        mesh.wait_until(lambda: texts(bob.messages()) == [canary], 15, "Bob has it")
        bob.call("contact.ask", to="Alice")
        alice.call("topic.set", room="#lobby", text=canary)
        server.terminate()
        for path in server.data_dir.rglob("*"):
            if path.is_file():
                self.assertNotIn(canary.encode(), path.read_bytes(), path)

    def terminal(self, name, server, *more):
        screen = Terminal(self.box, "p2pchat", "--listen", "127.0.0.1:0", "--data-dir", self.box.data_dir(name),
                          "--rendezvous", f"127.0.0.1:{server.port}", *more, name)
        return screen.expect("(empty: none):").type("")

    def test_at_a_terminal_one_is_asked_whom_to_chat_with(self):
        server = self.server()
        alice = self.start("Alice", server)
        mesh.wait_until(lambda: server.facts()["online"] == 1, 15, "the server knows Alice")
        bob = self.terminal("Bob", server)
        bob.expect(">INFO: Alice, online.").expect("the mesh of Alice, 1 online: Alice.")
        bob.expect("Whom do you want to chat with?").type("Alina").expect("Nobody called Alina is known")
        bob.expect("Whom do you want to chat with?").type("alice").expect("You are in the mesh ")
        # The empty mesh that was opened for want of another one is left.
        bob.expect(" was left.").type("hello")
        mesh.wait_until(lambda: "hello" in texts(alice.messages()), 15, "it has come")
        # Somebody who says something instead is not asked again, and it is said.
        carol = self.terminal("Carol", server)
        carol.expect("Whom do you want to chat with?").type("I talk to myself, thank you")
        mesh.wait_until(lambda: b"Carol: I talk to myself, thank you"
                        in self.ctl(self.box.data_dir("Carol"), "history").stdout, 15, "it is said")

    def test_at_a_terminal_another_name_is_asked_for(self):
        server = self.server()
        self.start("Alice", server)
        bob = self.terminal("Bob", server, "--find", "Zoe")
        bob.expect("Nobody called Zoe is known").expect("or an empty line for nobody's:").type("-x")
        bob.expect("or an empty line for nobody's:").type("Alice").expect(">INFO: Here: Alice.")
        carol = self.terminal("Carol", server, "--find", "Zoe")
        carol.expect("or an empty line for nobody's:").type("")
        self.assertEqual(carol.wait(), 68)

    def test_options(self):
        for wrong in (["--rendezvous", "nowhere:0"], ["--rendezvous", "a:b:c:99999"], ["--find", "-x"],
                      ["--find", "Alice", "--new"]):
            done = self.box.run("p2pchat", "--data-dir", str(self.box.new_name("x")), *wrong, "Bob")
            self.assertEqual(done.returncode, 64, (wrong, done.stderr))
        done = self.box.run("p2pchat", "--listen", "127.0.0.1:0", "--data-dir", str(self.box.new_name("x")), "--find",
                            "Alice", "Bob")
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"--rendezvous HOST:PORT", done.stderr)
        config = self.box.new_name("config.toml")
        config.write_text('name = "Bob"\nrendezvous = ["localhost:99999"]\n')
        done = self.box.run("p2pmeshd", "--config", str(config), "--data-dir", str(self.box.new_name("y")))
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr.decode(), re.escape(str(config)))


if __name__ == "__main__":
    mesh.main()
