#!/usr/bin/env python3
"""What a discovery server does a second, and what it keeps in memory: members of one process, on loopback.

    P2PMESH_BIN_DIR=build python3 -B tests/bench/rendezvous_bench.py [--members N] [--links N,N,...] [--look-ups N] [--ahead N]

Each number of links is one run with a server of its own, whose budgets are out of the way. Client and server share the
machine's cores: the client signs each registration, which costs about as much as its check.
"""

import argparse
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

import mesh
import rendezvous
from attacks import cpu_of, memory_of

GENEROUS = """[links]
handshakes_per_second = 1000000
source_handshakes_per_second = 1000000
[rendezvous]
lease_s = 86400
links_per_source = 1000000
names_per_hour = 1000000000
registrations_per_second = 1000000
look_ups_per_second = 1000000
"""


def measure(box, members, links, look_ups, ahead):
    server = rendezvous.Server(box, GENEROUS)
    server.data_dir = box.data_dir(f"links{links}")
    server.start()
    pid = server.process.pid
    empty = memory_of(pid)
    client = rendezvous.Client(box, "bench", server, links=links, members=members, look_ups=look_ups, ahead=ahead)
    row = [str(links)]
    used = cpu_of(pid)
    for step in ("links", "registered", "refreshed", "looked-up"):
        said = client.line(600)
        what, count, seconds, failed = re.fullmatch(r"([\w-]+) (\d+) seconds ([\d.]+) failed (\d+)", said).groups()
        assert what == step and failed == "0", said
        now = cpu_of(pid)
        row.append(f"{int(count) / float(seconds):.0f}/s ({(now - used) / int(count) * 1e6:.0f} us)")
        if step in ("links", "refreshed"):
            row.append(f"{(memory_of(pid) - empty) / (1 << 20):.1f} MiB")
        used = now
        client.tell("on")
    client.process.wait(60)
    assert server.facts()["registered"] == members
    size = os.path.getsize(server.data_dir / "rendezvous.db") + os.path.getsize(server.data_dir / "rendezvous.db-wal")
    row.append(f"{size / (1 << 20):.1f} MiB")
    server.terminate()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--links", default="100,1000,10000")
    parser.add_argument("--look-ups", type=int, default=100_000)
    parser.add_argument("--ahead", type=int, default=16)
    options = parser.parse_args()
    box = mesh.Box("rendezvous")
    try:
        rows = [["links", "handshakes", "memory of links", "new members", "refreshes", "memory with members", "look-ups",
                 "on the disk"]]
        for links in map(int, options.links.split(",")):
            rows.append(measure(box, options.members, links, options.look_ups, options.ahead))
            print(rows[-1], file=sys.stderr)
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        print(f"{options.members} members; in brackets: processor time of the server for each")
        for row in rows:
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths)))
    finally:
        box.close(False)


if __name__ == "__main__":
    main()
