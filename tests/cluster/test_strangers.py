"""People who are in no mesh with each other talk alone: found at a discovery server or by an address, asked, and let
into a closed mesh of the two. Requests and what is written wait until both are there."""

import re

import mesh
from chat import Chat
from control import RpcFault
from people import PeopleTest, texts
from rendezvous import RendezvousTest, Server

ASKS = r"^>INFO: {name}, key [0-9a-f]{{8}}, who is in no mesh of yours, wants to talk\. /accept {name}, or /decline {name}\.$"


class Strangers(RendezvousTest, PeopleTest):
    def start(self, name, server=None, **options):
        known = ["--rendezvous", f"127.0.0.1:{server.port}"] if server else []
        node = self.node(name, options=known, **options).start()
        if server:
            self.wait_registered(node)
        return node

    def wait_registered(self, node):
        mesh.wait_until(lambda: node.call("rendezvous.list")[0]["registered"], 60, f"{node.name} is registered")

    def chat(self, name, server, **options):
        return Chat(self.box, name, options=["--rendezvous", f"127.0.0.1:{server.port}"], **options).expect_open()

    def fault(self, node, method, **params):
        with self.assertRaises(RpcFault) as raised:
            node.call(method, **params)
        return raised.exception

    def wait_asked(self, node, name):
        mesh.wait_until(lambda: self.contact(node, name).get("asks"), 30, f"{node.name} is asked by {name}")

    def wait_together(self, one, other):
        for node, name in [(one, other.name), (other, one.name)]:
            mesh.wait_until(lambda: self.contact(node, name).get("theirs") == "accepted", 60,
                            f"{node.name} talks with {name}")

    def test_two_screens_of_strangers(self):
        server = self.server()
        alice, bob = self.chat("Alice", server), self.chat("Bob", server)
        mesh.wait_until(lambda: server.facts()["online"] == 2, 15, "both are registered")
        alice.say("/msg Bob hello, stranger")
        bob.expect(ASKS.format(name="Alice"))
        # Nothing of it is shown before Bob wants it.
        self.assertNotIn("stranger", " ".join(bob.said()))
        alice.expect(r"^>INFO: Bob, key [0-9a-f]{8}, is asked to talk\.")
        bob.say("/accept Alice")
        bob.expect(r"^Alice \(direct\): hello, stranger$")
        alice.expect(r"^>INFO: You talk with Bob: /msg Bob TEXT, or /switch Bob\.$")
        bob.say("/msg Alice hello, Alice")
        alice.expect(r"^Bob \(direct\): hello, Alice$")
        alice.say("/chat Bob")
        alice.expect(r"^>INFO: You talk with Bob alone now")
        alice.say("only for you")
        bob.expect(r"^Alice \(direct\): only for you$")
        bob.say("/switch Alice", "/history Alice")
        bob.expect(r"^>INFO: You talk with Alice alone now")
        bob.say("/contacts")
        bob.expect(r"^>INFO: Alice is online: contact\.$")
        self.assertEqual([alice.leave(), bob.leave()], [0, 0])

    def test_a_request_waits_over_a_restart_of_the_server_and_of_both(self):
        server = self.server()
        bob = self.start("Bob", server)
        self.assertEqual(bob.terminate(), 0)
        alice = self.start("Alice", server)
        alice.call("message.send", to="bob", text="while you were away")
        mesh.wait_until(lambda: server.facts()["requests"] == 1, 15, "it is kept")
        server.kill()
        self.assertEqual(alice.terminate(), 0)
        server.start()
        bob.restart()
        self.wait_registered(bob)
        self.wait_asked(bob, "Alice")
        mesh.wait_until(lambda: server.facts()["requests"] == 0, 15, "it is handed over once")
        # Alice is not there: it is accepted all the same, and tried until she is.
        self.assertEqual(bob.call("contact.answer", member="Alice", accept=True), {})
        fault = self.fault(bob, "message.send", to="Alice", text="too early")
        self.assertEqual(fault.status, 75)
        self.assertIn("not reached at the moment", fault.message)
        bob.kill()
        bob.restart()
        alice.restart()
        self.wait_together(alice, bob)
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["while you were away"], 15, "it has come")
        bob.call("message.send", to="Alice", text="and now I am here")
        mesh.wait_until(lambda: len(self.exchanged(alice, "Bob")) == 2, 15, "and back")

    def test_declined_and_accepted_after_all(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        events = alice.connect()
        events.call("events.subscribe")
        asked = alice.call("contact.ask", to="Bob")
        self.assertEqual(asked["name"], "Bob")
        self.wait_asked(bob, "Alice")
        events.wait_event("stranger", what="delivered")
        bob.call("contact.answer", member="Alice", accept=False)
        told = lambda: [event["what"] for event in events.events if event["type"] == "stranger"]
        events.wait(lambda: told() == ["asked", "delivered", "declined"], "Alice is told")
        self.assertEqual(self.contact(bob, "Alice")["relation"], "declined")
        # Asking again says nothing to Bob: it is the same request.
        alice.call("contact.ask", to="Bob")
        self.assertEqual(self.contact(bob, "Alice")["relation"], "declined")
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_together(alice, bob)

    def test_who_writes_to_somebody_that_has_asked_is_told_to_accept(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        alice.call("message.send", to="Bob", text="one")
        self.wait_asked(bob, "Alice")
        fault = self.fault(bob, "message.send", to="Alice", text="two")
        self.assertEqual(fault.status, 64)
        self.assertIn("/accept Alice", fault.message)

    def test_equal_names_never_lead_to_another_one(self):
        server, other = self.server(), Server(self.box)
        other.data_dir = self.box.new_name("other")
        other.start()
        alice = self.start("Alice", server)
        bob = self.start("Bob", join=[alice.address])
        # Another Bob, who is in no mesh of Alice's.
        stranger = self.node("Bob", data_dir=self.box.data_dir("stranger"),
                             options=["--rendezvous", f"127.0.0.1:{server.port}"]).start()
        self.wait_registered(stranger)
        stranger.call("message.send", to="Alice", text="I am Bob")
        key = stranger.status()["key"]
        full = f"Bob~{key[:4]}"
        mesh.wait_until(lambda: self.contact(alice, full).get("asks"), 15, "it is told with a piece of the key")
        # A member of that name is meant by it as before, and answers are for who has asked.
        alice.call("message.send", to="Bob", text="for the member")
        self.wait_asked(bob, "Alice")
        self.assertEqual(self.contact(stranger, "Alice")["theirs"], "none")
        alice.call("contact.answer", member=full, accept=True)
        mesh.wait_until(lambda: self.contact(alice, full).get("theirs") == "accepted", 30, "they talk")
        alice.call("message.send", to=full, text="for the stranger")
        mesh.wait_until(lambda: "for the stranger" in texts(self.exchanged(stranger, "Alice")), 15, "it has come")
        self.assertEqual(texts(self.exchanged(alice, "Bob")), ["for the member"])
        # Two servers that know two of a name: nobody is asked.
        carol = self.start("Carol", server)
        carol_too = self.node("Carol", data_dir=self.box.data_dir("too"),
                              options=["--rendezvous", f"127.0.0.1:{other.port}"]).start()
        self.wait_registered(carol_too)
        alice.call("rendezvous.add", host="127.0.0.1", port=other.port)
        mesh.wait_until(lambda: all(entry["registered"] for entry in alice.call("rendezvous.list")), 15, "at both")
        fault = self.fault(alice, "message.send", to="Carol", text="which?")
        self.assertEqual(fault.status, 64)
        for one in [carol, carol_too]:
            self.assertIn(one.status()["key"], fault.message)
        asked = alice.call("contact.ask", to=carol.status()["key"])
        self.assertEqual(asked["member"], carol.status()["key"])
        self.wait_asked(carol, "Alice")
        self.assertEqual(self.contact(carol_too, "Alice"), {})

    def test_an_open_mesh_is_never_taken_for_a_conversation(self):
        alice = self.start("Alice")
        for kind in ["p2pmesh strangers", "p2pmesh rendezvous"]:
            reserved = kind.encode().hex().ljust(64, "0")
            link = f"p2pmesh://{alice.address}/{reserved}/{'11' * 32}"
            fault = self.fault(alice, "mesh.enter", link=link)
            self.assertEqual(fault.status, 64)
        self.assertEqual(alice.status()["members"], 1)

    def test_each_asks_the_other(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        at_alice, at_bob = alice.connect(), bob.connect()
        sent = [(at_alice, at_alice.send("message.send", to="Bob", text="from Alice")),
                (at_bob, at_bob.send("message.send", to="Alice", text="from Bob"))]
        for client, number in sent:
            client.reply(number)
        self.wait_together(alice, bob)
        for node, name in [(alice, "Bob"), (bob, "Alice")]:
            node.call("message.send", to=name, text=f"{node.name} again")
        def all_said(node):
            said = []
            for entry in node.call("mesh.list"):
                client = node.connect()
                client.call("mesh.use", mesh=entry["mesh"])
                said += texts(client.call("message.list")["messages"])
            return sorted(said)
        wanted = ["Alice again", "Bob again", "from Alice", "from Bob"]
        for node in [alice, bob]:
            mesh.wait_until(lambda: all_said(node) == wanted, 30, f"{node.name} has all")

    def test_by_an_address_without_a_server(self):
        alice, bob = self.start("Alice"), self.start("Bob")
        host, port = bob.address.rsplit(":", 1)
        met = alice.call("mesh.connect", host=host, port=int(port))
        self.assertEqual(met["name"], "Bob")
        self.wait_asked(bob, "Alice")
        # Of the open meshes nothing has become one.
        self.assertEqual([alice.status()["members"], bob.status()["members"]], [1, 1])
        alice.call("message.send", to="Bob", text="by address")
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_together(alice, bob)
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["by address"], 15, "it has come")
        # The same again leads to the same conversation.
        self.assertEqual(alice.call("mesh.connect", host=host, port=int(port))["mesh"], met["mesh"])
        dora = self.start("Dora")
        dora.call("discover.set", on=False)
        host, port = dora.address.rsplit(":", 1)
        fault = self.fault(alice, "mesh.connect", host=host, port=int(port))
        self.assertIn("is in another mesh", fault.message)
        self.assertEqual(self.contact(dora, "Alice"), {})

    def test_the_conversation_is_closed_and_resumed_and_goes_on_without_the_server(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        alice.call("message.send", to="Bob", text="one")
        self.wait_asked(bob, "Alice")
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_together(alice, bob)
        mesh_of_two = self.contact(alice, "Bob")["mesh"]
        entry = next(entry for entry in alice.call("mesh.list") if entry["mesh"] == mesh_of_two)
        self.assertTrue(entry["closed"])
        self.assertEqual(entry["label"], "Bob")
        client = alice.connect()
        client.call("mesh.use", mesh="Bob")
        self.assertEqual(self.fault(client, "invite.make").status, 64)
        client.close()
        # Who comes to the node in whatever mesh does not come into that one.
        carol = self.start("Carol", join=[alice.address])
        self.assertEqual(carol.status()["mesh"], alice.status()["mesh"])
        server.kill()
        bob.kill()
        alice.call("message.send", to="Bob", text="two")
        bob.restart()
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["one", "two"], 60, "it has come")
        # It is left, and both can begin anew.
        bob.call("mesh.leave", mesh="Alice")
        self.assertEqual(self.contact(bob, "Alice"), {})
        server.start()
        self.wait_registered(bob)
        self.wait_registered(alice)
        bob.call("message.send", to="Alice", text="three")
        mesh.wait_until(lambda: any(contact["asks"] for contact in alice.call("contacts.list")), 15, "Alice is asked anew")
        alice.call("contact.answer", member="Bob", accept=True)
        mesh.wait_until(lambda: texts(self.exchanged(alice, "Bob")) == ["three"], 30, "a new one, and not the one that was left")
        alice.call("message.send", to="Bob", text="four")
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["three", "four"], 30, "both are in it")

    def test_who_is_of_another_mesh_of_ours_is_written_to_there(self):
        alice = self.start("Alice")
        carol = self.start("Carol")
        bob = self.start("Bob", join=[alice.address])
        host, port = carol.address.rsplit(":", 1)
        bob.call("mesh.enter", host=host, port=int(port))
        mesh.wait_until(lambda: carol.status()["online"] == 2, 15, "Bob is in Carol's mesh too")
        bob.call("message.send", to="Carol", text="from the other mesh")
        self.wait_asked(carol, "Bob")
        carol.call("contact.answer", member="Bob", accept=True)
        mesh.wait_until(lambda: texts(self.exchanged(carol, "Bob")) == ["from the other mesh"], 15, "it has come")
        self.assertEqual(len(bob.call("mesh.list")), 2)

    def test_nobody_and_nothing(self):
        server = self.server()
        alice = self.start("Alice", server)
        fault = self.fault(alice, "message.send", to="Zoe", text="hello?")
        self.assertEqual(fault.status, 64)
        self.assertIn("There is no member Zoe", fault.message)
        fault = self.fault(alice, "contact.ask", to="Alice")
        self.assertEqual(fault.status, 64)
        bob = self.start("Bob", server)
        alice.call("discover.set", on=False)
        fault = self.fault(alice, "contact.ask", to="Bob")
        self.assertEqual(fault.status, 75)
        self.assertIn("/discover on", fault.message)
        self.assertEqual(self.contact(bob, "Alice"), {})
        self.assertEqual(len(alice.call("mesh.list")), 1)

    def test_the_server_never_sees_what_is_asked_and_the_book_is_sealed(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        alice.call("message.send", to="Bob", text="canary-77aa01")
        self.wait_asked(bob, "Alice")
        mesh_of_two = self.contact(alice, "Bob")["mesh"]
        server.terminate()
        for directory, others in [(server.data_dir, [bytes.fromhex(mesh_of_two), b"canary-77aa01"]),
                                  (bob.data_dir, [b"canary-77aa01", bytes.fromhex(mesh_of_two)])]:
            for path in directory.rglob("*"):
                if path.is_file():
                    for secret in others:
                        self.assertNotIn(secret, path.read_bytes(), path)

    def test_p2pmeshctl(self):
        server = self.server()
        alice, bob = self.start("Alice", server), self.start("Bob", server)
        self.ctl(alice.data_dir, "send", "--to", "Bob", "from a script")
        mesh.wait_until(lambda: b"Alice  offline  wants to talk" in self.ctl(bob.data_dir, "contacts").stdout, 15,
                        "Bob's script sees it")
        self.ctl(bob.data_dir, "accept", "Alice")
        self.wait_together(alice, bob)
        mesh.wait_until(lambda: b"from a script" in self.ctl(bob.data_dir, "history", "--with", "Alice").stdout, 15,
                        "and reads it")
        lines = self.ctl(alice.data_dir, "meshes").stdout.decode()
        self.assertRegex(lines, re.compile(r"^Bob, conversation of two, ", re.M))


if __name__ == "__main__":
    mesh.main()
