"""A discovery server under load: ends in the middle of registrations, floods, and budgets."""

import random
import time

import mesh
import rendezvous
from attacks import PeakMemory
from rendezvous import RendezvousTest

MANY = "[rendezvous]\nnames_per_hour = 1000000000\n"


class RendezvousLoad(RendezvousTest):
    def test_registrations_under_kill_9(self):
        server = self.server(MANY + "registrations_per_second = 1000\n")
        seconds = 12
        client = self.client("steady", server, seconds=seconds, rate=100)
        chance = random.Random(6)
        until = time.monotonic() + seconds - 2
        ends = 0
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            ends += 1
            server.start()
        lines = client.finish()
        acknowledged = lines[:-1]
        self.assertGreater(ends, 4)
        self.assertGreater(len(acknowledged), 200, lines[-1])
        server.kill()
        server.start()
        checked = self.client("check", server).finish("\n".join(acknowledged) + "\n")[-1]
        self.assertEqual(checked, f"checked {len(acknowledged)} missing 0")
        self.assertGreaterEqual(server.facts()["registered"], len(acknowledged))

    def test_a_million_look_ups(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        memory = PeakMemory(server.process.pid)
        said = self.client("flood-look-ups", server, count=1_000_000, seconds=120).finish(timeout=180)[-1].split()
        sent, found, denied, links = (int(said[i]) for i in (1, 3, 5, 7))
        self.assertEqual(sent, 1_000_000)
        self.assertGreater(links, 1, "a link that goes on is closed")
        self.assertLess(found, 0.2 * sent)
        self.assertGreater(denied, 0)
        memory.check_below(self, 16 << 20)
        self.assertGreater(server.counters()["faults"], 0)
        self.assertEqual(alice.say("look Alice").split()[0], "found")

    def test_the_budgets(self):
        server = self.server("[rendezvous]\nnames_per_hour = 3\nmembers_max = 4\nlinks_per_source = 2\n")
        alice = self.member(server, 1, "Alice")
        answers = []
        for number in range(40, 45):
            alice.say(f"member {number} m{number}")
            answers.append(alice.register().split()[:2])
        self.assertEqual([a[0] for a in answers], ["registered"] * 2 + ["denied"] * 3)
        self.assertEqual(answers[-1][1], rendezvous.OVER_BUDGET)
        self.member(server, 2, "Bob")  # from another address
        carol = self.member(server, 3, "Carol", registers=False)
        self.assertEqual(carol.register().split(), ["denied", rendezvous.FULL, "4"])
        # A third link from Alice's address.
        self.client("talk", server, key=50, source=1)
        third = self.client("talk", server, key=51, source=1)
        try:
            said = third.line()
            self.assertTrue(said.startswith("up"))
            self.assertEqual(third.say("ended 5000"), "ended")
        except AssertionError:
            self.assertEqual(server.counters()["links_refused"], 1)
        self.assertEqual(server.counters()["links_refused"], 1)
        before = server.counters()["denied_over_budget"]
        said = {alice.say("people").split()[0] for _ in range(60)}
        self.assertEqual(said, {"people", "denied"})
        self.assertGreater(server.counters()["denied_over_budget"], before)


if __name__ == "__main__":
    mesh.main()
