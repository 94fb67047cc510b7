"""Repair as a way round an author's budget: not for what nobody asked for.

P2PMESH_ATTACK_S  for how long (default 2)
"""

import attacks


class Repair(attacks.FloodTest):
    BURST_S = 3

    def test_what_was_not_asked_for_is_charged_as_live(self):
        seconds = attacks.attack_seconds(2)
        _, _, taken, over = self.flood(4, seconds, rate=20000, **{"as": "repair"})
        self.check_budget(taken, over, seconds)

    def test_a_long_history_that_is_asked_for_costs_nobody_a_message(self):
        # Repair is charged to the link and not to the author: how much of it was taken is only told.
        _, _, taken, _ = self.flood(4, attacks.attack_seconds(2), attack="serve", distinct=20000)
        self.assertGreater(taken, 1000, "the attacker is asked")


if __name__ == "__main__":
    attacks.main()
