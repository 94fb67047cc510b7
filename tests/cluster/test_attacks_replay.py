"""Everything that ten nodes said, said again; and envelopes in which a bit was changed.

P2PMESH_ATTACK_S  set: three replays of a long run, and 1,000 changed envelopes; else one of a short run, and 60
P2PMESH_CAPTURED  where the captured frames are to be kept, for tests/unit/ingress/bit_flips_test.cc
"""

import os
import shutil

import attacks
import mesh

NODES = 10
RATE = 40  # messages a second, in all


class Replay(mesh.MeshTest):
    def accepted(self, nodes):
        return [node.status()["counters"]["accepted"] for node in nodes]

    def messages(self, nodes):
        return [node.status()["messages"] for node in nodes]

    def replay(self, nodes, file, times):
        hostile = attacks.Hostile(self.box, "replay", nodes, file=file, times=times)
        said = hostile.finish(240)
        self.assertGreater(hostile.numbers()[0], 0)
        return said

    def test_nothing_is_shown_twice_and_nothing_changed_gets_in(self):
        nodes = attacks.start_mesh(self, NODES)
        file = self.box.path / "captured"
        recorder = attacks.Hostile(self.box, "record", nodes, file=file)
        self.assertEqual(recorder.line(), f"recording {NODES}")
        load = attacks.Load(nodes, RATE)
        self.addCleanup(load.close)
        load.run(30 if attacks.FULL else 3)
        self.assertTrue(load.settle(20), f"{load.missing()} deliveries are missing")
        recorder.go()
        recorded = recorder.finish()
        self.assertGreaterEqual(recorder.numbers()[1], len(load.sent), "the recorder got every message")
        exports = mesh.same_exports(nodes, 20)
        if os.environ.get("P2PMESH_CAPTURED"):
            shutil.copy(file, os.environ["P2PMESH_CAPTURED"])

        held = self.messages(nodes)
        said = self.replay(nodes, file, 3 if attacks.FULL else 1)
        load.run(1)
        self.assertTrue(load.settle(20), "what was replayed stops nobody")
        self.assertEqual(load.shown_twice(), 0)
        fresh = RATE  # of the second just now, at most one more
        self.assertTrue(all(0 <= now - was <= fresh + 1 for now, was in zip(self.messages(nodes), held)))
        exports = mesh.same_exports(nodes, 20)
        print(f"replay: {recorded}; {said}; {load.shown_twice()} of {len(load.sent)} messages shown twice")

        self.restarted_nodes_take_nothing_again(nodes, file, exports)
        self.changed_ones_get_nowhere(nodes[:2], file)

    def restarted_nodes_take_nothing_again(self, nodes, file, exports):
        some = nodes[:-1] if attacks.FULL else nodes[:3]
        for node in some:
            node.kill()
        for node in some:
            node.restart(join=[nodes[-1].address])
            node.watch = node.connect()
            node.watch.call("events.subscribe")
        said = self.replay(some, file, 1)
        mesh.same_exports(nodes, 20)
        again = 0
        for node in some:
            node.watch.call("status")
            again += sum(1 for event in node.watch.events if event["type"] == "message")
            self.assertEqual(node.export(), exports)
        self.assertEqual(again, 0, "shown again after the restart")
        print(f"replay after kill -9 of {len(some)}: {said}; {again} messages shown again")

    def changed_ones_get_nowhere(self, nodes, file):
        count = 1000 if attacks.FULL else 60
        messages = self.messages(nodes)
        before = [node.status()["counters"] for node in nodes]
        hostile = attacks.Hostile(self.box, "flip", nodes, file=file, count=count)
        said = hostile.finish(240)
        counters = [node.status()["counters"] for node in nodes]

        def grown(name):
            return sum(now[name] - was[name] for now, was in zip(counters, before))

        refused = grown("ingress_malformed") + grown("ingress_other_mesh") + grown("ingress_bad_signatures")
        print(f"flipped bits at {len(nodes)} daemons: {said}; {refused} refused, "
              f"{sum(self.messages(nodes)) - sum(messages)} taken in")
        self.assertEqual(self.messages(nodes), messages)
        flipped, _, ended, copies, not_let_in = hostile.numbers()
        self.assertEqual((flipped, not_let_in), (count, 0))
        # Of what is known a changed signature makes a copy: the id is of all but the signature.
        self.assertEqual(ended + copies, count)
        self.assertEqual(refused, ended)
        self.assertGreater(ended, count / 2)
        self.assertTrue(all(node.process.poll() is None for node in nodes))


if __name__ == "__main__":
    attacks.main()
