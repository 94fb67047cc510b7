"""Export and search as a person or a script uses them: rooms and conversations, a first time, CSV; on real nodes."""

import csv
import io
import json
import time

import mesh
from chat import Chat

HOSTILE = [
    "plain", "a,b", 'say "hi"', '"', '""', "two\nlines", "dos\r\nline", "\n", "=1+1", "+49 30 1", "-x", "@here",
    '=HYPERLINK("a","b")',
    "back\\slash", "tab\there", "\x1b[2J\x07", "word\u202edrow", "東京都", "'quoted", "  spaces  ", ",", ";", "x" * 8192,
    "\ufeffbom", "NULL", "#not a room", "a\rb",
]
FIRST = r"^# {place}, held from \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z"


def cell(text):
    """What a spreadsheet reads of a message."""
    text = text.replace("\r\n", "\n")
    shown = "".join(
        "".join(f"\\x{byte:02x}" for byte in letter.encode())
        if letter != "\n" and (ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or 0x202A <= ord(letter) <= 0x202E)
        else letter for letter in text)
    return "'" + shown if shown[:1] in tuple("=+-@") else shown


def stamp(wall_ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall_ms // 1000)) + f".{wall_ms % 1000:03}Z"


class Export(mesh.MeshTest):
    def two(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 2 and bob.status()["members"] == 2, 10, "two members")
        return alice, bob

    def rows(self, node, *options):
        raw = node.export("--format", "csv", *options)
        self.assertTrue(raw.endswith(b"\r\n"))
        return list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))

    def test_csv_is_read_back_as_it_was_said(self):
        alice, bob = self.two()
        for text in HOSTILE:
            bob.call("message.send", text=text)
        mesh.wait_until(lambda: alice.status()["messages"] == len(HOSTILE), 10, "Alice holds all")
        header, *rows = self.rows(alice)
        self.assertEqual(header, ["time", "name", "text", "room"])
        self.assertEqual([row[2] for row in rows], [cell(text) for text in HOSTILE])
        self.assertEqual({(row[1], row[3]) for row in rows}, {("Bob", "#lobby")})
        listed = alice.messages()
        self.assertEqual([row[0] for row in rows], [stamp(message["wall_ms"]) for message in listed])
        self.assertNotRegex(alice.export("--format", "csv").replace(b"\r\n", b"\n"), mesh.RAW_CONTROL)
        self.assertEqual(self.rows(alice, "--room", "#nobody"), [["time", "name", "text", "room"]])
        exported = [json.loads(line)["text"] for line in alice.export("--format", "json").splitlines()]
        self.assertEqual(exported, HOSTILE)
        self.assertEqual(alice.export(), bob.export())

    def test_a_conversation_is_exported_alone_and_in_its_order(self):
        alice, bob = self.two()
        mesh.wait_until(lambda: send(alice, "first"), 10, "Alice can write to Bob")
        mesh.wait_until(lambda: bob.call("contacts.list"), 10, "Bob is asked")
        bob.call("contact.answer", member="Alice", accept=True)
        bob.call("message.send", text="said in the room")
        bob.call("message.send", text="=second", to="Alice")
        mesh.wait_until(lambda: len(alice.messages(**{"with": "Bob"})) == 2, 10, "Alice has the answer")
        for node, other in ((alice, "Bob"), (bob, "Alice")):
            first, *lines = node.export("--with", other).decode().splitlines()
            self.assertRegex(first, FIRST.format(place=f"with {other}") + "$")
            self.assertEqual([line.split("\t")[1:] for line in lines], [["Alice", "first"], ["Bob", "=second"]])
            header, *rows = self.rows(node, "--with", other)
            self.assertEqual(header, ["time", "name", "text", "with"])
            self.assertEqual([row[1:] for row in rows], [["Alice", "first", other], ["Bob", "'=second", other]])
        key = bob.status()["key"]
        self.assertEqual(alice.export("--with", key), alice.export("--with", "Bob"))
        self.assertNotIn(b"first", alice.export())
        self.assertEqual(bob.export("--with", "Bob"), b"# with Bob, nothing held\n")
        refused = self.ctl(alice.data_dir, "export", "--with", "Zaphod", status=64).stderr.decode()
        self.assertIn("There is no member Zaphod", refused)
        both = self.ctl(alice.data_dir, "export", "--with", "Bob", "--room", "#dev", status=64).stderr.decode()
        self.assertIn("not both", both)

    def test_a_first_time_leaves_out_what_is_older_and_nothing_else(self):
        alice, bob = self.two()
        for number in range(30):
            (alice, bob)[number % 2].call("message.send", text=f"number {number}")
        mesh.wait_until(lambda: alice.status()["messages"] == 30 == bob.status()["messages"], 10, "both hold all")
        messages = alice.messages()
        whole = alice.export().decode().splitlines()
        self.assertRegex(whole[0], FIRST.format(place="#lobby") + "$")
        middle = sorted(message["wall_ms"] for message in messages)[15]
        first, *lines = alice.export("--since", stamp(middle)).decode().splitlines()
        self.assertEqual(first, f"{whole[0]}, since {stamp(middle)}")
        self.assertEqual(lines, [line for line, message in zip(whole[1:], messages) if message["wall_ms"] >= middle])
        self.assertLess(len(lines), 30)
        self.assertEqual(alice.export("--since", stamp(middle)), bob.export("--since", stamp(middle)))
        self.assertEqual(len(alice.export("--since", "2200-01-01").splitlines()), 1)
        self.assertEqual(alice.export("--since", "2200-01-01", "--format", "json"), b"")
        self.assertIn(b"--since takes a time", self.ctl(
            alice.data_dir, "export", "--since", "yesterday", status=64).stderr)


