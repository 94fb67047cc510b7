"""Of two who take one name on two sides of a cut, all members of both sides show the same one with a suffix."""

import mesh
import namespaces

SIDES = {"left": "10.97.1.1", "right": "10.97.1.2"}
RULES = """
table inet cut {
  chain incoming {
    type filter hook input priority 0
    iifname "to-*" drop
  }
}
"""


class NamesOfTwoSides(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make(*SIDES)
        namespaces.join("left", SIDES["left"], "right", SIDES["right"])

    def start(self, side, name, directory=None, join=(), options=()):
        directory = self.box.data_dir(directory or name)
        through = [node.address for node in join]
        node = namespaces.NamespaceNode(self.box, side, SIDES[side], name, data_dir=directory, join=through,
                                       options=options)
        return node.start()

    def names(self, node):
        return {member["key"]: member["name"] for member in node.call("members.list")}

    def wait_online(self, nodes, count):
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == count, 40, f"{count} are online for {node.name}")

    def test_one_answer_on_both_sides(self):
        alice = self.start("left", "Alice")
        carol = self.start("left", "Carol", join=[alice])
        dave = self.start("right", "Dave", join=[alice])
        erin = self.start("right", "Erin", join=[dave])
        self.wait_online([alice, carol, dave, erin], 4)
        for side in SIDES:
            namespaces.run_in(side, "nft", "-f", "-", text=RULES)
        self.wait_online([alice, carol, dave, erin], 2)
        left_bob = self.start("left", "Bob", directory="left-bob", join=[carol], options=["--exact-name"])
        right_bob = self.start("right", "Bob", directory="right-bob", join=[erin], options=["--exact-name"])
        self.assertEqual((left_bob.status()["name"], right_bob.status()["name"]), ("Bob", "Bob"))
        for node in (carol, erin):  # and two who choose another name
            self.ctl(node.data_dir, "nick", "Tom")
            self.assertEqual(node.status()["name"], "Tom")
        nodes = [alice, carol, dave, erin, left_bob, right_bob]
        watchers = {node: node.connect() for node in nodes}
        for watcher in watchers.values():
            watcher.call("events.subscribe")
        for side in SIDES:
            namespaces.run_in(side, "nft", "delete", "table", "inet", "cut")
        self.wait_online(nodes, 6)
        mesh.wait_until(lambda: all(self.names(node) == self.names(alice) for node in nodes), 20, "all agree")
        names = self.names(alice)
        for name, pair in (("Bob", (left_bob, right_bob)), ("Tom", (carol, erin))):
            shown = {names[node.status()["key"]]: node for node in pair}
            self.assertIn(name, shown)
            loser = next(node for node in pair if node is not shown[name])
            suffixed = f"{name}~{loser.status()['key'][:4]}"
            self.assertIs(shown[suffixed], loser)
            told = watchers[loser].wait_event("renamed", member=loser.status()["key"])
            self.assertEqual((told["old_name"], told["name"]), (name, suffixed))
            self.assertEqual(loser.status()["claimed_name"], name, "and goes on, though it wanted the exact name")
        for node in nodes:
            node.terminate()
        for node in nodes:
            node.options = []
            node.restart()
        for node in nodes:
            self.assertEqual(self.names(node), names, "and so it stays")


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
