"""A key is revoked by a statement that was made beforehand, published by anybody: every node refuses it from then on."""

import shutil
import stat

import mesh
from chat import Chat
from people import PeopleTest, texts
from terminal import Terminal


class Revocations(PeopleTest):
    def revocation(self, node, name="revocation"):
        path = self.box.path / name
        self.ctl(node.data_dir, "revocation", "--out", path)
        return path

    def notices(self, node, kind):
        control = node.connect()
        control.call("events.subscribe", after="0.0")
        control.wait_event("live")
        return [event["name"] for event in control.events if event["type"] == kind]

    def counter(self, node, name):
        return node.status()["counters"][name]

    def test_a_revoked_key_is_refused_by_all_and_ends_its_node(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        statement = self.revocation(carol)
        self.assertEqual(stat.S_IMODE(statement.stat().st_mode), 0o600)
        key = carol.status()["key"]
        self.assertEqual(statement.read_text().split()[:4], ["p2pmesh", "revocation", "1", key])
        self.ctl(carol.data_dir, "revocation", "--out", statement, status=73)
        self.assertEqual(self.ctl(carol.data_dir, "revocation").stdout, statement.read_bytes())

        carol.call("message.send", text="before")
        for node in (alice, bob):
            mesh.wait_until(lambda: "before" in texts(node.messages()), 15, "it has come")
        thief = self.box.data_dir("thief")
        screen = Chat(self.box, "Dave", *alice.address.split(":")).expect_open()
        done = self.ctl(alice.data_dir, "revoke", statement)
        self.assertEqual(done.stdout, b"The key of Carol is revoked.\n")
        screen.expect(r"^>INFO: Carol's key was revoked\.$")
        self.assertEqual(carol.process.wait(mesh.stretched(10)), 77)
        self.assertIn("was revoked", mesh.tail(carol.log))
        carol.forget_controls()
        for node in (alice, bob):
            mesh.wait_until(lambda: self.counter(node, "keys_revoked") == 1, 15, f"{node.name} knows")
            self.assertEqual(texts(node.messages()), ["before"])
            self.assertFalse([member for member in node.call("members.list") if member["key"] == key
                              and member["online"]])
        done = self.ctl(bob.data_dir, "send", "--to", key, "hello?", status=64)
        self.assertIn(b"was revoked", done.stderr)

        # At its next start, alone or joining, with its own directory or a copy without the mesh.
        shutil.copytree(carol.data_dir, thief, ignore=shutil.ignore_patterns("meshes", "last_mesh", "*.sock", "lock"))
        done = self.box.run("p2pmeshd", "--name", "Carol", "--data-dir", carol.data_dir, "--listen", mesh.ANY_PORT)
        self.assertEqual(done.returncode, 77, done.stderr)
        done = self.box.run("p2pchat", "--data-dir", carol.data_dir, "--listen", mesh.ANY_PORT, "Carol")
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn(b"was revoked", done.stderr)
        # Whoever has nothing but the key is let in by nobody.
        self.node("Carol", data_dir=thief, join=[alice.address]).spawn()
        mesh.wait_until(lambda: self.counter(alice, "links_refused") > 0, 20, "Alice refuses its link")
        self.assertFalse([peer for peer in alice.call("peers.list") if peer["key"] == key])

        # The name is free, and a restart forgets nothing.
        again = self.node("Carol", data_dir=self.box.data_dir("again"), join=[bob.address]).start()
        mesh.wait_until(lambda: self.member(alice, "Carol").get("key") == again.status()["key"], 20, "a new Carol")
        bob.kill()
        bob.restart([alice.address])
        self.assertEqual(self.counter(bob, "keys_revoked"), 1)
        self.assertEqual(texts(bob.messages()), ["before"])
        self.assertEqual(self.notices(bob, "revoked"), ["Carol"])
        # Idempotent, from anywhere.
        self.ctl(bob.data_dir, "revoke", statement)
        again.call("message.send", text="after")
        for node in (alice, bob):
            mesh.wait_until(lambda: texts(node.messages())[-1] == "after", 15, "the new one is heard")
        self.assertEqual(self.notices(bob, "revoked"), ["Carol"])
        self.assertEqual(screen.leave(), 0)

    def test_a_right_passphrase_of_a_revoked_key_is_asked_for_once(self):
        alice = self.node("Alice").start()
        secret = self.box.path / "secret"
        secret.touch(0o600)
        secret.write_text("correct horse\n")
        bob = self.node("Bob", join=[alice.address], options=["--passphrase-file", str(secret)]).start()
        statement = self.revocation(bob)
        self.ctl(alice.data_dir, "revoke", statement)
        self.assertEqual(bob.process.wait(mesh.stretched(10)), 77)
        screen = Terminal(self.box, "p2pchat", "--data-dir", bob.data_dir, "--listen", mesh.ANY_PORT, "Bob")
        screen.expect("Passphrase of Bob:").type("correct horse").expect("was revoked")
        self.assertEqual(screen.wait(), 77)
        self.assertEqual(screen.shown.count(b"Passphrase of Bob:"), 1)

    def test_who_was_away_learns_it_and_one_that_is_alone_publishes_it(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        statement = self.revocation(carol)
        carol.kill()
        bob.kill()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 0, 20, "Alice is alone")
        self.ctl(alice.data_dir, "revoke", statement)
        bob.restart([alice.address])
        mesh.wait_until(lambda: self.counter(bob, "keys_revoked") == 1, 20, "Bob has learned it")
        alice.kill()
        carol.join = [bob.address]
        carol.spawn()
        self.assertEqual(carol.process.wait(mesh.stretched(20)), 77, "told why at the door")
        self.assertGreater(self.counter(bob, "links_refused"), 0)
        self.assertEqual(bob.status()["neighbors"], 0)

    def test_what_is_forged_or_damaged_is_refused(self):
        alice, bob = self.start("Alice", "Bob")
        line = self.revocation(bob).read_text()
        flipped = line[:-3] + ("0" if line[-3] != "0" else "1") + line[-2:]
        of_another = line.replace(bob.status()["key"], alice.status()["key"])
        for number, text in enumerate((flipped, of_another, line[:-2], "", "hello\n", line + line, "x" * 5000)):
            path = self.box.path / f"forged{number}"
            path.write_text(text)
            status = 74 if len(text) > 4096 else 65
            self.assertEqual(self.ctl(alice.data_dir, "revoke", path, status=status).stdout, b"")
        self.ctl(alice.data_dir, "revoke", self.box.path / "none", status=64)
        for node in (alice, bob):
            self.assertEqual(self.counter(node, "keys_revoked"), 0)
            self.assertEqual(node.status()["neighbors"], 1)


if __name__ == "__main__":
    mesh.main()