class Search(mesh.MeshTest):
    def test_what_was_said_is_found_on_the_screen(self):
        alice = Chat(self.box, "Alice").expect_open()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        for number in range(45):
            bob.say(f"Café number {number}")
        alice.expect(r"^Bob: Café number 44$")
        alice.say("/search cafe")
        alice.expect(r"^>INFO: 20 messages, the newest first:$")
        for number in range(44, 24, -1):
            alice.expect(rf"^>INFO: \d{{4}}-\d\d-\d\d \d\d:\d\d #lobby Bob: Café number {number}$")
        alice.expect(r"^>INFO: There are earlier ones: /search more$")
        alice.say("/search more", "/search more", "/search more")
        alice.expect(r"^>INFO: 20 earlier messages, the newest first:$")
        alice.expect(r"^>INFO: 5 earlier messages, the newest first:$")
        alice.expect(r" Café number 0$")
        alice.expect(r"^>INFO: There are no earlier messages with these words\.$")

        alice.say("/msg Bob a secret word")
        bob.expect(r"^>INFO: Alice wants to chat\.")
        bob.say("/accept Alice", "/msg Alice \x1b[2J its secret \u202eanswer")
        alice.expect(r"^Bob \(direct\): ")
        alice.say("/search in:Bob secret")
        alice.expect(r"^>INFO: 2 messages, the newest first:$")
        alice.expect(r"^>INFO: \S+ \S+ with Bob Bob: \\x1b\[2J its secret \\xe2\\x80\\xaeanswer$")
        alice.expect(r"^>INFO: \S+ \S+ with Bob Alice: a secret word$")
        for line, count in (
                ("in:Bob cafe", 0), ("in:#lobby secret", 0), ("in:#LOBBY number 7", 1), ("from:Bob secret", 1),
                ("from:alice secret", 1), ("since:2020-02-29 until:2200-01-01 secret", 2),
                ("until:2020-02-29 secret", 0), ("since:2200-01-01T00:00Z secret", 0),
                ('"secret" AND', 0), ("secret*", 2), ("NOT number 7", 0), ('" OR "" secret', 0), ("%secret_", 2),
                ("secret;DROP TABLE search", 0)):
            alice.say(f"/search {line}")
            said = alice.expect(r"^>INFO: (No message has|\d+ message)").group(1)
            self.assertEqual(said, f"{count} message" if count else "No message has", line)
        for line, said in (("from:Zaphod x", "from: There is no member Zaphod"),
                           ("in:Zaphod x", "with: There is no member Zaphod"),
                           ("in:# x", "room"), ("since:soon x", "since: takes a time"), ('"*"', "no word to search for")):
            alice.say(f"/search {line}")
            alice.expect("^>INFO: .*" + said)
        self.assertEqual(alice.leave(), 0)
        self.assertEqual(bob.leave(), 0)
        self.assertNotRegex(alice.raw, mesh.RAW_CONTROL)
        self.assertEqual(alice.stderr(), "")


def send(node, text):
    """Writes to Bob, once his key has come."""
    reply = node.call("message.send", text=text, to="Bob")
    return "id" in reply or "pending" in reply


if __name__ == "__main__":
    mesh.main()
