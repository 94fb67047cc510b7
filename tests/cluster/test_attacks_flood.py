"""One member of sixteen writes fifty thousand envelopes a second, and the others hardly notice.

Its burst of 1,000 is its right, and every node checks and stores it at once: with sixteen nodes on one machine that
takes a moment, which is told apart. What is compared is what comes after.

P2PMESH_ATTACK_S  for how long after the burst (default 4; `make attacks` takes 30)
"""

import attacks


class Flood(attacks.FloodTest):
    def test_fifty_thousand_a_second(self):
        seconds = attacks.attack_seconds(4)
        quiet, during, taken, over = self.flood(16, seconds)
        self.check_attack()
        self.check_budget(taken, over, seconds)
        attacks.check_delays(self, quiet, during)


if __name__ == "__main__":
    attacks.main()
