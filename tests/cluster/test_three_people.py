"""Three people open, join through anyone, talk and leave; a late joiner gets the history."""

import re
import socket

import mesh
from chat import Chat

BACK = r"^>INFO: {} (joined|is back)\.$"


class ThreePeople(mesh.MeshTest):
    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options)

    def test_the_founder_leaves_and_a_late_joiner_gets_the_history(self):
        alice = self.chat("Alice").expect_open()
        self.assertEqual(
            alice.greeting,
            f">INFO: Nobody else is here. Others join with: ./p2pchat NAME 127.0.0.1 {alice.port}")
        self.assertEqual(alice.lines[0], f">INFO: Alice at address 127.0.0.1 is listening at {alice.port}.")

        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        self.assertEqual(bob.greeting, ">INFO: Here: Alice.")
        alice.expect(r"^>INFO: Bob joined\.$")
        carol = self.chat("Carol", "127.0.0.1", bob.port).expect_open()  # through one who is not the founder
        self.assertRegex(carol.greeting, r"^>INFO: Here: (Alice, Bob|Bob, Alice)\.$")
        for chat in (alice, bob):
            chat.expect(r"^>INFO: Carol joined\.$")

        people = {"Alice": alice, "Bob": bob, "Carol": carol}
        for name, chat in people.items():
            chat.say(*[f"line {number} of {name}" for number in range(20)])
            for other in people.values():
                if other is not chat:
                    other.expect(rf"^{name}: line 19 of {name}$")
        for name, chat in people.items():
            heard = [f"{n}: line {i} of {n}" for n in people if n != name for i in range(20)]
            self.assertEqual(chat.said(), heard, "once, in the author's order, own lines not echoed")

        self.assertEqual(alice.leave(), 0)
        self.assertEqual(alice.stderr(), "")
        for chat in (bob, carol):
            chat.expect(r"^>INFO: Alice left\.$")
        bob.say("and we go on")
        carol.expect(r"^Bob: and we go on$")
        carol.say("so we do")
        bob.expect(r"^Carol: so we do$")

        dave = self.chat("Dave", "localhost", carol.port).expect_open()
        self.assertRegex(dave.greeting, r"^>INFO: Here: (Bob, Carol|Carol, Bob)\.$")
        dave.expect(r"^>INFO: 62 earlier messages:$")
        first = dave.position
        dave.expect(r"^>INFO: End of earlier messages\.$")
        block = dave.lines[first:dave.position - 1]
        everything = [f"{n}: line {i} of {n}" for n in people for i in range(20)]
        self.assertEqual(block, everything + ["Bob: and we go on", "Carol: so we do"])
        for chat in (bob, carol):
            chat.expect(r"^>INFO: Dave joined\.$")

        export = mesh.same_exports([bob, carol, dave], 15)
        header, *messages = export.decode().splitlines()
        self.assertRegex(header, r"^# #lobby, held from \d{4}-\d\d-\d\dT")
        self.assertEqual(len(messages), 62)
        for line in messages:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t(Alice|Bob|Carol)\t[^\t]+$")

        # The founder comes back with the directory alone, and is told what was missed, once.
        alice = self.chat("Alice").expect_open()
        alice.expect(r"^>INFO: 2 earlier messages:$")
        alice.expect(r"^Bob: and we go on$")
        alice.expect(r"^Carol: so we do$")
        alice.expect(r"^>INFO: End of earlier messages\.$")
        bob.expect(BACK.format("Alice"))
        self.assertEqual(mesh.same_exports([alice, bob, carol, dave], 15), export)

        for chat in (dave, carol, bob, alice):
            self.assertEqual(chat.leave(), 0)
            self.assertEqual(chat.stderr(), "")

    def test_commands_are_not_sent_and_a_doubled_slash_is(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        bob.say("", "/foo bar", "/help", "/who", "//etc/motd", "last")
        alice.expect(r"^Bob: last$")
        self.assertEqual(alice.said(), ["Bob: /etc/motd", "Bob: last"])
        bob.expect(r"^>INFO: Unknown command /foo\. Type /help for commands\.$")
        self.assertEqual(bob.leave(), 0)
        alice.expect(r"^>INFO: Bob left\.$")
        for name, word in (("Carol", "/quit"), ("Dave", "/logout")):
            other = self.chat(name, "localhost", alice.port).expect_open()
            other.say(word)
            self.assertEqual(other.wait(), 0)
            alice.expect(rf"^>INFO: {name} left\.$")

    def test_without_input_it_opens_and_ends_by_itself(self):
        done = self.box.run("p2pchat", "--data-dir", str(self.box.data_dir("Alice")), "--listen", mesh.ANY_PORT, "Alice")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(), r"^>INFO: Alice at address 127\.0\.0\.1 is listening at \d+\.\n")

    def test_ipv6_loopback(self):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6):
                pass
        except OSError as error:
            self.skipTest(f"no IPv6 loopback: {error}")
        alice = self.chat("Alice", listen="[::1]:0")
        port = alice.expect(r"^>INFO: Alice at address (.*) is listening at (\d+)\.$").group(2)
        bob = self.chat("Bob", "::1", port, listen="[::1]:0")
        bob.expect(r"^>INFO: Here: Alice\.$")
        bob.expect(r"^>INFO: Type :q")
        bob.say("over six")
        alice.expect(r"^Bob: over six$")
        self.assertEqual(bob.leave(), 0)
        self.assertEqual(alice.leave(), 0)

    def test_the_second_of_two_equal_names_is_shown_with_a_suffix(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        other = self.chat("Bob", "localhost", alice.port, data_dir=self.box.data_dir("another Bob"))
        other.expect(r"^>INFO: Here: ")
        other.position = 0  # he may have been told before or after who is here
        shown = other.expect(r"^>INFO: .*\b(Bob~[0-9a-f]{4,})").group(1)
        other.say("I am the second")
        for chat in (alice, bob):
            chat.expect(rf"^{re.escape(shown)}: I am the second$")
        bob.say("I am the first")
        alice.expect(r"^Bob: I am the first$")


if __name__ == "__main__":
    mesh.main()
