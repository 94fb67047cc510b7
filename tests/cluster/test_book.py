"""The address book between real nodes: places noted and dialled, people reached by address, other names, forgetting."""

import socket

import mesh
from chat import Chat
from control import RpcFault
from people import PeopleTest, texts


def closed_port():
    """A port of loopback on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Book(PeopleTest):
    def exchanged(self, node, name):
        return texts(node.call("message.list", **{"with": name, "limit": 1000})["messages"])

    def befriend(self, one, other):
        one.call("message.send", text="hello", to=other.name)
        mesh.wait_until(lambda: self.contact(other, one.name).get("asks"), 15, "the request has come")
        other.call("contact.answer", member=one.name, accept=True)
        mesh.wait_until(lambda: self.contact(one, other.name).get("relation") == "accepted", 15, "it was accepted")

    def state(self, node):
        """What must not change when nobody is reached."""
        return ([(member["name"], member["key"]) for member in node.call("members.list")], node.call("contacts.list"),
                node.status()["mesh"], node.status()["neighbors"])

    def refused(self, node, method, **params):
        with self.assertRaises(RpcFault) as caught:
            node.call(method, **params)
        return caught.exception

    def port(self, node):
        return node.status()["port"]

    def test_who_is_at_an_address_is_told(self):
        alice, bob = self.start("Alice", "Bob")
        found = alice.call("mesh.connect", host="127.0.0.1", port=self.port(bob))
        self.assertEqual(found, {"member": bob.status()["key"], "name": "Bob"})
        said = self.ctl(alice.data_dir, "connect", "127.0.0.1", str(self.port(bob))).stdout.decode()
        self.assertEqual(said, f"Bob {bob.status()['key']}\n")
        self.assertEqual(alice.status()["neighbors"], 1)
        self.assertIn("itself", self.refused(alice, "mesh.connect", host="127.0.0.1", port=self.port(alice)).message)

    def test_nobody_and_another_mesh_and_another_protocol_change_nothing(self):
        alice, bob = self.start("Alice", "Bob")
        # Who is discoverable would be asked to talk instead: test_strangers.py.
        eve = self.node("Eve", options=["--undiscoverable"]).start()
        before, at_eve = self.state(alice), self.state(eve)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            asked = alice.connect()
            request = asked.send("mesh.connect", host="127.0.0.1", port=other.getsockname()[1])
            connection, _ = mesh_accept(other)
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 5000)
                with self.assertRaises(RpcFault) as caught:
                    asked.reply(request)
            self.assertEqual(caught.exception.status, 76)
        fault = self.refused(alice, "mesh.connect", host="127.0.0.1", port=closed_port())
        self.assertEqual(fault.status, 69)
        fault = self.refused(alice, "mesh.connect", host="127.0.0.1", port=self.port(eve))
        self.assertEqual(fault.status, 75)
        self.assertIn("another mesh; nothing was changed", fault.message)
        self.assertIn("./p2pchat NAME HOST PORT", fault.message)
        for host in ("a b", "\x1b[2J", "[::1", "\u202e"):
            fault = self.refused(alice, "mesh.connect", host=host, port=1)
            self.assertIn(fault.status, (64, 68), host)
        self.assertEqual(self.refused(alice, "mesh.connect", host="[::1]", port=closed_port()).status, 69)
        for name in ("Zoe", "Eve"):
            fault = self.refused(alice, "book.add", name=name, host="127.0.0.1", port=self.port(eve))
            self.assertIn("another mesh", fault.message)
        self.assertEqual((self.state(alice), self.state(eve)), (before, at_eve))
        alice.call("book.add", name="Bob", host="127.0.0.1", port=self.port(eve))
        fault = self.refused(alice, "mesh.connect", host="127.0.0.1", port=self.port(eve))
        self.assertTrue(fault.message.startswith(f"Bob at {eve.address} is in another mesh"), fault.message)
        # Nor does Eve's node dial Alice's for ever.
        self.assertNotIn("Alice", [member["name"] for member in eve.call("members.list")])

    def test_a_place_is_kept_over_restarts_until_somebody_is_there(self):
        alice, bob = self.start("Alice", "Bob")
        port = closed_port()
        added = alice.call("book.add", name="Dora", host="127.0.0.1", port=port)
        self.assertNotIn("member", added)
        self.assertIn("refused", added["why"])
        self.assertIn("Dora", self.refused(alice, "message.send", to="Dora", text="hello").message)
        alice.kill()
        alice.start()
        entry = self.contact(alice, "Dora")
        self.assertEqual((entry["host"], entry["port"]), ("127.0.0.1", port))
        self.assertNotIn("key", entry)
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 15, "Alice is linked to Bob")
        dora = self.node("Dorothea", listen=f"127.0.0.1:{port}", join=[bob.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 3, 15, "Alice knows all")
        sent = alice.call("message.send", to="dora", text="there you are")
        self.assertTrue(sent)
        entry = self.contact(alice, "Dorothea")
        self.assertEqual((entry["alias"], entry["port"], entry["key"]), ("Dora", port, dora.status()["key"]))
        self.assertEqual(self.contact(alice, "Dora"), {})
        mesh.wait_until(lambda: self.contact(dora, "Alice").get("asks"), 15, "she is asked")
        self.assertNotIn("Dora", [member["name"] for member in dora.call("members.list")])
        alice.kill()
        alice.start()
        self.assertEqual(self.contact(alice, "Dorothea")["alias"], "Dora")
        self.assertEqual(self.exchanged(alice, "Dora"), ["there you are"])

    def test_who_comes_to_a_noted_place_is_found_at_the_next_start(self):
        alice, bob = self.start("Alice", "Bob")
        port = closed_port()
        alice.call("book.add", name="Dora", host="localhost", port=port)
        alice.terminate()
        dora = self.node("Dora", listen=f"127.0.0.1:{port}", join=[bob.address]).start()
        alice.start()
        mesh.wait_until(lambda: self.contact(alice, "Dora").get("key") == dora.status()["key"], 20, "she is found")
        self.assertNotIn("alias", self.contact(alice, "Dora"))

    def test_an_absent_member_is_dialled_where_it_was_noted(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        bob.terminate()
        mesh.wait_until(lambda: not self.contact(alice, "Bob")["online"], 15, "Bob is away")
        port = closed_port()
        added = alice.call("book.add", name="Bob", host="127.0.0.1", port=port)
        self.assertEqual((added["name"], added.get("why")), ("Bob", None))
        listener = socket.socket()
        listener.bind(("127.0.0.1", port))
        listener.listen()
        listener.settimeout(mesh.stretched(20))
        with listener:
            # The first dial, of book.add, was refused; the next one comes when Bob is named again.
            alice.kill()
            alice.start()
            alice.call("message.send", to="Bob", text="are you there?")
            connection, _ = listener.accept()
            connection.close()
        self.assertEqual([line["text"] for line in alice.call("pending.list")["lines"]], ["are you there?"])

    def test_another_name_is_ones_own_and_no_strangers(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        self.befriend(alice, bob)
        alice.call("person.set", member="Bob", alias="Buddy")
        alice.call("message.send", to="buddy", text="to you")
        mesh.wait_until(lambda: self.exchanged(bob, "Alice") == ["hello", "to you"], 15, "Bob has it")
        self.assertEqual(self.contact(alice, "Bob")["alias"], "Buddy")
        self.assertEqual({contact["name"] for contact in bob.call("contacts.list")}, {"Alice"})
        self.assertNotIn("Buddy", str([node.call("members.list") for node in (bob, carol)]))
        for alias, why in (("Carol", "a member is called Carol"), ("carol", "a member is called Carol"),
                           ("Bob", "what it is called"),
                           ("-x", "name"), ("a b", "name"), ("x" * 70, "name"), ("a\u202eb", "name")):
            self.assertIn(why, self.refused(alice, "person.set", member="Bob", alias=alias).message, alias)
        self.assertIn("your name for Bob", self.refused(alice, "person.set", member="Carol", alias="BUDDY").message)
        # A stranger who takes that name gets nothing that was meant for Bob.
        buddy = self.node("Buddy", join=[bob.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 4, 15, "Buddy is there")
        self.assertIn("your name for Bob", self.refused(alice, "message.send", to="Buddy", text="secret").message)
        alice.call("person.set", member=bob.status()["key"], alias="")
        alice.call("message.send", to="Buddy", text="hello, Buddy")
        mesh.wait_until(lambda: self.contact(buddy, "Alice").get("asks"), 15, "now it is Buddy")
        self.assertIn("no member Zed", self.refused(alice, "person.set", member="Zed", alias="Zz").message)

    def test_a_forgotten_contact_asks_anew_and_nothing_said_is_lost(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        bob.call("message.send", text="before", to="Alice")
        mesh.wait_until(lambda: self.exchanged(alice, "Bob") == ["hello", "before"], 15, "Alice has it")

        def states():
            page = bob.call("message.list", **{"with": "Alice"})["messages"]
            return [message["state"] for message in page if message["own"]]

        mesh.wait_until(lambda: states() == ["delivered"], 15, "Bob knows that it came")
        alice.call("person.set", member="Bob", alias="Buddy")
        alice.call("book.add", name="Bob", host="127.0.0.1", port=self.port(bob))
        self.assertEqual(alice.call("book.forget", name="Buddy"), {"name": "Bob", "contact": True})
        for _ in range(2):
            self.assertEqual(self.contact(alice, "Bob"), {})
            self.assertEqual(self.exchanged(alice, "Bob"), ["hello", "before"])
            self.assertEqual(alice.export("--with", "Bob").count(b"\n"), 3)
            self.assertIn("no contact", self.refused(alice, "book.forget", name="Bob").message)
            alice.kill()
            alice.start()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 15, "Alice is linked again")
        self.assertEqual(self.contact(bob, "Alice")["relation"], "accepted")  # not told
        bob.call("message.send", text="after", to="Alice")
        mesh.wait_until(lambda: self.contact(alice, "Bob").get("asks"), 15, "Bob asks anew")
        self.assertEqual(self.exchanged(alice, "Bob"), ["hello", "before"])
        self.assertEqual(alice.call("message.search", words="after")["messages"], [])
        self.assertEqual(states()[0], "delivered")
        self.assertIn(states()[1], ("pending", "sent"))
        alice.call("contact.answer", member="Bob", accept=True)
        mesh.wait_until(lambda: self.exchanged(alice, "Bob") == ["hello", "before", "after"], 15, "now it is shown")
        mesh.wait_until(lambda: states() == ["delivered"] * 2, 15, "and Bob is told")

    def test_pages_without_anything_to_show_end_no_listing(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        alice.call("book.forget", name="Bob")
        for number in range(30):
            bob.call("message.send", text=f"unseen {number}", to="Alice")
        bob.call("message.send", text="in the room")
        mesh.wait_until(lambda: alice.status()["messages"] >= 32, 15, "Alice holds all")
        alice.call("message.send", text="first seen", room="#lobby")
        newest = alice.call("message.list", **{"with": "Bob", "limit": 10})
        self.assertEqual(texts(newest["messages"]), ["hello"])
        self.assertFalse(newest["more"])
        bob.call("person.set", member="Alice", ignored=True)
        for number in range(30):
            alice.call("message.send", text=f"ignored {number}")
        mesh.wait_until(lambda: bob.status()["messages"] >= 63, 15, "Bob holds all")
        newest = bob.call("message.list", room="#lobby", limit=10)
        self.assertEqual(texts(newest["messages"]), ["in the room"])
        listed = bob.call("message.list", room="#lobby", limit=10, ignored=True)
        self.assertEqual(len(listed["messages"]), 10)
        self.assertIn(b"in the room", bob.export("--without-ignored"))

    def test_who_was_forgotten_can_be_written_to_again(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        alice.call("book.forget", name="Bob")
        alice.call("message.send", text="again", to="Bob")
        mesh.wait_until(lambda: self.exchanged(bob, "Alice") == ["hello", "again"], 15, "Bob has both")
        self.assertEqual(self.contact(alice, "Bob")["relation"], "accepted")
        bob.call("message.send", text="answer", to="Alice")
        mesh.wait_until(lambda: self.exchanged(alice, "Bob") == ["hello", "again", "answer"], 15, "and answers")


class Screen(mesh.MeshTest):
    def test_people_are_reached_by_address_and_noted(self):
        alice = Chat(self.box, "Alice").expect_open()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        # Who is discoverable would be asked to talk instead: test_strangers.py.
        eve = Chat(self.box, "Eve", options=["--undiscoverable"]).expect_open()
        alice.say(f"/connect 127.0.0.1 {bob.port}")
        alice.expect(rf"^>INFO: Bob is at 127\.0\.0\.1:{bob.port}\.$")
        alice.expect(r"^>INFO: You talk with Bob alone now; /close to stop\.$")
        alice.say("/close", f"/msg 127.0.0.1 {bob.port} found you", "/msg Bob 42 is the answer")
        bob.expect(r"^>INFO: Alice wants to chat\.")
        bob.say("/accept Alice")
        bob.expect(r"^Alice \(direct\): found you$")
        bob.expect(r"^Alice \(direct\): 42 is the answer$")
        alice.say(f"/chat localhost {bob.port} by name")
        alice.expect(rf"^>INFO: Bob is at localhost:{bob.port}\.$")
        bob.expect(r"^Alice \(direct\): by name$")
        alice.say("/close")

        closed = closed_port()
        alice.say(f"/msg 127.0.0.1 {closed} nobody",
                  f"/connect 127.0.0.1 {eve.port}", "/connect 127.0.0.1",
                  "/connect ::1 70000", "/who 127.0.0.1:" + str(bob.port), "/who Bob")
        alice.expect(rf"^>INFO: Nobody was reached at 127\.0\.0\.1:{closed}: .*refused")
        alice.expect(rf"^>INFO: 127\.0\.0\.1:{eve.port} is in another mesh; nothing was changed\.")
        alice.expect(r"^>INFO: /connect needs PORT\.$")
        alice.expect(r"^>INFO: /connect takes a host and a port")
        alice.expect(r"^>INFO: Bob is online since ")
        alice.expect(r'^>INFO: "Bob" is no address')
        alice.say("/msg Zoe hello", "/add Zoe", f"/add Zoe 127.0.0.1 {closed}", "/contacts", "/msg Zoe hello", "/forget Zoe")
        alice.expect(r"^>INFO: There is no member Zoe here\. /add Zoe HOST PORT notes where Zoe is, "
                     r"/connect HOST PORT looks\.$")
        alice.expect(r'^>INFO: Where is "Zoe"\? Type /add NAME HOST PORT')
        alice.expect(rf"^>INFO: Zoe is noted at 127\.0\.0\.1:{closed}, but nobody was found there: .*refused")
        alice.expect(rf"^>INFO: Zoe is not found yet, noted at 127\.0\.0\.1:{closed}\.$")
        alice.expect(rf"^>INFO: Zoe is noted at 127\.0\.0\.1:{closed}, but .*refused")
        alice.expect(r"^>INFO: What was noted of Zoe is forgotten\.$")
        alice.say(f"/add Robert 127.0.0.1 {bob.port}", "/msg robert hi, Robert", "/contacts", "/alias Bob -", "/alias Bob \x1b[2J",
                  "/alias Bob Eve", "/forget Eve", "/forget Robert")
        alice.expect(rf"^>INFO: At 127\.0\.0\.1:{bob.port} is Bob: noted, and Robert is another name for Bob here\.$")
        alice.expect(rf"^>INFO: Bob is online: contact, Robert to you, noted at 127\.0\.0\.1:{bob.port}\.$")
        alice.expect(r"^>INFO: Bob has no other name here any more\.$")
        alice.expect(r"^>INFO: .*name")
        alice.expect(r"^>INFO: Eve is Bob here, for you alone\.$")
        alice.expect(r"^>INFO: You have forgotten Bob: it is no contact any more")
        alice.expect(r"^>INFO: There is no member Robert here\.")
        bob.expect(r"^Alice \(direct\): hi, Robert$")
        bob.say("/msg Alice remember me?")
        alice.expect(r"^>INFO: Bob wants to chat\.")
        for chat in (alice, bob, eve):
            self.assertEqual(chat.leave(), 0)
            self.assertNotRegex(chat.raw, mesh.RAW_CONTROL)
            self.assertEqual(chat.stderr(), "")


def mesh_accept(listener):
    listener.settimeout(mesh.stretched(15))
    return listener.accept()


if __name__ == "__main__":
    mesh.main()
