"""A mesh is cut in two, both halves keep order against each other, and when it heals there is one answer everywhere."""

import mesh
import namespaces
from moderation import ModerationTest

SIDES = {"left": "10.97.2.1", "right": "10.97.2.2"}
RULES = """
table inet cut {
  chain incoming {
    type filter hook input priority 0
    iifname "to-*" drop
  }
}
"""


class TwoSides(ModerationTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make(*SIDES)
        namespaces.join("left", SIDES["left"], "right", SIDES["right"])

    def start_on(self, side, name, *join):
        node = namespaces.NamespaceNode(self.box, side, SIDES[side], name, join=[other.address for other in join])
        return node.start()

    def wait_online(self, nodes, count):
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == count, 30, f"{count} are online for {node.name}")

    def links_between(self, some, others):
        keys = {node.status()["node_key"] for node in others}
        return sum(peer["key"] in keys for node in some for peer in node.call("peers.list"))

    def links_across(self):
        return self.links_between(self.left, self.right) + self.links_between(self.right, self.left)

    def is_in(self, node, room):
        return next((entry["joined"] for entry in node.call("rooms.list") if entry["name"] == room), False)

    def roster(self, node):
        return {member["key"]: (member["name"], member["online"]) for member in node.call("members.list")}

    def form(self):
        self.alice = self.start_on("left", "Alice")
        self.bob = self.start_on("left", "Bob", self.alice)
        self.erin = self.start_on("left", "Erin", self.alice)
        self.carol = self.start_on("right", "Carol", self.alice)
        self.dave = self.start_on("right", "Dave", self.carol)
        self.frank = self.start_on("right", "Frank", self.carol)
        self.left, self.right = [self.alice, self.bob, self.erin], [self.carol, self.dave, self.frank]
        self.nodes = self.left + self.right
        self.wait_online(self.nodes, 6)
        self.act(self.alice, "mod", "Bob", mesh=True)
        self.act(self.alice, "mod", "Carol", mesh=True)
        self.wait_ranks(self.nodes, {"Alice": "founder", "Bob": "moderator", "Carol": "moderator"}, mesh=True)
        for node in self.nodes:
            node.call("room.join", room="#dev")
        self.alice.call("message.send", text="first")
        self.wait_lines(self.nodes, ["first"])

    def cut(self):
        self.assertGreater(self.links_across(), 0)
        for side in SIDES:
            namespaces.run_in(side, "nft", "-f", "-", text=RULES)
        mesh.wait_until(lambda: self.links_across() == 0, 20, "nobody has a link to the other side")
        self.wait_online(self.nodes, 3)

    def keep_order_on_both_sides(self):
        """The ids of the bans by which the two moderators exclude each other."""
        by_bob = self.act(self.bob, "ban", "Carol", mesh=True)
        by_carol = self.act(self.carol, "ban", "Bob", mesh=True)
        self.act(self.alice, "silence", "Dave")
        self.act(self.alice, "kick", "Dave", room="#dev")
        self.act(self.carol, "silence", "Erin", mesh=True)
        self.act(self.carol, "kick", "Erin", room="#dev")
        self.act(self.carol, "ban", "Frank", room="#dev")
        self.bob.call("message.send", text="Bob is right")
        self.erin.call("message.send", text="Erin says so")
        self.carol.call("message.send", text="Carol is right")
        self.dave.call("message.send", text="Dave does not know")
        self.wait_restrictions(self.left, [("Carol", True, "Bob")], mesh=True)
        self.wait_restrictions(self.right, [("Bob", True, "Carol"), ("Erin", False, "Carol")], mesh=True)
        self.wait_restrictions(self.right, [("Frank", True, "Carol")], room="#dev")
        self.wait_lines(self.left, ["first", "Bob is right", "Erin says so"])
        self.wait_lines(self.right, ["first", "Carol is right", "Dave does not know"])
        # Those of the other side have not heard that they were kicked; who is on this side is out.
        mesh.wait_until(lambda: not self.is_in(self.frank, "#dev"), 10, "Frank is banned from the room on his own side")
        self.assertTrue(self.is_in(self.dave, "#dev") and self.is_in(self.erin, "#dev"))
        return by_bob, by_carol

    def heal(self):
        for side in SIDES:
            namespaces.run_in(side, "nft", "delete", "table", "inet", "cut")

    def test_one_answer_on_both_sides(self):
        self.form()
        self.cut()
        by_bob, by_carol = self.keep_order_on_both_sides()
        self.heal()
        is_bobs = by_bob < by_carol  # of two bans that exclude each other the lower id holds
        winner, loser = (self.bob, self.carol) if is_bobs else (self.carol, self.bob)
        print(f"the ban of {winner.name} holds", flush=True)
        self.check_restrictions(is_bobs)
        export = self.check_history(is_bobs)
        self.check_rooms(is_bobs)
        writers = self.check_who_writes(is_bobs, loser)
        others = [node for node in self.nodes if node is not loser]
        mesh.wait_until(lambda: len({str(sorted(self.roster(node).items())) for node in others}) == 1, 30,
                        "all show the same members as online")
        for node in others:
            self.assertEqual({self.roster(node)[other.status()["key"]] for other in others},
                             {(other.name, True) for other in others})
        mesh.wait_until(lambda: self.links_between(others, [loser]) == 0, 15, f"nobody has a link to {loser.name}")
        later = mesh.same_exports(others, 20)
        self.assertEqual(later.count(b"\n"), export.count(b"\n") + len(writers))

    def check_restrictions(self, is_bobs):
        in_mesh = [("Carol", True, "Bob")] if is_bobs else [("Bob", True, "Carol"), ("Erin", False, "Carol")]
        self.wait_restrictions(self.nodes, in_mesh, timeout=30, mesh=True)
        self.wait_restrictions(self.nodes, [("Dave", False, "Alice")], timeout=20)
        self.wait_restrictions(self.nodes, [] if is_bobs else [("Frank", True, "Carol")], timeout=20, room="#dev")

    def check_history(self, is_bobs):
        """What a side said before it knew what the other one had decided, and what holds of it."""
        said = ["first", "Bob is right", "Erin says so"] if is_bobs else ["first", "Carol is right"]
        self.wait_lines(self.nodes, said, timeout=20)
        return mesh.same_exports(self.nodes, 20)

    def check_rooms(self, is_bobs):
        mesh.wait_until(lambda: not self.is_in(self.dave, "#dev"), 10, "Dave has heard that he was kicked")
        if not is_bobs:
            mesh.wait_until(lambda: not self.is_in(self.erin, "#dev"), 10, "Erin has heard that she was kicked")
        else:
            self.assertTrue(self.is_in(self.erin, "#dev"), "what Carol did beyond her ban is void")

    def check_who_writes(self, is_bobs, loser):
        may_not = {loser.name, "Dave"} | (set() if is_bobs else {"Erin"})
        writers = {node.name for node in self.nodes if self.can_say(node, f"{node.name} goes on", "#lobby")}
        self.assertEqual(writers, {node.name for node in self.nodes} - may_not)
        said = ["first", "Bob is right", "Erin says so"] if is_bobs else ["first", "Carol is right"]
        others = [node for node in self.nodes if node is not loser]
        self.wait_lines(others, said + [f"{name} goes on" for name in writers], timeout=20)
        return writers


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
