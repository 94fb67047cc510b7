"""Search in the history of real nodes: what one wrote is found at the other, and nothing typed is ever syntax."""

import contextlib
import json
import sqlite3
import time

import mesh
from control import RpcFault

HOSTILE = [
    '"', '""', "'", "*", "word*", "^word", "word:", "terms:word", "NEAR(word other)", "word NEAR other", "word AND other",
    "word OR other", "NOT word", "word NOT other", "-word", "(word", "word)", "((", "{word}", "word + other", "%word%",
    "word; DROP TABLE search;--", "word\" OR \"1", "_a1", "_r1", "_0t0", "\\", "?", "?1", ":word", "@word", "$word",
    "\x01word\x7f", "word\u202e", "\u0301", "z" + "\u0335" * 300, "x" * 1024, "東" * 340, "\U0001f389", "a " * 512,
    "word\x00other",
]


class Search(mesh.MeshTest):
    def search(self, node, *arguments, **options):
        return self.ctl(node.data_dir, "search", *arguments, **options).stdout.decode()

    def texts(self, node, *arguments):
        """The texts found, through --json."""
        return [found["text"] for found in json.loads(self.search(node, "--json", *arguments))]

    def two(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 2 and bob.status()["members"] == 2, 10, "two members")
        return alice, bob

    def test_what_one_wrote_is_found_at_the_other_and_after_a_crash(self):
        alice, bob = self.two()
        bob.call("message.send", text="un café noir, STRASSE 42")
        bob.call("message.send", text="東京都に住む", room="#dev")
        alice.call("message.send", text="Cafe au lait")
        mesh.wait_until(lambda: alice.status()["messages"] == 3, 10, "Alice holds what Bob wrote")
        for _ in range(2):
            line = self.search(alice, "straße", "CAFÉ")
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z #lobby Bob: un café noir, STRASSE 42\n$")
            self.assertEqual(set(self.texts(alice, "cafe")), {"un café noir, STRASSE 42", "Cafe au lait"})
            for part in ("東京", "京都に", "住", "む"):
                self.assertEqual(self.texts(alice, part), ["東京都に住む"], part)
            self.assertEqual(self.texts(alice, "--room", "#Dev", "cafe"), [])
            self.assertEqual(self.texts(alice, "--room", "#Dev", "東京"), ["東京都に住む"])
            self.assertEqual(self.texts(alice, "--from", "alice", "cafe"), ["Cafe au lait"])
            self.assertEqual(self.texts(alice, "--from", bob_key(alice), "cafe"), ["un café noir, STRASSE 42"])
            self.assertEqual(self.search(alice, "nowhere"), "")
            self.assertEqual(self.search(alice, "nowhere", "--json"), "[]\n")
            alice.kill()
            alice.restart()

    def test_times_names_and_limits(self):
        alice, bob = self.two()
        for number in range(30):
            bob.call("message.send", text=f"number {number} of bob")
        alice.call("message.send", text="number none")
        mesh.wait_until(lambda: alice.status()["messages"] == 31, 10, "Alice holds all")
        everything = json.loads(self.search(alice, "number", "--json"))
        self.assertEqual(len(everything), 31)
        rows = [tuple(map(int, found["cursor"].split("."))) for found in everything]
        self.assertEqual(rows, sorted(rows, reverse=True))
        self.assertEqual(self.texts(alice, "number", "--limit", "3"), [found["text"] for found in everything[:3]])
        self.assertEqual(self.texts(alice, "number", "-n", "31"), [found["text"] for found in everything])

        day = time.strftime("%Y-%m-%d", time.gmtime(everything[0]["wall_ms"] / 1000))
        self.assertEqual(len(self.texts(alice, "number", "--since", "2020-02-29", "--until", "2200-01-01T00:00")), 31)
        self.assertEqual(self.texts(alice, "number", "--until", "2020-02-29"), [])
        self.assertEqual(self.texts(alice, "number", "--since", "2200-01-01"), [])
        self.assertGreater(len(self.texts(alice, "number", "--since", day)), 0)
        # Exact to the millisecond, at both ends.
        middle = sorted(found["wall_ms"] for found in everything)[15]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle // 1000)) + f".{middle % 1000:03}Z"
        earlier = {found["text"] for found in everything if found["wall_ms"] < middle}
        self.assertEqual(set(self.texts(alice, "number", "--until", stamp)), earlier)
        self.assertEqual(len(self.texts(alice, "number", "--since", stamp)), 31 - len(earlier))

        control = alice.connect()
        page = control.call("message.search", words="number", limit=20)
        self.assertTrue(page["more"])
        rest = control.call("message.search", words="number", limit=11, before=page["messages"][-1]["cursor"])
        self.assertFalse(rest["more"])
        self.assertEqual(page["messages"] + rest["messages"], everything)

        unknown = self.ctl(alice.data_dir, "search", "number", "--from", "Carol", status=64).stderr.decode()
        self.assertIn("from: There is no member Carol here.", unknown)
        self.assertIn("--since takes a time", self.ctl(
            alice.data_dir, "search", "a", "--since", "tomorrow", status=64).stderr.decode())

    def test_a_name_that_two_claim_is_refused_with_both(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 2, 10, "Bob is there")
        other = self.node("Bob", data_dir=self.box.data_dir("other"), join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["members"] == 3, 10, "the other Bob is there")
        bob.call("message.send", text="said by the first")
        other.call("message.send", text="said by the second")
        mesh.wait_until(lambda: alice.status()["messages"] == 2, 10, "both are held")
        shown = [member["name"] for member in alice.call("members.list") if member["name"].startswith("Bob")]
        self.assertEqual(len(shown), 2)
        said = self.ctl(alice.data_dir, "search", "said", "--from", "bob", status=64).stderr.decode()
        for name in shown:
            self.assertRegex(said, rf"[ :]{name}[ ,.]")
        for node, text in ((bob, "said by the first"), (other, "said by the second")):
            self.assertEqual(self.texts(alice, "said", "--from", node.status()["key"]), [text])
        suffixed = next(name for name in shown if "~" in name)
        self.assertEqual(len(self.texts(alice, "said", "--from", suffixed)), 1)

    def test_what_is_written_is_indexed_without_being_asked_for(self):
        alice = self.node("Alice").start()
        for number in range(50):
            alice.call("message.send", text=f"number {number}")
        (path,) = alice.data_dir.rglob("*.db")

        def searched():
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                (row,) = database.execute("SELECT value FROM state WHERE key = 'searched_row'").fetchone()
                (last,) = database.execute("SELECT max(row) FROM envelopes").fetchone()
                return row >= last
        mesh.wait_until(searched, 20, "the index of words has caught up")
        self.assertEqual(self.texts(alice, "49"), ["number 49"])

    def test_nothing_typed_is_syntax(self):
        alice, bob = self.two()
        bob.call("message.send", text="a word and an other")
        mesh.wait_until(lambda: alice.status()["messages"] == 1, 10, "Alice holds it")
        control = alice.connect()
        found = {}
        for words in HOSTILE:
            with self.subTest(words=words):
                try:
                    found[words] = len(control.call("message.search", words=words)["messages"])
                except RpcFault as fault:
                    # Only what holds no word is refused.
                    self.assertEqual(fault.code, -32602)
                    self.assertIn("no word", fault.message)
                    self.assertFalse(any(letter.isalnum() for letter in words))
        for words in ("word*", "^word", "-word", "(word", "word AND other", "word + other", "%word%", "{word}", ":word"):
            self.assertEqual(found[words], 1, words)
        for words in ("word OR other", "NOT word", "NEAR(word other)", "terms:word", "_a1", "_0t0"):
            self.assertEqual(found[words], 0, words)
        self.assertIn("no word", self.ctl(alice.data_dir, "search", '"*"', status=64).stderr.decode())
        self.assertIn("more than 1024", self.ctl(alice.data_dir, "search", "x" * 1025, status=64).stderr.decode())
        self.assertEqual(alice.status()["storage"], "ok")

    def test_every_naughty_string_finds_itself_or_says_that_it_has_no_word(self):
        lines = [line for line in mesh.shared_data("blns.txt").read_text().split("\n") if line.strip()]
        alice = self.node("Alice").start()
        control = alice.connect()
        sent = [control.send("message.send", text=line) for line in lines]
        for request in sent:
            control.reply(request)
        asked = [(line, control.send("message.search", words=line, limit=1000))
                 for line in lines if len(line.encode()) <= 1024]
        wordless = 0
        for line, request in asked:
            try:
                self.assertIn(line, [found["text"] for found in control.reply(request)["messages"]])
            except RpcFault as fault:
                self.assertIn("no word", fault.message)
                self.assertFalse(any("a" <= letter.lower() <= "z" or letter.isdigit() for letter in line), line)
                wordless += 1
        self.assertLess(wordless, len(asked) // 4)


def bob_key(node):
    return next(member["key"] for member in node.call("members.list") if member["name"] == "Bob")


if __name__ == "__main__":
    mesh.main()
