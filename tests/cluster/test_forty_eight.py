"""Forty-eight nodes form a mesh of partial views, lose half of their number at once, and go on."""

import collections
import json
import os
import time

import mesh

NODES = 48
VIEW_MAX = 10  # eight neighbors, and two that a merge may keep for a while
FORMED_S = 10
DELIVERED_S = 10
OFFLINE_S = 15
IDLE_S = 5
TICKS = os.sysconf("SC_CLK_TCK")


class FortyEight(mesh.MeshTest):
    def test_forty_eight_nodes_form_a_mesh_and_outlive_half_of_it(self):
        figures = {}
        try:
            self.form(figures)
            self.talk(figures)
            self.rest(figures)
            self.crash(figures)
        finally:
            print(json.dumps(figures), flush=True)

    def form(self, figures):
        """Each joins through some earlier one, as soon as that one answers."""
        started = time.monotonic()
        self.nodes = []
        for number in range(NODES):
            through = [self.nodes[(number * 5 + 3) % number].address] if number else []
            node = self.node(f"N{number}", join=through).spawn()
            mesh.wait_until(node.answering, 15, f"{node.name} answers")
            self.nodes.append(node)
        figures["started_s"] = round(time.monotonic() - started, 2)
        try:
            mesh.wait_until(self.is_formed, 30, "the mesh has formed")
        finally:
            figures["formed_s"] = round(time.monotonic() - started, 2)
            figures["online_min"] = min(status["online"] for status in self.statuses(self.nodes))
            degrees = [len(links) for links in self.graph(self.nodes).values()]
            figures["neighbors"] = {str(degree): count for degree, count in sorted(collections.Counter(degrees).items())}
            figures["passive_min"] = min(status["passive"] for status in self.statuses(self.nodes))
        self.assertLess(figures["formed_s"], mesh.stretched(FORMED_S))
        self.assertEqual({status["view"] for status in self.statuses(self.nodes)}, {"partial"})

    def is_formed(self):
        statuses = self.statuses(self.nodes)
        if any((status["members"], status["online"]) != (NODES, NODES) for status in statuses):
            return False
        if not all(1 <= status["neighbors"] <= VIEW_MAX for status in statuses):
            return False
        graph = self.graph(self.nodes)
        return is_symmetric(graph) and is_connected(graph)

    @staticmethod
    def statuses(nodes):
        """Asks all of them first, then reads the answers: one wait for all."""
        requests = [(node, node.controls[0].send("status")) for node in nodes]
        return [node.controls[0].reply(request) for node, request in requests]

    @staticmethod
    def graph(nodes):
        """Who is linked to whom, by key."""
        requests = [(node, node.controls[0].send("status"), node.controls[0].send("peers.list")) for node in nodes]
        return {
            node.controls[0].reply(status)["node_key"]: {peer["key"] for peer in node.controls[0].reply(peers)}
            for node, status, peers in requests
        }

    def talk(self, figures):
        self.watchers = [node.connect() for node in self.nodes]
        for watcher in self.watchers:
            watcher.call("events.subscribe")
        said = [f"{node.name} was here" for node in self.nodes]
        figures["talk_s"] = self.say(self.nodes, self.watchers, said, 30)
        for watcher, node in zip(self.watchers, self.nodes):
            self.assertEqual(sorted(watcher.texts()), sorted(said), f"once each at {node.name}")

    def say(self, nodes, watchers, lines, timeout):
        """One line each; returns the seconds until all watchers have all of them."""
        started = time.monotonic()
        for node, line in zip(nodes, lines):
            node.controls[0].send("message.send", text=line)
        wanted = set(lines)
        deadline = started + mesh.stretched(timeout)
        for watcher, node in zip(watchers, nodes):
            watcher.wait(
                lambda: wanted <= set(watcher.texts()), f"all lines at {node.name}", deadline - time.monotonic())
        return round(time.monotonic() - started, 2)

    def rest(self, figures):
        """What a node costs that has nothing to say: bytes a second and a share of a core, the mean of all."""
        mesh.wait_until(self.is_quiet, 30, "nothing is repaired any more")
        before = [self.cost(node) for node in self.nodes]
        started = time.monotonic()
        mesh.wait_until(lambda: time.monotonic() - started >= IDLE_S, 2 * IDLE_S, "time passes")
        after = [self.cost(node) for node in self.nodes]
        passed = time.monotonic() - started
        bytes_sent, cpu = (sum(b - a for a, b in zip(
            [cost[i] for cost in before], [cost[i] for cost in after])) / NODES / passed for i in (0, 1))
        figures["idle_bytes_per_s"] = round(bytes_sent)
        figures["idle_cpu_percent"] = round(100 * cpu, 2)
        self.assertLess(figures["idle_bytes_per_s"], 4096)

    def is_quiet(self):
        """Since two seconds nothing was announced, asked for again or compared."""
        work = sum(status["counters"][name] for status in self.statuses(self.nodes)
                   for name in ("ihaves_sent", "grafts_sent", "sync_sessions"))
        if work != getattr(self, "work", None):
            self.work, self.quiet_since = work, time.monotonic()
        return time.monotonic() - self.quiet_since > 2

    @staticmethod
    def cost(node):
        """Bytes sent over all links, and seconds of processor time."""
        with open(f"/proc/{node.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return node.status()["counters"]["bytes_sent"], (int(fields[11]) + int(fields[12])) / TICKS

    def crash(self, figures):
        """Every second one dies. What the others say from then on reaches all of them."""
        dead, rest, watchers = self.nodes[::2], self.nodes[1::2], self.watchers[1::2]
        for node in dead:
            node.process.kill()
        crashed = time.monotonic()
        said = [f"{node.name} is still here" for node in rest]
        figures["after_crash_s"] = self.say(rest, watchers, said, DELIVERED_S)
        for node in dead:
            node.kill()
        gone = {node.name for node in dead}

        def noticed():
            return all(status["online"] == len(rest) for status in self.statuses(rest))
        try:
            mesh.wait_until(noticed, OFFLINE_S - (time.monotonic() - crashed), "all dead are shown as offline")
        finally:
            figures["offline_s"] = round(time.monotonic() - crashed, 2)
            figures["online_after_max"] = max(status["online"] for status in self.statuses(rest))
        for node in rest:
            offline = {member["name"] for member in node.call("members.list") if not member["online"]}
            self.assertEqual(offline, gone, f"at {node.name}")
        self.assertEqual({status["members"] for status in self.statuses(rest)}, {NODES}, "membership outlasts presence")
        for watcher, node in zip(watchers, rest):
            watcher.pump(0)
            later = [text for text in watcher.texts() if text.endswith("is still here")]
            self.assertEqual(sorted(later), sorted(said), f"once each at {node.name}")


def is_symmetric(graph):
    return all(one in graph.get(other, ()) for one, others in graph.items() for other in others)


def is_connected(graph):
    reached, waiting = set(), [next(iter(graph))]
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting.extend(graph[key] - reached)
    return len(reached) == len(graph)


if __name__ == "__main__":
    mesh.main()
