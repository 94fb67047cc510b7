"""What a handshake costs a node, and that nothing is left of many.

P2PMESH_ATTACK_S  for how long (default 2)
"""

import os

import attacks
import mesh


def descriptors_of(node):
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))


class Handshakes(mesh.MeshTest):
    def test_what_a_handshake_costs(self):
        alice = self.node("Alice").start()
        descriptors = descriptors_of(alice)
        for until in ("tls", "welcome"):
            used = attacks.cpu_of(alice.process.pid)
            hostile = attacks.Hostile(self.box, "shake", [alice], seconds=int(attacks.attack_seconds(2)), until=until)
            hostile.finish()
            used = attacks.cpu_of(alice.process.pid) - used
            count, seconds, failed = hostile.numbers()
            print(f"handshakes until {until}: {count / seconds:.0f}/s, {count / max(used, 0.01):.0f} a second of the "
                  f"daemon's processor time, {failed:g} failed")
            self.assertGreater(count, 50)
            self.assertEqual(alice.status()["neighbors"], 0)
        mesh.wait_until(lambda: descriptors_of(alice) <= descriptors + 1, 15, "nothing is left")


if __name__ == "__main__":
    attacks.main()
