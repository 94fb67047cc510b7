"""Repair as a way round an author's budget: not for what nobody asked for.

P2PMESH_ATTACK_S  for how long (default 2)
"""

import attacks


class Repair(attacks.FloodTest):
    BURST_S = 3
    # Envelopes that a node asks for while others talk, once it is 30 s old.
    REPAIR_BURST, REPAIR_A_SECOND, PIECE = 1000, 200, 64

    def test_what_was_not_asked_for_is_charged_as_live(self):
        seconds = attacks.attack_seconds(2)
        _, _, taken, over = self.flood(4, seconds, rate=20000, **{"as": "repair"})
        self.check_budget(taken, over, seconds)

    def test_a_long_history_that_is_asked_for_costs_nobody_a_message(self):
        seconds = attacks.attack_seconds(2)
        quiet, during, taken, _ = self.flood(16 if attacks.FULL else 4, seconds, attack="serve", distinct=20000, age=32)
        self.assertGreater(taken, 1000, "the attacker is asked")
        lasted = seconds + self.BURST_S + 3
        self.assertLessEqual(taken, self.REPAIR_BURST + self.REPAIR_A_SECOND * lasted + self.PIECE)
        attacks.check_delays(self, quiet, during)


if __name__ == "__main__":
    attacks.main()
