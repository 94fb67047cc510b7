"""What the attack tests share: a member that attacks, honest load with its delays, and what a node takes.

P2PMESH_ATTACK_S   how long an attack goes on, in seconds; `make attacks` sets it, without it each test has a short one
P2PMESH_HOSTILE    the program hostile_member, if it is not beside the others
"""

import json
import os
import re
import select
import sqlite3
import subprocess
import time

import mesh
from control import Control

HOSTILE = os.environ.get("P2PMESH_HOSTILE") or mesh.program("hostile_member")
FULL = "P2PMESH_ATTACK_S" in os.environ


def attack_seconds(short):
    return float(os.environ.get("P2PMESH_ATTACK_S") or short)


def memory_of(pid):
    """Anonymous memory in bytes."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read()).group(1)) * 1024


class PeakMemory:
    """How much more memory a process has had at any moment since. What is looked at now and then misses what is taken
    and given back; the kernel does not."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/clear_refs", "w") as clear:
            clear.write("5")
        self.before = self.now("VmRSS")

    def now(self, name):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(name + r":\s+(\d+) kB", status.read()).group(1)) * 1024

    def grown(self):
        return self.now("VmHWM") - self.before

    def check_below(self, test, most):
        if mesh.TIME_FACTOR == 1:  # a sanitizer keeps what was freed
            test.assertLess(self.grown(), most)


