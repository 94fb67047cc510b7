"""All attacks at once on one mesh, and what its nodes take of memory meanwhile.

P2PMESH_ATTACK_S  for how long (default 6; `make attacks` takes 300)
"""

import random
import signal
import socket
import threading
import time

import attacks
import mesh

NODES = 9
RATE = 20  # honest messages a second, in all
SLOW = 300  # connections that never get to the point
MEMORY, A_LINK = 64 << 20, 32 << 10


class Slow(threading.Thread):
    """Connections that say a byte of a ClientHello now and then; who is closed comes again."""

    FIRST = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop, self.ends = port, threading.Event(), {}

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
        while not self.stop.wait(0.5):
            for number, end in enumerate(list(self.ends)[::5]):
                try:
                    end.send(self.FIRST[self.ends[end] % len(self.FIRST):][:1])
                    self.ends[end] += 1
                except BlockingIOError:
                    pass
                except OSError:
                    end.close()
                    del self.ends[end]
                    self.open_one(number)
        for end in self.ends:
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
        hostile = {
            "flood": attacks.Hostile(self.box, "flood", nodes[1:2], seconds=int(seconds), distinct=50000),
            "repair": attacks.Hostile(
                self.box, "flood", nodes[2:3], seconds=int(seconds), distinct=20000, rate=5000, **{"as": "repair"}),
        }
        for one in hostile.values():
            one.line()
            one.go()
        hostile["replay"] = attacks.Hostile(self.box, "replay", nodes[3:5], file=file, times=1000000)
        hostile["flip"] = attacks.Hostile(self.box, "flip", nodes[4:6], file=file, count=1000000)
        hostile["shake"] = attacks.Hostile(self.box, "shake", nodes[6:7], rate=50, at_once=2, seconds=int(seconds) + 1)
        return hostile

    def test_all_at_once(self):
        seconds = attacks.attack_seconds(6)
        nodes = attacks.start_mesh(self, NODES)
        *honest, stopped = nodes
        self.load = attacks.Load(honest, RATE)
        self.addCleanup(self.load.close)
        self.load.run(1)
        before = self.load.run(min(seconds, 10))
        hostile = self.attack(honest, seconds)
        slow = Slow(honest[6].status()["port"])
        slow.start()
        strings = mesh.shared_data("blns.txt").read_text(errors="replace").split("\n")
        draw = random.Random(1)
        used = {name: attacks.cpu_of(one.process.pid) for name, one in hostile.items()}
        busy = [attacks.cpu_of(node.process.pid) for node in honest]
        machine = attacks.machine_cpu()
        peak, links, during = [0] * len(honest), [0] * len(honest), []
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
        shares = {name: (attacks.cpu_of(one.process.pid) - used[name]) / seconds for name, one in hostile.items()}
        machine = [after - first for after, first in zip(attacks.machine_cpu(), machine)]
        busy = [(attacks.cpu_of(node.process.pid) - was) / seconds for node, was in zip(honest, busy)]
        stopped.process.send_signal(signal.SIGCONT)
        for one in hostile.values():
            one.end()
        slow.stop.set()
        slow.join()
        self.assertTrue(self.load.settle(60), f"{self.load.missing()} honest deliveries are missing")
        self.assertEqual(self.load.shown_twice(), 0)
        counters = [node.status()["counters"] for node in honest]
        p99 = [1000 * attacks.percentile(delays, 0.99) for delays in (before, during)]
        print(f"all at once for {seconds:g} s: at most {max(peak) / (1 << 20):.1f} MiB anonymous memory with {max(links)} "
              f"links; honest p50 {1000 * attacks.percentile(before, 0.5):.1f} -> "
              f"{1000 * attacks.percentile(during, 0.5):.1f} ms, p99 {p99[0]:.1f} -> {p99[1]:.1f} ms; processor share of the "
              f"attackers {', '.join(f'{name} {100 * share:.0f} %' for name, share in shares.items())}, of the "
              f"nodes {', '.join(f'{100 * share:.0f}' for share in busy)} %, of the machine "
              f"{100 * machine[0] / machine[1]:.0f} %; over budget "
              f"{sum(c['ingress_over_budget'] for c in counters)}, refused signatures "
              f"{sum(c['ingress_bad_signatures'] for c in counters)}, duplicates "
              f"{sum(c['ingress_duplicates'] for c in counters)}")
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
