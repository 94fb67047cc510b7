"""kill -9 at any moment: what was acknowledged is never lost, and nothing is there twice."""

import random
import time

import mesh
from control import Gone

KILLS = 100
BURST = 64


class KillLoop(mesh.MeshTest):
    def test_100_kills_lose_nothing_and_double_nothing(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        moments = random.Random(seed)
        bob = self.node("Bob").start()
        witness = bob.connect()
        witness.call("events.subscribe")
        alice = self.node("Alice", join=[bob.address])

        acknowledged, number, killed_at_start = [], 0, 0
        for kill in range(KILLS):
            if kill % 10 == 9:  # some kills hit a node that is about to start
                alice.spawn()
                time.sleep(moments.uniform(0, 0.05))
                killed_at_start += 1
                alice.kill()
                continue
            alice.start()
            alice.join = []
            control = alice.connect()
            sent = {}
            ends_at = time.monotonic() + moments.uniform(0, 0.08)
            try:
                while time.monotonic() < ends_at:
                    while len(sent) - len(control.replies) < BURST:
                        sent[control.send("message.send", text=f"message {number}")] = f"message {number}"
                        number += 1
                    control.pump(0.005)
            except Gone:
                self.fail("the node ended by itself")
            alice.kill()
            acknowledged += [sent[i] for i, reply in control.replies.items() if "result" in reply]
            while witness.pump(0):  # a subscriber that does not read is told of a gap instead
                pass

        print(f"{KILLS} kills, {killed_at_start} of them at the start; {number} sent, {len(acknowledged)} acknowledged")
        self.assertGreater(len(acknowledged), KILLS, "the kills hit a node at work")
        alice.start()
        wanted = set(acknowledged)

        def lost(node):
            return wanted - {message["text"] for message in node.messages()}

        for node in (alice, bob):
            mesh.wait_until(lambda: not lost(node), 60, f"{node.name} holds all {len(wanted)} acknowledged messages")
        export = mesh.same_exports([alice, bob], 30)
        for node in (alice, bob):
            texts = [message["text"] for message in node.messages()]
            self.assertEqual(len(texts), len(set(texts)), f"twice at {node.name}")
        self.assertEqual(len(export.splitlines()), 1 + len(texts))
        witness.wait(lambda: len(witness.texts()) >= len(texts), "the witness was told of each")
        self.assertEqual(sorted(witness.texts()), sorted(texts), "announced once each")


if __name__ == "__main__":
    mesh.main()