def cpu_of(pid):
    """Processor time in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_cpu():
    """Busy and all processor time of the whole machine."""
    with open("/proc/stat") as stat:
        numbers = [int(n) for n in stat.readline().split()[1:9]]
    return sum(numbers) - numbers[3] - numbers[4], sum(numbers)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


def check_delays(test, quiet, during):
    """The 99th percentile is at most twice that of the slower of the quiet times before and after. Other tests beside
    this one may cost everybody some more."""
    allowed = 2 * max(percentile(delays, 0.99) for delays in quiet) + mesh.stretched(0.025 if FULL else 0.15)
    test.assertLessEqual(percentile(during, 0.99), allowed)


class Stopwatch:
    def __init__(self):
        self.begin = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.begin


class Hostile:
    """One run of hostile_member; what it says is read line by line."""

    def __init__(self, box, attack, targets, **options):
        command = [HOSTILE, attack]
        for node in targets:
            command += ["--target", node.address]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.errors = box.new_name(f"{attack}.stderr")
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.lines = []
        box.members.append(self)

    def line(self, timeout=60):
        """The next line that it says."""
        readable, _, _ = select.select([self.process.stdout], [], [], mesh.stretched(timeout))
        line = self.process.stdout.readline() if readable else ""
        if not line:
            raise AssertionError(f"the attacker said nothing more: {self.describe()}")
        self.lines.append(line.rstrip("\n"))
        return self.lines[-1]

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self, timeout=120):
        """What it said last, once it has ended well."""
        out, _ = self.process.communicate(timeout=mesh.stretched(timeout))
        self.lines += out.splitlines()
        if self.process.returncode != 0 or not self.lines:
            raise AssertionError(f"the attack failed: {self.describe()}")
        return self.lines[-1]

    def numbers(self):
        """The numbers of its last line."""
        return [float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", self.lines[-1])]

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass

    def describe(self):
        return f"== hostile_member (status {self.process.poll()})\n" + "\n".join(self.lines) + mesh.tail(self.errors)


class Load:
    """Messages of honest members at a steady pace, and how long each takes to every other one.

    What nodes tell is not parsed but looked through: in a flood the reader must not be what is slow.
    """

    def __init__(self, nodes, rate):
        self.nodes, self.rate = nodes, rate
        self.mark = f"honest-{os.getpid()}-{id(self)}-"
        self.pattern = re.compile(self.mark.encode() + rb"(\d+)\.")
        self.ends = []
        for node in nodes:
            control = Control(node.data_dir, mesh.stretched(30))
            control.call("events.subscribe")
            self.ends.append(control.socket)
        self.rest = [b""] * len(nodes)
        self.sent = []  # of each message: who says it, and when
        self.seen = []  # of each message: how often each node has told of it
        self.delays = []

    def close(self):
        for end in self.ends:
            end.close()

    def say(self):
        number = len(self.sent)
        author = number % len(self.ends)
        request = {"jsonrpc": "2.0", "id": number, "method": "message.send", "params": {"text": f"{self.mark}{number}."}}
        self.sent.append((author, time.monotonic()))
        self.seen.append([0] * len(self.ends))
        self.ends[author].send(json.dumps(request).encode() + b"\n")

    def poll(self, seconds):
        readable, _, _ = select.select(self.ends, [], [], max(0, seconds))
        for end in readable:
            receiver = self.ends.index(end)
            chunk = self.rest[receiver] + end.recv(1 << 20)
            now = time.monotonic()
            complete = chunk.rfind(b"\n") + 1
            self.rest[receiver] = chunk[complete:]
            for found in self.pattern.finditer(chunk, 0, complete):
                self.take(receiver, int(found.group(1)), now)

    def take(self, receiver, number, now):
        self.seen[number][receiver] += 1
        author, at = self.sent[number]
        if self.seen[number][receiver] == 1 and receiver != author:
            self.delays.append(now - at)

    def run(self, seconds):
        """Speaks for so long; gives the delays in seconds of what has arrived since the last run."""
        self.delays = []
        begin = time.monotonic()
        spoken = 0
        while (elapsed := time.monotonic() - begin) < seconds:
            if spoken <= elapsed * self.rate:
                self.say()
                spoken += 1
            self.poll(min(0.05, max(0, (spoken / self.rate) - (time.monotonic() - begin))))
        return self.delays

    def missing(self):
        """How many deliveries are outstanding."""
        return sum(times.count(0) for times in self.seen)

    def settle(self, timeout=20):
        """Waits until everybody has everything; false when not in time."""
        deadline = time.monotonic() + mesh.stretched(timeout)
        while self.missing() and time.monotonic() < deadline:
            self.poll(0.1)
        return self.missing() == 0

    def shown_twice(self):
        return sum(1 for times in self.seen for count in times if count > 1)


def start_mesh(test, count, stem="Node"):
    """So many nodes in one mesh, all of whom see all."""
    nodes = [test.node(f"{stem}0").start()]
    for number in range(1, count):
        nodes.append(test.node(f"{stem}{number}", join=[nodes[number // 2].address]).start())
    for node in nodes:
        mesh.wait_until(lambda: node.status()["online"] == count, 60, f"{node.name} sees {count}")
    return nodes


class FloodTest(mesh.MeshTest):
    """A member that floods a mesh in which others talk at a steady pace."""

    RATE = 20  # honest messages a second, in all
    BURST, A_SECOND = 1000, 200  # of an author: base/limits.h
    BURST_S = 4
    AIM, SHARE = 50000, 0.2  # of the attacker, envelopes a second and of a core: tests/attacks/flood.cc

    def flood(self, count, seconds, attack="flood", age=0, **options):
        """Floods a mesh of so many, of that age at least; checks what must hold however it is done, and gives what was
        measured."""
        nodes = start_mesh(self, count)
        formed = Stopwatch()
        entry, *_, mallory = nodes
        honest = nodes[:-1]
        mallory.kill()
        lasts = int(seconds) + self.BURST_S + 1
        hostile = Hostile(self.box, attack, [entry], key=mallory.data_dir / "identity.key", seconds=lasts, **options)
        hostile.line()
        load = Load(honest, self.RATE)
        self.addCleanup(load.close)
        load.run(1)
        while formed.seconds() < age:
            load.run(1)
        before = load.run(seconds)
        held, spoken = [node.status()["messages"] for node in honest], len(load.sent)
        hostile.go()
        burst = load.run(self.BURST_S)
        busy = [cpu_of(node.process.pid) for node in honest]
        machine = machine_cpu()
        during = load.run(seconds)
        machine = [now - was for now, was in zip(machine_cpu(), machine)]
        busy = [(cpu_of(node.process.pid) - was) / seconds for node, was in zip(honest, busy)]
        said = hostile.finish()
        self.attacker = hostile.numbers()
        self.assertTrue(load.settle(30), f"{load.missing()} honest deliveries are missing")
        after = load.run(seconds)
        load.settle(10)
        self.assertEqual(load.shown_twice(), 0)
        taken = [node.status()["messages"] - was - (len(load.sent) - spoken) for node, was in zip(honest, held)]
        over = entry.status()["counters"]["ingress_over_budget"]
        p50, p99 = ([1000 * percentile(delays, share) for delays in (before, during, after)] for share in (0.5, 0.99))
        print(f"{attack} of {count}{' as repair' if 'as' in options else ''}: {said}; honest p50 {p50[0]:.1f} -> "
              f"{p50[1]:.1f} -> {p50[2]:.1f} ms, p99 {p99[0]:.1f} -> {p99[1]:.1f} -> {p99[2]:.1f} ms over "
              f"{len(during)} deliveries, the slowest of its burst "
              f"{1000 * max(burst):.0f} ms; {max(taken)} of the flood taken, {over} over budget at the entry; processor "
              f"time of the entry {100 * busy[0]:.0f} %, of the others {100 * max(busy[1:]):.0f} % at most, of the machine "
              f"{100 * machine[0] / machine[1]:.0f} %")
        return (before, after), during, max(taken), over

    def check_attack(self):
        """What the attacker did is what it was to do: as many as wanted, or as many as its share of a core makes."""
        sent, lasted, share, _ = self.attacker
        rate, share = sent / lasted, share / 100
        print(f"the attacker sent {rate:.0f} envelopes/s, of {self.AIM} wanted, with {100 * share:.1f} % of a core, of "
              f"{100 * self.SHARE:g} % allowed")
        if FULL:
            self.assertTrue(rate >= 0.9 * self.AIM or share >= 0.9 * self.SHARE, "neither of its limits was reached")

    def check_budget(self, taken, over, seconds):
        self.assertLessEqual(taken, self.BURST + self.A_SECOND * (seconds + self.BURST_S + 3))
        self.assertGreater(over, taken, "most of it is over the budget")


def check_databases(test, data_dir):
    """Every database of a node that has ended is sound."""
    found = list(data_dir.rglob("*.db"))
    test.assertTrue(found)
    for path in found:
        database = sqlite3.connect(path)
        test.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], path)
        database.close()


def main():
    """As mesh.main(), and the attacker must be there."""
    if not os.access(HOSTILE, os.X_OK):
        raise SystemExit(f"{HOSTILE} is not there. Type: make test, or set P2PMESH_HOSTILE")
    mesh.main()
