"""A neighbor that begins frames and does not end them, sends what is none, lies about what they hold, or floods with
control frames or key updates.

P2PMESH_ATTACK_S  for how long each kind of control frame (default 1)
"""

import re

import attacks
import mesh
from chat import Chat


class Misbehave(mesh.MeshTest):
    def start(self):
        alice = self.node("Alice").start()
        bob = Chat(self.box, "Bob", "127.0.0.1", alice.status()["port"]).expect_open()
        return alice, bob

    def check_both_talk(self, alice, bob, word):
        alice.call("message.send", text=f"Alice says {word}")
        bob.expect(f"Alice says {word}")
        bob.say(f"Bob says {word}")
        mesh.wait_until(lambda: any(m["text"] == f"Bob says {word}" for m in alice.messages()), 10, "Bob is heard")

    def test_a_frame_that_does_not_get_on_ends_its_link(self):
        alice, bob = self.start()
        hostile = attacks.Hostile(self.box, "misbehave", [alice], how="trickle")
        hostile.finish()
        seconds = hostile.numbers()[0]
        print(f"a frame of which a byte came every half second: the link was ended after {seconds:.1f} s")
        self.assertGreater(seconds, 25)  # an honest one in a bad network may take its time
        self.assertLess(seconds, mesh.stretched(45))
        self.assertEqual(alice.status()["counters"]["frames_too_slow"], 1)
        self.check_both_talk(alice, bob, "on")

    def test_whoever_sends_what_is_no_frame_waits_ever_longer(self):
        alice, bob = self.start()
        hostile = attacks.Hostile(self.box, "misbehave", [alice], how="malformed", times=4)
        hostile.finish()
        pauses = hostile.numbers()
        print("whose link was ended for a malformed frame was let in again after " +
              ", ".join(f"{pause:.1f}" for pause in pauses) + " s")
        self.assertEqual(len(pauses), 4)
        for pause, least in zip(pauses, (1, 2, 4, 8)):
            self.assertGreater(pause, 0.8 * least)
            self.assertLess(pause, mesh.stretched(1.5 * least + 2))
        self.check_both_talk(alice, bob, "on")

    def test_floods_of_control_frames_end_their_links_and_slow_nobody(self):
        alice, bob = self.start()
        memory = attacks.memory_of(alice.process.pid)
        used = attacks.cpu_of(alice.process.pid)
        watch = attacks.Stopwatch()
        hostile = attacks.Hostile(self.box, "misbehave", [alice], how="controls", seconds=int(attacks.attack_seconds(1)))
        for number in range(3):
            self.check_both_talk(alice, bob, str(number))
        hostile.finish()
        used = attacks.cpu_of(alice.process.pid) - used
        kinds = [line for line in hostile.lines if re.search(r"up$|closed$", line)]
        print("\n".join(kinds))
        print(f"the node used {100 * used / watch.seconds():.0f} % of a core meanwhile")
        self.assertEqual(len(kinds), 7)
        self.assertEqual([line for line in kinds if line.endswith("up")], [])
        self.check_both_talk(alice, bob, "on")
        self.assertLess(attacks.memory_of(alice.process.pid) - memory, 16 << 20)

    def test_counts_as_large_as_their_fields_end_their_links_and_take_no_memory(self):
        alice, bob = self.start()
        attacks.Hostile(self.box, "misbehave", [alice], how="counts").finish()  # what a first one takes for good
        before = alice.status()["counters"]
        peak = attacks.PeakMemory(alice.process.pid)
        times = 1 + int(attacks.attack_seconds(1))
        hostile = attacks.Hostile(self.box, "misbehave", [alice], how="counts", times=times)
        hostile.finish()
        lied, closed = hostile.numbers()
        told = hostile.lines[:-1]
        now = alice.status()["counters"]
        counted = sum(now[name] - before[name] for name in ("link_faults", "frames_faulty"))
        print(f"{lied:.0f} frames of {len(told)} kinds with counts and lengths as large as their fields, over links that "
              f"were up: {peak.grown() / 1024:.0f} KiB more at any moment")
        self.assertEqual([line for line in told if not line.endswith(": closed")], [])
        self.assertGreaterEqual(len(told), 57)
        self.assertEqual((closed, counted), (lied, lied))
        peak.check_below(self, 4 << 20)
        self.check_both_talk(alice, bob, "on")

    def test_a_flood_of_key_updates_over_a_link_that_is_up_ends_it_as_faulty(self):
        alice, bob = self.start()
        attacks.Hostile(self.box, "misbehave", [alice], how="key-updates").finish()
        before = alice.status()["counters"]
        peak = attacks.PeakMemory(alice.process.pid)
        links = 10
        hostile = attacks.Hostile(self.box, "misbehave", [alice], how="key-updates", links=links)
        hostile.finish()
        closed, _, most, slowest = hostile.numbers()
        now = alice.status()["counters"]
        print(f"1,000 key updates a second over links that were up: closed after at most {most:.0f} of them and "
              f"{slowest:.3f} s; {peak.grown() / 1024:.0f} KiB more at any moment")
        self.assertEqual(closed, links)
        self.assertGreater(most, 16)  # base/limits.h: so many may be
        self.assertLess(slowest, mesh.stretched(2))
        self.assertEqual(now["link_faults"] - before["link_faults"], links)
        self.assertEqual(now["handshakes_failed"], before["handshakes_failed"])
        peak.check_below(self, 1 << 20)
        self.check_both_talk(alice, bob, "on")


if __name__ == "__main__":
    attacks.main()
