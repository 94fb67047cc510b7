"""Closed meshes: who has an invite comes in, through any member, and nobody else; and what ends that."""

import re
import shutil
import struct

import mesh
import tls_ends
from chat import Chat
from control import RpcFault
from people import texts


class Closed(mesh.MeshTest):
    def found(self, name="Alice", **options):
        return self.node(name, options=["--private"], **options).start()

    def come_in(self, name, link, **options):
        return self.node(name, options=["--invite", link], **options).start()

    def link(self, node, **terms):
        return node.call("invite.make", **terms)["link"]

    def refused(self, name, *arguments):
        """Joins with p2pchat and is sent away; what it was told."""
        done = self.box.run("p2pchat", "--listen", mesh.ANY_PORT, "--data-dir", self.box.data_dir(f"no-{name}"), name,
                            *arguments)
        self.assertEqual(done.returncode, 77, done)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def standings(self, node):
        return [invite["standing"] for invite in node.call("invite.list")]

    def wait_online(self, nodes, timeout=20):
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == len(nodes), timeout, f"{node.name} sees everybody")

    def wait_text(self, nodes, text):
        for node in nodes:
            mesh.wait_until(lambda: text in texts(node.messages()), 20, f"{node.name} has {text!r}")

    def test_one_comes_in_with_a_link_and_the_others_stay_outside(self):
        alice = Chat(self.box, "Alice", options=["--private"]).expect_open()
        alice.say("/link")
        said = alice.expect(r"^>INFO: An invite for 1 member, until .*: \./p2pchat NAME (p2pmesh://\S+)$")
        self.assertIn("ask a member for a link", self.refused("Oscar", "127.0.0.1", str(alice.port)))
        bob = Chat(self.box, "Bob", said.group(1))
        bob.expect(r"^>INFO: Here: Alice\.$")
        bob.expect(r"^>INFO: This mesh is closed")
        alice.expect(r"^>INFO: Bob joined\.$")
        bob.say("hello")
        alice.expect(r"^Bob: hello$")
        self.assertIn("used up", self.refused("Mallory", said.group(1)))
        alice.say("/links")
        alice.expect(r"^>INFO: [0-9a-f]{8} by Alice: used up, 1 of 1 used, until ")
        # Who has come in needs no link any more, and brings others in.
        self.assertEqual(alice.leave(), 0)
        bob.expect(r"^>INFO: Alice left\.$")
        self.assertEqual(bob.leave(), 0)
        bob = Chat(self.box, "Bob")
        bob.expect(r"^>INFO: Nobody else is here\.$")
        bob.expect(r"^>INFO: This mesh is closed: .*; /link makes one\.$")
        bob.say("/link any never")
        said = bob.expect(r"^>INFO: An invite for any number of members, for good; .* (p2pmesh://\S+)$")
        carol = Chat(self.box, "Carol", said.group(1))
        carol.expect(r"^>INFO: Here: Bob\.$")
        carol.expect(r"^Bob: hello$")
        carol.say(":q")
        carol.wait()

    def all_of(self, channel):
        """All that the far end says until it ends."""
        said = b""
        while some := channel.recv(4096):
            said += some
        return said

    def test_an_outsider_sees_no_name(self):
        alice = self.found()
        stranger = tls_ends.Identity(self.box.path)
        status = alice.status()
        proofs = {"nothing": b"\0", "a made-up secret": b"\1" + bytes(32) + b"\0",
                  "a made-up invite": b"\2" + stranger.key + bytes(64)}
        # The reason, who may come in being who has an invite, and the version: there is no room for a name.
        refusal = tls_ends.frame(tls_ends.REFUSE, struct.pack(">BH", 6, tls_ends.VERSION))
        ping, join, repair = tls_ends.frame(7, bytes(25)), tls_ends.frame(11, b""), tls_ends.frame(5, bytes(200))
        further, knocked = ping + join + repair, 0
        for wanted in (b"", bytes.fromhex(status["mesh"])):
            for what, proof in proofs.items():
                with self.subTest(what=what, wanted=wanted), tls_ends.connect(stranger, status["port"]) as channel:
                    channel.sendall(tls_ends.hello(stranger.key, mesh=wanted, proof=proof) + further)
                    self.assertEqual(self.all_of(channel), refusal)
                    knocked += 1
        now = alice.status()
        self.assertEqual(now["neighbors"], 0)
        # Of each the hello, and not one frame behind it.
        grown = {name: count - status["counters"].get(name, 0) for name, count in now["counters"].items()}
        self.assertEqual((grown["frames_received"], grown["handshakes_failed"]), (knocked, knocked))
        self.assertEqual({name for name in grown if grown[name] and re.match("frames_|ingress_|joins|accepted", name)},
                         {"frames_received"})

    def test_links_that_are_good_no_more(self):
        alice = self.found()
        short = self.link(alice, for_ms=1)
        cancelled = alice.call("invite.make")
        mesh.ctl(self.box, alice.data_dir, "uninvite", cancelled["key"][:10])
        self.assertIn("a time that is over", self.refused("Bob", short))
        self.assertIn("knows no such invite", self.refused("Bob", cancelled["link"]))
        self.assertEqual(self.standings(alice), ["expired", "cancelled"])
        # Half of a link is none, and so is one of another mesh's secret.
        link = self.link(alice)
        done = self.box.run("p2pchat", "--data-dir", self.box.data_dir("half"), "Half", link[:-1])
        self.assertEqual(done.returncode, 64, done)
        self.assertIn(b"not whole", done.stderr)
        self.assertIn("knows no such invite", self.refused("Bob", link[:-64] + "00" * 32))
        with self.assertRaises(RpcFault) as caught:
            alice.call("invite.cancel", key="zz")
        self.assertEqual(caught.exception.status, 64)
        # As a restart finds it.
        self.assertEqual(alice.terminate(), 0)
        alice.restart()
        self.assertEqual(self.standings(alice), ["expired", "cancelled", "open"])
        self.assertIn("a time that is over", self.refused("Bob", short.replace(
            short.split("/")[2], f"127.0.0.1:{alice.status()['port']}")))

    def test_an_invite_is_taken_by_any_member(self):
        alice = self.found()
        bob = self.come_in("Bob", self.link(alice))
        link = self.link(alice)
        mesh.wait_until(lambda: self.standings(bob) == ["used up", "open"], 15, "Bob knows of it")
        self.assertEqual(alice.terminate(), 0)
        carol = self.come_in("Carol", link.replace(link.split("/")[2], bob.address))
        alice.restart()
        self.wait_online([alice, bob, carol])
        mesh.wait_until(lambda: self.standings(alice) == ["used up"] * 2, 15, "Alice knows who came meanwhile")

    def test_one_that_nobody_there_knows_shows_who_let_it_in(self):
        """A member comes in while half of the mesh is away, and everybody of its half goes."""
        alice = self.found()
        bob = self.come_in("Bob", self.link(alice))
        mesh.wait_until(lambda: self.standings(bob) == ["used up"], 15, "Bob knows of it")
        self.assertEqual(bob.terminate(), 0)
        carol = self.come_in("Carol", self.link(alice))
        dave = self.come_in("Dave", self.link(carol))
        carol.call("message.send", text="while you were away")
        self.wait_text([alice, dave], "while you were away")
        for node in (alice, carol):
            self.assertEqual(node.terminate(), 0)
        bob.restart()
        dave.call("mesh.connect", host="127.0.0.1", port=bob.status()["port"])
        self.wait_text([bob], "while you were away")
        self.wait_online([bob, dave])
        # And a stranger with no more than a key is still one.
        self.assertIn("ask a member for a link", self.refused("Oscar", "127.0.0.1", str(bob.status()["port"])))

    def test_who_is_banned_does_not_come_back_under_another_key(self):
        alice = self.found()
        mallory = self.come_in("Mallory", self.link(alice))
        spare = self.link(mallory, uses=0)
        mesh.wait_until(lambda: len(self.standings(alice)) == 2, 15, "Alice knows of the spare link")
        alice.call("moderation.act", verb="ban", member="Mallory", mesh=True)
        mesh.wait_until(lambda: self.standings(alice)[1] == "void", 15, "its links are void")
        spare = spare.replace(spare.split("/")[2], alice.address)
        self.assertIn("knows no such invite", self.refused("Other", spare))
        mallory.end()
        # Nor does another key with a copy of the file that holds the secret.
        other = self.box.data_dir("Copy")
        copy = self.node("Copy", data_dir=other).start()
        self.assertEqual(copy.terminate(), 0)
        of_mesh = alice.status()["mesh"]
        shutil.copy(mallory.data_dir / "meshes" / f"{of_mesh}.closed", other / "meshes")
        (other / "last_mesh").write_text(of_mesh + "\n")
        copy.spawn()
        self.assertEqual(copy.process.wait(mesh.stretched(10)), 65)

    def test_a_member_that_is_given_an_address_or_another_link(self):
        alice = self.found()
        bob = self.come_in("Bob", self.link(alice))
        self.assertEqual(bob.terminate(), 0)
        # As from a configuration file that names a member to join through.
        bob.options = []
        bob.restart(join=[alice.address])
        self.wait_online([alice, bob])
        self.assertEqual(bob.status()["mesh"], alice.status()["mesh"])
        self.assertEqual(bob.terminate(), 0)
        # An address in another closed mesh is still one.
        carol = self.found("Carol")
        bob.join = [carol.address]
        bob.spawn()
        self.assertEqual(bob.process.wait(15), 77)
        bob.options = ["--invite", self.link(alice)]
        bob.restart()
        self.wait_online([alice, bob])
        self.assertEqual(self.standings(alice), ["used up", "open"])

    def test_two_who_come_at_once_by_one_use(self):
        alice = self.found()
        link = self.link(alice)
        both = [self.node(f"B{i}", options=["--invite", link]).spawn() for i in range(6)]
        mesh.wait_until(lambda: sum(node.process.poll() == 77 for node in both) == 5, 20, "five were sent away")
        inside = next(node for node in both if node.process.poll() is None)
        mesh.wait_until(inside.answering, 15, "the sixth answers")
        self.wait_online([alice, inside])

    def test_whom_a_revoked_member_let_in_stays(self):
        alice = self.found()
        bob = self.come_in("Bob", self.link(alice))
        carol = self.come_in("Carol", self.link(bob))
        self.wait_online([alice, bob, carol])
        statement = bob.call("revocation.make")["statement"]
        bob.end()
        alice.call("revocation.publish", statement=statement)
        for node in (alice, carol):
            self.assertEqual(node.terminate(), 0)
        alice.restart()
        carol.restart()
        self.wait_online([alice, carol])
        # Who comes later hears nothing of Bob's, and knows Carol all the same.
        dave = self.come_in("Dave", self.link(alice))
        self.wait_online([alice, carol, dave])
        self.assertEqual(alice.terminate(), 0)
        self.assertEqual(carol.terminate(), 0)
        carol.restart()
        carol.call("mesh.connect", host="127.0.0.1", port=dave.status()["port"])
        self.wait_online([carol, dave])

    def test_a_mesh_is_never_open_by_mistake(self):
        alice = self.found()
        closed = alice.data_dir / "meshes" / f"{alice.status()['mesh']}.closed"
        self.assertTrue(alice.status()["closed"])
        self.assertEqual(alice.terminate(), 0)
        kept = closed.read_bytes()
        for damage in (kept[:100], b"", None):
            closed.unlink()
            if damage is not None:
                closed.write_bytes(damage)
            alice.spawn()
            self.assertEqual(alice.process.wait(15), 65)
            if damage is None:
                closed.touch()
        # The database's word for it may be gone as well.
        closed.unlink()
        for path in alice.data_dir.rglob("*.db*"):
            path.rename(path.with_name(path.name + ".kept"))
        alice.spawn()
        self.assertEqual(alice.process.wait(15), 65)
        for path in alice.data_dir.rglob("*.db*.kept"):
            path.rename(path.with_name(path.name[:-len(".kept")]))
        closed.write_bytes(kept)
        alice.start()
        self.assertTrue(alice.status()["closed"])
        # An open one does not become closed by the wish.
        bob = self.node("Bob").start()
        self.assertFalse(bob.status()["closed"])
        with self.assertRaises(RpcFault) as caught:
            bob.call("invite.make")
        self.assertEqual(caught.exception.status, 64)
        self.assertEqual(bob.terminate(), 0)
        done = self.box.run("p2pchat", "--listen", mesh.ANY_PORT, "--data-dir", bob.data_dir, "--private", "Bob")
        self.assertEqual(done.returncode, 64, done)
        self.assertIn(b"--new --private", done.stderr)

    def test_the_picture_of_a_link(self):
        alice = self.found()
        drawn = mesh.ctl(self.box, alice.data_dir, "invite", "--uses", "2", "--address", "198.51.100.7:9750",
                         "--qr").stdout.decode()
        lines = drawn.splitlines()
        self.assertRegex(lines[-1], r"^p2pmesh://198\.51\.100\.7:9750,127\.0\.0\.1:\d+/[0-9a-f]{64}/[0-9a-f]{64}$")
        widths = {len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines[:-1]}
        self.assertEqual(len(widths), 1)
        for wrong in (["--uses", "0"], ["--expires", "soon"], ["Bob"], ["Bob", "--room", "#x", "--qr"]):
            mesh.ctl(self.box, alice.data_dir, "invite", *wrong, status=64)


if __name__ == "__main__":
    mesh.main()
