"""A node behind a router that has been asked to let others in: by NAT-PMP, by UPnP, by a router that starts again, hangs,
lies, or is not there. The router is Debian's miniupnpd in a network namespace; it runs nowhere else."""

import os
import re
import shutil
import subprocess
import sys
import time

import mesh
import namespaces

ROUTER, INSIDE = "192.168.77.1", "192.168.77.20"
# Addresses that are documented to be nobody's, are nobody's to miniupnpd too: it maps nothing to them.
OUTSIDE, FAR = "11.96.1.1", "11.96.1.9"
RULES = """
flush ruleset
table inet igd {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "to-inside" accept
    jump miniupnpd
  }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting {
    type nat hook postrouting priority 100
    jump postrouting_miniupnpd
    oifname "to-outside" masquerade
  }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""
SILENT = RULES + """
table inet silent {
  chain incoming {
    type filter hook input priority 0
    iifname "to-inside" drop
  }
}
"""
CONFIGURATION = """
ext_ifname=to-outside
listening_ip=to-inside
ipv6_disable=yes
enable_natpmp={natpmp}
enable_upnp={upnp}
upnp_table_name=igd
upnp_nat_table_name=igd
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
lease_file={leases}
secure_mode=yes
uuid=5b0e6d3a-6c7f-4b7e-9a55-0b6f2b6d7c11
allow {ports} {network} 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


def has_heard(node, text):
    return any(message["text"] == text for message in node.messages())


