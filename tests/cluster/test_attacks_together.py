"""All attacks at once on one mesh, and what its nodes take of memory meanwhile.

P2PMESH_ATTACK_S  for how long (default 6; `make attacks` takes 300)
"""

import random
import resource
import signal
import socket
import subprocess
import threading
import time

import attacks
import mesh
import tls_ends

NODES = 9
RATE = 20  # honest messages a second, in all
SLOW = 5000 if attacks.FULL else 300  # connections that never get to the point
MEMORY, A_LINK = 64 << 20, 32 << 10
# What shows at the nodes that an attacker is at work. Who lies and who renews keys over a link that is up is at fault.
COUNTERS = {
    "ingress_over_budget": "over budget", "ingress_bad_signatures": "refused signatures",
    "ingress_duplicates": "duplicates", "handshakes_failed": "handshakes failed", "link_faults": "links at fault",
    "frames_faulty": "frames at fault",
}


class Attacker(threading.Thread):
    """One that is no member. `rounds`: how often it has done what it does."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop, self.rounds = port, threading.Event(), 0

    def end(self):
        self.stop.set()
        self.join()


class Slow(Attacker):
    """Connections that say a byte of a ClientHello in 5 s; who is closed comes again."""

    FIRST = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

    def __init__(self, port):
        super().__init__(port)
        self.ends = {}

    def open_one(self, number):
        end = socket.socket()
        end.setblocking(False)
        end.bind((f"127.0.1.{1 + number % 250}", 0))
        try:
            end.connect(("127.0.0.1", self.port))
        except BlockingIOError:
            pass
        self.ends[end] = 0

    def run(self):
        for number in range(SLOW):
            self.open_one(number)
        turn = 0
        while not self.stop.wait(0.1):
            for number, end in enumerate(list(self.ends)[turn % 50::50]):
                try:
                    end.send(self.FIRST[self.ends[end] % len(self.FIRST):][:1])
                    self.ends[end] += 1
                    self.rounds += 1
                except BlockingIOError:
                    pass
                except OSError:
                    end.close()
                    del self.ends[end]
                    self.open_one(number)
            turn += 1
        for end in self.ends:
            end.close()


class KeyUpdates(Attacker):
    """Channels over which come 1,000 key updates a second, and no hello: each until it is closed."""

    def __init__(self, port, own):
        super().__init__(port)
        self.command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-bind", "127.0.1.251:0", "-alpn",
                        tls_ends.PROTOCOL, "-cert", own.certificate_file, "-key", own.key_file]

    def run(self):
        while not self.stop.wait(0.3):
            client = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0)
            try:
                while client.poll() is None and not self.stop.wait(0.001):
                    client.stdin.write(b"K\n")  # it takes one a read
                    self.rounds += 1
            except BrokenPipeError:
                pass
            client.kill()
            client.wait()
            client.stdin.close()


class Lengths(Attacker):
    """Channels in which the first frame is said to be 4 GiB long, some of them at once."""

    AT_ONCE = 8

    def __init__(self, port, own):
        super().__init__(port)
        self.own = own

    def run(self):
        while not self.stop.wait(0.5):
            ends = []
            try:
                for number in range(self.AT_ONCE):
                    ends.append(tls_ends.connect(self.own, self.port, source=f"127.0.1.{240 + number}"))
                for end in ends:
                    end.sendall(b"\xff\xff\xff\xff\x01" + bytes(4000))
                    self.rounds += 1
            except OSError:
                pass  # of the crowd; again
            for end in ends:
                end.close()


class Together(mesh.MeshTest):
    def attack(self, nodes, seconds):
        """Begins all of them; what begins later gets what the recorder got."""
        file = self.box.path / "captured"
        recorder = attacks.Hostile(self.box, "record", nodes[:3], file=file)
        recorder.line()
        self.load.run(2)
        recorder.go()
        recorder.finish()
        lasts = int(seconds) + 600  # none is to end by itself
        hostile = {
            "flood": attacks.Hostile(self.box, "flood", nodes[1:2], seconds=lasts, distinct=50000),
            "repair": attacks.Hostile(
                self.box, "flood", nodes[2:3], seconds=lasts, distinct=20000, rate=5000, **{"as": "repair"}),
        }
        for one in hostile.values():
            one.line()
            one.go()
        hostile["replay"] = attacks.Hostile(
            self.box, "replay", nodes[3:4], file=file, times=1000000, again=1000000, cpu=20)
        hostile["flip"] = attacks.Hostile(self.box, "flip", nodes[4:6], file=file, count=1000000)
        hostile["shake"] = attacks.Hostile(self.box, "shake", nodes[6:7], rate=50, at_once=2, seconds=lasts)
        hostile["counts"] = attacks.Hostile(self.box, "misbehave", nodes[0:1], how="counts", times=1000000, pause=100)
        hostile["key updates"] = attacks.Hostile(
            self.box, "misbehave", nodes[7:8], how="key-updates", links=1000000, pause=200)
        return hostile

    def attack_as_strangers(self, nodes):
        files = self.box.path / "ends"
        files.mkdir()
        own = tls_ends.Identity(files)
        port = [node.status()["port"] for node in nodes]
        strangers = {"slow": Slow(port[6]), "strange key updates": KeyUpdates(port[7], own),
                     "lengths": Lengths(port[5], own)}
        for one in strangers.values():
            self.addCleanup(one.end)
            one.start()
        return strangers

    def raise_descriptors(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = SLOW + 1000
        if hard != resource.RLIM_INFINITY and hard < needed:
            self.skipTest(f"{SLOW} connections at once need {needed} descriptors; ulimit -Hn says {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def seen(self, nodes, strangers):
        """How far each attack has come: what the nodes count of it, or what the attacker does."""
        counters = [node.status()["counters"] for node in nodes]
        seen = {name: sum(c.get(name, 0) for c in counters) for name in COUNTERS}
        return seen | {name: one.rounds for name, one in strangers.items()}

    def check_all_still_attack(self, hostile, strangers, before, now):
        for name, one in hostile.items():
            self.assertIsNone(one.process.poll(), f"{name} has ended by itself: {one.describe()}")
        for name, one in strangers.items():
            self.assertTrue(one.is_alive(), f"{name} has ended by itself")
        for name in before:
            self.assertGreater(now[name], before[name], f"nothing more of it: {name}")

    def test_all_at_once(self):
        self.raise_descriptors()
        seconds = attacks.attack_seconds(6)
        nodes = attacks.start_mesh(self, NODES)
        *honest, stopped = nodes
        self.load = attacks.Load(honest, RATE)
        self.addCleanup(self.load.close)
        self.load.run(1)
        before = self.load.run(min(seconds, 10))
        hostile = self.attack(honest, seconds)
        strangers = self.attack_as_strangers(honest)
        strings = mesh.shared_data("blns.txt").read_text(errors="replace").split("\n")
        draw = random.Random(1)
        used = {name: attacks.cpu_of(one.process.pid) for name, one in hostile.items()}
        busy = [attacks.cpu_of(node.process.pid) for node in honest]
        machine, own = attacks.machine_cpu(), time.process_time()
        peak, links, during = [0] * len(honest), [0] * len(honest), []
        at_first, middle = self.seen(honest, strangers), None
        end = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < end:
            during += self.load.run(1)
            stopped.process.send_signal(signal.SIGCONT if turn % 16 >= 12 else signal.SIGSTOP)
            for _ in range(10):
                honest[7].call("message.send", text=draw.choice(strings) or "x")
            for number, node in enumerate(honest):
                peak[number] = max(peak[number], attacks.memory_of(node.process.pid))
            links = [max(was, node.status()["neighbors"]) for was, node in zip(links, honest)]
            turn += 1
            if middle is None and time.monotonic() > end - seconds / 2:
                middle = self.seen(honest, strangers)
        last = self.seen(honest, strangers)
        # A sanitizer makes some of them so slow that a half has nothing of them.
        self.check_all_still_attack(hostile, strangers, middle if mesh.TIME_FACTOR == 1 else at_first, last)
        shares = {name: (attacks.cpu_of(one.process.pid) - used[name]) / seconds for name, one in hostile.items()}
        own = (time.process_time() - own) / seconds
        machine = [after - first for after, first in zip(attacks.machine_cpu(), machine)]
        busy = [(attacks.cpu_of(node.process.pid) - was) / seconds for node, was in zip(honest, busy)]
        stopped.process.send_signal(signal.SIGCONT)
        for one in hostile.values():
            one.end()
        for one in strangers.values():
            one.end()
        self.assertTrue(self.load.settle(60), f"{self.load.missing()} honest deliveries are missing")
        self.assertEqual(self.load.shown_twice(), 0)
        counters = [node.status()["counters"] for node in honest]
        p99 = [1000 * attacks.percentile(delays, 0.99) for delays in (before, during)]
        print(f"all at once for {seconds:g} s: at most {max(peak) / (1 << 20):.1f} MiB anonymous memory with {max(links)} "
              f"links; honest p50 {1000 * attacks.percentile(before, 0.5):.1f} -> "
              f"{1000 * attacks.percentile(during, 0.5):.1f} ms, p99 {p99[0]:.1f} -> {p99[1]:.1f} ms; processor share of the "
              f"attackers {', '.join(f'{name} {100 * share:.0f} %' for name, share in shares.items())}, of the "
              f"nodes {', '.join(f'{100 * share:.0f}' for share in busy)} %, of this "
              f"test with the strangers {100 * own:.0f} %, of the machine {100 * machine[0] / machine[1]:.0f} %; "
              f"{', '.join(f'{COUNTERS.get(name, name)} {last[name] - at_first[name]}' for name in last)}")
        for node, most, count, counter in zip(honest, peak, links, counters):
            # The table of what was seen has a cap of its own, and so has what waits for the disk.
            capped = 64 * counter["seen_entries"] + counter["store_queue_bytes"]
            self.assertLess(most, MEMORY + A_LINK * count + capped, node.name)
        mesh.same_exports(nodes, 60)
        for node in nodes:
            self.assertEqual(node.terminate(), 0)
            attacks.check_databases(self, node.data_dir)


if __name__ == "__main__":
    attacks.main()
