"""Topics of rooms: set, seen by all, the same everywhere however they came, kept over restarts and crashes."""

import json
import threading

import mesh
from chat import Chat

DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d"


class Topics(mesh.MeshTest):
    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options).expect_open()

    def topic(self, node, room="#lobby"):
        topic = node.call("topic.get", room=room)["topic"]
        return topic["text"] if topic else None

    def listed_topic(self, node, room):
        topics = {listed["name"]: listed["topic"] for listed in node.call("rooms.list")}
        return topics[room]["text"] if topics.get(room) else None

    def wait_topic(self, node, text, room="#lobby"):
        # The store has it before the list of rooms does.
        mesh.wait_until(lambda: {self.topic(node, room), self.listed_topic(node, room)} == {text}, 15,
                        f"{node.name} sees the topic {text!r}")

    def test_typed_into_screens(self):
        alice = self.chat("Alice")
        bob = self.chat("Bob", "127.0.0.1", alice.port)
        alice.expect(r"^>INFO: Bob joined\.$")
        bob.say("/join #dev", "/topic")
        bob.expect(r"^>INFO: #dev has no topic\.$")
        bob.say("/topic  what is  broken", "/topic")
        bob.expect(r"^>INFO: You set the topic of #dev: what is  broken$")
        bob.expect(rf"^>INFO: Topic of #dev: what is  broken \(Bob, {DATE}\)$")
        alice.say("/topic in the lobby", "/join #dev")
        bob.expect(r"^>INFO: Alice set the topic of #lobby: in the lobby$")
        alice.expect(rf"^>INFO: Topic of #dev: what is  broken \(Bob, {DATE}\)$")
        self.assertFalse([line for line in alice.lines if "Bob set" in line], "Alice had not joined #dev")
        alice.say("/topic a\x1b[2Jb\u202ec")
        bob.expect(r"^>INFO: Alice set the topic of #dev: a\\x1b\[2Jb\\xe2\\x80\\xaec$")
        bob.say("/rooms")
        bob.expect(r"^>INFO: #dev, current, 0 unread, 0 messages\. Topic: a\\x1b")
        bob.expect(r"^>INFO: #lobby, joined, 0 unread, 0 messages\. Topic: in the lobby$")
        bob.say("/topic -", "/topic")
        alice.expect(r"^>INFO: Bob cleared the topic of #dev\.$")
        bob.expect(r"^>INFO: You cleared the topic of #dev\.$")
        bob.expect(r"^>INFO: #dev has no topic\.$")
        bob.say("/topic " + "x" * 513)
        bob.expect(r"^>INFO: That has 513 bytes, more than 512; it was not set\.$")
        # Who comes later is told what the current room is about.
        carol = self.chat("Carol", "127.0.0.1", alice.port)
        carol.expect(rf"^>INFO: Topic of #lobby: in the lobby \(Alice, {DATE}\)$")
        for chat in (alice, bob, carol):
            self.assertEqual(chat.said(), [])
            self.assertIsNone(mesh.RAW_CONTROL.search(chat.raw))
            self.assertEqual(chat.leave(), 0)
            self.assertEqual(chat.stderr(), "")

    def test_the_same_everywhere_after_setting_at_once(self):
        alice = self.node("Alice").start()
        nodes = [alice] + [self.node(name, join=[alice.address]).start() for name in ("Bob", "Carol", "Dave")]
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == 4, 15, "all are there")
        for round_number in range(5):
            def set_topics(node, number=round_number):
                for i in range(10):
                    node.call("topic.set", room="#dev", text=f"{node.name} {number}.{i}")
            threads = [threading.Thread(target=set_topics, args=(node,)) for node in nodes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seen = mesh.wait_until(
                lambda: (lambda topics: topics if len(topics) == 1 and None not in topics else None)(
                    {self.topic(node, "#dev") for node in nodes}), 15, "all see one topic")
            self.assertTrue(seen.pop().endswith(f" {round_number}.9"), "nobody's earlier one holds")
        late = self.node("Erin", join=[alice.address]).start()
        self.wait_topic(late, self.topic(alice, "#dev"), "#dev")
        # It is no message: neither counted, listed nor exported.
        self.assertEqual(alice.status()["messages"], 0)
        self.assertEqual(alice.messages(room="#dev"), [])
        self.assertEqual(len(alice.export("--room", "#dev").splitlines()), 1)

    def test_durable_when_acknowledged_and_pending_until_taken(self):
        alice = self.node("Alice").start()
        alice.call("topic.set", room="#dev", text="kept")
        self.assertEqual(alice.status()["pending"], 1)
        alice.kill()
        alice.restart()
        self.assertEqual(self.topic(alice, "#dev"), "kept")
        self.assertEqual(alice.status()["pending"], 1)
        bob = self.node("Bob", join=[alice.address]).start()
        self.wait_topic(bob, "kept", "#dev")
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 15, "Bob has taken it")
        room = {room["name"]: room for room in bob.call("rooms.list")}["#dev"]
        self.assertEqual((room["topic"]["text"], room["topic"]["name"], room["joined"]), ("kept", "Alice", False))

    def test_the_scripts_hand(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        self.assertEqual(self.ctl(alice.data_dir, "topic").stdout, b"")
        self.assertRegex(self.ctl(alice.data_dir, "topic", "--room", "#dev", "of work").stdout, rb"^[0-9a-f]{64}\.0\n$")
        self.wait_topic(bob, "of work", "#dev")
        self.assertRegex(self.ctl(bob.data_dir, "topic", "--room", "#dev").stdout, rb"^of work \(Alice, \d{4}-.*Z\)\n$")
        self.assertEqual(json.loads(self.ctl(bob.data_dir, "--json", "topic", "--room", "#dev").stdout)["topic"]["text"],
                         "of work")
        self.assertIn(b"0 messages  of work\n", self.ctl(bob.data_dir, "rooms").stdout)
        self.ctl(bob.data_dir, "topic", "--room", "#dev", "-")
        self.wait_topic(alice, None, "#dev")
        for status, arguments in ((65, ["x" * 513]), (65, [b"\xff"]), (64, ["--room", "#a b"]), (64, ["--room", "#a~1", "x"])):
            self.ctl(alice.data_dir, "topic", *arguments, status=status)


if __name__ == "__main__":
    mesh.main()
