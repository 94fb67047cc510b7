"""Private rooms between real nodes: read by those who hold the key, carried by all, joined by file or invitation."""

import re
import signal

import mesh
from chat import Chat
from people import PeopleTest, texts

CANARY = "canary-of-the-board-51c9"
LABEL = r"#board~[0-9a-f]{8}"


class PrivateRooms(PeopleTest):
    def key_file(self, name="board.key"):
        return self.box.path / name

    def join(self, node, room="#board", key="board.key"):
        """The label of the private room that was joined."""
        return self.ctl(node.data_dir, "join", room, "--key-file", str(self.key_file(key))).stdout.decode().strip()

    def rooms(self, node):
        return {room["name"]: room for room in node.call("rooms.list")}

    def wait_texts(self, node, room, wanted):
        mesh.wait_until(lambda: texts(node.messages(room=room)) == wanted, 15, f"{node.name} reads {wanted}")

    def holds(self, node, text):
        files = [path for path in node.data_dir.rglob("*") if path.is_file()]
        return [path.name for path in files if text.encode() in path.read_bytes()]

    def test_who_lacks_the_key_reads_nothing(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        label = self.join(alice)
        self.assertRegex(label, rf"^{LABEL}$")
        self.assertEqual(self.key_file().stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.join(bob), label)
        alice.call("message.send", text=CANARY, room="#board")
        bob.call("message.send", text="and an answer", room=label)
        alice.call("topic.set", room="#board", text="topic " + CANARY)
        for node in (alice, bob):
            self.wait_texts(node, "#board", [CANARY, "and an answer"])
            self.assertEqual(texts(node.call("message.search", words=CANARY)["messages"]), [CANARY])
            self.assertEqual(texts(node.call("message.search", words="canary", room="#board")["messages"]), [CANARY])
            mesh.wait_until(lambda: (self.rooms(node)[label]["topic"] or {}).get("text") == "topic " + CANARY, 15, "the topic")
        self.assertEqual(self.ctl(alice.data_dir, "export", "--room", "#board").stdout.splitlines()[1:],
                         self.ctl(bob.data_dir, "export", "--room", "#board").stdout.splitlines()[1:])
        mesh.wait_until(lambda: self.rooms(carol).get(label), 15, "Carol carries it")
        room = self.rooms(carol)[label]
        self.assertEqual((room["private"], room["key"], room["messages"], room["unread"], room["topic"]),
                         (True, False, 0, 0, None))
        for name in ("#board", label):
            self.assertEqual(carol.messages(room=name), [])
            self.assertEqual(carol.export("--room", name).count(b"\n"), 1)
        self.assertEqual(carol.call("message.search", words="canary")["messages"], [])
        self.assertEqual(carol.status()["messages"], 0)
        self.assertIn(b"private, no key here\n", self.ctl(carol.data_dir, "rooms").stdout)
        self.assertRegex(self.ctl(carol.data_dir, "send", "--room", label, "hello", status=64).stderr, rb"The key of #board~\w+ is not here")
        watcher = carol.connect()
        watcher.call("events.subscribe", after="0.0")
        watcher.wait(lambda: any(event["type"] == "live" for event in watcher.events), "the replay ends")
        self.assertEqual([event for event in watcher.events if event["type"] in ("message", "topic")], [])
        # Carried: it reaches somebody through Carol alone.
        mesh.wait_until(lambda: carol.status()["counters"]["store_queue_bytes"] == 0, 15, "Carol has stored it")
        for node in (alice, bob):
            self.assertEqual(node.terminate(), 0)
        dave = self.node("Dave", join=[carol.address]).start()
        mesh.wait_until(lambda: label in self.rooms(dave), 15, "Dave has it from Carol")
        carol.terminate()
        for node, is_reader in ((alice, True), (bob, True), (carol, False)):
            self.assertEqual(bool(self.holds(node, CANARY)), is_reader, f"{node.name}: {self.holds(node, CANARY)}")
        self.join(dave)
        self.wait_texts(dave, "#board", [CANARY, "and an answer"])

    def test_an_invited_late_joiner_reads_what_came_before(self):
        alice, bob = self.start("Alice", "Bob")
        label = self.join(alice)
        for number in range(300):  # more than are opened at once
            alice.call("message.send", text=f"before {number}", room="#board")
        alice.call("topic.set", room="#board", text="the budget")
        carol = self.node("Carol", join=[bob.address]).start()
        mesh.wait_until(lambda: label in self.rooms(carol), 15, "Carol carries the room")
        mesh.wait_until(lambda: carol.status()["pending"] == 0 and carol.status()["synced"], 15, "Carol is there")
        done = self.ctl(alice.data_dir, "invite", "Carol", "--room", "#board", status=64)
        self.assertRegex(done.stderr, rb"Carol has not accepted to talk with you")
        self.befriend(alice, carol)
        self.ctl(alice.data_dir, "invite", "Carol", "--room", "#board")
        invited = mesh.wait_until(lambda: self.rooms(carol)[label].get("invited_by"), 15, "Carol is invited")
        self.assertEqual((invited, self.rooms(carol)[label]["key"]), ("Alice", False))
        carol.kill()
        carol.restart()
        self.assertEqual(self.rooms(carol)[label]["invited_by"], "Alice")
        watcher = carol.connect()
        watcher.call("events.subscribe")
        joined = carol.call("room.join", room="#board")
        self.assertEqual((joined["name"], joined["private"], joined["key"]), (label, True, True))
        self.assertEqual(watcher.wait_event("opened", room=label)["messages"], 300)
        self.assertEqual([event for event in watcher.events if event["type"] == "message"], [], "no flood")
        self.assertEqual(texts(carol.messages(room="#board")), [f"before {number}" for number in range(300)])
        room = self.rooms(carol)[label]
        self.assertEqual((room["unread"], room["messages"], room["topic"]["text"]), (300, 300, "the budget"))
        self.assertNotIn("invited_by", room)
        self.assertEqual(texts(carol.call("message.search", words="before 299")["messages"]), ["before 299"])
        carol.call("message.send", text="here I am", room="#board")
        mesh.wait_until(lambda: texts(alice.messages(room="#board"))[-1] == "here I am", 15, "Alice reads Carol")
        self.assertEqual(self.rooms(bob)[label]["key"], False)
        # Counted the same after a restart.
        carol.kill()
        carol.restart()
        room = self.rooms(carol)[label]
        self.assertEqual((room["unread"], room["messages"], room["joined"], room["current"]), (300, 301, True, True))
        # The receipt: an invitation is delivered as any direct message.
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 15, "nothing waits")

    def test_an_invitation_of_somebody_not_accepted_is_held(self):
        alice, bob = self.start("Alice", "Bob")
        label = self.join(alice)
        self.befriend(alice, bob)
        alice.terminate()
        bob.call("contact.answer", member="Alice", accept=False)
        bob.terminate()
        alice.restart()  # has not heard of it
        alice.call("room.invite", room="#board", member="Bob")
        alice.call("message.send", text="come in", room="#board")
        bob.restart(join=[alice.address])
        mesh.wait_until(lambda: label in self.rooms(bob), 15, "Bob carries the room")
        mesh.wait_until(lambda: bob.status()["counters"]["directs_opened"] >= 1 and bob.status()["synced"], 15, "it has come")
        watcher = bob.connect()
        watcher.call("events.subscribe")
        self.assertNotIn("invited_by", self.rooms(bob)[label])
        self.assertEqual(bob.call("room.join", room="#board")["private"], False)
        bob.call("room.part", room="#board")
        bob.call("contact.answer", member="Alice", accept=True)
        self.assertEqual(watcher.wait_event("invitation", room=label)["name"], "Alice")
        self.assertEqual(self.rooms(bob)[label]["invited_by"], "Alice")
        self.assertEqual(bob.call("room.join", room="#board")["name"], label)
        self.wait_texts(bob, "#board", ["come in"])

    def test_a_key_survives_kill_and_part_and_a_lost_database(self):
        alice, bob = self.start("Alice", "Bob")
        label = self.join(alice)
        self.join(bob)
        alice.kill()  # right behind the answer
        alice.restart(join=[bob.address])
        self.assertEqual([self.rooms(alice)[label][field] for field in ("joined", "current", "key")], [True] * 3)
        self.key_file().unlink()
        bob.call("message.send", text="still there?", room="#board")
        self.wait_texts(alice, "#board", ["still there?"])
        alice.call("room.part", room="#board")
        bob.call("message.send", text="while away", room="#board")
        alice.call("room.join", room="#board")
        self.wait_texts(alice, "#board", ["still there?", "while away"])
        keys = [path for path in alice.data_dir.rglob("*.roomkeys")]
        self.assertEqual([path.stat().st_mode & 0o777 for path in keys], [0o600])
        alice.terminate()
        for path in alice.data_dir.rglob("*.db"):
            path.write_bytes(b"not a database" * 1000)
        alice.restart(join=[bob.address])
        self.wait_texts(alice, "#board", ["still there?", "while away"])
        alice.terminate()
        keys[0].write_text("#board~00000000 " + "0" * 64 + "\n")
        alice.spawn()
        self.assertEqual(alice.process.wait(mesh.stretched(10)), 65)
        self.assertIn(".roomkeys is none that was sealed by a node", mesh.tail(alice.log))
        self.assertEqual(len(list(alice.data_dir.rglob("*.damaged-2"))), 0, "the database is not set aside for it")

    def test_a_kill_while_earlier_messages_are_opened(self):
        alice, bob = self.start("Alice", "Bob")
        label = self.join(alice)
        control = alice.connect()
        count = 3000
        for number in range(count):
            control.send("message.send", text=f"{number} " + "x" * 600, room="#board")
        control.wait(lambda: len(control.replies) == count, "all are written", 60)
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 30, "Bob has all")
        self.join(bob)
        bob.process.send_signal(signal.SIGKILL)
        bob.process.wait()
        bob.forget_controls()
        bob.restart()
        mesh.wait_until(lambda: self.rooms(bob)[label]["messages"] == count, 30, "the rest is opened")
        self.assertEqual(len(bob.messages(room="#board")), count)
        self.assertEqual(self.rooms(bob)[label]["unread"], count)
        self.assertEqual(bob.status()["messages"], count)

    def test_one_name_public_and_private(self):
        alice, bob = self.start("Alice", "Bob")
        label = self.join(alice)
        alice.call("message.send", text="private", room="#board")
        alice.call("message.send", text="public", room="#board~public")
        self.wait_texts(bob, "#board", ["public"])
        self.assertEqual(texts(alice.messages(room="#board")), ["private"])
        self.assertEqual(alice.call("room.join", room="#board~public")["name"], "#board")
        self.assertEqual(texts(alice.messages(room="#board")), ["public"])
        self.assertEqual(texts(alice.messages(room=label)), ["private"])
        other = self.join(bob, key="other.key")
        self.assertNotEqual(other, label)
        bob.call("message.send", text="of another key", room=other)
        mesh.wait_until(lambda: other in self.rooms(alice), 15, "Alice carries it")
        self.assertEqual(texts(alice.messages(room=label)), ["private"])
        self.assertEqual(alice.messages(room=other), [])

    def test_bad_key_files_and_names(self):
        alice, bob = self.start("Alice", "Bob")
        self.key_file("good").write_text("ab" * 32 + "\n")
        self.key_file("base64").write_text("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n")
        self.assertEqual(self.join(alice, key="good"), self.join(bob, key="base64"))
        for number, content in enumerate((b"", b"\n", b"ab" * 31, b"ab" * 33, b"xy" * 32, b"\x00" * 64, b"\xff" * 44, b"A" * 42,
                                          b"A" * 42 + b"B=", b"ab" * 32 + b"\n" + b"ab" * 32, b"a" * 100_000)):
            path = self.key_file(f"bad{number}")
            path.write_bytes(content)
            done = self.ctl(alice.data_dir, "join", "#bad", "--key-file", str(path), status=None)
            self.assertIn(done.returncode, (65, 74), content[:80])
            self.assertRegex(done.stderr, rb"bad\d+ (holds no key of a room|is larger than)")
            self.assertEqual(path.read_bytes(), content)
        def refused(status, pattern, *arguments):
            self.assertRegex(self.ctl(alice.data_dir, *arguments, status=status).stderr.decode(), pattern)
        refused(74, "cannot be read: Is a directory", "join", "#bad", "--key-file", str(self.box.path))
        refused(73, "cannot be written", "join", "#bad", "--key-file", str(self.box.path / "none" / "key"))
        new = self.key_file("new")
        for name in ("", "#", "bad", "#a b", "#\x1b[2J", "#\u202eved", "#a~1", "#" + "é" * 30, "#x~public"):
            self.ctl(alice.data_dir, "join", name, "--key-file", str(new), status=64)
            self.assertFalse(new.exists(), f"{name!r}: no key for a room that cannot be")
        refused(64, "That is not the key of #bad~00000000 but of", "join", "#bad~00000000", "--key-file", str(self.key_file("good")))
        refused(64, "The key of #bad~00000000 is not here", "join", "#bad~00000000")
        refused(64, "#lobby is public", "invite", "Bob", "--room", "#lobby")
        refused(64, "There is no member Zoe here", "invite", "Zoe", "--room", "#board")
        refused(64, "That is you", "invite", "Alice", "--room", "#board")
        refused(64, "Bob has not accepted", "invite", "Bob", "--room", "#board")
        refused(64, "Which room", "invite", "Bob")
        self.assertEqual([room for room in self.rooms(alice) if "bad" in room], [])
        for number in range(63):
            self.key_file(f"k{number}").write_text(f"{number:064x}")
            self.join(alice, f"#many{number}", f"k{number}")
            alice.call("room.part", room=f"#many{number}")
        self.key_file("one too many").write_text("c" * 64)
        refused(75, "The keys of 64 private rooms are kept", "join", "#more", "--key-file", str(self.key_file("one too many")))


