"""Being left alone: undiscoverable both ways, ignoring and blocking by key, lines that wait and are taken back,
receipts of reading."""

import os
import re

import mesh
from chat import Chat, ctl_status
from control import RpcFault
from people import PeopleTest, texts


class LeftAlone(PeopleTest):
    def test_undiscoverable(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        self.befriend(alice, bob)
        self.assertTrue(alice.status()["discoverable"])
        self.ctl(alice.data_dir, "discover", "off")
        self.assertFalse(alice.status()["discoverable"])
        mesh.wait_until(lambda: not self.member(carol, "Alice")["online"], 15, "Carol sees Alice as offline")
        self.assertTrue(self.member(bob, "Alice")["online"])
        self.assertTrue(self.member(bob, "Alice")["hidden"])
        self.assertEqual(alice.status()["neighbors"], 2)
        # Rooms go on, and what Alice writes waits, in order.
        carol.call("message.send", text="to all")
        mesh.wait_until(lambda: texts(alice.messages()) == ["to all"], 15, "Alice receives rooms")
        self.assertEqual(alice.call("message.send", text="one"), {"pending": 1})
        self.assertEqual(alice.call("message.send", text="between", to="Bob"), {"pending": 2})
        self.assertEqual(alice.call("message.send", text="two"), {"pending": 3})
        # Nothing that is addressed to Alice is opened or acknowledged.
        bob.call("message.send", text="psst", to="Alice")
        carol.call("message.send", text="who are you?", to="Alice")
        mesh.wait_until(lambda: bob.status()["pending"] + carol.status()["pending"] == 0, 15, "they are taken")
        alice.kill()
        alice.restart()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 2, 15, "Alice is linked again")
        self.assertFalse(alice.status()["discoverable"])
        self.assertEqual(self.exchanged(alice, "Bob"), [])
        self.assertEqual(self.contact(alice, "Carol"), {})
        self.assertEqual(self.states(bob, "Alice"), ["sent"])
        self.assertEqual(texts(carol.messages()), ["to all"])
        self.assertFalse(self.member(carol, "Alice")["online"])

        watcher = alice.connect()
        watcher.call("events.subscribe")
        self.ctl(alice.data_dir, "discover", "on")
        watcher.wait_event("message", text="psst")
        watcher.wait_event("asks", name="Carol")
        mesh.wait_until(lambda: texts(carol.messages()) == ["to all", "one", "two"], 15, "the lines come in order")
        mesh.wait_until(lambda: "between" in texts(self.exchanged(bob, "Alice")), 15, "and the direct one")
        mesh.wait_until(lambda: self.states(bob, "Alice") == ["delivered"], 15, "what Bob wrote is delivered")
        mesh.wait_until(lambda: self.member(carol, "Alice")["online"], 15, "Carol sees Alice")
        self.assertEqual(alice.status()["pending"], 0)
        alice.kill()
        alice.restart()
        self.assertEqual(texts(self.exchanged(alice, "Bob")), ["psst", "between"])  # once

    def test_started_undiscoverable(self):
        alice = self.node("Alice").start()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.address.split(":")[1], options=["--undiscoverable"]).expect_open()
        bob.expect(r"^>INFO: You appear offline to all but contacts\.")
        alice.call("message.send", text="is anybody here?")
        bob.expect(r"^Alice: is anybody here\?$")
        self.assertEqual(alice.status()["members"], 1)
        bob.say("/discover")
        bob.expect(r"^>INFO: You appear offline")
        bob.say("hush")
        bob.expect(r"^>INFO: That waits until it can be sent; /pending shows what does\.$")
        bob.say("/pending")
        bob.expect(r"^>INFO: 1 line that no neighbor has taken:$")
        bob.expect(r"^>INFO: 1 to #lobby, .*: hush$")
        bob.say("/discover on")
        bob.expect(r"^>INFO: Others see that you are here\.$")
        mesh.wait_until(lambda: texts(alice.messages()) == ["is anybody here?", "hush"], 15, "the line comes")
        mesh.wait_until(lambda: self.member(alice, "Bob").get("online"), 15, "Bob is seen")
        self.assertNotIn("Bob: hush", bob.lines)
        self.assertEqual(bob.leave(), 0)

    def test_a_pipe_that_nobody_sees_says_that_its_lines_wait(self):
        alice = self.node("Alice").start()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.address.split(":")[1], options=["--undiscoverable"]).expect_open()
        bob.say("later")
        bob.end_input()
        self.assertEqual(bob.wait(), 75)
        self.assertIn("1 line kept, sent after /discover on", bob.stderr())

    def test_ignored_and_blocked_by_key(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        self.befriend(alice, bob)
        screen = alice.connect()
        screen.call("events.subscribe")
        self.ctl(alice.data_dir, "ignore", "Bob")
        bob.call("message.send", text="noise in a room")
        bob.call("message.send", text="noise to you", to="Alice")
        carol.call("message.send", text="a word")
        screen.wait_event("message", text="a word")
        mesh.wait_until(lambda: self.states(bob, "Alice") == ["delivered"], 15, "it is kept, and Bob not told")
        self.assertEqual(texts(alice.messages()), ["a word"])
        self.assertEqual(self.exchanged(alice, "Bob"), [])
        self.assertEqual(alice.call("message.search", words="noise")["messages"], [])
        self.assertFalse([event for event in screen.events if "noise" in event.get("text", "")])
        self.assertEqual([room["unread"] for room in alice.call("rooms.list")], [1])
        export = alice.export()
        self.assertEqual(export, carol.export())
        self.assertIn(b"noise in a room", export)
        self.assertNotIn(b"noise in a room", alice.export("--without-ignored"))
        self.ctl(alice.data_dir, "unignore", "Bob")
        self.assertEqual(texts(self.exchanged(alice, "Bob")), ["noise to you"])
        self.assertEqual(sorted(texts(alice.messages())), ["a word", "noise in a room"])

        self.ctl(alice.data_dir, "block", "Bob")
        with self.assertRaisesRegex(RpcFault, "You have blocked Bob. /unblock Bob first"):
            alice.call("message.send", text="no", to="Bob")
        bob.call("message.send", text="knock", to="Alice")
        alice.kill()
        alice.restart()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 2, 15, "Alice is linked again")
        bob.call("message.send", text="knock again", to="Alice")
        mesh.wait_until(lambda: bob.status()["pending"] == 0, 15, "they are taken")
        bob.call("message.send", text="a last word in the room")
        mesh.wait_until(lambda: b"a last word" in alice.export(), 15, "rooms are kept")
        self.assertEqual(self.exchanged(alice, "Bob"), [])
        self.assertEqual(self.states(bob, "Alice")[1:], ["sent", "sent"])
        self.assertEqual(texts(alice.messages()), ["a word"])
        self.assertTrue(self.contact(alice, "Bob")["blocked"])
        self.ctl(alice.data_dir, "unblock", "Bob")
        wanted = ["noise to you", "knock", "knock again"]
        mesh.wait_until(lambda: texts(self.exchanged(alice, "Bob")) == wanted, 15, "what was refused is opened")
        mesh.wait_until(lambda: set(self.states(bob, "Alice")) == {"delivered"}, 15, "and delivered")

    def test_pages_that_are_ignored_as_a_whole_hide_nothing_behind_them(self):
        alice, bob = self.start("Alice", "Bob")
        alice.call("message.send", text="first")
        mesh.wait_until(lambda: texts(bob.messages()) == ["first"], 15, "Bob has it")
        for number in range(1500):
            bob.call("message.send", text=f"noise {number}")
        mesh.wait_until(lambda: alice.status()["messages"] == 1501, 30, "all has come")
        alice.call("message.send", text="last")
        self.ctl(alice.data_dir, "ignore", "Bob")
        self.assertEqual(texts(alice.call("message.list", limit=5)["messages"]), ["last"])
        before = alice.call("message.list", limit=1)["messages"][0]["id"]
        page = alice.call("message.list", limit=5, before=before)
        self.assertEqual((texts(page["messages"]), page["more"]), (["first"], False))
        export = alice.export("--without-ignored").decode()
        self.assertEqual([line.split("\t")[-1] for line in export.splitlines()[1:]], ["first", "last"])

    def test_who_was_killed_and_begins_undiscoverable_is_not_seen(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        alice.kill()
        mesh.wait_until(lambda: not self.member(carol, "Alice")["online"], 15, "Alice is gone")
        watcher = carol.connect()
        watcher.call("events.subscribe")
        hidden = self.node("Alice", data_dir=alice.data_dir, join=[bob.address], options=["--undiscoverable"]).start()
        mesh.wait_until(lambda: hidden.status()["neighbors"] == 2, 15, "Alice is linked")
        bob.call("message.send", text="is Alice here?")
        watcher.wait_event("message", text="is Alice here?")
        self.assertFalse(self.member(carol, "Alice")["online"])
        self.assertFalse(self.member(bob, "Alice")["online"])
        for verb in (("invite", "--room", "#lobby", "Bob"), ("nick", "Alicia"), ("topic", "here")):
            self.ctl(hidden.data_dir, *verb, status=64 if verb[0] == "invite" else 75)

    def test_a_damaged_database_does_not_show_who_is_undiscoverable(self):
        alice, bob = self.start("Alice", "Bob")
        self.ctl(alice.data_dir, "discover", "off")
        mesh.wait_until(lambda: not self.member(bob, "Alice")["online"], 15, "Bob sees Alice as offline")
        alice.kill()
        database = next(alice.data_dir.rglob("*.db"))
        database.write_bytes(b"no database" * 1000)
        for side in ("-wal", "-shm"):
            database.with_name(database.name + side).unlink(missing_ok=True)
        alice.restart(join=[bob.address])
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 15, "Alice is linked")
        self.assertFalse(alice.status()["discoverable"])
        bob.call("message.send", text="hello?")
        mesh.wait_until(lambda: "hello?" in texts(alice.messages()), 15, "Alice receives rooms")
        self.assertFalse(self.member(bob, "Alice").get("online"))

    def test_ten_thousand_lines_that_waited_come_in_order(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        bob.terminate()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 0, 15, "Alice is alone")
        control = alice.connect()
        for number in range(10_000):
            control.send("message.send", text=f"line {number:05d}", **({"to": "Bob"} if number // 100 % 5 else {}))
        control.wait(lambda: len(control.replies) == 10_000, "all are kept", 60)
        self.assertTrue(all("pending" in reply["result"] for reply in control.replies.values()))
        alice.kill()
        alice.restart()
        self.assertEqual(alice.status()["pending"], 10_000)
        bob.restart(join=[alice.address])
        mesh.wait_until(lambda: bob.status()["messages"] >= 10_000, 60, "they have come")
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 60, "and Alice knows")

        def all_of(params):
            listed, after = [], "0" * 64 + ".0"
            while True:
                page = bob.call("message.list", limit=1000, after=after, **params)
                listed += texts(page["messages"])
                if not page["more"]:
                    return listed
                after = page["messages"][-1]["id"]

        self.assertEqual(all_of({"with": "Alice"}), [f"line {n:05d}" for n in range(10_000) if n // 100 % 5])
        self.assertEqual(all_of({}), [f"line {n:05d}" for n in range(10_000) if n // 100 % 5 == 0])

    def test_lines_are_taken_back_until_they_are_envelopes(self):
        alice = Chat(self.box, "Alice").expect_open()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        bob.leave()
        alice.expect(r"^>INFO: Bob left\.$")
        alice.say("one", "two", "three", "/pending", "/cancel 2", "/cancel 2", "/cancel many", "/history")
        for line in (r"That waits until it can be sent", r"3 lines that no neighbor has taken:", r"1 to #lobby, .*: one",
                     r"2 to #lobby, .*: two", r"3 to #lobby, .*: three", r"/cancel N takes a line back",
                     r"1 line taken back\.", r"Line 2 does not wait any more: it was sent or cancelled, or never was",
                     r"/cancel takes the number of a line", r"There are no messages in #lobby\.",
                     r"Not sent yet: 1 to #lobby, .*: one", r"Not sent yet: 3 to #lobby, .*: three"):
            alice.expect("^>INFO: " + line)
        os.kill(alice.node_pid(), 9)
        self.assertEqual(alice.wait(), 69)
        alice = Chat(self.box, "Alice", data_dir=alice.data_dir).expect_open()
        alice.say("/pending")
        alice.expect(r"^>INFO: 2 lines that no neighbor has taken:$")
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port, data_dir=bob.data_dir).expect_open()
        bob.expect(r"^Alice: one$")
        bob.expect(r"^Alice: three$")
        mesh.wait_until(lambda: ctl_status(self.box, alice.data_dir)["pending"] == 0, 15, "Bob has said so")
        alice.say("/pending", "/cancel 1", "/sent")
        alice.expect(r"^>INFO: Nothing waits to be sent\.$")
        alice.expect(r"^>INFO: Line 1 does not wait any more")
        alice.expect(r"^>INFO: sent \(1\): one$")
        alice.expect(r"^>INFO: sent \(1\): three$")
        self.assertFalse([line for line in alice.lines if re.match(r"Alice: ", line)])
        self.assertEqual([bob.leave(), alice.leave()], [0, 0])

    def test_what_was_read_is_told_when_it_is_allowed(self):
        alice, bob = self.start("Alice", "Bob")
        self.befriend(alice, bob)
        alice.call("message.send", text="one", to="Bob")
        mesh.wait_until(lambda: self.states(alice, "Bob") == ["delivered"], 15, "it is delivered")
        self.assertEqual(self.contact(bob, "Alice")["unread"], 1)
        bob.kill()
        bob.restart()
        self.assertEqual(self.contact(bob, "Alice")["unread"], 1)
        screen = Chat(self.box, "Bob", data_dir=bob.data_dir, listen=None).expect_open()
        screen.expect(r"^Alice \(direct\): one$")
        mesh.wait_until(lambda: self.contact(bob, "Alice")["unread"] == 0, 15, "a screen has shown it")
        alice.call("message.send", text="two", to="Bob")
        screen.expect(r"^Alice \(direct\): two$")
        mesh.wait_until(lambda: self.states(alice, "Bob") == ["delivered"] * 2, 15, "delivered, not read")
        screen.say("/receipts", "/receipts on")
        screen.expect(r"^>INFO: Nobody is told whether you have read")
        screen.expect(r"^>INFO: Those you talk with are told")
        alice.call("message.send", text="three", to="Bob")
        screen.expect(r"^Alice \(direct\): three$")
        mesh.wait_until(lambda: self.states(alice, "Bob") == ["read"] * 3, 15, "it was read")
        screen.say("/receipts off")
        screen.expect(r"^>INFO: Nobody is told")
        alice.call("message.send", text="four", to="Bob")
        screen.expect(r"^Alice \(direct\): four$")
        mesh.wait_until(lambda: self.states(alice, "Bob") == ["read"] * 3 + ["delivered"], 15, "no more")
        alice.kill()
        alice.restart()
        self.assertEqual(self.states(alice, "Bob"), ["read"] * 3 + ["delivered"])
        screen.leave()

    def test_bad_input_is_told_and_changes_nothing(self):
        alice, bob = self.start("Alice", "Bob")
        for verb in ("ignore", "block"):
            told = self.ctl(alice.data_dir, verb, "Alice", status=64).stderr.decode()
            self.assertIn("That is you", told)
            self.assertIn("There is no member", self.ctl(alice.data_dir, verb, "Nobody", status=64).stderr.decode())
        self.assertIn("on or off", self.ctl(alice.data_dir, "discover", "maybe", status=64).stderr.decode())
        self.assertIn("does not wait", self.ctl(alice.data_dir, "cancel", "7", status=64).stderr.decode())
        self.assertIn("cancel takes a number", self.ctl(alice.data_dir, "cancel", "seven", status=64).stderr.decode())
        self.assertEqual(alice.call("contacts.list"), [])
        for params in ({"member": "Bob"}, {"member": "Bob", "ignored": "yes"}, {"ignored": True}):
            with self.assertRaises(RpcFault):
                alice.call("person.set", **params)
        self.assertEqual(alice.call("contacts.list"), [])


if __name__ == "__main__":
    mesh.main()
