"""Two strangers on two machines of a network that leads nowhere else: no default route, no server. Each has to tell the
other where it is by the address under which they met."""

import mesh
import namespaces
from namespaces import NamespaceNode
from people import PeopleTest, texts


class Far(PeopleTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make("here", "there")
        namespaces.join("here", "10.77.0.1", "there", "10.77.0.2")

    def test_they_meet_by_an_address(self):
        alice = NamespaceNode(self.box, "here", "10.77.0.1", "Alice", listen="0.0.0.0").start()
        bob = NamespaceNode(self.box, "there", "10.77.0.2", "Bob", listen="0.0.0.0").start()
        met = alice.call("mesh.connect", host="10.77.0.2", port=bob.status()["port"])
        self.assertEqual(met["name"], "Bob")
        alice.call("message.send", to="Bob", text="over there")
        mesh.wait_until(lambda: self.contact(bob, "Alice").get("asks"), 15, "Bob is asked")
        bob.call("contact.answer", member="Alice", accept=True)
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["over there"], 30, "it has come")
        bob.call("message.send", to="Alice", text="and here")
        mesh.wait_until(lambda: len(self.exchanged(alice, "Bob")) == 2, 15, "and back")
        # Both begin anew, without being told where the other one is.
        for node in (alice, bob):
            self.assertEqual(node.terminate(), 0)
        for node in (alice, bob):
            node.restart()
        alice.call("message.send", to="Bob", text="again")
        mesh.wait_until(lambda: len(self.exchanged(bob, "Alice")) == 3, 30, "it has come again")


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
