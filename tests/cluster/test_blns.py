"""Text that breaks careless software goes through three screens and comes out as it went in."""

import json
import re

import mesh
from chat import Chat
from mesh import RAW_CONTROL

# What format_safe_line does not let through as it is: C0, DEL, C1, bidi controls, line and paragraph separators.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def safe_line(text):
    text = text.replace("\r\n", "\n").replace("\n", r"\n")
    return UNSAFE.sub(lambda match: "".join(f"\\x{byte:02x}" for byte in match.group().encode()), text)


class NaughtyStrings(mesh.MeshTest):
    def test_every_line_arrives_as_it_was_and_none_raw(self):
        raw = mesh.shared_data("blns.txt").read_bytes()
        lines = [line for line in raw.split(b"\n") if line]
        self.assertGreater(len(lines), 500)
        self.assertFalse([line for line in lines if line == b":q" or line.endswith(b"\r")])

        alice = Chat(self.box, "Alice").expect_open()
        bob = Chat(self.box, "Bob", "localhost", alice.port).expect_open()
        carol = Chat(self.box, "Carol", "localhost", bob.port).expect_open()
        # From here on their screens show everything as it comes: more than a hundred lines that came while they opened
        # would be cut to the last hundred.
        alice.say("this was the first")
        lines.insert(0, b"this was the first")
        for chat in (bob, carol):
            chat.expect("^Alice: this was the first$", timeout=20)
        for line in raw.split(b"\n"):
            alice.write((b"/" + line if line.startswith(b"/") else line) + b"\n")
        alice.say("this was the last")
        lines.append(b"this was the last")
        for chat in (bob, carol):
            chat.expect("^Alice: this was the last$", timeout=20)
            self.assertEqual(chat.said(), ["Alice: " + safe_line(line.decode()) for line in lines])

        chats = [alice, bob, carol]
        text = mesh.same_exports(chats, 20)
        self.assertEqual(len(text.splitlines()), 1 + len(lines))
        for chat in chats:
            exported = [json.loads(line) for line in chat.export("--format", "json").splitlines()]
            self.assertEqual([message["text"].encode() for message in exported], lines)
        self.assertEqual(len({chat.export("--format", "json") for chat in chats}), 1)
        captured = {"export": text.replace(b"\t", b"")}
        for chat in chats:
            captured[chat.name] = chat.raw
            captured[f"{chat.name}: history"] = self.ctl(chat.data_dir, "history", "-n", "1000").stdout
            captured[f"{chat.name}: stderr"] = chat.stderr().encode()
        for name, output in captured.items():
            found = RAW_CONTROL.search(output)
            self.assertIsNone(found, f"{name}: {found and output[max(0, found.start() - 40):found.end() + 40]}")
        for chat in chats:
            self.assertEqual(chat.leave(), 0)


if __name__ == "__main__":
    mesh.main()
