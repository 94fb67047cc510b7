"""Names between real nodes: another one chosen, refused, lost; look-alikes; whom a name means; who comes and goes often
is told rarely."""

import json
import re

import mesh
from chat import Chat
from control import RpcFault


class Names(mesh.MeshTest):
    def start(self, *names):
        """Nodes of these names in one mesh; each joins through the first."""
        nodes = [self.node(names[0]).start()]
        for number, name in enumerate(names[1:]):
            directory = self.box.data_dir(f"{number}-{name.encode().hex()}")
            nodes.append(self.node(name, data_dir=directory, join=[nodes[0].address]).start())
        for node in nodes:
            mesh.wait_until(lambda: node.status()["online"] == len(names), 15, f"{node.name} sees everybody")
        return nodes

    def seen(self, node, key):
        """How the node shows this member; without a name while it has not heard of it."""
        return next((member for member in node.call("members.list") if member["key"] == key), {"name": None})

    def wait_shown(self, nodes, key, name):
        for node in nodes:
            mesh.wait_until(lambda: self.seen(node, key)["name"] == name, 15, f"{node.name} shows {name}")

    def refused(self, node, status, pattern, *arguments):
        done = self.ctl(node.data_dir, *arguments, status=status)
        self.assertRegex(done.stderr.decode(), pattern)
        self.assertEqual(done.stdout, b"")

    def suffixed(self, name, node):
        return f"{name}~{node.status()['key'][:4]}"

    def befriend(self, one, other, name):
        one.call("contact.ask", to=other.status()["key"])
        mesh.wait_until(lambda: any(c["asks"] for c in other.call("contacts.list")), 15, "the request has come")
        other.call("contact.answer", member=one.status()["key"], accept=True)

        def is_contact():
            return any((c["name"], c["relation"]) == (name, "accepted") for c in one.call("contacts.list"))

        mesh.wait_until(is_contact, 15, "it was accepted")

    def test_another_name_survives_a_kill(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        key = bob.status()["key"]
        bob.call("message.send", text="before")
        mesh.wait_until(lambda: len(alice.messages()) == 1, 15, "it came")
        printed = self.ctl(bob.data_dir, "nick", "Rob").stdout
        bob.kill()
        self.assertEqual(printed, b"Rob\n")
        self.wait_shown([alice, carol], key, "Rob")
        self.assertEqual([message["name"] for message in alice.messages()], ["Rob"])
        bob.restart()
        status = bob.status()
        self.assertEqual((status["name"], status["claimed_name"], status["profile"]), ("Rob", "Rob", "Bob"))
        mesh.wait_until(lambda: bob.status()["neighbors"] == 2, 15, "Bob is linked")
        self.wait_shown([alice, bob, carol], key, "Rob")
        answer = json.loads(self.ctl(bob.data_dir, "--json", "nick", "Rob").stdout)
        self.assertEqual(answer, {"name": "Rob", "changed": False})

    def test_a_name_that_cannot_be_had_changes_nothing(self):
        alice, bob = self.start("Alice", "Bob")
        for wanted, status, why in (
                ("alice", 73, r"alice is taken by another member; you are still Bob\."),
                ("-Bob", 64, "begins with '-'"),
                ("Bo b", 64, "contains a space"),
                ("Bob~1234", 64, "contains '~'"),
                ("Bo\u200db", 64, "is no letter, digit"),
                ("Bo\u202eb", 64, r"\\xe2\\x80\\xae"),
                ("x" * 33, 64, "33 columns"),
                ("", 64, "empty"),
        ):
            self.refused(bob, status, why, "nick", "--", wanted)
        alice.terminate()
        mesh.wait_until(lambda: bob.status()["neighbors"] == 0, 15, "Bob is alone")
        self.refused(bob, 75, r"A name needs a neighbor .* you are still Bob\.", "nick", "Rob")
        self.assertEqual(bob.status()["name"], "Bob")
        with self.assertRaises(RpcFault):
            bob.call("name.set", name="Rob")

    def test_who_opened_a_mesh_and_is_alone_in_it_needs_nobody(self):
        alice = self.node("Alice").start()
        self.assertEqual(self.ctl(alice.data_dir, "nick", "Alicia").stdout, b"Alicia\n")
        alice.kill()
        alice.restart()
        self.assertEqual(alice.status()["name"], "Alicia")
        bob = self.node("Bob", join=[alice.address]).start()
        self.wait_shown([bob], alice.status()["key"], "Alicia")

    def test_exact_name(self):
        alice, bob = self.start("Alice", "Bob")
        for configured in (False, True):
            directory = self.box.data_dir(f"other-{configured}")
            config = self.box.path / "config.toml"
            config.write_text("exact_name = true\n")
            options = ["--config", config] if configured else ["--exact-name"]
            done = self.box.run("p2pmeshd", "--name", "bob", "--data-dir", str(directory), "--listen", mesh.ANY_PORT,
                                "--join", alice.address, *options)
            self.assertEqual(done.returncode, 73, done.stderr)
            self.assertIn(b"The name bob is held by another member of the mesh", done.stderr)
            self.assertFalse((directory / "last_mesh").exists())
        self.assertEqual(alice.status()["members"], 2, "nobody has seen the one that was refused")
        chat = self.box.run("p2pchat", "--data-dir", str(self.box.data_dir("chat")), "--exact-name", "--listen",
                            mesh.ANY_PORT, "Bob", *alice.address.split(":"))
        self.assertEqual(chat.returncode, 73)
        self.assertRegex(chat.stderr.decode(), "p2pchat: .*The name Bob is held by another member")
        self.assertEqual(chat.stdout, b"")
        carol = self.node("Carol", join=[alice.address], options=["--exact-name"]).start()
        self.wait_shown([alice, bob], carol.status()["key"], "Carol")
        self.assertEqual(carol.terminate(), 0)
        carol.restart()
        self.assertEqual(carol.status()["name"], "Carol")
        self.assertEqual(bob.terminate(), 0)
        bob.options = ["--exact-name"]
        bob.restart(join=[alice.address])
        self.assertEqual(bob.status()["name"], "Bob", "its own name is not somebody else's")
        dave = self.node("Dave", options=["--exact-name"]).start()
        self.assertEqual(dave.status()["name"], "Dave", "a mesh of one's own")

    def test_who_was_shown_with_a_suffix_is_refused_with_exact_name(self):
        alice, bob, other = self.start("Alice", "Bob", "Bob")
        self.assertEqual(other.status()["name"], self.suffixed("Bob", other))
        other.terminate()
        other.options = ["--exact-name"]
        other.spawn()
        self.assertEqual(other.process.wait(mesh.stretched(20)), 73)
        other.options = []
        other.start()
        self.assertEqual(other.status()["name"], self.suffixed("Bob", other))

    def test_which_of_two_bobs_is_meant(self):
        alice, bob, other = self.start("Alice", "Bob", "Bob")
        first, second = self.suffixed("Bob", bob), self.suffixed("Bob", other)
        self.wait_shown([alice], other.status()["key"], second)

        def send(name, status=0):
            return self.ctl(alice.data_dir, "send", "--to", name, f"for {name}", status=status).stderr.decode()

        for wanted in ("bob", "BOB"):
            said = send(wanted, 64)
            self.assertIn(f"{wanted} fits 2 members: ", said)
            self.assertIn(f"Bob (or {first})", said)
            self.assertIn(second, said)
        said = send("Bob~zzzz", 64)
        self.assertIn("There is no member Bob~zzzz here. Of that name there is: ", said)
        self.assertIn(second, said)
        said = send("B0b", 64)
        self.assertRegex(said, r"There is no member B0b here\. These look like it: Bob")
        self.assertRegex(send("Bbo", 64), r"There is no member Bbo\. Did you mean Bob\b.*\?")
        self.assertRegex(send("Alicce", 64), r"There is no member Alicce\. Did you mean Alice\?")
        self.assertRegex(send("Zebedee", 64), r"There is no member Zebedee here\. /add Zebedee HOST PORT notes where")
        for name in ("Bob", first, first.upper().replace("BOB", "bob"), second, other.status()["key"]):
            send(name)
        self.assertEqual(len(alice.call("message.list", **{"with": first})["messages"]), 3)
        self.assertEqual(len(alice.call("message.list", **{"with": second})["messages"]), 2)

    def test_look_alikes_are_flagged(self):
        alice, bob = self.start("Alice", "Bob")
        watcher = alice.connect()
        watcher.call("events.subscribe")
        fake = self.node("B0b", join=[alice.address]).start()
        self.assertEqual(watcher.wait_event("joined", name="B0b")["looks_like"], "Bob")
        mixed = self.node("\u0410lex", join=[alice.address]).start()  # a Cyrillic A
        event = watcher.wait_event("joined", name="\u0410lex")
        self.assertTrue(event["mixes_scripts"])
        self.assertNotIn("looks_like", event)
        listed = {member["name"]: member for member in alice.call("members.list")}
        self.assertEqual(listed["B0b"]["looks_like"], "Bob")
        self.assertEqual(listed["Bob"]["looks_like"], "B0b")
        self.assertNotIn("looks_like", listed["Alice"])
        printed = self.ctl(alice.data_dir, "members").stdout.decode()
        self.assertRegex(printed, r"(?m)^B0b .*  looks like Bob$")
        self.assertRegex(printed, "(?m)^\u0410lex .*  mixes scripts$")
        self.ctl(mixed.data_dir, "nick", "\u0391lice")  # a Greek one
        renamed = watcher.wait_event("renamed", name="\u0391lice")
        self.assertEqual(renamed["looks_like"], "Alice")
        fake.call("message.send", to="Alice", text="it is me")
        self.assertEqual(watcher.wait_event("asks")["looks_like"], "Bob")
        alice.call("contact.answer", member="B0b", accept=True)
        fake.call("message.send", to="Alice", text="Bob")
        self.assertEqual(watcher.wait_event("message", text="Bob")["looks_like"], "Bob")
        self.ctl(fake.data_dir, "nick", "Fred")
        watcher.wait_event("renamed", name="Fred")
        self.assertNotIn("looks_like", {m["name"]: m for m in alice.call("members.list")}["Bob"])

    def test_a_contacts_name_that_goes_to_somebody_else_is_told_loudly(self):
        alice, bob, mallory = self.start("Alice", "Bob", "Mallory")
        self.befriend(alice, bob, "Bob")
        watcher = alice.connect()
        watcher.call("events.subscribe")
        self.ctl(bob.data_dir, "nick", "Rob")
        watcher.wait_event("renamed", name="Rob")
        self.ctl(mallory.data_dir, "nick", "Bob")
        told = watcher.wait_event("taken_over")
        self.assertEqual((told["name"], told["old_name"], told["member"]), ("Bob", "Rob", mallory.status()["key"]))
        itself = self.suffixed("Bob", mallory)
        self.refused(alice, 64, rf"Bob is another member now, not the one you talked with, who is Rob\. "
                     rf"Type {itself} or Rob, or a key\.", "send", "--to", "Bob", "secret")
        contact = next(c for c in alice.call("contacts.list") if c["name"] == "Rob")
        self.assertEqual((contact["known_as"], contact["taken_over_by"]), ("Bob", mallory.status()["key"]))
        alice.kill()
        alice.restart()
        watcher = alice.connect()
        watcher.call("events.subscribe", after="0.0")
        mesh.wait_until(lambda: alice.status()["synced"], 15, "compared")
        watcher.wait(lambda: any(event["type"] == "live" for event in watcher.events), "the replay ends")
        mallory.call("message.send", text="last")
        watcher.wait_event("message", text="last")
        self.assertEqual([event["type"] for event in watcher.events].count("taken_over"), 1, "once")
        self.refused(alice, 64, "Bob is another member now", "send", "--to", "Bob", "secret")
        self.ctl(alice.data_dir, "send", "--to", itself, "who are you?")
        self.ctl(alice.data_dir, "send", "--to", "Rob", "there you are")
        bob_has = lambda: [m["text"] for m in bob.call("message.list", **{"with": "Alice"})["messages"]]
        mesh.wait_until(lambda: bob_has() == ["there you are"], 15, "it went to the contact")

    def test_who_comes_and_goes_often_is_told_rarely(self):
        alice = self.node("Alice").start()
        watcher = alice.connect()
        watcher.call("events.subscribe")
        bob = self.node("Bob", join=[alice.address])
        for _ in range(3):
            bob.start()
            mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is here")
            bob.terminate()
            mesh.wait_until(lambda: alice.status()["online"] == 1, 15, "Bob is gone")
        bob.start()
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is here")

        def told():
            watcher.pump(0)
            return [event["type"] for event in watcher.events if event.get("name") == "Bob"]

        mesh.wait_until(lambda: len(told()) > 1, 15, "the first two are told")
        self.assertEqual(told(), ["joined", "left"])
        mesh.wait_until(lambda: len(told()) > 2, 40, "the end of it is told")
        self.assertEqual(told(), ["joined", "left", "joined"])
        self.assertEqual(alice.status()["counters"]["notices_merged"], 4)
        stored = self.ctl(alice.data_dir, "--json", "tail", "--after", "0.0", "-n", "3").stdout.decode().splitlines()
        self.assertEqual([json.loads(line)["type"] for line in stored], ["joined", "left", "joined"])


class Typed(mesh.MeshTest):
    """The same, typed into p2pchat."""

    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options)

    def test_nick(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        bob.say("hello")
        alice.expect("^Bob: hello$")
        bob.say("/nick Rob", "/nick alice", "/nick Rob", "/nick", "/nick -Rob", "/who", "again")
        bob.expect(r"^>INFO: You are Rob now\.$")
        bob.expect(r"^>INFO: alice is taken by another member; you are still Rob\.$")
        bob.expect(r"^>INFO: You are Rob already\.$")
        bob.expect(r"^>INFO: /nick needs NAME\.$")
        bob.expect(r"^>INFO: The name \"-Rob\" begins with '-'\.")
        bob.expect(r"^>INFO: Rob \(you\) is online since \d{4}-\d\d-\d\d \d\d:\d\d\.$")
        alice.expect(r"^>INFO: Bob is now Rob\.$")
        alice.expect("^Rob: again$")
        alice.say("/history")
        alice.expect("^Rob: hello$")
        self.assertEqual(bob.leave(), 0)
        alice.expect(r"^>INFO: Rob left\.$")
        self.assertEqual([line for line in bob.lines if "You are Rob now" in line], [">INFO: You are Rob now."])
        bob = self.chat("Bob")
        bob.expect(r"^>INFO: Rob at address 127\.0\.0\.1 is listening at \d+\.$")
        bob.expect(r"^>INFO: Bob is Rob here\.$")
        second = self.chat("Bob", listen=None)  # a second screen of the profile
        second.expect(r"^>INFO: Bob is Rob here\.$")
        second.say("/nick Bob")
        second.expect(r"^>INFO: You are Bob now\.$")
        bob.expect(r"^>INFO: You are Bob now\.$")
        for chat in (alice, bob, second):
            self.assertEqual(chat.stderr(), "")

    def test_the_later_bob_is_told_and_chooses_another_name(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "127.0.0.1", alice.port).expect_open()
        other = self.chat("Bob", "127.0.0.1", alice.port, data_dir=self.box.data_dir("other"))
        lost = (r"^>INFO: Bob is held by another member; you are shown as (Bob~[0-9a-f]{4})\. "
                r"/nick NAME chooses another name\.$")
        shown = other.expect(lost).group(1)
        bob.expect(rf"^>INFO: {shown} joined\.$")
        other.say("/nick Tom")
        other.expect(r"^>INFO: You are Tom now\.$")
        bob.expect(rf"^>INFO: {shown} is now Tom\.$")
        self.assertEqual(len([line for line in other.lines if re.search(lost, line)]), 1)

    def test_look_alikes(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        fake = self.chat("B0b", "127.0.0.1", alice.port).expect_open()
        alice.expect(r"^>INFO: B0b joined\. Careful: the name looks like Bob, who is another member\.$")
        bob.expect(r"^>INFO: B0b joined\. Careful: the name looks like yours\.$")
        alice.say("/who")
        alice.expect(r"^>INFO: B0b \(looks like Bob\) is online since ")
        fake.say("/msg Alice it is me")
        alice.expect(r"^>INFO: B0b wants to chat\. /accept B0b or /decline B0b\. "
                     r"Careful: the name looks like Bob, who is another member\.$")
        alice.say("/accept B0b")
        alice.expect(r"^>INFO: B0b writes to you\. Careful: the name looks like Bob, who is another member\.$")
        alice.expect(r"^B0b \(direct\): it is me$")
        fake.say("/msg Alice again")
        alice.expect(r"^B0b \(direct\): again$")
        self.assertEqual(len([line for line in alice.lines if "B0b writes to you" in line]), 1)

    def test_a_contacts_name_that_goes_to_somebody_else(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "127.0.0.1", alice.port).expect_open()
        mallory = self.chat("Mallory", "127.0.0.1", alice.port).expect_open()
        alice.say("/msg Bob hello")
        bob.expect("wants to chat")
        bob.say("/accept Alice", "/nick Rob")
        alice.expect(r"^>INFO: Bob is now Rob\.$")
        mallory.expect(r"^>INFO: Bob is now Rob\.$")
        mallory.say("/nick Bob")
        careful = r"^>INFO: Careful: Bob is now another member \(key [0-9a-f]{4}\.\.\.\), not the Bob you talked with, " \
                  r"who is Rob\.$"
        alice.expect(careful)
        alice.say("/msg Bob secret")
        alice.expect(r"^>INFO: Bob is another member now, not the one you talked with, who is Rob\. "
                     r"Type Bob~[0-9a-f]{4} or Rob, or a key\.$")
        self.assertEqual(alice.leave(), 0)
        alice = self.chat("Alice").expect_open()
        alice.expect(careful)


if __name__ == "__main__":
    mesh.main()
