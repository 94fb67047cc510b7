"""Three nodes behind a router that shows one address for them all join two outside, who cannot dial them."""

import mesh
import namespaces

OUTSIDE, ROUTER_OUTSIDE = "10.98.0.2", "10.98.0.1"
INSIDE, ROUTER_INSIDE = "10.98.1.2", "10.98.1.1"
MASQUERADE = """
table ip nat {
  chain leaving {
    type nat hook postrouting priority srcnat
    oifname "to-outside" counter masquerade
  }
}
"""
ANYWHERE = "0.0.0.0"


class OneAddress(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make("outside", "router", "inside")
        namespaces.join("router", ROUTER_OUTSIDE, "outside", OUTSIDE)
        namespaces.join("router", ROUTER_INSIDE, "inside", INSIDE)
        namespaces.run_in("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        namespaces.run_in("router", "nft", "-f", "-", text=MASQUERADE)
        # Outside nobody knows a way to the addresses inside.
        namespaces.run("ip", "-n", "inside", "route", "add", "default", "via", ROUTER_INSIDE)

    def start(self, namespace, host, name, join=()):
        through = [node.address for node in join]
        node = namespaces.NamespaceNode(self.box, namespace, host, name, listen=ANYWHERE, join=through)
        return node.start()

    def test_all_five_are_linked_and_talk(self):
        first = self.start("outside", OUTSIDE, "Alice")
        second = self.start("outside", OUTSIDE, "Bob", join=[first])
        hidden = [self.start("inside", INSIDE, name, join=[first if number < 2 else second])
                  for number, name in enumerate(("Carol", "Dave", "Erin"))]
        nodes = [first, second, *hidden]
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == 5, 30, f"{node.name} sees everybody")
        for node in nodes:
            mesh.wait_until(lambda: node.status()["neighbors"] == 4, 60, f"{node.name} is linked to everybody")
        keys = {node.status()["node_key"]: node.name for node in hidden}
        for node in (first, second):
            far = {keys[peer["key"]]: peer["address"] for peer in node.call("peers.list") if peer["key"] in keys}
            self.assertEqual(set(far), {"Carol", "Dave", "Erin"})
            self.assertEqual({address.rsplit(":", 1)[0] for address in far.values()}, {ROUTER_OUTSIDE})
            self.assertEqual(len(set(far.values())), 3, "told apart by port")
        said = []
        for node in nodes:
            said.append(f"{node.name} says hello")
            node.call("message.send", text=said[-1])
        for node in nodes:
            mesh.wait_until(lambda: sorted(m["text"] for m in node.messages()) == sorted(said), 20,
                            f"{node.name} has heard everybody")
        hidden[0].call("message.send", to="Bob", text="psst")
        mesh.wait_until(lambda: any(c["asks"] for c in second.call("contacts.list")), 20, "Bob is asked")
        self.assertEqual([node.terminate() for node in nodes], [0] * 5)


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
