"""What tests of moderation share: acts, and what the nodes make of them."""

import mesh
from control import RpcFault
from people import PeopleTest, texts


class ModerationTest(PeopleTest):
    def act(self, node, verb, member=None, **params):
        if member:
            params["member"] = member
        return node.call("moderation.act", verb=verb, **params)["id"]

    def refused(self, node, method, **params):
        with self.assertRaises(RpcFault) as caught:
            node.call(method, **params)
        return caught.exception

    def ranks(self, node, **params):
        return {entry["name"]: entry["rank"] for entry in node.call("moderation.list", **params)["ranks"]}

    def restrictions(self, node, **params):
        listed = node.call("moderation.list", **params)["restrictions"]
        return sorted((entry["name"], entry["ban"], entry["by"]) for entry in listed)

    def wait_ranks(self, nodes, wanted, **params):
        for node in nodes:
            mesh.wait_until(lambda: self.ranks(node, **params) == wanted, 15, f"{node.name} knows the ranks {wanted}")

    def wait_restrictions(self, nodes, wanted, timeout=15, **params):
        for node in nodes:
            mesh.wait_until(lambda: self.restrictions(node, **params) == wanted, timeout,
                            f"{node.name} sees {wanted} and not {self.restrictions(node, **params)}")

    def lines(self, node, room="#lobby"):
        return sorted(texts(node.messages(room=room)))

    def wait_lines(self, nodes, wanted, timeout=20, room="#lobby"):
        for node in nodes:
            mesh.wait_until(lambda: self.lines(node, room) == sorted(wanted), timeout,
                            f"{node.name} has {wanted} and not {self.lines(node, room)}")

    @staticmethod
    def wait_told(watcher, verb):
        """The event that the local member was kicked, banned or silenced."""
        return watcher.wait(
            lambda: next((event for event in watcher.events
                          if event["type"] == "moderation" and event["verb"] == verb and event["self"]), None),
            f"it is told: {verb}")

    def can_say(self, node, text, room):
        try:
            return node.call("message.send", text=text, room=room)
        except RpcFault:
            return None
