"""Text that breaks careless software in every field of every command: of the control socket, p2pchat and p2pmeshctl.

Which fields there are is read from p2pmesh-control(7), the table of p2pchat's commands and that of p2pmeshctl's verbs, so
that what is new is tried too. In namespaces of its own, since some of the fields are hosts that would be looked up.

P2PMESH_ATTACK_S  set: every string; else some forty of them
"""

import json
import os
import re
import sys
import time

import attacks
import control
import mesh
import namespaces
from chat import Chat

# What a field gets when it is another one's turn. Nothing for what may be left out.
PLAUSIBLE = {
    "text": "a text", "room": "#lobby", "to": "Bob", "member": "Bob", "host": "127.0.0.1", "port": 1, "cursor": "0.0",
    "words": "text", "verb": "kick", "name": "Bob", "accept": False, "with": "Bob", "open": False, "on": True,
    "statement": "00", "number": 1, "key": "0" * 64, "mesh": "Alice",
}
METHOD = re.compile(r"\.It (?:Xo\n)?(?:\.)?Ic ([a-z.]+)(?: No)?\s*\n?(?:\.No )?\s*\{([^}]*)\}")
ENDS_IT = {"shutdown"}
# These end a screen, or print so much that the test would be about that.
LEFT_OUT_COMMANDS = {"/quit", "/logout", "/exit"}
WINDOW = 100
# A reply is JSON: what it holds of others is escaped as JSON has it, and the line is one line.
RAW_IN_JSON = re.compile(rb"[\x00-\x09\x0b-\x1f]")
CTL = [
    ["send", "@"], ["send", "--room", "@", "x"], ["send", "--to", "@", "x"], ["history", "--room", "@"],
    ["history", "--with", "@"], ["history", "-n", "@"], ["search", "@"], ["search", "--from", "@", "x"],
    ["search", "--since", "@", "x"], ["search", "--until", "@", "x"], ["search", "--limit", "@", "x"], ["join", "@"],
    ["invite", "@", "--room", "#lobby"], ["invite", "Bob", "--room", "@"], ["topic", "@"], ["topic", "--room", "@"],
    ["moderate", "@"], ["moderate", "kick", "@"], ["moderate", "ban", "Bob", "--for", "@"],
    ["moderate", "kick", "Bob", "--reason", "@"], ["moderate", "kick", "Bob", "--room", "@"], ["mods", "--room", "@"],
    ["invite", "--uses", "@"], ["invite", "--expires", "@"], ["invite", "--address", "@"], ["invites", "@"],
    ["uninvite", "@"], ["members", "--at", "@"], ["ask", "@"], ["accept", "@"], ["decline", "@"], ["nick", "@"],
    ["add", "@", "127.0.0.1", "1"],
    ["add", "Bob", "@", "1"], ["add", "Bob", "127.0.0.1", "@"], ["connect", "@", "1"], ["connect", "127.0.0.1", "@"],
    ["alias", "@", "x"], ["alias", "Bob", "@"], ["forget", "@"], ["tail", "-n", "1", "--after", "@"], ["tail", "-n", "@"],
    ["cancel", "@"], ["discover", "@"], ["receipts", "@"], ["ignore", "@"], ["unignore", "@"], ["block", "@"],
    ["unblock", "@"], ["export", "--room", "@"], ["export", "--with", "@"], ["export", "--since", "@"],
    ["export", "--format", "@"], ["revoke", "@"], ["@"], ["status", "@"], ["limits", "@"], ["peers", "@"], ["rooms", "@"], ["contacts", "@"],
    ["pending", "@"], ["meshes", "@"], ["enter", "@", "1"], ["enter", "127.0.0.1", "@"], ["enter", "@"], ["leave", "@"], ["switch", "@"],
    ["open", "@"], ["rendezvous", "@"], ["people", "@"], ["lan", "@"], ["check", "@", "1"], ["check", "127.0.0.1", "@"], ["shutdown", "@"], ["passphrase", "@"], ["revocation", "@"],
]


def methods():
    page = (mesh.SOURCE_DIR / "man" / "p2pmesh-control.7").read_text()
    section = page[page.index(".Sh METHODS"):]
    found = {}
    for name, fields in METHOD.findall(section[:section.index(".Sh ", 5)]):
        found[name] = [field.strip() for field in fields.replace("\n", " ").split(",") if field.strip()]
    return found


def commands():
    table = (mesh.SOURCE_DIR / "src" / "client" / "chat_command_table.cc").read_text()
    return sorted(set(re.findall(r'"(/[a-z]+)"', table)) - LEFT_OUT_COMMANDS)


def verbs():
    source = (mesh.SOURCE_DIR / "src" / "client" / "ctl_options.cc").read_text()
    return re.findall(r'"([a-z]+)"', source[source.index("kVerbs = {"):].split("};")[0])


