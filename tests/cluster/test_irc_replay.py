"""Real talk: 5,000 lines of an IRC channel over five nodes, one killed and restarted, one joining late."""

import gzip
import re
import zlib
from collections import Counter

import mesh

ROWS = 5000
KILL_AT, RESTART_AT, LATE_AT = 1500, 3000, 2200
WINDOW = 256


def said_rows():
    """The first rows of kind `say`, in the order of the channel, as `nick: text`."""
    rows = []
    with gzip.open(mesh.shared_data("ubuntu-irc.tsv.gz"), "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            _, kind, nick, text = line.rstrip("\n").split("\t", 3)
            if kind == "say":
                rows.append(f"{nick}: {text}")
                if len(rows) == ROWS:
                    break
    return rows


def unescape(text):
    """What p2pmeshctl export --format text had escaped."""
    def plain(match):
        escape = match.group(1)
        if escape.startswith(b"x"):
            return bytes([int(escape[1:], 16)])
        return {b"n": b"\n", b"t": b"\t", b"\\": b"\\"}[escape]
    return re.sub(rb"\\(x[0-9a-f]{2}|n|t|\\)", plain, text).decode()


class Sender:
    """Sends through one node, with at most so many requests under way."""

    def __init__(self, node):
        self.node = node
        self.control = node.connect()
        self.waiting = []

    def send(self, text):
        if len(self.waiting) >= WINDOW:
            self.drain(WINDOW // 2)
        self.waiting.append(self.control.send("message.send", text=text))

    def drain(self, left=0):
        while len(self.waiting) > left:
            self.control.reply(self.waiting.pop(0))


class IrcReplay(mesh.MeshTest):
    def test_five_identical_exports_with_every_line_once(self):
        rows = said_rows()
        self.assertEqual(len(rows), ROWS)
        nodes = [self.node("Node0").start()]
        for number in range(1, 4):
            nodes.append(self.node(f"Node{number}", join=[nodes[-1].address]).start())
        late = self.node("Node4", join=[nodes[1].address])
        senders = [Sender(node) for node in nodes]
        victim = senders[2]
        said_by = Counter()
        by_author = {}
        for at, row in enumerate(rows):
            if at == KILL_AT:
                victim.drain()  # acknowledged, but not therefore with the others yet
                victim.node.kill()
                senders.remove(victim)
            if at == LATE_AT:
                senders.append(Sender(late.start()))
            if at == RESTART_AT:
                senders.append(Sender(victim.node.restart()))
            nick = row.split(": ", 1)[0]
            sender = senders[zlib.crc32(nick.encode()) % len(senders)]
            sender.send(row)
            said_by[sender.node.name] += 1
            by_author.setdefault(sender.node.name, []).append(row)
        for sender in senders:
            sender.drain()
        nodes.append(late)
        self.assertEqual(len(said_by), 5, "all five spoke")

        mesh.wait_until(
            lambda: all(len(node.messages()) == ROWS for node in nodes), 60, f"all five hold {ROWS} messages")
        export = mesh.same_exports(nodes, 30)
        _, *lines = export.splitlines()
        said = [line.split(b"\t") for line in lines]
        self.assertTrue(all(len(fields) == 3 for fields in said))
        self.assertEqual(Counter(unescape(text) for _, _, text in said), Counter(rows), "every line once")
        for name, own in by_author.items():
            heard = [unescape(text) for _, author, text in said if author.decode() == name]
            self.assertEqual(heard, own, f"{name} in its order")


if __name__ == "__main__":
    mesh.main()
