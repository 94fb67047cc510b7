"""Several meshes at once: nothing of one gets into another, all are resumed, one is left or put out of, and a screen
shows them with their names."""

import mesh
from chat import Chat
from control import RpcFault
from people import PeopleTest, texts


def labels(node):
    return [entry["label"] for entry in node.call("mesh.list")]


class Meshes(PeopleTest):
    def current(self, node):
        return next(entry for entry in node.call("mesh.list") if entry["current"])

    def in_mesh(self, node, label):
        """A client of the node that is in this one of its meshes."""
        client = node.connect()
        client.call("mesh.use", mesh=label)
        return client

    def fault(self, client, method, **params):
        with self.assertRaises(RpcFault) as raised:
            client.call(method, **params)
        return raised.exception

    def two_meshes(self):
        """Alice and Carol have one mesh each, and Bob is in both: Carol's is his current one."""
        alice = self.node("Alice").start()
        carol = self.node("Carol").start()
        bob = self.node("Bob", join=[alice.address]).start()
        self.call_enter(bob, carol)
        mesh.wait_until(lambda: set(labels(bob)) == {"Alice", "Carol"}, 15, "Bob knows who founded both")
        return alice, bob, carol

    def call_enter(self, node, other):
        host, port = other.address.rsplit(":", 1)
        entered = node.call("mesh.enter", host=host, port=int(port))
        node.call("mesh.switch", mesh=entered["mesh"])
        return entered

    def test_nothing_of_one_mesh_is_seen_in_another(self):
        alice, bob, carol = self.two_meshes()
        at_alice, at_carol = self.in_mesh(bob, "Alice"), self.in_mesh(bob, "Carol")
        at_alice.call("message.send", text="for Alice's mesh")
        at_carol.call("message.send", text="for Carol's mesh")
        alice.call("message.send", text="from Alice")
        carol.call("message.send", text="from Carol")
        mesh.wait_until(lambda: set(texts(alice.messages())) == {"for Alice's mesh", "from Alice"}, 15, "Alice's mesh")
        mesh.wait_until(lambda: set(texts(carol.messages())) == {"for Carol's mesh", "from Carol"}, 15, "Carol's mesh")
        for label, own in [("Alice", alice), ("Carol", carol)]:
            mesh.wait_until(lambda: self.ctl(bob.data_dir, "--mesh", label, "export").stdout == own.export(), 15,
                            f"Bob's export of the mesh {label}")
        self.assertEqual({member["name"] for member in at_alice.call("members.list")}, {"Alice", "Bob"})
        self.assertEqual({member["name"] for member in at_carol.call("members.list")}, {"Bob", "Carol"})
        self.assertEqual({member["name"] for member in alice.call("members.list")}, {"Alice", "Bob"})
        for database, foreign in [(alice, b"for Carol's mesh"), (carol, b"for Alice's mesh")]:
            for path in database.data_dir.rglob("*.db*"):
                self.assertNotIn(foreign, path.read_bytes())

    def test_all_are_resumed_after_a_crash_and_the_current_one_is_the_same(self):
        alice, bob, carol = self.two_meshes()
        self.in_mesh(bob, "Alice").call("message.send", text="before")
        bob.kill()
        alice.call("message.send", text="meanwhile")
        carol.call("message.send", text="meanwhile here too")
        bob.restart()
        mesh.wait_until(lambda: sorted(labels(bob)) == ["Alice", "Carol"], 15, "both are resumed")
        self.assertEqual(self.current(bob)["label"], "Carol")
        for label, wanted in [("Alice", {"before", "meanwhile"}), ("Carol", {"meanwhile here too"})]:
            client = self.in_mesh(bob, label)
            mesh.wait_until(lambda: set(texts(client.call("message.list")["messages"])) == wanted, 30,
                            f"what was missed in {label} has come")

    def test_a_newcomer_who_names_none_gets_an_open_one(self):
        alice = self.node("Alice", options=["--private"]).start()
        opened = alice.call("mesh.open")
        self.assertTrue(self.current(alice)["closed"])
        bob = self.node("Bob", join=[alice.address]).start()
        self.assertEqual(bob.status()["mesh"], opened["mesh"])

    def test_one_is_left_and_entered_again(self):
        alice, bob, carol = self.two_meshes()
        self.in_mesh(bob, "Alice").call("message.send", text="I was here")
        mesh.wait_until(lambda: texts(alice.messages()) == ["I was here"], 15, "Alice has it")
        watcher = self.in_mesh(bob, "Alice")
        watcher.call("events.subscribe")
        self.assertEqual(bob.call("mesh.leave", mesh="Alice")["label"], "Carol")
        left = watcher.wait_event("mesh")
        self.assertEqual((left["label"], left["entered"]), ("Alice", False))
        fault = self.fault(watcher, "message.send", text="into nothing")
        self.assertEqual(fault.status, 75)
        mesh.wait_until(lambda: not self.member(alice, "Bob")["online"], 15, "Alice sees him leave")
        self.assertTrue(self.member(carol, "Bob")["online"])
        bob.terminate()
        bob.restart()
        self.assertEqual(labels(bob), ["Carol"])
        self.call_enter(bob, alice)
        client = self.in_mesh(bob, "Alice")
        mesh.wait_until(lambda: texts(client.call("message.list")["messages"]) == ["I was here"], 15,
                        "what was held is there")
        mesh.wait_until(lambda: self.member(alice, "Bob")["online"], 15, "Alice sees him again")
        fault = self.fault(carol, "mesh.leave", mesh="Carol")
        self.assertEqual(fault.status, 64)
        self.assertIn("only mesh", fault.message)

    def test_being_put_out_of_one_leaves_the_others(self):
        alice, bob, carol = self.two_meshes()
        mesh.wait_until(lambda: self.member(alice, "Bob")["online"], 15, "Alice knows Bob")
        alice.call("moderation.act", verb="kick", member="Bob", mesh=True)
        mesh.wait_until(lambda: labels(bob) == ["Carol"], 15, "he is out of Alice's mesh")
        carol.call("message.send", text="still here?")
        client = self.in_mesh(bob, "Carol")
        mesh.wait_until(lambda: texts(client.call("message.list")["messages"]) == ["still here?"], 15, "and in Carol's")

    def test_what_is_named_wrongly_is_told(self):
        alice, bob, carol = self.two_meshes()
        fault = self.fault(bob, "mesh.use", mesh="Dora")
        self.assertEqual(fault.status, 64)
        self.assertRegex(fault.message, r"No mesh here is called Dora\. There is: Alice, Carol\.")
        done = self.ctl(bob.data_dir, "--mesh", "Dora", "members", status=64)
        self.assertIn(b"No mesh here is called Dora", done.stderr)
        fault = self.fault(bob, "mesh.enter", host="127.0.0.1", port=1)
        self.assertEqual(fault.status, 69)
        # Entering one where one is already changes nothing.
        self.assertEqual(self.call_enter(bob, alice)["label"], "Alice")
        self.assertEqual(sorted(labels(bob)), ["Alice", "Carol"])
        fault = self.fault(bob, "mesh.enter", link="p2pmesh://nowhere")
        self.assertEqual(fault.status, 64)
        # By the key of a mesh as well.
        mesh_id = self.current(bob)["mesh"]
        self.assertEqual(bob.call("mesh.use", mesh=mesh_id[:8])["mesh"], mesh_id)

    def test_one_that_cannot_be_resumed_is_not_forgotten(self):
        alice, bob, carol = self.two_meshes()
        closed = bob.call("mesh.open", closed=True)["mesh"]
        secret = next(bob.data_dir.rglob(f"{closed}.closed"))
        whole = secret.read_bytes()
        bob.terminate()
        secret.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        bob.restart()
        mesh.wait_until(lambda: sorted(labels(bob)) == ["Alice", "Carol"], 15, "the others are resumed")
        self.assertIn(f"mesh {closed[:8]}", bob.log.read_text())
        # What changes the list of meshes does not drop it either.
        bob.call("mesh.leave", mesh="Alice")
        bob.terminate()
        secret.write_bytes(whole)
        bob.restart()
        mesh.wait_until(lambda: closed in [entry["mesh"] for entry in bob.call("mesh.list")], 15, "it is back")

    def test_undiscoverable_holds_for_a_mesh_that_is_entered_later(self):
        alice = self.node("Alice").start()
        carol = self.node("Carol").start()
        bob = self.node("Bob", join=[alice.address]).start()
        mesh.wait_until(lambda: self.member(alice, "Bob").get("online"), 15, "Alice sees him")
        bob.call("discover.set", on=False)
        self.call_enter(bob, carol)
        mesh.wait_until(lambda: carol.status()["neighbors"] == 1, 15, "they are linked")
        self.assertFalse(self.member(carol, "Bob").get("online", False))
        self.assertFalse(bob.status()["discoverable"])
        bob.call("discover.set", on=True)
        mesh.wait_until(lambda: self.member(carol, "Bob").get("online"), 15, "Carol sees him then")

    def test_a_member_is_no_discovery_server(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", options=["--rendezvous", alice.address]).start()
        mesh.wait_until(lambda: bob.call("rendezvous.list")[0]["trouble"] != "", 15, "it is told")
        entry = bob.call("rendezvous.list")[0]
        self.assertFalse(entry["linked"])
        self.assertIn("another mesh", entry["trouble"])
        self.assertEqual(alice.status()["members"], 1)

    def test_lines_into_a_mesh_that_is_left_are_told(self):
        alice = self.node("Alice").start()
        carol = self.node("Carol").start()
        bob = Chat(self.box, "Bob", *alice.address.rsplit(":", 1)).expect_open()
        bob.say("/enter " + carol.address.replace(":", " "))
        bob.expect(r"^>INFO: You are in the mesh \S+ now\.$")
        mesh.wait_until(lambda: self.box.run("p2pmeshctl", "--data-dir", str(bob.data_dir), "meshes").stdout
                        .count(b"Carol, ") == 1, 15, "the founder is known")
        said = [f"line {number}" for number in range(50)]
        bob.say("/leave Carol", *said)
        bob.expect(r"^>INFO: The mesh Carol was left; you are in another one now")
        self.assertEqual(bob.leave() in (0, 65, 75), True)
        # Each line is in one of the meshes, or was refused in words.
        refused = bob.stderr().count("not sent") + bob.stderr().count("may not have been sent")
        kept = [text for text in texts(alice.messages()) + texts(carol.messages()) if text in said]
        self.assertEqual(len(kept), len(set(kept)))
        self.assertTrue(len(kept) == len(said) or refused > 0, (len(kept), bob.stderr()))

    def test_as_many_as_may_be(self):
        alice = self.node("Alice").start()
        allowed = next(row["limit"] for row in alice.call("limits") if row["name"] == "meshes_max")
        for _ in range(allowed - 1):
            alice.call("mesh.open")
        fault = self.fault(alice, "mesh.open")
        self.assertEqual(fault.status, 75)
        self.assertIn(f"in {allowed} meshes", fault.message)
        self.assertEqual(len(set(labels(alice))), allowed)
        alice.kill()
        alice.restart()
        self.assertEqual(len(labels(alice)), allowed)

    def test_a_screen_shows_all_and_goes_from_one_to_another(self):
        alice = self.node("Alice").start()
        carol = self.node("Carol").start()
        bob = Chat(self.box, "Bob", *alice.address.rsplit(":", 1)).expect_open()
        bob.say("/enter " + carol.address.replace(":", " "))
        bob.expect(r"^>INFO: You are in the mesh \S+ now\.$")
        bob.say("hello Carol")
        mesh.wait_until(lambda: texts(carol.messages()) == ["hello Carol"], 15, "it went to Carol's mesh")
        mesh.wait_until(lambda: self.box.run("p2pmeshctl", "--data-dir", str(bob.data_dir), "meshes").stdout
                        .startswith(b"Alice, "), 15, "the founder of the other mesh is known")
        bob.say("/meshes")
        bob.expect(r"^>INFO: 2 meshes:$")
        bob.expect(r"^>INFO: Alice, open, 2 members, 2 online, 0 unread, mesh [0-9a-f]{8}\.$")
        bob.expect(r"^>INFO: Carol, current, open, 2 members, 2 online, 0 unread, mesh [0-9a-f]{8}\.$")
        alice.call("message.send", text="over here")
        bob.expect(r"^#lobby@Alice Alice: over here$")
        carol.call("message.send", text="and here")
        bob.expect(r"^Carol: and here$")
        bob.say("/switch Alice", "back again")
        bob.expect(r"^>INFO: You are in the mesh Alice now")
        mesh.wait_until(lambda: texts(alice.messages()) == ["over here", "back again"], 15, "it went to Alice's mesh")
        carol.call("message.send", text="and now")
        bob.expect(r"^#lobby@Carol Carol: and now$")
        # Nothing is shown twice, and what a screen has shown counts as read in both.
        mesh.wait_until(lambda: all(b" 0 unread" in line for line in self.box.run(
            "p2pmeshctl", "--data-dir", str(bob.data_dir), "meshes").stdout.splitlines()), 15, "all is read")
        for text in ["over here", "and here", "and now"]:
            self.assertEqual(sum(text in line for line in bob.said()), 1, text)
        bob.say("/leave Carol")
        bob.expect(r"^>INFO: The mesh Carol was left\.$")
        self.assertEqual(bob.leave(), 0)
        bob = Chat(self.box, "Bob").expect_open()
        self.assertIn("Alice", bob.greeting)
        self.assertEqual(bob.leave(), 0)

    def test_a_screen_whose_first_mesh_is_left_goes_on_in_another(self):
        alice = self.node("Alice").start()
        bob = Chat(self.box, "Bob", *alice.address.rsplit(":", 1)).expect_open()
        bob.say("/open private")
        bob.expect(r"^>INFO: You are in the mesh \S+ now\.$")
        bob.say("/switch Alice")
        bob.expect(r"^>INFO: You are in the mesh Alice now")
        bob.say("/leave Alice")
        bob.expect(r"^>INFO: The mesh Alice was left; you are in another one now: /meshes$")
        bob.say("to myself", "/meshes")
        bob.expect(r"^>INFO: 1 mesh:$")
        self.assertRegex(bob.expect(r"^>INFO: Bob, ").string, r"^>INFO: Bob, current, closed, 1 member, 1 online")
        self.assertEqual(bob.leave(), 0)

    def test_a_second_start_enters_another_mesh_in_the_running_node(self):
        alice = self.node("Alice").start()
        carol = self.node("Carol").start()
        first = Chat(self.box, "Bob", *alice.address.rsplit(":", 1)).expect_open()
        second = Chat(self.box, "Bob", *carol.address.rsplit(":", 1)).expect_open()
        self.assertIn("Carol", second.greeting)
        second.say("from the second")
        mesh.wait_until(lambda: texts(carol.messages()) == ["from the second"], 15, "Carol's mesh")
        third = Chat(self.box, "Bob", options=["--mesh", "Alice"]).expect_open()
        self.assertIn("Alice", third.greeting)
        first.expect(r"^#lobby@\S+ Bob: from the second$")
        self.assertEqual([chat.leave() for chat in (first, second, third)], [0, 0, 0])


if __name__ == "__main__":
    mesh.main()