class Naughty(mesh.MeshTest):
    def strings(self, full, short):
        lines = [line for line in mesh.shared_data("blns.txt").read_text(errors="surrogateescape").split("\n") if line]
        self.assertGreater(len(lines), 500)
        wanted = full if attacks.FULL else short
        return lines[::max(1, len(lines) // wanted)] + ["\x1b]0;x\x07", "\u202egnol", "\x00nul\x7f", "x" * 9000, "\ud800"]

    def start_both(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "both see each other")
        return alice, bob

    def is_clean(self, output, what):
        found = mesh.RAW_CONTROL.search(output.replace(b"\t", b""))
        self.assertIsNone(found, f"{what}: {found and output[max(0, found.start() - 60):found.end() + 60]}")

    def check_end(self, nodes):
        for node in nodes:
            self.assertIsNone(node.process.poll(), "the node is still there")
            self.assertEqual(node.status()["storage"], "ok")
            self.assertEqual(node.terminate(), 0)
            attacks.check_databases(self, node.data_dir)
            self.is_clean(node.log.read_bytes(), f"the log of {node.name}")

    def test_every_field_of_every_method(self):
        alice, bob = self.start_both()
        wanted = set(re.findall(r'"([a-z]+(?:\.[a-z]+)?)"', (
            mesh.SOURCE_DIR / "src" / "control" / "method_names.h").read_text()))
        self.assertEqual(set(methods()), wanted, "the fields of every method are known")
        raw = control.connect_control(alice.data_dir)
        raw.settimeout(mesh.stretched(30))
        self.addCleanup(raw.close)
        requests = []
        for method, fields in methods().items():
            if method in ENDS_IT:
                continue
            required = {field: PLAUSIBLE[field] for field in fields if not field.endswith("?")}
            for string in self.strings(1000, 40):
                for field in fields + ["unheard_of"]:
                    requests.append((method, {**required, field.rstrip("?"): string}))
        for string in self.strings(1000, 40):
            requests.append((string, {}))
        answered, refused, buffer = 0, 0, b""
        for start in range(0, len(requests), WINDOW):
            batch = requests[start:start + WINDOW]
            lines = [json.dumps({"jsonrpc": "2.0", "id": i, "method": m, "params": p}) for i, (m, p) in enumerate(batch)]
            raw.sendall("".join(line + "\n" for line in lines).encode())
            waiting = set(range(len(batch)))
            anonymous = 0
            while len(waiting) > anonymous:
                chunk = raw.recv(1 << 20)
                self.assertTrue(chunk, f"the node hung up at {batch[:3]}")
                *complete, buffer = (buffer + chunk).split(b"\n")
                for line in complete:
                    self.assertIsNone(RAW_IN_JSON.search(line), line)
                    reply = json.loads(line)
                    if "method" in reply:
                        continue
                    if reply["id"] is None:
                        anonymous += 1  # so broken that its id could not be read
                    else:
                        waiting.discard(reply["id"])
                    answered += 1
                    refused += "error" in reply
        print(f"naughty: {len(requests)} requests to {len(methods()) - 1} methods, {answered} answered, {refused} refused")
        self.assertEqual(answered, len(requests))
        self.assertGreater(refused, 0.3 * answered)
        self.assertLess(refused, answered)
        self.check_end([alice, bob])

    def test_every_command_of_a_screen(self):
        node = self.node("Carol").start()
        alice = Chat(self.box, "Alice", "127.0.0.1", node.status()["port"]).expect_open()
        count = 0
        strings = [s for s in self.strings(1000, 40) if "\n" not in s]
        for command in commands():
            for string in strings:
                for arguments in (string, f"Carol {string}", f"{string} {string}"):
                    alice.write(f"{command} {arguments}\n".encode("utf-8", "surrogatepass"))
                    count += 1
            # Where it may have gone, it comes back; and every screen's turn ends before the next command's.
            last = f"the end of {command[1:]}"
            alice.say("/close", "/join #lobby", "/discover on", "/nick Alice", last)
            mesh.wait_until(
                lambda: any(message["text"] == last for message in node.call("message.list", limit=5)["messages"]),
                120, f"the screen goes on after {command}")
        alice.leave()
        self.is_clean(alice.raw, "stdout")
        self.is_clean(alice.errors.read_bytes(), "stderr")
        print(f"naughty: {count} lines for {len(commands())} commands, {len(alice.raw)} bytes printed")
        attacks.check_databases(self, alice.data_dir)
        self.check_end([node])

    def test_every_argument_of_p2pmeshctl(self):
        self.assertEqual({row[0] for row in CTL} - {"@"}, set(verbs()), "every verb stands in this table")
        alice, bob = self.start_both()
        statuses = {}
        # No NUL and no path reaches a command line: a file could be written there.
        strings = [s for s in self.strings(60, 6) if "\0" not in s and "\ud800" not in s]
        for row in CTL:
            for string in strings:
                safe = string.replace("/", "_") if row[0] in ("revoke", "revocation", "passphrase") else string
                done = self.box.run(
                    "p2pmeshctl", "--data-dir", str(alice.data_dir), *[safe if word == "@" else word for word in row])
                statuses[done.returncode] = statuses.get(done.returncode, 0) + 1
                self.assertTrue(0 <= done.returncode < 80, f"{row} {safe!r}: {done.returncode} {done.stderr!r}")
                self.is_clean(done.stdout, f"stdout of {row} with {safe!r}")
                self.is_clean(done.stderr, f"stderr of {row} with {safe!r}")
                self.assertEqual(done.returncode != 0, bool(done.stderr), (row, safe, done))
        print(f"naughty: {sum(statuses.values())} calls of p2pmeshctl, by status {dict(sorted(statuses.items()))}")
        self.check_end([alice, bob])


if __name__ == "__main__":
    namespaces.enter(__file__)
    namespaces.run("ip", "link", "set", "lo", "up")
    mesh.main()
