#!/usr/bin/env python3
"""Direct messages between real nodes on loopback, one JSON line: their latency beside that of a room's lines among
8 nodes, and how long 10,000 take that waited for somebody who was away.

    P2PMESH_BIN_DIR=build python3 -B tests/bench/direct_bench.py
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

import mesh  # noqa: E402

NODES = 8
ROUNDS = 300
PENDING = 10000


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latencies(sender, receiver, rounds, **to):
    """From the request to the recipient's event, one at a time, in milliseconds."""
    control, watcher, times = sender.connect(), receiver.connect(), []
    watcher.call("events.subscribe")
    for number in range(rounds):
        text = f"{to} {number}"
        begun = time.monotonic()
        control.send("message.send", text=text, **to)
        while not any(event.get("text") == text for event in watcher.events):
            watcher.pump(1)
        times.append((time.monotonic() - begun) * 1000)
        watcher.events.clear()
        control.pump(0)
    return times


def befriend(one, other):
    one.call("contact.ask", to=other.name)
    mesh.wait_until(lambda: other.call("contacts.list"), 30, "the request has come")
    other.call("contact.answer", member=one.name, accept=True)
    mesh.wait_until(lambda: one.call("contacts.list")[0]["theirs"] == "accepted", 30, "it was accepted")


def main():
    box = mesh.Box("direct-bench")
    failed = True
    try:
        first = mesh.Node(box, "Node0").start()
        nodes = [first] + [mesh.Node(box, f"Node{i}", join=[first.address]).start() for i in range(1, NODES)]
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == NODES, 60, "all see each other")
        alice, bob = nodes[1], nodes[2]
        befriend(alice, bob)
        room = latencies(alice, bob, ROUNDS)
        direct = latencies(alice, bob, ROUNDS, to=bob.name)

        bob.terminate()
        control, begun = alice.connect(), time.monotonic()
        for number in range(PENDING):
            control.send("message.send", text=f"pending {number}", to=bob.name)
        while len(control.replies) < PENDING:
            control.pump(1)
        written = time.monotonic() - begun
        mesh.wait_until(lambda: alice.status()["pending"] == 0, 60, "somebody carries them")
        alice.terminate()
        begun = time.monotonic()
        bob.restart()
        mesh.wait_until(lambda: bob.status()["messages"] >= PENDING + 2 * ROUNDS, 120, "Bob has them")
        flushed = time.monotonic() - begun
        print(json.dumps({
            "bench": "direct", "nodes": NODES, "messages": ROUNDS,
            "room_ms_p50": round(statistics.median(room), 3), "room_ms_p99": round(percentile(room, 0.99), 3),
            "direct_ms_p50": round(statistics.median(direct), 3), "direct_ms_p99": round(percentile(direct, 0.99), 3),
            "pending": PENDING, "written_s": round(written, 3), "flushed_s": round(flushed, 3)}))
        failed = False
    finally:
        box.close(failed)


if __name__ == "__main__":
    main()
