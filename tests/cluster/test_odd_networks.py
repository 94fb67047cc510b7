"""Odd networks: a host with an address that swallows everything, a name server that never answers, an address that
changes, a machine that sleeps."""

import os
import signal
import socket
import threading
import time

import mesh
import namespaces
from chat import Chat
from control import RpcFault

HERE, THERE = "10.96.1.1", "10.96.1.2"
HERE6, THERE6 = "fd00:96::1", "fd00:96::2"
MOVED = "10.96.1.77"
SWALLOW_IPV6 = """
table inet swallow {
  chain incoming {
    type filter hook input priority 0
    meta nfproto ipv6 tcp dport != 0 counter drop
  }
}
"""

NO_DIALS = """
table inet wall {
  chain incoming {
    type filter hook input priority 0
    iifname "to-there" tcp flags & (syn | ack) == syn counter drop
  }
}
"""


def wait_linked(nodes, neighbors, timeout=20):
    for node in nodes:
        mesh.wait_until(lambda: node.status()["neighbors"] == neighbors, timeout, f"{node.name} has {neighbors} links")


def has_heard(node, text):
    return any(message["text"] == text for message in node.messages())


class OddNetworks(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make("here", "there")
        namespaces.join("here", HERE, "there", THERE)
        for side, far, address in (("here", "there", HERE6), ("there", "here", THERE6)):
            namespaces.run("ip", "-n", side, "addr", "add", f"{address}/64", "dev", f"to-{far}", "nodad")
        namespaces.run("ip", "link", "set", "lo", "up")

    def replace(self, path, text):
        """Another file in its place, for this test's processes alone."""
        mine = self.box.new_name(os.path.basename(path))
        mine.write_text(text)
        namespaces.run("mount", "--bind", str(mine), path)
        self.addCleanup(namespaces.run, "umount", path)

    def start(self, namespace, host, name, join=(), listen="0.0.0.0", directory=None):
        through = [node.address for node in join]
        node = namespaces.NamespaceNode(self.box, namespace, host, name, listen=listen, join=through,
                                       data_dir=directory)
        return node.start()

    def test_a_silent_first_address_costs_a_moment(self):
        self.replace("/etc/hosts", f"{THERE} twohouses\n{THERE6} twohouses\n")
        alice = self.start("there", THERE, "Alice", listen="[::]")
        bob = self.start("here", HERE, "Bob", listen="[::]")
        namespaces.run_in("there", "nft", "-f", "-", text=SWALLOW_IPV6)
        self.addCleanup(namespaces.run_in, "there", "nft", "delete", "table", "inet", "swallow")
        began = time.monotonic()
        entered = bob.call("mesh.enter", host="twohouses", port=alice.status()["port"])
        took = time.monotonic() - began
        self.assertEqual(entered["mesh"], alice.status()["mesh"])
        self.assertIn("counter packets", namespaces.run_in("there", "nft", "list", "table", "inet", "swallow"))
        self.assertNotIn("counter packets 0", namespaces.run_in("there", "nft", "list", "table", "inet", "swallow"))
        print(f"entered after {took:.2f} s, IPv6 being swallowed")
        self.assertGreater(took, 0.2, "IPv6 was tried first")
        self.assertLess(took, mesh.stretched(1))

    def test_a_name_server_that_never_answers_holds_nothing_up(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
            name_server.bind(("127.0.0.53", 53))
            self.replace("/etc/resolv.conf", "nameserver 127.0.0.53\n")
            del self.box.environment["RES_OPTIONS"]
            alice = Chat(self.box, "Alice").expect_open()
            self.box.members.append(alice)
            bob = self.node("Bob", join=[f"127.0.0.1:{alice.port}"]).start()
            wait_linked([bob], 1)
            faults, took = [], []

            def ask(method, host):
                began = time.monotonic()
                try:
                    bob.connect().call(method, host=host, port=9750)
                except RpcFault as fault:
                    faults.append(fault)
                took.append(time.monotonic() - began)

            # More than can be looked up at once.
            asking = [threading.Thread(target=ask, args=(method, f"host{number}.example.org"))
                      for number in range(12) for method in ("mesh.connect", "mesh.enter")]
            began = time.monotonic()
            for thread in asking:
                thread.start()
            alice.say("/connect far.example.org 9750")
            said = 0
            while time.monotonic() - began < mesh.stretched(4):
                said += 1
                text = f"number {said}"
                sent = time.monotonic()
                bob.call("message.send", text=text)
                alice.expect(rf"Bob: {text}$", timeout=2)
                self.assertLess(time.monotonic() - sent, mesh.stretched(2))
            for thread in asking:
                thread.join(mesh.stretched(20))
            self.assertEqual(len(faults), len(asking))
            self.assertEqual({fault.status for fault in faults}, {68})
            self.assertTrue(all("took more than 5 s" in fault.message for fault in faults), faults[0].message)
            self.assertLess(max(took), mesh.stretched(7))
            print(f"{said} messages while {len(asking)} look-ups hung; they ended after {max(took):.1f} s at the latest")
            self.assertTrue(name_server.recv(512), "it was asked")
            alice.expect(r"looking up the host far\.example\.org took more than 5 s", timeout=10)
            # Again, and leave in the midst of it.
            alice.say("/connect again.example.org 9750")
            bob.connect().send("mesh.connect", host="again.example.org", port=9750)
            began = time.monotonic()
            self.assertEqual(alice.leave(), 0)
            self.assertLess(time.monotonic() - began, mesh.stretched(2))
            began = time.monotonic()
            self.assertEqual(bob.terminate(), 0)
            self.assertLess(time.monotonic() - began, mesh.stretched(2))
            began = time.monotonic()
            done = self.box.run("p2pchat", "--listen", mesh.ANY_PORT, "--data-dir", self.box.data_dir("Eve"), "Eve",
                                "host.example.org", "9750")
            self.assertEqual(done.returncode, 68, done.stderr)
            self.assertLess(time.monotonic() - began, mesh.stretched(7))

    def test_who_gets_another_address_is_back_by_itself(self):
        alice = self.start("there", THERE, "Alice")
        carol = self.start("there", THERE, "Carol", join=[alice])
        bob = self.start("here", HERE, "Bob", join=[alice])
        wait_linked([alice, bob, carol], 2)
        namespaces.run("ip", "-n", "here", "addr", "del", f"{HERE}/24", "dev", "to-there")
        namespaces.run("ip", "-n", "here", "addr", "add", f"{MOVED}/24", "dev", "to-there")
        self.addCleanup(namespaces.run, "ip", "-n", "here", "addr", "add", f"{HERE}/24", "dev", "to-there")
        self.addCleanup(namespaces.run, "ip", "-n", "here", "addr", "del", f"{MOVED}/24", "dev", "to-there")
        began = time.monotonic()

        def links_at_new_address():
            return [peer for node in (alice, carol) for peer in node.call("peers.list")
                    if peer["name"] == "Bob" and peer["address"].startswith(MOVED + ":")]
        mesh.wait_until(lambda: len(links_at_new_address()) == 2, 8, "Bob is back from his new address")
        print(f"back after {time.monotonic() - began:.1f} s")
        alice.call("message.send", text="there you are")
        mesh.wait_until(lambda: has_heard(bob, "there you are"), 10, "Bob hears again")

        def addresses():
            return next(m["addresses"] for m in carol.call("members.list") if m["name"] == "Bob")
        there = f"{MOVED}:{bob.status()['port']}"
        mesh.wait_until(lambda: there in addresses(), 15, "the others know the new address")
        # Somebody whom Bob cannot dial finds him there.
        dave = self.start("there", THERE, "Dave", join=[carol])
        wait_linked([dave], 3)
        found = dave.call("mesh.connect", host=MOVED, port=bob.status()["port"])
        self.assertEqual(found["name"], "Bob")

    def test_who_cannot_be_dialled_takes_part_and_says_so(self):
        namespaces.run_in("here", "nft", "-f", "-", text=NO_DIALS)
        self.addCleanup(namespaces.run_in, "here", "nft", "delete", "table", "inet", "wall")
        alice = self.start("there", THERE, "Alice")
        self.assertEqual(alice.status()["reachable"], "unknown")
        bob = self.start("here", HERE, "Bob", join=[alice])
        carol = self.start("there", THERE, "Carol", join=[alice])
        wait_linked([alice, bob, carol], 2, timeout=40)
        mesh.wait_until(lambda: bob.status()["reachable"] == "no", 20, "Bob knows that he cannot be dialled")
        status = bob.status()
        self.assertIn(f"got no answer from {HERE}:{status['port']}", status["reachable_why"])
        self.assertIn("reachable: not reachable from outside: the neighbor at",
                      self.ctl(bob.data_dir, "status").stdout.decode())
        self.assertTrue(all(peer["outbound"] for peer in bob.call("peers.list")))
        self.assertEqual(alice.status()["reachable"], "yes")
        for node in (alice, bob, carol):
            node.call("message.send", text=f"{node.name} says hello")
        for node in (alice, bob, carol):
            for name in ("Alice", "Bob", "Carol"):
                mesh.wait_until(lambda: has_heard(node, f"{name} says hello"), 10, f"{node.name} hears {name}")
        carol.call("message.send", to="Bob", text="psst")
        mesh.wait_until(lambda: any(contact["asks"] for contact in bob.call("contacts.list")), 10, "Bob is asked")

    def test_who_slept_is_back_and_has_lost_nothing(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        carol = self.node("Carol", join=[alice.address]).start()
        wait_linked([alice, bob, carol], 2)
        bob.call("message.send", text="good night")
        bob.process.send_signal(signal.SIGSTOP)
        slept = time.monotonic()
        alice.call("message.send", text="while you slept")
        mesh.wait_until(lambda: alice.status()["online"] == 2, 30, "the others have noticed")
        mesh.wait_until(lambda: time.monotonic() - slept > float(os.environ.get("P2PMESH_SLEEP", "30")), 90, "time")
        carol.call("message.send", text="and later")
        bob.process.send_signal(signal.SIGCONT)
        woke = time.monotonic()
        wait_linked([alice, bob, carol], 2, timeout=10)
        for node in (alice, bob, carol):
            mesh.wait_until(lambda: node.status()["online"] == 3, 10, f"all are online for {node.name}")
            for text in ("good night", "while you slept", "and later"):
                mesh.wait_until(lambda: has_heard(node, text), 10, f"{node.name} has {text}")
        print(f"back after {time.monotonic() - woke:.1f} s")
        self.assertLess(time.monotonic() - woke, mesh.stretched(10))
        bob.call("message.send", text="good morning")
        mesh.wait_until(lambda: has_heard(carol, "good morning"), 5, "it is heard")


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