class PortMapping(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.make("inside", "router", "outside")
        namespaces.join("inside", INSIDE, "router", ROUTER)
        namespaces.join("router", OUTSIDE, "outside", FAR)
        namespaces.run("ip", "-n", "inside", "route", "add", "default", "via", ROUTER)
        namespaces.run_in("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    def setUp(self):
        self.processes = []
        self.addCleanup(self.stop_all)
        self.set_rules(RULES)

    def set_rules(self, rules):
        namespaces.run_in("router", "nft", "-f", "-", text=rules)

    def stop_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()

    def spawn(self, namespace, *command, **options):
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], cwd=self.box.path,
                                   env=self.box.environment, **options)
        self.processes.append(process)
        return process

    def start_router(self, natpmp=False, upnp=False, ports="1024-65535"):
        """miniupnpd, when it answers."""
        words = {True: "yes", False: "no"}
        configuration = self.box.new_name("miniupnpd.conf")
        configuration.write_text(CONFIGURATION.format(
            natpmp=words[natpmp], upnp=words[upnp], ports=ports, network=re.sub(r"\.\d+$", ".0/24", ROUTER),
            leases=self.box.path / "leases"))
        log = self.box.new_name("miniupnpd.log")
        with open(log, "wb") as output:
            router = self.spawn("router", shutil.which("miniupnpd"), "-d", "-f", str(configuration), "-P",
                                str(self.box.path / "miniupnpd.pid"), stdin=subprocess.DEVNULL, stdout=output,
                                stderr=output)
        port = 5351 if natpmp else 1900

        def listens():
            self.assertIsNone(router.poll(), mesh.tail(log))
            return re.search(rf":{port}\b", namespaces.run_in("router", "ss", "-Hlun"))
        mesh.wait_until(listens, 10, "miniupnpd listens")
        return router

    def fake_router(self, what):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_router.py")
        router = self.spawn("router", sys.executable, "-B", script, ROUTER, what, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
        self.assertEqual(router.stdout.readline(), "ready\n")
        return router

    def start(self, name, namespace="inside", join=(), listen="0.0.0.0", port=0, mapped=True):
        node = namespaces.NamespaceNode(self.box, namespace, INSIDE if namespace == "inside" else FAR, name, join=join,
                                        options=["--port-mapping"] if mapped else [])
        node.listen = f"{listen}:{port}"
        return node.start()

    def mapping(self, node):
        return node.status()["port_mapping"]

    def wait_open(self, node, timeout=20):
        def opened():
            found = self.mapping(node)
            return found if found["state"] == "open" else None
        return mesh.wait_until(opened, timeout, f"{node.name}'s port is mapped")

    def wait_failed(self, node, timeout=30):
        def failed():
            found = self.mapping(node)
            return found if found["state"] == "failed" else None
        return mesh.wait_until(failed, timeout, f"{node.name} knows that its port is not mapped")

    def redirects(self):
        """What the router sends on: "outside port -> address:port"."""
        rules = namespaces.run_in("router", "nft", "list", "chain", "inet", "igd", "prerouting_miniupnpd")
        return re.findall(r"dport (\d+) .*dnat ip to ([0-9.]+:\d+)", rules)

    def leave(self, node):
        began = time.monotonic()
        self.assertEqual(node.terminate(), 0)
        took = time.monotonic() - began
        self.assertLess(took, mesh.stretched(2), "it leaves quietly within 2 s")
        return took

    def check_reached_from_outside(self, by):
        alice = self.start("Alice")
        found = self.wait_open(alice)
        port = alice.status()["port"]
        self.assertEqual((found["address"], found["by"], found["why"]), (f"{OUTSIDE}:{port}", by, ""))
        self.assertLess(abs(found["until_ms"] / 1000 - time.time() - 3600), 30)
        self.assertEqual(self.redirects(), [(str(port), f"{INSIDE}:{port}")])
        self.assertRegex(self.ctl(alice.data_dir, "status").stdout.decode(),
                         rf"(?m)^port mapping: {re.escape(OUTSIDE)}:{port} by {by}, until \d\d:\d\d$")
        bob = self.start("Bob", "outside", join=[found["address"]], mapped=False)
        self.assertEqual(bob.status()["mesh"], alice.status()["mesh"])
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 20, "they are linked")
        self.assertTrue(bob.call("peers.list")[0]["outbound"])
        alice.call("message.send", text="from inside")
        bob.call("message.send", text="from outside")
        mesh.wait_until(lambda: has_heard(bob, "from inside"), 10, "Bob hears")
        mesh.wait_until(lambda: has_heard(alice, "from outside"), 10, "Alice hears")
        self.assertEqual(alice.status()["reachable"], "yes")
        self.assertEqual(self.mapping(bob), {"state": "off", "address": "", "by": "", "why": ""})
        self.assertIn("port mapping: off\n", self.ctl(bob.data_dir, "status").stdout.decode())

        def told():
            return next(one["addresses"] for one in bob.call("members.list") if one["name"] == "Alice")
        mesh.wait_until(lambda: found["address"] in told(), 10, "the others are told where Alice is")
        took = self.leave(alice)
        self.assertEqual(self.redirects(), [])
        print(f"{by}: left after {took:.2f} s, and the router sends nothing on")

    def test_by_nat_pmp_alone(self):
        self.start_router(natpmp=True)
        self.check_reached_from_outside("NAT-PMP")

    def test_by_upnp_alone(self):
        self.start_router(upnp=True)
        self.check_reached_from_outside("UPnP")

    def test_who_dials_out_is_found_to_be_reachable_at_another_port(self):
        self.start_router(natpmp=True, ports="9760-9770")
        bob = self.start("Bob", "outside", mapped=False)
        alice = self.start("Alice", join=[bob.address], port=9750)
        found = self.wait_open(alice)
        self.assertEqual(found["address"], f"{OUTSIDE}:9760")
        mesh.wait_until(lambda: alice.status()["reachable"] == "yes", 30, "Bob has dialled back")
        self.assertEqual(alice.status()["reachable_why"],
                         f"the neighbor at {bob.address} has dialled {found['address']}")
        self.assertTrue(alice.call("peers.list")[0]["outbound"])
        carol = self.start("Carol", "outside", join=[found["address"]], mapped=False)
        mesh.wait_until(lambda: carol.status()["neighbors"] == 2, 30, "all are linked")

    def test_without_the_option_no_router_is_asked(self):
        self.start_router(natpmp=True, upnp=True)
        bob = self.start("Bob", "outside", mapped=False)
        alice = self.start("Alice", join=[bob.address], mapped=False)
        mesh.wait_until(lambda: alice.status()["reachable"] == "no", 30, "nobody can dial Alice")
        self.assertEqual(self.redirects(), [])

    def check_restart(self, **offers):
        router, began = self.start_router(**offers), time.monotonic()
        # By RFC 6886 a clock that is behind by less may be a slow one.
        mesh.wait_until(lambda: time.monotonic() - began > 8, 20, "the router is older than its clock is wrong")
        alice = self.start("Alice")
        self.wait_open(alice)
        before = self.redirects()
        self.assertEqual(len(before), 1)
        router.kill()
        router.wait()
        self.set_rules(RULES)
        self.assertEqual(self.redirects(), [])
        (self.box.path / "leases").unlink(missing_ok=True)
        self.start_router(**offers)
        began = time.monotonic()
        mesh.wait_until(lambda: self.redirects() == before, 90, "the mapping is back")
        print(f"{offers}: back {time.monotonic() - began:.1f} s after the router")
        self.assertEqual(self.mapping(alice)["state"], "open")
        self.leave(alice)
        self.assertEqual(self.redirects(), [])

    def test_a_router_that_starts_again_is_asked_again_by_nat_pmp(self):
        self.check_restart(natpmp=True)

    def test_a_router_that_starts_again_is_asked_again_by_upnp(self):
        self.check_restart(upnp=True)

    def check_chat_goes_on(self, alice):
        bob = self.start("Bob", join=[alice.address], mapped=False)
        for number in range(5):
            sent = time.monotonic()
            alice.call("message.send", text=f"number {number}")
            mesh.wait_until(lambda: has_heard(bob, f"number {number}"), 5, "Bob hears")
            self.assertLess(time.monotonic() - sent, mesh.stretched(2))
        return bob

    def test_a_router_that_never_answers_holds_nothing_up(self):
        self.set_rules(SILENT)
        alice = self.start("Alice")
        self.assertEqual(self.mapping(alice)["state"], "asking")
        self.check_chat_goes_on(alice)
        why = self.wait_failed(alice)["why"]
        self.assertEqual(why, f"the router at {ROUTER} does not offer port mapping (NAT-PMP: no answer; UPnP: no answer); "
                              f"forward TCP port {alice.status()['port']} to this machine by hand, or join through a "
                              "member that can be reached")
        self.assertIn("port mapping: the router at", self.ctl(alice.data_dir, "status").stdout.decode())
        print(f"left after {self.leave(alice):.2f} s")

    def test_who_leaves_while_a_silent_router_is_asked_leaves_at_once(self):
        self.set_rules(SILENT)
        alice = self.start("Alice")
        self.assertEqual(self.mapping(alice)["state"], "asking")
        print(f"left after {self.leave(alice):.2f} s")

    def test_a_router_that_hangs_holds_nothing_up(self):
        router = self.fake_router("hangs")
        alice = self.start("Alice")
        self.assertEqual(router.stdout.readline(), "taken\n")
        self.check_chat_goes_on(alice)
        self.assertEqual(self.mapping(alice)["state"], "asking")
        print(f"left after {self.leave(alice):.2f} s")

    def test_a_router_that_falls_silent_does_not_keep_anybody(self):
        self.start_router(natpmp=True)
        alice = self.start("Alice")
        self.wait_open(alice)
        self.set_rules(SILENT)
        print(f"left after {self.leave(alice):.2f} s")

    def test_a_router_that_lies_is_refused(self):
        router = self.fake_router("lies")
        alice = self.start("Alice")
        why = self.wait_failed(alice)["why"]
        self.assertIn("the router says that its address outside is 0.0.0.0, which nobody can dial", why)
        self.assertEqual([router.stdout.readline() for _ in range(2)], ["asked for 3600\n", "asked for 0\n"])
        self.assertFalse([one for one in alice.call("members.list")[0]["addresses"] if one.startswith("0.0.0.0")])

    def test_without_a_router_it_is_said(self):
        namespaces.run("ip", "-n", "inside", "route", "del", "default")
        self.addCleanup(namespaces.run, "ip", "-n", "inside", "route", "replace", "default", "via", ROUTER)
        alice = self.start("Alice")
        self.assertEqual(self.wait_failed(alice)["why"], "this machine has no router to the outside by IPv4")
        # One that comes later is found.
        self.start_router(natpmp=True)
        namespaces.run("ip", "-n", "inside", "route", "add", "default", "via", ROUTER)
        self.wait_open(alice)
        local = self.start("Local", listen="127.0.0.1")
        self.assertIn("which this machine alone can dial", self.wait_failed(local)["why"])

    def test_a_chat_maps_and_takes_it_back(self):
        self.start_router(natpmp=True)
        chat = self.spawn("inside", mesh.program("p2pchat"), "--data-dir", str(self.box.data_dir("Alice")), "--listen",
                          "0.0.0.0:0", "--port-mapping", "Alice", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        mesh.wait_until(self.redirects, 20, "the port is mapped")
        began = time.monotonic()
        chat.stdin.write(b":q\n")
        chat.stdin.flush()
        self.assertEqual(chat.wait(mesh.stretched(10)), 0)
        mesh.wait_until(lambda: not self.redirects(), 5, "the mapping is gone")
        print(f"gone {time.monotonic() - began:.2f} s after :q")


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not shutil.which("miniupnpd"):
        sys.exit(namespaces.skipped("miniupnpd is not installed; type: scripts/setup.sh"))
    namespaces.enter(__file__)
    mesh.main()
