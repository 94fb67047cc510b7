"""Rooms in plain mode: joined and left, unread counts that survive restarts, history, and what cannot be a room."""

import json
import re

import mesh
from chat import Chat

NEWEST = r"the newest \d{4}-\d\d-\d\d \d\d:\d\d\."
HOSTILE_NAMES = ["#", "dev", "#a b", "#\x1b[2J", "#\u202eved", "#a~1", "#-x", "#\u200b", "#" + "x" * 40, "#" + "é" * 2000,
                 "#'; DROP TABLE rooms;--", "#\udcff", "#../../etc"]


class Rooms(mesh.MeshTest):
    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options).expect_open()

    def rooms_of(self, chat):
        """What /rooms prints: room: (state, unread, messages)."""
        chat.say("/rooms")
        count = int(chat.expect(r"^>INFO: (\d+) rooms?:$").group(1))
        line = r"^>INFO: (#\S+), (current|joined|not joined), (\d+) unread, (\d+) messages?\.$"
        return {m[1]: (m[2], int(m[3]), int(m[4])) for m in (chat.expect(line) for _ in range(count))}

    def expect_rooms(self, chat, **rooms):
        """Waits for what /rooms says of each of these rooms, without their #: an own message is told when it is durable,
        which may be after others have shown it."""
        expected = {f"#{name}": room for name, room in rooms.items()}
        seen = {}

        def as_expected():
            seen.update(self.rooms_of(chat))
            return expected.items() <= seen.items()
        try:
            mesh.wait_until(as_expected, 10, "the rooms")
        except AssertionError:
            self.assertEqual(seen, expected)

    def history(self, chat, command):
        """The lines of a block, and whether there are earlier ones."""
        chat.say(command)
        chat.expect(r"^>INFO: \d+ messages? of #\S+:$")
        first = chat.position
        earlier = chat.expect(r"^>INFO: End of messages; (/history back shows earlier ones|there are no earlier ones)\.$")
        return chat.lines[first:chat.position - 1], earlier.group(1).startswith("/history")

    def test_three_people_and_two_rooms(self):
        alice = self.chat("Alice")
        bob = self.chat("Bob", "localhost", alice.port)
        carol = self.chat("Carol", "localhost", bob.port)
        for chat in (alice, bob):
            chat.expect(r"^>INFO: Carol joined\.$")

        alice.say("/join #Dev", "first of all", "/join")
        alice.expect(r"^>INFO: You are the first in #dev\.$")
        alice.expect(r"^>INFO: You are in #dev\.$")
        self.expect_rooms(bob, dev=("not joined", 1, 1))
        start = len(bob.lines)
        bob.say("/join #dev")
        bob.expect(rf"^>INFO: You are in #dev now; 1 message, {NEWEST}$")
        bob.expect(r"^>INFO: 1 unread in #dev\.$")
        bob.say("hello dev", "/join #lobby", "hello lobby")
        alice.expect(r"^Bob: hello dev$")
        alice.expect(r"^#lobby Bob: hello lobby$")
        carol.expect(r"^Bob: hello lobby$")
        alice.say("still in dev")
        bob.expect(r"^#dev Alice: still in dev$")
        self.assertNotIn("#dev Alice: first of all", bob.lines[start:])
        self.assertEqual(carol.said(), ["Bob: hello lobby"], "nothing is shown of a room that is not joined")
        self.expect_rooms(alice, dev=("current", 0, 3), lobby=("joined", 0, 1))
        # One was said before he joined and never shown; the one that came later was.
        self.expect_rooms(bob, dev=("joined", 1, 3), lobby=("current", 0, 1))
        self.expect_rooms(carol, dev=("not joined", 3, 3), lobby=("current", 0, 1))

        # Without joining it, Carol reads the room, and counts it as read.
        block, earlier = self.history(carol, "/history #dev")
        self.assertEqual(block, ["#dev Alice: first of all", "#dev Bob: hello dev", "#dev Alice: still in dev"])
        self.assertFalse(earlier)
        self.expect_rooms(carol, dev=("not joined", 0, 3))

        # Who left hears no more of it, and hears again when back.
        bob.say("/part #dev")
        bob.expect(r"^>INFO: You left #dev\.$")
        start = len(bob.lines)
        alice.say("Bob does not see this")
        self.expect_rooms(bob, dev=("not joined", 2, 4))
        self.assertNotIn("#dev Alice: Bob does not see this", bob.lines[start:])
        alice.say("/part")
        alice.expect(r"^>INFO: You left #dev; you are in #lobby now\.$")
        alice.say("back in the lobby")
        bob.expect(r"^Alice: back in the lobby$")

        # A late joiner gets both rooms; the one that is not joined is read with /history.
        dave = self.chat("Dave", "localhost", carol.port)
        dave.expect(r"^>INFO: 2 earlier messages:$")
        dave.expect(r"^>INFO: End of earlier messages\.$")
        self.assertEqual(dave.said(), ["Bob: hello lobby", "Alice: back in the lobby"])
        self.expect_rooms(dave, dev=("not joined", 4, 4))
        block, _ = self.history(dave, "/history #dev 2")
        self.assertEqual(block, ["#dev Alice: still in dev", "#dev Alice: Bob does not see this"])
        block, earlier = self.history(dave, "/history back")
        self.assertEqual((block, earlier), (["#dev Alice: first of all", "#dev Bob: hello dev"], False))
        dave.say("/history back")
        dave.expect(r"^>INFO: There are no earlier messages of #dev\.$")
        for chat in (alice, bob, carol, dave):
            self.assertEqual(chat.leave(), 0)
            self.assertEqual(chat.stderr(), "")

    def test_unread_counts_and_rooms_survive_restarts(self):
        alice = self.node("Alice").start()  # a node of its own: only screens read
        bob = self.chat("Bob", "localhost", alice.address.split(":")[1])
        bob.say("/join #ops", "/join #dev", "/part #lobby", "/join #dev")
        bob.expect(r"^>INFO: You left #lobby\.$")
        bob.expect(r"^>INFO: You are the first in #dev\.$")
        alice.call("message.send", text="seen", room="#ops")
        bob.expect(r"^#ops Alice: seen$")
        self.assertEqual(bob.leave(), 0)
        for number in range(3):
            alice.call("message.send", text=f"ops {number}", room="#ops")
        alice.call("message.send", text="dev 0", room="#dev")
        alice.call("message.send", text="lobby 0")

        def restarted():
            # What was missed is there before the screen is: else it is shown as it comes, and counted by nobody.
            node = self.node("Bob", data_dir=self.box.data_dir("Bob")).start()
            mesh.wait_until(lambda: node.status()["messages"] == alice.status()["messages"], 15, "what Bob missed")
            self.assertEqual(node.terminate(), 0)
            bob = Chat(self.box, "Bob").expect_open()
            bob.expect(r"^>INFO: You are in #dev\.$")
            bob.expect(r"^>INFO: 3 unread in #ops\.$")
            return bob

        bob = restarted()
        self.assertEqual(bob.said(), ["Alice: dev 0"], "of the current room what was missed, of no other")
        self.expect_rooms(bob, dev=("current", 0, 1), lobby=("not joined", 1, 1), ops=("joined", 3, 4))
        alice.call("message.send", text="ops live", room="#ops")
        bob.expect(r"^#ops Alice: ops live$")
        self.expect_rooms(bob, ops=("joined", 3, 5))  # the last was shown, the three were not
        self.assertEqual(bob.leave(), 0)

        bob = restarted()
        # A second screen reads for both; a number of screens see the same counts.
        second = Chat(self.box, "Bob").expect_open()
        block, earlier = self.history(second, "/history #ops 2")
        self.assertEqual((block, earlier), (["#ops Alice: ops 2", "#ops Alice: ops live"], True))
        self.expect_rooms(bob, ops=("joined", 0, 5))  # one screen reads for all
        second.say("/join #third")
        second.expect(r"^>INFO: You are the first in #third\.$")
        alice.call("message.send", text="third", room="#third")
        second.expect(r"^Alice: third$")
        bob.expect(r"^#third Alice: third$")
        second.say("/part #dev")
        second.expect(r"^>INFO: You left #dev\.$")
        bob.expect(r"^>INFO: Another screen left #dev; you are in #ops now\.$")
        self.assertEqual(second.leave(), 0)
        self.assertEqual(bob.leave(), 0)

        bob = Chat(self.box, "Bob").expect_open()
        self.expect_rooms(bob, dev=("not joined", 0, 1), lobby=("not joined", 1, 1), ops=("joined", 0, 5),
                          third=("current", 0, 1))
        listed = {room["name"]: room for room in json.loads(mesh.ctl(self.box, bob.data_dir, "--json", "rooms").stdout)}
        self.assertEqual((listed["#third"]["current"], listed["#lobby"]["unread"]), (True, 1))
        self.assertGreater(listed["#ops"]["newest_ms"], 1_600_000_000_000)
        self.assertIn(b"#lobby  not joined  1 unread, 1 message\n", mesh.ctl(self.box, bob.data_dir, "rooms").stdout)
        self.assertEqual(bob.leave(), 0)
        self.assertEqual(bob.stderr(), "")

    def test_unread_counts_survive_a_kill(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        bob.call("room.join", room="#dev")
        for number in range(300):  # more than the rows that are told apart
            alice.call("message.send", text=str(number), room="#dev")
        watcher = bob.connect()
        watcher.call("events.subscribe", after="0.0")
        cursor = watcher.wait_event("message", text="299")["cursor"]
        self.assertEqual(bob.call("room.join", room="#dev")["unread"], 300)
        bob.call("read.mark", room="#dev", cursor=cursor)
        alice.call("message.send", text="unread", room="#dev")
        watcher.wait_event("message", text="unread")
        bob.call("message.send", text="an own one, acknowledged: what was set before is on the disk", room="#dev")
        bob.kill()
        bob.restart()
        rooms = {room["name"]: room for room in bob.call("rooms.list")}
        self.assertEqual([rooms["#dev"][field] for field in ("joined", "current", "unread", "messages")], [True, True, 1, 302])

    def test_nothing_is_lost_or_torn_while_history_is_printed(self):
        alice = self.chat("Alice")
        bob = self.chat("Bob", "localhost", alice.port)
        alice.expect(r"^>INFO: Bob joined\.$")
        bob.say(*[f"old {number}" for number in range(1000)])
        alice.expect(r"^Bob: old 999$")
        start = len(alice.lines)
        bob.say(*[f"new {number}" for number in range(2000)])
        alice.say(*["/history 1000"] * 10)
        alice.expect(r"^Bob: new 1999$", 30)
        alice.say("/join")
        alice.expect(r"^>INFO: You are in #lobby\.$")
        live, block, blocks = [], None, 0
        for line in alice.lines[start:]:
            if re.match(r">INFO: 1000 messages of #lobby:$", line):
                block = []
            elif line.startswith(">INFO: End of messages; "):
                numbers = [int(text.split()[1]) + (1000 if text.startswith("new") else 0) for text in block]
                self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 1000)), "a block is in one piece")
                block, blocks = None, blocks + 1
            elif line.startswith("Bob: "):
                (live if block is None else block).append(line.removeprefix("Bob: "))
        self.assertEqual(blocks, 10)
        missing = [text for text in (f"new {number}" for number in range(2000)) if f"Bob: {text}" not in alice.lines]
        self.assertEqual(missing, [])
        self.assertEqual(live, sorted(set(live), key=lambda text: int(text.split()[1])), "once, and in order")

    def test_bad_input_is_told_and_changes_nothing(self):
        alice = self.chat("Alice")
        before = self.rooms_of(alice)
        for name in HOSTILE_NAMES:
            with self.subTest(name=name):
                for command in ("/join", "/part", "/history"):
                    alice.say(f"{command} {name}")
                    if command == "/history" and not name.startswith("#"):  # without it a name is a member's
                        alice.expect(r'^>INFO: (There is no member |".*" is no number )')
                        continue
                    alice.expect(r"^>INFO: (The room|\").*\.$" if name != "#" else r"^>INFO: The room")
                    alice.expect(rf"^>INFO: Usage: {command} ")
        for line, answer in (
                ("/jion #dev", r"^>INFO: Unknown command /jion\. Did you mean /join\? Type /help for commands\.$"),
                ("/part #dev", r"^>INFO: You are not in #dev\.$"),
                ("/part", r"^>INFO: You cannot leave #lobby: you are in no other room\.$"),
                ("/history #dev", r"^>INFO: Nobody has said anything in #dev\. /rooms lists those with messages\.$"),
                ("/history back", r"^>INFO: Nothing to go back from: type /history first\.$"),
                ("/history 0", r'^>INFO: "0" is no number from 1 to 1000\.$'),
                ("/history 5x", r'^>INFO: "5x" is no number from 1 to 1000\.$'),
                ("/rooms now", r'^>INFO: "now" is too much: /rooms stands alone\.$')):
            alice.say(line)
            alice.expect(answer)
        self.assertEqual(self.rooms_of(alice), before)
        self.assertEqual(alice.said(), [])
        self.assertIsNone(mesh.RAW_CONTROL.search(alice.raw))
        self.assertEqual(alice.leave(), 0)
        self.assertEqual(alice.stderr(), "")


if __name__ == "__main__":
    mesh.main()