class Screens(PeopleTest):
    """The same, typed into p2pchat."""

    def expect_listed(self, chat, pattern):
        """Waits until a line of /rooms is like this."""
        def is_listed():
            chat.say("/rooms")
            count = int(chat.expect(r"^>INFO: (\d+) rooms?:$").group(1))
            return any(re.search(pattern, line) for line in [chat.expect("^>INFO: #").string for _ in range(count)])
        mesh.wait_until(is_listed, 15, f"{chat.name}: {pattern}")

    def test_three_members_two_with_the_key(self):
        alice, bob, carol = self.chats("Alice", "Bob", "Carol")
        key = self.box.path / "the board.key"
        alice.say(f"/join #board --key-file {key}  ")
        alice.expect(r"^>INFO: A new key is in .*/the board\.key: whoever has it can read the room\.$")
        alice.expect(r"^>INFO: You are in #board \(private\) now\.$")
        alice.say(CANARY, "/topic the budget")
        alice.expect(r"^>INFO: You set the topic of #board: the budget$")
        bob.say(f"/join #Board --key-file {key}")
        bob.expect(r"^>INFO: You are in #board \(private\) now\.$")
        bob.expect(r"^>INFO: 1 earlier message of #board can be read now\.$")
        bob.say("/topic", "/history", "I read it", "/join #lobby")
        bob.expect(r"^>INFO: Topic of #board: the budget \(Alice, ")
        bob.expect(r"^>INFO: 1 message of #board:$")
        bob.expect(rf"^Alice: {CANARY}$")
        alice.expect(r"^Bob: I read it$")
        alice.say("live")
        bob.expect(r"^#board Alice: live$")
        self.expect_listed(bob, r"^>INFO: #board, private, joined, 0 unread, 3 messages\. Topic: the budget$")
        self.expect_listed(carol, rf"^>INFO: {LABEL}, private, no key here\.$")
        carol.say("/join #board", "/history", "in public")
        carol.expect(r"^>INFO: You are the first in #board\.$")
        carol.expect(r"^>INFO: There are no messages in #board\.$")
        self.expect_listed(alice, r"^>INFO: #board~public, not joined, 1 unread, 1 message\.$")
        # Invitations: refused first, then held until talking is accepted, then followed.
        carol.say("/invite Alice")
        carol.expect(r"^>INFO: #board is public: whoever wants to can join it\.")
        alice.say("/invite Carol", "/invite Zoe", "/invite Alice")
        alice.expect(r"^>INFO: Carol has not accepted to talk with you, so no key is sent\. Ask first: /request Carol$")
        alice.expect(r"^>INFO: There is no member Zoe here")
        alice.expect(r"^>INFO: That is you, and you are in it\.$")
        alice.say("/request Carol")
        carol.expect(r"^>INFO: Alice wants to chat\.")
        carol.say("/accept Alice", "/part #board")
        alice.expect(r"^>INFO: Carol wants to chat with you too\.$")
        carol.expect(r"^>INFO: You left #board; you are in #lobby now\.$")
        alice.say("/invite Carol")
        alice.expect(r"^>INFO: You have invited Carol to #board\.$")
        carol.expect(r"^>INFO: Alice invites you to #board\. /join #board to enter\.$")
        self.assertEqual(carol.leave(), 0)
        carol = Chat(self.box, "Carol").expect_open()
        carol.expect(r"^>INFO: Alice invites you to #board\. /join #board to enter\.$")
        carol.say("/rooms", "/join #board")
        carol.expect(rf"^>INFO: {LABEL}, private, Alice invites you: /join #board to enter\.$")
        carol.expect(r"^>INFO: You are in #board \(private\) now\.$")
        carol.expect(r"^>INFO: 3 earlier messages of #board can be read now\.$")
        carol.say("/history", "me too")
        carol.expect(rf"^Alice: {CANARY}$")
        carol.expect(r"^Bob: I read it$")
        alice.expect(r"^Carol: me too$")
        carol.say("/part")
        carol.expect(r"^>INFO: You left #board; you are in #lobby now\.$")
        carol.expect(r"^>INFO: Its key is kept: /join #board needs no file\.$")
        carol.say("/join #board~public", "/join #board")
        carol.expect(r"^>INFO: You are in #board now; 1 message")
        for chat in (alice, bob, carol):
            self.assertIsNone(mesh.RAW_CONTROL.search(chat.raw))
            self.assertEqual(chat.leave(), 0)
            self.assertEqual(chat.stderr(), "")

    def test_to_one_who_has_declined_no_key_is_sent(self):
        alice, bob = self.chats("Alice", "Bob")
        alice.say(f"/join #board --key-file {self.box.path}/k", "/request Bob")
        bob.expect(r"^>INFO: Alice wants to chat\.")
        bob.say("/accept Alice")
        alice.expect(r"^>INFO: Bob wants to chat with you too\.$")
        bob.say("/decline Alice")
        alice.expect(r"^>INFO: Bob declined")
        alice.say("/invite Bob")
        alice.expect(r"^>INFO: Bob has not accepted to talk with you")

    def test_what_is_typed_wrong(self):
        alice, = self.chats("Alice")
        for typed, answer in (
                ("/join --key-file k", r"Which room is it\? Type /join #ROOM --key-file FILE$"),
                ("/join #board --key-file", r"--key-file needs FILE\.$"),
                ("/join #board --keyfile k", r'"--keyfile" is one word too many\.$'),
                ("/join #board --key-file /dev/zero", r"/dev/zero is larger than 256 bytes"),
                ("/join #board --key-file /none/\x1b[2J", r"/none/\\x1b\[2J cannot be written: "),
                ("/join #board~12345678", r"The key of #board~12345678 is not here\."),
                ("/join #board~public --key-file k", r"A public room has no key\.$"),
                ("/invite", r"/invite needs NAME\.$"),
                ("/invite Bob", r"#lobby is public")):
            alice.say(typed)
            alice.expect(f"^>INFO: {answer}")
        self.assertIsNone(mesh.RAW_CONTROL.search(alice.raw))
        self.assertEqual(alice.leave(), 0)
        self.assertEqual(alice.stderr(), "")


if __name__ == "__main__":
    mesh.main()
