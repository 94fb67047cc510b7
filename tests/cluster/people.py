"""What tests of people share: several nodes in one mesh, members who know each other, and what they wrote."""

import mesh
from chat import Chat


def texts(messages):
    return [message["text"] for message in messages]


class PeopleTest(mesh.MeshTest):
    def start(self, *names):
        """Nodes of these names in one mesh; each joins through the first."""
        first = self.node(names[0]).start()
        nodes = [first] + [self.node(name, join=[first.address]).start() for name in names[1:]]
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == len(names), 15, f"{node.name} sees everybody")
        return nodes

    def exchanged(self, node, name):
        return node.call("message.list", **{"with": name, "limit": 1000})["messages"]

    def states(self, node, name):
        return [message["state"] for message in self.exchanged(node, name) if message["own"]]

    def contact(self, node, name):
        return {contact["name"]: contact for contact in node.call("contacts.list")}.get(name, {})

    def member(self, node, name):
        return {member["name"]: member for member in node.call("members.list")}.get(name, {})

    def befriend(self, one, other):
        one.call("contact.ask", to=other.name)
        mesh.wait_until(lambda: self.contact(other, one.name).get("asks"), 15, "the request has come")
        other.call("contact.answer", member=one.name, accept=True)
        mesh.wait_until(lambda: self.contact(one, other.name).get("relation") == "accepted", 15, "it was accepted")

    def chats(self, *names):
        """The same in p2pchat."""
        first = Chat(self.box, names[0]).expect_open()
        chats = [first]
        for name in names[1:]:
            chats.append(Chat(self.box, name, "127.0.0.1", first.port).expect_open())
            for other in chats[:-1]:
                other.expect(rf"^>INFO: {name} joined\.$")
        return chats
