"""A neighbor that is stopped, and so neither reads nor ends: the others go on as before, and it catches up.

P2PMESH_ATTACK_S  for how long (default 12: past the silence at which a link is given up; `make attacks` takes 60)
"""

import signal

import attacks
import mesh

NODES = 6
RATE = 60  # messages a second, in all


class Stopped(mesh.MeshTest):
    def test_the_others_are_not_affected_and_it_catches_up(self):
        seconds = attacks.attack_seconds(12)
        nodes = attacks.start_mesh(self, NODES)
        *others, victim = nodes
        load = attacks.Load(others, RATE)
        self.addCleanup(load.close)
        load.run(1)
        before = load.run(min(seconds, 10 if attacks.FULL else 4))
        memory = [attacks.memory_of(node.process.pid) for node in others]
        victim.process.send_signal(signal.SIGSTOP)
        self.addCleanup(victim.process.send_signal, signal.SIGCONT)
        during = load.run(seconds)
        self.assertTrue(load.settle(10), f"{load.missing()} deliveries among the others are missing")
        grown = max(attacks.memory_of(node.process.pid) - was for node, was in zip(others, memory))
        victim.process.send_signal(signal.SIGCONT)
        stopwatch = attacks.Stopwatch()
        mesh.wait_until(lambda: victim.status()["messages"] == others[0].status()["messages"], 30, "it has caught up")
        caught_up = stopwatch.seconds()
        mesh.same_exports(nodes, 30)
        load.delays = []
        after = load.run(min(seconds, 10 if attacks.FULL else 4))
        self.assertTrue(load.settle(10), f"{load.missing()} deliveries are missing at the end")
        mesh.wait_until(lambda: all(node.status()["online"] == NODES for node in nodes), 30, "all are back")
        p99 = [1000 * attacks.percentile(delays, 0.99) for delays in (before, during, after)]
        print(f"stopped for {seconds:g} s under {RATE} messages/s: p99 of the others {p99[0]:.1f} -> {p99[1]:.1f} -> "
              f"{p99[2]:.1f} ms, the slowest {1000 * max(during):.0f} ms over {len(during)} deliveries; "
              f"grown by {grown >> 10} KiB at most; "
              f"caught up {caught_up:.1f} s after")
        self.assertEqual(load.shown_twice(), 0)
        attacks.check_delays(self, (before, after), during)
        self.assertLess(grown, 16 << 20)


if __name__ == "__main__":
    attacks.main()
