"""A neighbor that begins frames and does not end them, sends what is none, or floods with control frames.

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


if __name__ == "__main__":
    attacks.main()
