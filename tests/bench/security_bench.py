#!/usr/bin/env python3
"""What the TLS channels cost: the same node with them and without, one after the other in every round, one JSON line.

Of each kind the medians over the rounds: handshakes a second (by the wall and by the node's processor time), a room's
lines among 8 nodes (one at a time, in milliseconds; and how many a second everybody has shown when they come as fast
as they go), anonymous memory of a node alone and of each idle link, in kB.

    P2PMESH_BIN_DIR=build-bench python3 -B tests/bench/security_bench.py [ROUNDS]
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import attacks  # noqa: E402
import mesh  # noqa: E402
from direct_bench import latencies, percentile  # noqa: E402

NODES = 9  # a full mesh: eight links each
LINES = 200
BURST = 4000
SHAKEN_S = 2
UNCHANGED = 100  # looks, 20 ms apart: a heartbeat of a full mesh and a comparison
QUICK = "[links]\nhandshakes_per_second = 1000000\nsource_handshakes_per_second = 1000000\n"


class Kind:
    """Programs with TLS, or those without."""

    def __init__(self, suffix):
        self.daemon = mesh.program("p2pmeshd" + suffix)
        self.hostile = mesh.program("hostile_member" + suffix)

    def node(self, box, name, **options):
        node = mesh.Node(box, name, **options)
        command = node.command
        node.command = lambda: [self.daemon, *command()[1:]]
        return node.start()


def settled_memory(node):
    """In bytes, once it has been the same for as long as a comparison with a neighbor takes."""
    seen = []

    def is_settled():
        seen.append(attacks.memory_of(node.process.pid))
        return len(seen) > UNCHANGED and len(set(seen[-UNCHANGED:])) == 1

    mesh.wait_until(is_settled, 30, f"the memory of {node.name} stays as it is")
    return seen[-1]


def burst(nodes):
    """Messages shown a second, by all but the author, when it writes as fast as it may."""
    control, begun = nodes[0].connect(), time.monotonic()
    had = [node.status()["messages"] for node in nodes]
    for number in range(BURST):
        control.send("message.send", text=f"burst {number}")
    while len(control.replies) < BURST:
        control.pump(1)
    for node, before in zip(nodes[1:], had[1:]):
        mesh.wait_until(lambda: node.status()["messages"] >= before + BURST, 60, f"{node.name} has them")
    return BURST * (len(nodes) - 1) / (time.monotonic() - begun)


def shake(kind, box, alone):
    attacks.HOSTILE = kind.hostile
    used = attacks.cpu_of(alone.process.pid)
    hostile = attacks.Hostile(box, "shake", [alone], seconds=SHAKEN_S, until="welcome")
    hostile.finish()
    used = attacks.cpu_of(alone.process.pid) - used
    count, seconds, _ = hostile.numbers()
    return count / seconds, count / max(used, 0.01)


def measure(kind):
    box = mesh.Box("security-bench")
    failed = True
    try:
        config = box.path / "quick.toml"
        config.write_text(QUICK)
        alone = kind.node(box, "Alone", options=["--config", str(config)])
        by_wall, by_cpu = shake(kind, box, alone)
        first = kind.node(box, "Node0")
        alone_bytes = settled_memory(first)
        nodes = [first]
        for i in range(1, NODES):
            nodes.append(kind.node(box, f"Node{i}", join=[first.address]))
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == NODES and node.status()["neighbors"] == NODES - 1, 60,
                            "everybody is everybody's neighbor")
        link_bytes = (settled_memory(first) - alone_bytes) / (NODES - 1)
        times = latencies(nodes[1], nodes[2], LINES)
        seen = {"handshakes_s": by_wall, "handshakes_cpu_s": by_cpu, "room_ms_p50": statistics.median(times),
                "room_ms_p99": percentile(times, 0.99), "shown_s": burst(nodes),
                "alone_kb": alone_bytes / 1024, "link_kb": link_bytes / 1024}
        failed = False
        return seen
    finally:
        box.close(failed)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    kinds = {"plain": Kind("_plain"), "tls": Kind("")}
    seen = {name: [] for name in kinds}
    for number in range(rounds):
        for name, kind in kinds.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            seen[name].append(measure(kind))
    medians = {name: {key: statistics.median(one[key] for one in all_of) for key in all_of[0]}
               for name, all_of in seen.items()}
    ratios = {key: medians["tls"][key] / medians["plain"][key] for key in medians["tls"]}
    shown = {name: {key: round(value, 2) for key, value in of.items()}
             for name, of in {**medians, "ratio": ratios}.items()}
    print(json.dumps({"bench": "security", "nodes": NODES, "rounds": rounds, **shown}))


if __name__ == "__main__":
    main()
