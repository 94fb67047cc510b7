"""Direct messages between real nodes: asked for, answered, carried for those who are away, told as delivered when
they are."""

import contextlib
import sqlite3

import mesh
from chat import Chat, ctl_status
from people import PeopleTest, texts
from wire_tap import WireTap


class DirectMessages(PeopleTest):
    def wait_state(self, node, name, state):
        def states():
            return {message["state"] for message in self.exchanged(node, name) if message["own"]}

        mesh.wait_until(lambda: states() == {state}, 15, f"what {node.name} wrote to {name} is {state}")

    def wait_texts(self, node, name, wanted):
        mesh.wait_until(lambda: texts(self.exchanged(node, name)) == wanted, 15, f"{node.name} has {wanted}")

    def test_asked_accepted_and_delivered(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        self.ctl(alice.data_dir, "send", "--to", "Bob", "are you there?")
        mesh.wait_until(lambda: self.contact(bob, "Alice").get("asks"), 15, "Bob is asked")
        self.wait_state(alice, "Bob", "sent")
        self.assertEqual(self.exchanged(bob, "Alice"), [])  # kept unseen
        self.assertEqual(self.contact(alice, "Bob")["theirs"], "none")
        self.ctl(bob.data_dir, "accept", "Alice")
        self.wait_texts(bob, "Alice", ["are you there?"])
        self.wait_state(alice, "Bob", "delivered")
        bob.call("message.send", text="I am", to="Alice")
        self.wait_texts(alice, "Bob", ["are you there?", "I am"])
        self.wait_state(bob, "Alice", "delivered")
        self.assertEqual(carol.call("contacts.list"), [])
        self.assertEqual(self.exchanged(carol, "Alice"), [])
        listed = self.ctl(alice.data_dir, "history", "--with", "Bob").stdout.decode()
        self.assertRegex(listed, r"Z Alice: are you there\?\n.*Z Bob: I am\n$")

    def test_declined_keeps_what_was_written_until_it_is_accepted(self):
        alice, bob = self.start("Alice", "Bob")
        alice.call("message.send", text="one", to="Bob")
        mesh.wait_until(lambda: self.contact(bob, "Alice").get("asks"), 15, "Bob is asked")
        bob.call("contact.answer", member="Alice", accept=False)
        mesh.wait_until(lambda: self.contact(alice, "Bob")["theirs"] == "declined", 15, "Alice is told")
        alice.call("message.send", text="two", to="Bob")
        self.wait_state(alice, "Bob", "sent")
        bob.terminate()
        alice.call("message.send", text="three", to="Bob")
        bob.start()
        mesh.wait_until(lambda: bob.status()["messages"] == 3, 15, "Bob's node holds all three")
        self.assertEqual(self.exchanged(bob, "Alice"), [])
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_texts(bob, "Alice", ["one", "two", "three"])
        self.wait_state(alice, "Bob", "delivered")

    def test_a_request_waits_for_who_is_away_over_restarts(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        bob.terminate()
        alice.call("message.send", text="when you are back", to="Bob")
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 15, "Carol carries it")
        alice.terminate()
        carol.kill()
        carol.restart()
        bob.restart(join=[carol.address])
        mesh.wait_until(lambda: self.contact(bob, "Alice").get("asks"), 20, "it came though its author is gone")
        bob.kill()
        bob.restart()
        self.assertTrue(self.contact(bob, "Alice")["asks"])
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_texts(bob, "Alice", ["when you are back"])
        mesh.wait_until(lambda: bob.status()["neighbors"] > 0, 15, "Bob is linked")
        alice.restart(join=[carol.address])
        self.wait_state(alice, "Bob", "delivered")

    def test_five_conversations_at_once(self):
        names = ["Bob", "Carol", "Dave", "Erin", "Frank"]
        alice, *others = self.start("Alice", *names)
        for other in others:
            self.befriend(alice, other)
        for number in range(20):
            for other in others:
                alice.call("message.send", text=f"{number} for {other.name}", to=other.name)
                other.call("message.send", text=f"{number} from {other.name}", to="Alice")
        for other in others:
            mesh.wait_until(lambda: len(self.exchanged(alice, other.name)) == 40, 15, "all have come")
            mesh.wait_until(lambda: len(self.exchanged(other, "Alice")) == 40, 15, "all have come")
            self.assertEqual(texts(self.exchanged(other, "Alice")), texts(self.exchanged(alice, other.name)))
            self.wait_state(alice, other.name, "delivered")
            self.wait_state(other, "Alice", "delivered")
            mine = [text for text in texts(self.exchanged(other, "Alice")) if " for " in text]
            self.assertEqual(mine, [f"{number} for {other.name}" for number in range(20)])

    def test_carriers_hold_no_text(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        self.befriend(alice, bob)
        canary = "canary-between-two-7f3a"
        alice.call("message.send", text=canary, to="Bob")
        self.wait_state(alice, "Bob", "delivered")
        mesh.wait_until(lambda: carol.status()["counters"]["store_queue_bytes"] == 0, 15, "Carol has stored it")
        carol.terminate()
        for node, holds in ((alice, True), (bob, True), (carol, False)):
            if node is not carol:
                node.terminate()
            files = [path for path in node.data_dir.rglob("*") if path.is_file()]
            found = [path for path in files if canary.encode() in path.read_bytes()]
            self.assertEqual(bool(found), holds, f"{node.name}: {found}")

    def test_neither_carriers_nor_the_wire_tell_what_is_written_or_to_whom(self):
        """Bob writes through a tap; the envelopes, as the carrier stores them, are those that were on the wire."""
        alice = self.node("Alice").start()
        tap = WireTap("127.0.0.1", alice.status()["port"])
        self.addCleanup(tap.close)
        bob = self.node("Bob", join=[tap.address]).start()
        carol = self.node("Carol", join=[alice.address]).start()
        for node in (alice, bob, carol):
            mesh.wait_until(lambda: node.status()["online"] == 3, 15, f"{node.name} sees everybody")
        self.befriend(bob, carol)
        canaries = [f"canary {number} for Carol alone" for number in range(5)]
        for canary in canaries:
            bob.call("message.send", text=canary, to="Carol")
        self.wait_state(bob, "Carol", "delivered")
        mesh.wait_until(lambda: alice.status()["counters"]["store_queue_bytes"] == 0, 15, "Alice has stored them")
        key = bytes.fromhex(carol.status()["key"])
        author = bytes.fromhex(bob.status()["key"])
        database = next(alice.data_dir.rglob("*.db"))
        for node in (alice, bob, carol):
            node.terminate()
        with contextlib.closing(sqlite3.connect(database)) as opened:
            carried = [row[0] for row in opened.execute("SELECT encoded FROM envelopes")]
            records = [row[0] for row in opened.execute("SELECT encoded FROM records")]
        # Those that Bob wrote and that belong to no room: the request and five messages.
        carried = [envelope for envelope in carried if author in envelope and b"#lobby" not in envelope]
        self.assertGreaterEqual(len(carried), 6)
        wire = tap.bytes()
        self.assertGreater(len(wire), sum(len(envelope) for envelope in carried), "the tap is where they pass")
        for open_text in (*carried, *records, b"Alice", b"Carol", key, author):
            self.assertNotIn(open_text, wire)
        self.assertTrue(any(key in record for record in records), "her key is there, in her own records")
        for envelope in carried:
            self.assertNotIn(key, envelope)
        for canary in canaries:
            self.assertNotIn(canary.encode(), wire)
            self.assertFalse([path for path in alice.data_dir.rglob("*") if path.is_file()
                              and canary.encode() in path.read_bytes()])
        sizes = {len(envelope) for envelope in carried}
        self.assertEqual(len(sizes), 1, "short ones are all of one size")

    def test_search_finds_what_is_shown_and_nothing_else(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")

        def found(node, words, **params):
            return texts(message for message in node.call("message.search", words=words, **params)["messages"])

        alice.call("message.send", text="a secret café", to="Bob")
        alice.call("message.send", text="no secret")
        mesh.wait_until(lambda: self.contact(bob, "Alice").get("asks"), 15, "Bob is asked")
        mesh.wait_until(lambda: found(bob, "secret") == ["no secret"], 15, "what is not accepted is not found")
        bob.call("contact.answer", member="Alice", accept=True)
        self.wait_texts(bob, "Alice", ["a secret café"])
        for node in (alice, bob):
            self.assertEqual(sorted(found(node, "secret")), ["a secret café", "no secret"])
            self.assertEqual(found(node, "CAFE", **{"from": "Alice"}), ["a secret café"])
            self.assertEqual(found(node, "secret", room="#lobby"), ["no secret"])
        self.assertEqual(found(carol, "secret"), ["no secret"])
        self.assertEqual(found(carol, "cafe"), [])
        printed = self.ctl(bob.data_dir, "search", "cafe").stdout.decode()
        self.assertRegex(printed, "with Alice Alice: a secret café\n$")

    def test_of_two_bobs_the_one_who_holds_the_name_is_written_to(self):
        alice, bob = self.start("Alice", "Bob")
        other = self.node("Bob", data_dir=self.box.data_dir("other"), join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 3, 15, "the other Bob is there")
        keys = {member["name"]: member["key"] for member in alice.call("members.list")}
        suffixed = next(name for name in keys if name.startswith("Bob~"))
        alice.call("message.send", text="for the holder", to="Bob")
        alice.call("message.send", text="for the other", to=suffixed)
        for node, name, text in ((bob, "Bob", "for the holder"), (other, suffixed, "for the other")):
            self.assertEqual(keys[name], node.status()["key"])
            mesh.wait_until(lambda: self.contact(node, "Alice").get("asks"), 15, f"{name} is asked")
            node.call("contact.answer", member="Alice", accept=True)
            self.wait_texts(node, "Alice", [text])

    def test_a_replay_goes_on_over_what_is_hidden(self):
        alice, bob = self.start("Alice", "Bob")
        control = alice.connect()
        for number in range(3000):  # whole pages of a replay
            control.send("message.send", text=f"unasked {number}", to="Bob")
        control.wait(lambda: len(control.replies) == 3000, "all are written")
        mesh.wait_until(lambda: bob.status()["messages"] == 3000, 15, "all have come")
        watcher = bob.connect()
        watcher.call("events.subscribe", after="0.0")
        watcher.wait(lambda: any(event["type"] == "live" for event in watcher.events), "the replay ends")
        self.assertEqual([event for event in watcher.events if event["type"] == "message"], [])

    def test_bad_input(self):
        alice, bob = self.start("Alice", "Bob")

        def refused(status, pattern, *arguments):
            done = self.ctl(alice.data_dir, *arguments, status=status)
            self.assertRegex(done.stderr.decode(), pattern)

        refused(64, "There is no member Zoe here", "send", "--to", "Zoe", "hello")
        refused(64, "That is you", "send", "--to", "Alice", "hello")
        refused(64, "Bob has not asked to talk to you", "accept", "Bob")
        refused(64, "There is no member", "decline", "\x1b[31mBob")
        refused(64, "There is no member", "history", "--with", "a" * 3000)
        refused(64, "a room or a member, not both", "send", "--to", "Bob", "--room", "#dev", "hello")
        refused(64, "The text is empty", "send", "--to", "Bob", "")
        self.assertEqual(alice.call("contacts.list"), [])
        self.assertEqual(bob.call("contacts.list"), [])


class Conversations(PeopleTest):
    """The same, typed into p2pchat."""

    def test_asked_accepted_and_talked(self):
        alice, bob, carol = self.chats("Alice", "Bob", "Carol")
        alice.say("/msg Bob  are you /there?")
        bob.expect(r"^>INFO: Alice wants to chat\. /accept Alice or /decline Alice$")
        bob.say("/accept Alice")
        bob.expect(r"^>INFO: You talk with Alice\. 1 message:$")
        bob.expect(r"^Alice \(direct\): are you /there\?$")
        alice.expect(r"^>INFO: Bob wants to chat with you too\.$")
        bob.say("/chat Alice", "I am", "really")
        bob.expect(r"^>INFO: You talk with Alice alone now; /close to stop\.$")
        alice.expect(r"^>INFO: Bob has opened a conversation with you\.$")
        alice.expect(r"^Bob \(direct\): I am$")
        alice.expect(r"^Bob \(direct\): really$")
        bob.say("/close", "to all")
        bob.expect(r"^>INFO: You have closed the conversation with Alice; lines go to #lobby again\.$")
        alice.expect(r"^>INFO: Bob has closed the conversation\.$")
        carol.expect(r"^Bob: to all$")
        self.assertEqual(carol.said(), ["Bob: to all"])
        bob.say("/history Alice")
        bob.expect(r"^>INFO: 3 messages with Alice:$")
        bob.expect(r"^Alice \(direct\): are you /there\?$")
        bob.expect(r"^Bob \(direct to Alice\): I am$")
        bob.expect(r"^Bob \(direct to Alice\): really$")
        bob.expect(r"^>INFO: End of messages; there are no earlier ones\.$")
        alice.say("/contacts")
        alice.expect(r"^>INFO: Bob is online: contact\.$")
        for chat in (alice, bob, carol):
            self.assertEqual(chat.leave(), 0)
            self.assertEqual(chat.stderr(), "")

    def test_declined_and_asked_again(self):
        alice, bob = self.chats("Alice", "Bob")
        alice.say("/request Bob", "/contacts")
        alice.expect(r"^>INFO: You have asked Bob to talk\.$")
        alice.expect(r"^>INFO: Bob is online: sent, not accepted\.$")
        bob.expect(r"^>INFO: Alice wants to chat\.")
        bob.say("/decline Alice")
        alice.expect(r"^>INFO: Bob declined; what you write waits, in case that changes\.$")
        alice.say("/msg Bob please", "/contacts")
        alice.expect(r"^>INFO: Bob is online: declined\.$")
        bob.say("/contacts", "/accept Alice")
        bob.expect(r"^>INFO: Alice is online: declined by you\.$")
        bob.expect(r"^Alice \(direct\): please$")

    def test_a_request_is_told_to_who_starts_later(self):
        alice, bob, carol = self.chats("Alice", "Bob", "Carol")
        self.assertEqual(bob.leave(), 0)
        alice.expect(r"^>INFO: Bob left\.$")
        alice.say("/msg Bob hello", "/msg Bob again")
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port).expect_open()
        bob.expect(r"^>INFO: Alice wants to chat\. /accept Alice or /decline Alice$")
        bob.say("/accept Alice")
        bob.expect(r"^Alice \(direct\): hello$")
        bob.expect(r"^Alice \(direct\): again$")
        self.assertEqual(bob.leave(), 0)
        # Who comes and goes often is not told each time.
        mesh.wait_until(lambda: ctl_status(self.box, alice.data_dir)["online"] == 2, 15, "Bob is gone")
        alice.say("/msg Bob missed")
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port).expect_open()
        bob.expect(r"^>INFO: 1 direct message:$")
        bob.expect(r"^Alice \(direct\): missed$")
        self.assertEqual(bob.said(), ["Alice (direct): missed"])
        self.assertEqual(carol.said(), [])

    def test_commands_in_the_wrong_state(self):
        alice, bob = self.chats("Alice", "Bob")
        for typed, answer in (
                ("/close", r"No conversation is open\."),
                ("/disconnect", r"No conversation is open\."),
                ("/msg", r"/msg needs NAME\."),
                ("/msg Bob", r"/msg needs TEXT\."),
                ("/msg Zoe hello", r"There is no member Zoe here"),
                ("/msg Alice hello", r"That is you"),
                ("/chat \u202eevil", r"There is no member \\xe2\\x80\\xaeevil here"),
                ("/accept Bob", r"Bob has not asked to talk to you\."),
                ("/decline Zoe", r"There is no member Zoe here"),
                ("/history Bob", r"There are no messages with Bob\."),
                ("/contacts", r"You talk with nobody yet"),
                ("/acept Bob", r"Unknown command /acept\. Did you mean /accept\?")):
            alice.say(typed)
            alice.expect(f"^>INFO: {answer}")
        alice.say("/chat Bob", "/exit")
        alice.expect(r"^>INFO: You have closed the conversation with Bob")
        alice.say("/exit")
        self.assertEqual(alice.wait(), 0)
        self.assertEqual(bob.said(), [])


if __name__ == "__main__":
    mesh.main()
