"""Order in a mesh: kicked, banned, silenced, by whom may; and the same everywhere when halves come together again."""

import re

import mesh
from moderation import ModerationTest


class Moderation(ModerationTest):
    def test_who_may_and_who_may_not(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        fault = self.refused(bob, "moderation.act", verb="kick", member="Carol")
        self.assertEqual(fault.status, 77)
        self.assertIn("Alice may.", fault.message)
        self.act(alice, "mod", "Bob", mesh=True)
        self.wait_ranks([alice, bob, carol], {"Alice": "founder", "Bob": "moderator"}, mesh=True)
        self.assertEqual(self.refused(bob, "moderation.act", verb="ban", member="Alice", mesh=True).status, 77)
        self.assertEqual(self.refused(bob, "moderation.act", verb="mod", member="Carol", mesh=True).status, 77)
        # Who opens a room keeps order in it.
        carol.call("room.join", room="#dev")
        everybody = {"Alice": "founder", "Bob": "moderator", "Carol": "room founder"}
        self.wait_ranks([alice, bob, carol], everybody, room="#dev")
        self.assertEqual(self.refused(carol, "moderation.act", verb="silence", member="Bob", room="#dev").status, 77)
        self.assertEqual(self.refused(carol, "moderation.act", verb="kick", member="Bob").status, 77)
        self.act(alice, "unmod", "Bob", mesh=True)
        self.wait_ranks([alice, bob, carol], {"Alice": "founder"}, mesh=True)
        self.act(carol, "mod", "Bob", room="#dev")
        self.wait_ranks([alice, bob], {"Alice": "founder", "Carol": "room founder", "Bob": "room moderator"}, room="#dev")
        # As a restart finds it.
        self.assertEqual(bob.terminate(), 0)
        bob.restart(join=[alice.address])
        self.wait_ranks([bob], {"Alice": "founder", "Carol": "room founder", "Bob": "room moderator"}, room="#dev")

    def test_silenced_and_banned_in_a_room(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        everybody = [alice, bob, carol]
        for node in everybody:
            node.call("room.join", room="#dev")
        bob.call("message.send", text="before", room="#dev")
        self.wait_lines(everybody, ["before"], room="#dev")
        self.act(alice, "silence", "Bob", room="#dev", reason="enough\x1b[2J")
        self.wait_restrictions(everybody, [("Bob", False, "Alice")], room="#dev")
        fault = self.refused(bob, "message.send", text="during", room="#dev")
        self.assertEqual(fault.status, 77)
        self.assertIn("Alice has silenced you in #dev: enough\\x1b[2J", fault.message)
        self.assertEqual(self.refused(bob, "topic.set", text="during", room="#dev").status, 77)
        bob.call("message.send", text="elsewhere")
        self.wait_lines(everybody, ["elsewhere"])
        self.act(alice, "unsilence", "Bob", room="#dev")
        self.wait_restrictions(everybody, [], room="#dev")
        mesh.wait_until(lambda: self.can_say(bob, "after", "#dev"), 5, "Bob speaks again")
        self.wait_lines(everybody, ["before", "after"], room="#dev")
        watcher = bob.connect()
        watcher.call("events.subscribe")
        self.act(alice, "ban", "Bob", room="#dev", for_ms=3_600_000, reason="spam")
        event = self.wait_told(watcher, "ban")
        self.assertEqual((event["by_name"], event["room"], event["reason"]), ("Alice", "#dev", "spam"))
        self.assertGreater(event["end_ms"], 0)
        watcher.wait_event("room", room="#dev", joined=False)
        self.assertEqual(self.refused(bob, "room.join", room="#dev").status, 77)
        self.assertIn("for another 60 minutes: spam", self.refused(bob, "message.send", text="x", room="#dev").message)
        self.assertEqual(mesh.same_exports(everybody, 10).count(b"\n"), 2)

    def test_kicked_from_a_room_and_from_the_mesh(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        for node in (alice, bob):
            node.call("room.join", room="#dev")
        watcher = bob.connect()
        watcher.call("events.subscribe")
        self.act(alice, "kick", "Bob", room="#dev")
        self.wait_told(watcher, "kick")
        watcher.wait_event("room", room="#dev", joined=False)
        bob.call("room.join", room="#dev")
        self.act(alice, "kick", "Bob", mesh=True)
        self.assertEqual(bob.process.wait(mesh.stretched(15)), 0)
        bob.forget_controls()
        mesh.wait_until(lambda: carol.status()["online"] == 2, 15, "Bob has left")
        # It may come again, and is not kicked by what lies in its database.
        bob.restart(join=[alice.address])
        mesh.wait_until(lambda: carol.status()["online"] == 3, 15, "Bob is back")

    def test_banned_from_the_mesh_while_it_was_away_and_unbanned(self):
        alice, bob, carol = self.start("Alice", "Bob", "Carol")
        bob.call("message.send", text="before")
        self.wait_lines([alice, bob, carol], ["before"])
        self.assertEqual(bob.terminate(), 0)
        self.act(alice, "ban", "Bob", mesh=True)
        self.wait_restrictions([alice, carol], [("Bob", True, "Alice")], mesh=True)
        bob.restart()
        # Its node is told, and then let go.
        self.wait_restrictions([bob], [("Bob", True, "Alice")], mesh=True)
        self.assertEqual(self.refused(bob, "message.send", text="during").status, 77)
        keys = {node.status()["node_key"] for node in (bob,)}
        for node in (alice, carol):
            mesh.wait_until(lambda: not keys & {peer["key"] for peer in node.call("peers.list")}, 30,
                            f"{node.name} has no link to Bob")
        self.act(alice, "unban", "Bob", mesh=True)
        self.wait_restrictions([alice, carol, bob], [], timeout=90, mesh=True)
        mesh.wait_until(lambda: self.can_say(bob, "after", "#lobby"), 5, "Bob speaks again")
        self.wait_lines([alice, bob, carol], ["before", "after"])

    def test_two_halves_come_to_the_same(self):
        nodes = self.start("Alice", "Bob", "Carol", "Dave", "Erin")
        alice, bob, carol, dave, erin = nodes
        self.act(alice, "mod", "Bob", mesh=True)
        self.act(alice, "mod", "Carol", mesh=True)
        self.wait_ranks(nodes, {"Alice": "founder", "Bob": "moderator", "Carol": "moderator"}, mesh=True)
        alice.call("message.send", text="first")
        self.wait_lines(nodes, ["first"])
        left, right = [alice, bob, erin], [carol, dave]
        # The halves do not hear of each other: one is there after the other. test_moderation_partition.py has them at once.
        for node in right:
            self.assertEqual(node.terminate(), 0)
        by_bob = self.act(bob, "ban", "Carol", mesh=True)
        self.act(alice, "silence", "Dave")
        self.act(alice, "kick", "Dave", room="#dev")
        bob.call("message.send", text="Bob is right")
        erin.call("message.send", text="Erin says so")
        self.wait_lines(left, ["first", "Bob is right", "Erin says so"])
        for node in left:
            self.assertEqual(node.terminate(), 0)
        for node in right:
            node.restart()
        by_carol = self.act(carol, "ban", "Bob", mesh=True)
        self.act(carol, "silence", "Erin", mesh=True)
        carol.call("message.send", text="Carol is right")
        dave.call("message.send", text="Dave does not know")
        mesh.wait_until(lambda: set(self.lines(dave)) == {"first", "Carol is right", "Dave does not know"}, 30,
                        "Dave has what Carol says")
        for node in left:
            node.restart(join=[carol.address])
        is_bobs = by_bob < by_carol
        if is_bobs:  # then nothing that Carol did since holds
            wanted = [("Carol", True, "Bob")]
            said = ["first", "Bob is right", "Erin says so"]
        else:
            wanted = [("Bob", True, "Carol"), ("Erin", False, "Carol")]
            said = ["first", "Carol is right"]  # Carol had not heard what Erin says
        self.wait_restrictions(nodes, wanted, timeout=60, mesh=True)
        self.wait_restrictions(nodes, [("Dave", False, "Alice")], timeout=60)
        self.wait_lines(nodes, said, timeout=60)
        export = mesh.same_exports(nodes, 30)
        self.assertNotIn(b"Dave does not know", export)
        loser, winner = (carol, bob) if is_bobs else (bob, carol)
        for node, name in ((loser, winner.name), (dave, "Alice")):
            fault = self.refused(node, "message.send", text="x")
            self.assertEqual(fault.status, 77)
            self.assertRegex(fault.message, rf"^{re.escape(name)} has (banned|silenced) you ")
        # What is refused is not asked for again and again.
        for node in nodes:
            counters = node.status()["counters"]
            self.assertLess(counters["envelopes_refused"], 200, node.name)
        print({node.name: node.status()["counters"]["envelopes_refused"] for node in nodes}, flush=True)
        for node in nodes:
            self.assertEqual(node.terminate(), 0)
        alice.restart()
        self.wait_restrictions([alice], wanted, mesh=True)
        self.assertEqual(alice.export(), export)

    def test_the_topic_is_locked(self):
        alice, bob = self.start("Alice", "Bob")
        bob.call("topic.set", room="#lobby", text="by Bob")
        topic = lambda node: (node.call("topic.get", room="#lobby")["topic"] or {}).get("text")
        mesh.wait_until(lambda: topic(alice) == "by Bob", 15, "the topic has come")
        self.act(alice, "lock")
        mesh.wait_until(lambda: bob.call("moderation.list", room="#lobby")["locked"], 15, "Bob knows that it is locked")
        fault = self.refused(bob, "topic.set", room="#lobby", text="again")
        self.assertEqual(fault.status, 77)
        self.assertIn("locked", fault.message)
        self.assertEqual((topic(alice), topic(bob)), ("by Bob", "by Bob"))
        alice.call("topic.set", room="#lobby", text="by Alice")
        mesh.wait_until(lambda: topic(bob) == "by Alice", 15, "the founder may")
        self.act(alice, "unlock")
        mesh.wait_until(lambda: not bob.call("moderation.list", room="#lobby")["locked"], 15, "it is unlocked")
        self.assertEqual(topic(bob), "by Alice")
        bob.call("topic.set", room="#lobby", text="again")
        mesh.wait_until(lambda: topic(alice) == "again", 15, "everybody may")

    def test_the_scripts_hand(self):
        alice, bob = self.start("Alice", "Bob")
        hand = lambda node, *arguments, **options: self.ctl(node.data_dir, *arguments, **options)
        self.assertIn(b"Alice may.", hand(bob, "moderate", "ban", "Alice", status=77).stderr)
        hand(alice, "moderate", "silence", "Bob", "--room", "#dev", "--for", "2h", "--reason", "too loud")
        self.wait_restrictions([bob], [("Bob", False, "Alice")], room="#dev")
        listed = hand(bob, "mods", "--room", "#dev").stdout
        self.assertRegex(listed, rb"^Alice: founder\nBob: silenced by Alice until \d{4}-.*Z: too loud\n$")
        self.assertIn(b"Alice has silenced you in #dev", hand(bob, "send", "--room", "#dev", "x", status=77).stderr)
        hand(alice, "moderate", "mod", "Bob", "--whole-mesh")
        self.wait_ranks([bob], {"Alice": "founder", "Bob": "moderator"}, mesh=True)
        self.assertEqual(hand(bob, "mods", "--whole-mesh").stdout, b"Alice: founder\nBob: moderator\n")
        for arguments in (["found"], ["ban"], ["lock", "Bob"], ["kick", "Bob", "--for", "2h"], ["ban", "Bob", "--for", "2x"],
                          ["ban", "Bob", "--reason", "x" * 257], ["lock", "--whole-mesh"]):
            hand(alice, "moderate", *arguments, status=64)

    def test_typed_into_screens(self):
        alice, bob, carol = self.chats("Alice", "Bob", "Carol")
        bob.say("/kick Carol")
        bob.expect(r"^>INFO: You keep no order in #lobby, so nothing was done\. Alice may\.$")
        alice.say("/mod Bob")
        for chat in (alice, carol):
            chat.expect(r"^>INFO: Alice made Bob a moderator of #lobby\.$")
        bob.expect(r"^>INFO: Alice made you a moderator of #lobby\.$")
        bob.say("/mods")
        bob.expect(r"^>INFO: Who keeps order in #lobby:$")
        bob.expect(r"^>INFO: Alice: founder$")
        bob.expect(r"^>INFO: Bob: room moderator$")
        bob.say("/silence Carol 2h too loud")
        alice.expect(r"^>INFO: Bob silenced Carol in #lobby until \d{4}-\d\d-\d\d \d\d:\d\d: too loud$")
        carol.expect(r"^>INFO: Bob silenced you in #lobby until .*: too loud$")
        carol.say("hello")
        mesh.wait_until(lambda: any("Bob has silenced you in #lobby, for another 120 minutes: too loud" in line
                                    for line in carol.lines + [carol.stderr()]), 15, "Carol is told at once")
        alice.say("/bans")
        alice.expect(r"^>INFO: Carol: silenced by Bob until .*: too loud$")
        alice.say("/unsilence Carol", "/ban Carol mesh 7d")
        alice.expect(r"^>INFO: Alice let Carol speak in #lobby again\.$")
        carol.expect(r"^>INFO: Alice banned you from the mesh until .*[0-9]\.$")
        alice.say("/unmod Bob mesh now")
        alice.expect(r"^>INFO: \"now\" is too much: only mesh may stand there\.$")
        bob.say("/lock")
        alice.expect(r"^>INFO: Bob locked the topic of #lobby\.$")
        self.assertFalse([line for line in alice.said() + bob.said()])


if __name__ == "__main__":
    mesh.main()
