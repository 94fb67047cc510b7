"""Twelve nodes in two network namespaces are cut off from each other for half a minute, and come together again.

P2PMESH_NODES  how many (12; the figures of 48 are in README.md)
"""

import itertools
import json
import os
import time

import mesh
import namespaces

SIDES = {"left": "10.97.0.1", "right": "10.97.0.2"}
NODES = int(os.environ.get("P2PMESH_NODES") or 12)
CUT_S = 30
OFFLINE_S = 15
HEALED_S = 10
TALK_S = 1
# What comes in from the other side vanishes: no answer, no reset, the connections are stalled.
RULES = """
table inet cut {
  chain incoming {
    type filter hook input priority 0
    iifname "to-*" counter drop
  }
}
"""


def in_both(*command, text=None):
    return [namespaces.run_in(side, *command, text=text) for side in SIDES]


class Partition(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make(*SIDES)
        namespaces.join("left", SIDES["left"], "right", SIDES["right"])

    def test_a_cut_that_heals_leaves_nothing_missing(self):
        figures = {}
        self.said = []
        self.numbers = itertools.count(1)
        try:
            self.form(figures)
            self.cut(figures)
            self.heal(figures)
        finally:
            print(json.dumps(figures), flush=True)

    def form(self, figures):
        started = time.monotonic()
        self.nodes = []
        for number in range(NODES):
            through = [self.nodes[(number * 5 + 3) % number].address] if number else []
            side = list(SIDES)[number % 2]
            node = namespaces.NamespaceNode(self.box, side, SIDES[side], f"N{number}", join=through)
            self.nodes.append(node.start())
        mesh.wait_until(lambda: self.all_online(self.nodes, NODES), max(30, NODES), "everybody knows everybody")
        figures["formed_s"] = round(time.monotonic() - started, 2)
        self.watchers = {node: node.connect() for node in self.nodes}
        for watcher in self.watchers.values():
            watcher.call("events.subscribe")
        self.say(self.nodes)
        mesh.wait_until(lambda: self.all_have(self.nodes, self.said), 20, "everybody has the first lines")

    @staticmethod
    def all_online(nodes, count):
        return all(node.status()["online"] == count for node in nodes)

    def say(self, nodes):
        """A line from each; durable where it was said before this returns."""
        requests = []
        for node in nodes:
            line = f"{node.namespace} {node.name} says {next(self.numbers)}"
            self.said.append(line)
            requests.append((node, node.controls[0].send("message.send", text=line)))
        for node, request in requests:
            node.controls[0].reply(request)

    def all_have(self, nodes, lines):
        for node in nodes:
            self.watchers[node].pump(0)
        return all(set(lines) <= set(self.watchers[node].texts()) for node in nodes)

    def on(self, side):
        return [node for node in self.nodes if node.namespace == side]

    def links_across(self):
        keys = {node.status()["node_key"]: node.namespace for node in self.nodes}
        return sum(keys[peer["key"]] != node.namespace for node in self.nodes for peer in node.call("peers.list"))

    def cut(self, figures):
        before = self.links_across()
        self.assertGreater(before, 0)
        in_both("nft", "-f", "-", text=RULES)
        started = time.monotonic()
        self.say(self.nodes)
        # Nobody was told that the other side is gone: the links are there, and silent. One or another may just have been
        # given up for a better one.
        figures["links_across"] = {"before": before, "just_after": self.links_across()}
        self.assertGreater(figures["links_across"]["just_after"], before * 3 / 4)
        said_at = started
        half = NODES // 2
        while time.monotonic() - started < CUT_S:
            if time.monotonic() - said_at >= TALK_S:
                said_at = time.monotonic()
                self.say(self.nodes)
            self.all_have(self.nodes, [])  # reads on
            if "offline_s" not in figures and self.all_online(self.nodes, half):
                figures["offline_s"] = round(time.monotonic() - started, 2)
            self.watchers[self.nodes[0]].pump(0.05)
        self.assertLess(figures.get("offline_s", CUT_S), mesh.stretched(OFFLINE_S), "each side shows the other as offline")
        self.assertEqual(self.links_across(), 0)
        for side in SIDES:
            names = {member["name"] for member in self.on(side)[0].call("members.list") if not member["online"]}
            self.assertEqual(names, {node.name for node in self.nodes if node.namespace != side})
            own = [line for line in self.said if line.startswith(f"{side} ")]
            mesh.wait_until(lambda: self.all_have(self.on(side), own), 10, f"the {side} side has what it says itself")
        figures["lines"] = len(self.said)
        dropped = [json.loads(text) for text in in_both("nft", "-j", "list", "table", "inet", "cut")]
        figures["packets_dropped"] = [
            expression["counter"]["packets"] for ruleset in dropped for entry in ruleset["nftables"] if "rule" in entry
            for expression in entry["rule"]["expr"] if "counter" in expression]
        self.assertTrue(all(packets > 0 for packets in figures["packets_dropped"]), "the rules were in the way")
        for side in SIDES:
            other = [line for line in self.said[2 * NODES:] if not line.startswith(f"{side} ")]
            got = {text for node in self.on(side) for text in self.watchers[node].texts()}
            self.assertEqual(got & set(other), set(), "nothing has come through the cut")

    def heal(self, figures):
        in_both("nft", "delete", "table", "inet", "cut")
        healed = time.monotonic()
        try:
            mesh.wait_until(lambda: self.all_have(self.nodes, self.said), 3 * HEALED_S, "everybody has all lines")
        finally:
            figures["healed_s"] = round(time.monotonic() - healed, 2)
        mesh.wait_until(lambda: self.all_online(self.nodes, NODES), 3 * HEALED_S, "everybody is shown as online")
        figures["online_s"] = round(time.monotonic() - healed, 2)
        self.assertLess(figures["healed_s"], mesh.stretched(HEALED_S))
        self.assertLess(figures["online_s"], mesh.stretched(HEALED_S))
        export = mesh.same_exports(self.nodes, 20)
        self.assertEqual(len(export.splitlines()), 1 + len(self.said))
        for node, watcher in self.watchers.items():
            self.assertEqual(sorted(watcher.texts()), sorted(self.said), f"once each at {node.name}")


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
