"""`--lan`: who is on the same network is heard and joined, over IPv4, IPv6 or both; interfaces come and go, networks
are changed; what is private is not told, and what is malformed, spoofed or a flood does no harm."""

import os
import pty
import re
import select
import subprocess
import time

import lan
import mesh
import namespaces
from people import texts

BACK_S = 10  # issue "the local network": who moves is back within


class LocalNetwork(mesh.MeshTest):
    @classmethod
    def setUpClass(cls):
        namespaces.run("ip", "link", "set", "lo", "up")
        lan.make("alice", "bob", "carol", "dora", "eve")

    def setUp(self):
        self.numbers = iter(range(1, 99))
        self.plugged = []
        self.switches = []
        self.addCleanup(self.pull_all)

    def pull_all(self):
        for member in self.box.members:
            member.end()
        for namespace, name in self.plugged:
            subprocess.run(["ip", "-n", namespace, "link", "del", name], capture_output=True)
        for one in self.switches:
            namespaces.run("ip", "-n", lan.SWITCH, "link", "del", one.bridge)

    def network(self, **hosts):
        """A switch with a cable to each namespace; a host number of 0: without IPv4."""
        made = lan.Lan(next(self.numbers))
        self.switches.append(made)
        for namespace, host in hosts.items():
            self.plug(made, namespace, host)
        return made

    def plug(self, network, namespace, host, **options):
        self.plugged.append((namespace, network.plug(namespace, host, **options)))
        return self.plugged[-1][1]

    def start(self, namespace, name, **options):
        return lan.node(self.box, namespace, name, **options).start()

    def linked(self, *nodes, timeout=15):
        for node in nodes:
            mesh.wait_until(lambda: node.status()["neighbors"] >= len(nodes) - 1, timeout, f"{node.name} is linked")

    def all_here(self, *nodes):
        mesh.wait_until(lambda: [node.status()["online"] for node in nodes] == [len(nodes)] * len(nodes), 20,
                        "all are here")

    def talk(self, one, other, text, timeout=10):
        one.call("message.send", text=text)
        mesh.wait_until(lambda: text in texts(other.messages()), timeout, f"{other.name} has {text!r}")

    def heard_by(self, node, label, timeout=10):
        return mesh.wait_until(lambda: lan.heard(node).get(label), timeout, f"{node.name} hears {label}")

    def check_joined(self, alice_host, ipv6, pattern):
        self.network(alice=alice_host, bob=2 if alice_host else 0)
        for namespace in ("alice", "bob"):
            lan.set_of_kernel(namespace, "net.ipv6.conf.lan1.disable_ipv6", 0 if ipv6 else 1)
        alice = self.start("alice", "Alice")
        began = time.monotonic()
        bob = lan.chat(self.box, "bob", "Bob").expect_open()
        took = time.monotonic() - began
        self.assertEqual(bob.greeting, ">INFO: Here: Alice.")
        self.assertLess(took, mesh.stretched(6))
        bob.say("hello")
        mesh.wait_until(lambda: texts(alice.messages()) == ["hello"], 10, "Alice has it")
        alice.call("message.send", text="welcome")
        bob.expect("^Alice: welcome$")
        found = self.heard_by(alice, "Alice")
        self.assertTrue(found["ours"])
        self.assertRegex(found["address"], pattern)
        self.assertEqual(found["interface"], "lan1")
        bob.say("/lan")
        bob.expect(r"^>INFO: Alice, yours, \d online: Alice; lan1, .*, mesh [0-9a-f]{8}\.$")
        bob.expect(r"^>INFO: interface lan1 is used\.$")
        self.assertEqual(bob.leave(), 0)
        mesh.wait_until(lambda: alice.call("lan.list")["nodes"] == 0, 3, "who goes says so")
        print(f"joined after {took:.1f} s")

    def test_the_only_mesh_is_joined_by_ipv4(self):
        self.check_joined(1, False, r"^10\.1\.0\.2:\d+$")

    def test_the_only_mesh_is_joined_by_ipv6_link_local(self):
        self.check_joined(0, True, r"^\[fe80::[0-9a-f:]+%lan1\]:\d+$")

    def test_the_only_mesh_is_joined_by_both(self):
        self.check_joined(1, True, r"^(10\.1\.0\.2|\[fe80::.*%lan1\]):\d+$")

    def test_nobody_is_there(self):
        self.network(alice=1)
        began = time.monotonic()
        alice = lan.chat(self.box, "alice", "Alice").expect_open()
        alice.expect("^>INFO: No mesh is heard on the local network. Who starts p2pchat --lan there finds this one.$")
        print(f"opened after {time.monotonic() - began:.1f} s")
        alice.leave()
        silent = lan.chat(self.box, "alice", "Alma", options=[]).expect_open()
        silent.say("/lan")
        silent.expect("^>INFO: This node runs without --lan")
        second = lan.chat(self.box, "alice", "Alma").expect_open()
        second.expect("^>INFO: The node that runs here was started without --lan")

    def test_two_of_one_name(self):
        self.network(alice=1, bob=2, dora=3)
        ones = [self.start("alice", "Alice"), self.start("dora", "Alice", data_dir=self.box.data_dir("other"))]
        bob = lan.chat(self.box, "bob", "Bob", options=["--lan", "--find", "Alice"])
        mesh.wait_until(lambda: bob.process.poll() is not None, 10, "nobody is taken for another one")
        self.assertEqual(bob.wait(), 64)
        self.assertIn("Several who are called Alice are heard", bob.stderr())
        self.assertEqual([one.status()["online"] for one in ones], [1, 1])

    def test_two_who_start_together_are_together(self):
        self.network(alice=1, bob=2)
        chats = [lan.chat(self.box, name.lower(), name) for name in ("Alice", "Bob")]
        for one in chats:
            one.expect_open()
        chats[0].say("hello")
        chats[1].expect("^Alice: hello$")

    def test_of_several_one_is_chosen(self):
        self.network(alice=1, bob=2)
        alice, dora = self.start("alice", "Alice"), self.start("alice", "Dora")  # two on one machine
        bob = lan.chat(self.box, "bob", "Bob", options=["--plain", "--lan"])
        self.assertEqual(bob.wait(), 64)
        said = bob.stderr()
        for node in (alice, dora):
            short = node.status()["mesh"][:8]
            self.assertRegex(said, rf"(?m)^  {node.name}, 1 online: {node.name} \(mesh {short}\)$")
        self.assertIn("--find NAME", said)
        self.assertFalse((bob.data_dir / "last_mesh").exists())
        bob = lan.chat(self.box, "bob", "Bob", options=["--plain", "--lan", "--find", "dora"]).expect_open()
        self.assertEqual(bob.greeting, ">INFO: Here: Dora.")
        self.assertEqual(bob.leave(), 0)
        # The one where he was is resumed, though two are heard.
        bob = lan.chat(self.box, "bob", "Bob", options=["--plain", "--lan"]).expect_open()
        self.assertIn("Dora", bob.greeting)
        bob.say("/enter Alice")
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is in Alice's mesh too")
        bob.say("/enter Nobody")
        nobody = "Nobody called Nobody is heard on the local network"
        mesh.wait_until(lambda: nobody in bob.stderr() or nobody.encode() in bob.raw, 10, "it is said")
        self.assertEqual(bob.leave(), 0)
        self.check_choice_at_a_terminal(dora)

    def check_choice_at_a_terminal(self, dora):
        """The numbered list, an answer that is none, and the one that is."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["ip", "netns", "exec", "bob", mesh.program("p2pchat"), "--data-dir", str(self.box.data_dir("Ben")),
             "--listen", lan.EVERYWHERE, "--lan", "Ben"], stdin=theirs, stdout=theirs, stderr=theirs,
            cwd=self.box.path, env=self.box.environment, start_new_session=True)
        os.close(theirs)
        seen = b""

        def expect(pattern):
            nonlocal seen
            deadline = time.monotonic() + mesh.stretched(20)
            while not (found := re.search(pattern, seen)):
                self.assertLess(time.monotonic(), deadline, (pattern, seen))
                if select.select([ours], [], [], 0.1)[0]:
                    seen += os.read(ours, 65536)
            seen = seen[found.end():]
            return found
        try:
            expect(rb"[Pp]assphrase")
            os.write(ours, b"\n")
            listed = expect(rb"several meshes.*\r\n 1  (\w+), .*\r\n 2  (\w+), .*\r\n")
            number = 1 + [listed[1], listed[2]].index(b"Dora")
            expect(rb"A number from 1 to 2: ")
            os.write(ours, b"7\n")
            expect(rb"A number from 1 to 2: ")
            os.write(ours, str(number).encode() + b"\n")
            expect(rb">INFO: Here: [^\r]*Dora")
            os.write(ours, b":q\n")
            self.assertEqual(process.wait(mesh.stretched(10)), 0)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)

    def test_what_is_private_is_not_told(self):
        network = self.network(alice=1, bob=2, carol=3, eve=4)
        alice = self.start("alice", "Alice", options=["--lan", "--private"])
        key = self.box.new_name("room.key")
        self.ctl(alice.data_dir, "join", "#geheimrat", "--key-file", str(key))
        link = alice.call("invite.make", uses=1, address=f"10.1.0.1:{alice.status()['port']}")["link"]
        bob = self.start("bob", "Bob", options=["--lan", "--invite", link])
        self.linked(alice, bob)
        carol = self.start("carol", "Carol")
        ear = lan.listen(self.box, "eve", "lan1", 8)
        # A fellow knows it again, a stranger knows that somebody is there.
        found = mesh.wait_until(lambda: [m for m in bob.call("lan.list")["meshes"] if m["ours"]], 10, "Bob hears Alice")
        self.assertEqual(found[0]["mesh"], alice.status()["mesh"])
        mesh.wait_until(lambda: carol.call("lan.list")["nodes"] == 2, 10, "Carol hears two nodes")
        self.assertEqual([m["label"] for m in carol.call("lan.list")["meshes"]], [])
        heard = lan.beacons(ear)
        keys = {lan.key_of(data).hex() for _, data in heard}
        self.assertEqual(keys, {node.status()["node_key"] for node in (alice, bob, carol)})
        secrets = link.rpartition("/")[2]
        secret = [b"geheimrat", b"#geheim", bytes.fromhex(alice.status()["mesh"]), alice.status()["mesh"].encode(),
                  secrets.encode()]
        for _, data in heard:
            for word in secret:
                self.assertNotIn(word, data)
            self.assertLessEqual(len(data), 1200)
        self.assertTrue(any(bytes.fromhex(carol.status()["mesh"]) in data for _, data in heard), "the ear works")
        # By that the members find each other.
        for node in (alice, bob):
            self.assertEqual(node.terminate(), 0)
            node.options, node.listen = ["--lan"], lan.EVERYWHERE
        self.give_other_addresses(network, "Alice", "Bob")
        for node in (alice, bob):
            node.start()
        self.linked(alice, bob)

    def test_who_is_undiscoverable_is_silent(self):
        self.network(alice=1, bob=2, eve=4)
        alice = self.start("alice", "Alice")
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        self.linked(alice, bob)
        alice.call("discover.set", on=False)
        mesh.wait_until(lambda: bob.call("lan.list")["nodes"] == 0, 5, "she has said farewell")
        heard = lan.beacons(lan.listen(self.box, "eve", "lan1", 7))
        self.assertEqual({lan.key_of(data).hex() for _, data in heard}, {bob.status()["node_key"]})
        alice.call("discover.set", on=True)
        mesh.wait_until(lambda: bob.call("lan.list")["nodes"] == 1, 5, "she is heard again")

    def test_two_interfaces_and_spoofers_on_the_wrong_one(self):
        one = self.network(alice=1, bob=2, eve=4)
        other = self.network(alice=1, carol=3, eve=4)
        alice = self.start("alice", "Alice")
        ears = [lan.listen(self.box, "eve", name, 7) for name in ("lan1", "lan2")]
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        carol = self.start("carol", "Carol", options=["--lan", "--lan-join"])
        mesh.wait_until(lambda: alice.status()["online"] == 3, 15, "all are in one mesh")
        self.talk(bob, carol, "over both")
        heard = [lan.beacons(ear) for ear in ears]
        key = alice.status()["node_key"]
        of_alice = [[data for _, data in part if lan.key_of(data).hex() == key] for part in heard]
        for part, mine, not_mine in ((of_alice[0], one, other), (of_alice[1], other, one)):
            told = [bytes([4, 10, network.number, 0, 1]) for network in (mine, not_mine)]
            self.assertTrue(any(told[0] in data for data in part), "its address there")
            self.assertFalse(any(told[1] in data for data in part), "not that of the other network")
        # What Bob says on one network is spoofed on the other, as it was and from an address that fits there.
        captured = [data for _, data in heard[0] if lan.key_of(data).hex() == bob.status()["node_key"]][-1]
        before = alice.call("lan.list")["counters"]
        for _ in range(5):
            lan.spoof(self.box, "eve", "lan2", one.address(2), captured)
        spoofed = before["lan_dropped_wrong_interface"] + 5
        mesh.wait_until(lambda: lan.counter(alice, "dropped_wrong_interface") >= spoofed, 5, "dropped by its source")
        lan.spoof(self.box, "eve", "lan2", other.address(4), captured)
        mesh.wait_until(lambda: lan.counter(alice, "dropped_stale") > before["lan_dropped_stale"], 5, "said before")
        changed = captured[:-1] + bytes([captured[-1] ^ 1])
        newer = captured[:37] + (lan.wall_of(captured) + 60_000).to_bytes(8, "big") + captured[45:]
        lan.spoof(self.box, "eve", "lan2", other.address(4), newer)
        mesh.wait_until(lambda: lan.counter(alice, "dropped_forged") > before["lan_dropped_forged"], 5, "forged")
        for junk in (b"", b"p2pb", os.urandom(400), captured[:60], changed + b"x", captured[:4] + b"\2" + captured[5:]):
            lan.spoof(self.box, "eve", "lan1", one.address(4), junk)
        malformed = before["lan_dropped_malformed"] + 6
        mesh.wait_until(lambda: lan.counter(alice, "dropped_malformed") >= malformed, 5, "junk")
        said = self.ctl(alice.data_dir, "lan").stdout.decode()
        for reason in ("malformed", "wrong interface", "stale", "forged"):
            self.assertRegex(said, rf"(?m)^dropped: .*\d {reason}")
        self.assertIn("local network: beacons were dropped:", mesh.tail(alice.log, 20000))
        self.talk(carol, bob, "unharmed")
        self.assertEqual(alice.status()["online"], 3)

    def test_bridges_of_containers_and_tunnels_are_left_out(self):
        self.network(alice=1, bob=2)
        inside = ["ip", "-n", "alice"]
        namespaces.run(*inside, "link", "add", "docker0", "type", "bridge", "forward_delay", "0")
        namespaces.run(*inside, "addr", "add", "172.17.0.1/16", "dev", "docker0")
        namespaces.run(*inside, "link", "add", "veth9", "type", "veth", "peer", "name", "inner9", "netns", "dora")
        namespaces.run(*inside, "link", "set", "veth9", "master", "docker0", "up")
        namespaces.run("ip", "-n", "dora", "addr", "add", "172.17.0.9/16", "dev", "inner9")
        namespaces.run("ip", "-n", "dora", "link", "set", "inner9", "up")
        namespaces.run(*inside, "link", "set", "docker0", "up")
        self.plugged += [("alice", "docker0"), ("alice", "veth9")]
        tunnel = subprocess.run(["ip", "-n", "alice", "tunnel", "add", "tun9", "mode", "ipip", "local", "10.1.0.1",
                                 "remote", "10.1.0.2"], capture_output=True)
        if tunnel.returncode == 0:
            self.plugged.append(("alice", "tun9"))
            namespaces.run(*inside, "addr", "add", "10.77.0.1/24", "dev", "tun9")
            namespaces.run(*inside, "link", "set", "tun9", "up")
        ear = lan.listen(self.box, "dora", "inner9", 6)
        alice = self.start("alice", "Alice")
        listed = {one["name"]: one["left_out"] for one in alice.call("lan.list")["interfaces"]}
        self.assertEqual(listed["lan1"], "")
        self.assertIn("bridge of containers", listed["docker0"])
        self.assertIn("a part of docker0", listed["veth9"])
        if tunnel.returncode == 0:
            self.assertIn("tunnel", listed["tun9"])
        else:
            print(f"no tunnel could be made: {tunnel.stderr}")
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        self.linked(alice, bob)
        self.assertEqual(lan.beacons(ear), [])
        # By force.
        config = self.box.new_name("config.toml")
        config.write_text('lan = true\nlan_interfaces = ["docker0"]\n')
        self.assertEqual(alice.terminate(), 0)
        ear = lan.listen(self.box, "dora", "inner9", 6)
        alice.options = ["--config", str(config)]
        alice.start()
        self.assertIn(alice.status()["node_key"], {lan.key_of(data).hex() for _, data in lan.beacons(ear)})

    def test_an_interface_goes_and_returns(self):
        first = self.network(alice=1, bob=2)
        alice = self.start("alice", "Alice")
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        self.linked(alice, bob)
        name = "lan1"

        def bring_up():
            namespaces.run("ip", "-n", "bob", "link", "set", name, "up")
        for way, away, back in (("down", ["link", "set", name, "down"], bring_up),
                                ("deleted", ["link", "del", name], lambda: first.plug("bob", 2))):
            namespaces.run("ip", "-n", "bob", *away)
            mesh.wait_until(lambda: bob.status()["neighbors"] == 0, 0.8, f"Bob's link is lost at once, {way}")
            self.assertEqual([one["name"] for one in bob.call("lan.list")["interfaces"] if not one["left_out"]], [])
            bob.call("message.send", text=f"while {way}")
            back()
            began = time.monotonic()
            mesh.wait_until(lambda: bob.status()["neighbors"] == 1, BACK_S, f"Bob is back, {way}")
            mesh.wait_until(lambda: f"while {way}" in texts(alice.messages()), BACK_S, "and what he wrote is here")
            print(f"back after {time.monotonic() - began:.1f} s ({way})")
            self.assertLess(time.monotonic() - began, mesh.stretched(BACK_S))

    def test_who_moves_to_another_network_is_back_in_its_mesh(self):
        first = self.network(alice=1, bob=2, carol=3)
        second = self.network(alice=1, dora=4)
        alice = self.start("alice", "Alice")
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        carol = self.start("carol", "Carol", options=["--lan", "--lan-join"])
        dora = self.start("dora", "Dora", options=["--lan", "--lan-join"])
        self.all_here(alice, bob, carol, dora)
        took = []
        for number, (away, network, old) in enumerate(((first, second, "lan1"), (second, first, "lan2"))):
            namespaces.run("ip", "-n", "bob", "link", "del", old)
            self.plug(network, "bob", 20 + number)
            began = time.monotonic()
            mesh.wait_until(lambda: bob.status()["neighbors"] > 0, BACK_S, "Bob has a link again")
            self.talk(bob, alice, f"moved {number}")
            self.talk(alice, bob, f"welcome {number}")
            took.append(time.monotonic() - began)
            self.assertLess(took[-1], mesh.stretched(BACK_S))
            for node in (carol, dora):
                mesh.wait_until(lambda: f"moved {number}" in texts(node.messages()), 20, f"{node.name} has it too")
        # A cable that is pulled: the address stays, and the other network takes over.
        self.plug(second, "bob", 30)
        port = f"p1-{first.cables}"
        namespaces.run("ip", "-n", lan.SWITCH, "link", "set", port, "down")
        began = time.monotonic()

        def by_second():
            peers = [peer for peer in alice.call("peers.list") if peer["name"] == "Bob"]
            return [peer for peer in peers if "10.1." not in peer["address"]]
        mesh.wait_until(by_second, 2 * BACK_S, "Bob is linked by the other network")
        self.talk(bob, alice, "pulled")
        took.append(time.monotonic() - began)
        print("back after " + ", ".join(f"{one:.1f} s" for one in took))
        self.assertLess(took[-1], mesh.stretched(BACK_S))

    def give_other_addresses(self, network, *names):
        """Such as nobody in the mesh knows."""
        self.moved = getattr(self, "moved", 50)
        for name in names:
            self.moved += 1
            namespaces.run("ip", "-n", name.lower(), "addr", "flush", "dev", "lan1", "scope", "global")
            namespaces.run("ip", "-n", name.lower(), "addr", "add", f"{network.address(self.moved)}/24", "dev", "lan1")

    def test_a_split_heals(self):
        network = self.network(alice=1, bob=2, carol=3, dora=4)
        for namespace in ("alice", "bob", "carol", "dora"):
            lan.set_of_kernel(namespace, "net.ipv6.conf.lan1.disable_ipv6", 1)
        nodes = {name: self.start(name.lower(), name, options=["--lan"] + (["--lan-join"] if name != "Alice" else []))
                 for name in ("Alice", "Bob", "Carol", "Dora")}
        self.all_here(*nodes.values())
        # Two of them go to another switch, and in both halves nobody is where the others remember it.
        other = lan.Lan(97)
        self.switches.append(other)
        for cable in (3, 4):
            namespaces.run("ip", "-n", lan.SWITCH, "link", "set", f"p1-{cable}", "master", other.bridge)
        mesh.wait_until(lambda: [node.status()["online"] for node in nodes.values()] == [2] * 4, 60, "two and two")
        self.give_other_addresses(network, *nodes)
        for node in nodes.values():
            mesh.wait_until(lambda: node.status()["neighbors"] == 1, 20, f"{node.name} has the other one")
        for cable in (3, 4):
            namespaces.run("ip", "-n", lan.SWITCH, "link", "set", f"p1-{cable}", "master", network.bridge)
        began = time.monotonic()
        mesh.wait_until(lambda: all(node.status()["online"] == 4 for node in nodes.values()), 30, "they are one again")
        print(f"healed after {time.monotonic() - began:.1f} s")
        self.talk(nodes["Alice"], nodes["Dora"], "one again")

    def test_members_whom_nobody_knows_where_find_each_other(self):
        network = self.network(alice=1, bob=2, carol=3, dora=4)
        nodes = {name: self.start(name.lower(), name, options=["--lan"] + (["--lan-join"] if name != "Alice" else []))
                 for name in ("Alice", "Bob", "Carol", "Dora")}
        self.all_here(*nodes.values())
        for node in nodes.values():
            self.assertEqual(node.terminate(), 0)
        self.give_other_addresses(network, *nodes)
        began = time.monotonic()
        for node in nodes.values():
            node.options, node.listen = ["--lan"], lan.EVERYWHERE
            node.start()
        mesh.wait_until(lambda: all(node.status()["online"] == 4 for node in nodes.values()), 20, "all are here again")
        print(f"together again after {time.monotonic() - began:.1f} s")
        self.talk(nodes["Bob"], nodes["Dora"], "here we are")

    def test_a_flood_of_beacons(self):
        network = self.network(alice=1, bob=2, carol=3, eve=4)
        sources = [network.address(100 + number) for number in range(100)]
        for source in sources:
            namespaces.run("ip", "-n", "eve", "addr", "add", f"{source}/24", "dev", "lan1")
        alice = self.start("alice", "Alice")
        bob = self.start("bob", "Bob", options=["--lan", "--lan-join"])
        self.linked(alice, bob)
        floods = (("junk", sources[:1]), ("forged", sources[:1]), ("forged", sources))
        for number, (kind, flooding) in enumerate(floods):
            before = alice.call("lan.list")["counters"]
            seconds = 12
            flood = lan.flood(self.box, "eve", "lan1", kind, 10_000, seconds, flooding)
            began, busy = time.monotonic(), lan.cpu_seconds(alice.process.pid)
            newcomer = lan.node(self.box, "carol", f"Carol{number}", options=["--lan", "--lan-join"]).start()
            mesh.wait_until(lambda: newcomer.status()["neighbors"] >= 1, 10, "a newcomer finds its way")
            self.assertEqual(newcomer.status()["mesh"], alice.status()["mesh"])
            mesh.wait_until(lambda: f"Carol{number}" in lan.heard(alice)["Alice"]["names"], 10, "and is heard")
            worst = 0
            for line in range(20):
                sent = time.monotonic()
                self.talk(alice, bob, f"{number}.{line} in the flood")
                worst = max(worst, time.monotonic() - sent)
            sent = int(flood.lines()[-1])
            share = (lan.cpu_seconds(alice.process.pid) - busy) / (time.monotonic() - began)
            after = alice.call("lan.list")["counters"]
            counted = {key: after[key] - before[key] for key in after if key.startswith("lan_dropped")}
            print(f"{kind} of {len(flooding)}: {sent / seconds:.0f}/s, {100 * share:.0f} % of a core, "
                  f"slowest message {worst * 1000:.0f} ms, {counted}")
            self.assertGreater(sent, 9_000 * seconds)
            reason = "malformed" if kind == "junk" else "over_budget"
            self.assertGreater(counted[f"lan_dropped_{reason}"], sent / 4)
            self.assertLess(share, 0.5)
            self.assertLess(worst, mesh.stretched(2))
            self.assertIn("Bob", lan.heard(alice)["Alice"]["names"])
            self.assertEqual(newcomer.terminate(), 0)
        lines = [line for line in alice.log.read_text().splitlines() if "beacons were dropped" in line]
        self.assertLess(len(lines), 5, "a flood of beacons is no flood of lines")


if __name__ == "__main__":
    namespaces.enter(__file__)
    mesh.main()
