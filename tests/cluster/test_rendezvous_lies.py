"""A discovery server that lies can at worst hide people, or give addresses that fail the check of the key: nobody is led
to another one, chats go on, and nothing is lost. What members send to a server holds no word of what they say."""

import mesh
from attacks import memory_of
from control import RpcFault
from people import PeopleTest, texts
from rendezvous import Client, RendezvousTest

CHANGES, ASK_DELIVERY, GOSSIP, REPAIR = 40, 44, 4, 5


class Liar(Client):
    """The server; `tell` gives it the next lie."""

    def __init__(self, box, **options):
        class Nowhere:
            port = 1
        super().__init__(box, "lie", Nowhere(), **options)
        self.port = int(self.line().removeprefix("port "))

    def lie(self, words):
        answer = self.say(words)
        assert answer == "ok", answer


class Lies(RendezvousTest, PeopleTest):
    def start(self, name, liar, **options):
        node = self.node(name, options=["--rendezvous", f"127.0.0.1:{liar.port}"], **options).start()
        mesh.wait_until(lambda: node.call("rendezvous.list")[0]["registered"], 15, f"{name} is registered")
        return node

    def wait_asked(self, node, name):
        mesh.wait_until(lambda: self.contact(node, name).get("asks"), 30, f"{node.name} is asked by {name}")

    def fault(self, node, method, **params):
        with self.assertRaises(RpcFault) as raised:
            node.call(method, **params)
        return raised.exception

    def talk_goes_on(self, alice, bob, word):
        alice.call("message.send", text=word)
        mesh.wait_until(lambda: word in texts(bob.messages()), 15, f"{word} has come")

    def members(self, node):
        return sorted(member["name"] for member in node.call("members.list"))

    def test_nobody_is_led_to_another_one(self):
        liar = Liar(self.box)
        alice = self.start("Alice", liar)
        bob = self.start("Bob", liar, join=[alice.address])
        eve = self.start("Eve", liar)
        seeker = self.start("Seeker", liar)
        before = self.members(eve)
        eve_port = eve.status()["port"]
        for lie in ["hide", "forged", "renamed", "another Eve"]:
            liar.lie(lie)
            fault = self.fault(seeker, "contact.ask", to="Alice")
            self.assertEqual(fault.status, 64, lie)
            self.assertIn("There is no member Alice here", fault.message)
            self.talk_goes_on(alice, bob, lie)
        for lie, status in [("another Eve", 68), ("mute", 69)]:
            liar.lie(lie)
            self.assertEqual(self.fault(seeker, "mesh.enter", find="Alice").status, status, lie)
        liar.lie("honest")
        self.assertEqual(seeker.call("mesh.enter", find="Alice")["mesh"], alice.status()["mesh"])
        self.assertEqual(self.members(eve), before)
        # An address where another one answers fails the check of the key, and the true one is tried next.
        liar.lie(f"moved {eve_port}")
        other = self.start("Other", liar)
        self.assertEqual(other.call("mesh.enter", find="Alice")["mesh"], alice.status()["mesh"])
        self.assertEqual(self.members(eve), before)

    def test_answers_that_nobody_asked_for(self):
        liar = Liar(self.box)
        alice = self.start("Alice", liar)
        bob = self.start("Bob", liar, join=[alice.address])
        liar.lie("twice")
        for _ in range(20):
            bob.call("mesh.enter", find="Alice")
        liar.lie("pages")
        people = bob.call("rendezvous.people")
        self.assertEqual([person["name"] for person in people["people"]], ["Alice", "Bob"])
        # A million changes of people whom nobody watches.
        change = "01" + "11" * 32 + "01" + "41" + "0000000000000001"
        for number in range(200):
            liar.lie(f"say {CHANGES} {number + 1:016x}00" + "01f4" + change * 500)
        self.talk_goes_on(alice, bob, "still here")
        self.assertLess(memory_of(bob.process.pid), 200 << 20)

    def test_what_is_no_answer_of_a_server_closes_the_link_and_nothing_else(self):
        liar = Liar(self.box)
        alice = self.start("Alice", liar)
        bob = self.start("Bob", liar, join=[alice.address])
        for number, frame in enumerate([f"say {GOSSIP} 00", f"say {REPAIR} 00112233", "say 34 00", "say 36 ffffffff01ff",
                                        f"say {ASK_DELIVERY} 00"]):
            lost = [node.log.read_text().count("the link was lost") for node in [alice, bob]]
            liar.lie(frame)
            for node, before in zip([alice, bob], lost):
                mesh.wait_until(lambda: node.log.read_text().count("the link was lost") > before, 15, frame)
            self.talk_goes_on(alice, bob, f"after {number}")
            for node in [alice, bob]:
                mesh.wait_until(lambda: node.call("rendezvous.list")[0]["registered"], 120, "it is given another chance")

    def test_denials_without_sense(self):
        liar = Liar(self.box)
        alice = self.start("Alice", liar)
        # A version that no clock reaches, a clock at the end of time, a wait of ages.
        for reason, value in [(2, 2**64 - 1), (3, 0), (3, 2**64 - 1), (4, 2**64 - 1), (5, 2**64 - 1), (1, 0), (77, 5)]:
            liar.lie(f"deny {reason} {value}")
            alice.call("name.set", name=f"Alice{reason}")
            mesh.wait_until(lambda: not alice.call("rendezvous.list")[0]["registered"], 15, f"denied for {reason}")
            liar.lie("honest")
            if reason == 4:
                # It is believed for an hour; a restart asks again.
                alice.terminate()
                alice.restart()
            mesh.wait_until(lambda: alice.call("rendezvous.list")[0]["registered"], 130, f"after {reason} {value}")

    def test_requests_are_not_forged_and_not_lost_for_good(self):
        liar = Liar(self.box)
        alice, bob, eve = [self.start(name, liar) for name in ["Alice", "Bob", "Eve"]]
        asked = lambda: [contact["name"] for contact in bob.call("contacts.list") if contact["asks"]]
        for number, lie in enumerate(["stolen", "garbage"]):
            liar.lie(lie)
            who = self.start(f"Who{number}", liar)
            who.call("contact.ask", to="Bob")
            mesh.wait_until(lambda: bob.log.read_text().count("cannot be read, or is not signed") == number + 1, 15, lie)
            self.assertEqual(asked(), [])
        liar.lie("again 50")
        alice.call("contact.ask", to="Bob")
        mesh.wait_until(lambda: asked() == ["Alice"], 15, "one request, however often it comes")
        bob.call("contact.answer", member="Alice", accept=True)
        mesh.wait_until(lambda: self.contact(alice, "Bob").get("theirs") == "accepted", 30, "they talk")
        alice.call("message.send", to="Bob", text="once")
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == ["once"], 15, "and once")
        # It says to have delivered what it has dropped: another server, or an address, does it.
        liar.lie("lost")
        eve.call("contact.ask", to="Bob")
        self.assertEqual(asked(), [])
        host, port = bob.address.rsplit(":", 1)
        eve.call("mesh.connect", host=host, port=int(port))
        mesh.wait_until(lambda: asked() == ["Eve"], 15, "the request has come")

    def test_what_is_said_is_not_said_to_it(self):
        record = self.box.new_name("record")
        liar = Liar(self.box, record=record)
        alice = self.start("Alice", liar)
        bob = self.start("Bob", liar, join=[alice.address])
        carol = self.start("Carol", liar)
        canary = "canary-90ab31"
        alice.call("message.send", text=canary)
        alice.call("topic.set", room="#lobby", text=canary)
        alice.call("message.send", text=canary, to="Bob")
        alice.call("message.send", text=canary, to="Carol")
        self.wait_asked(carol, "Alice")
        carol.call("contact.answer", member="Alice", accept=True)
        mesh.wait_until(lambda: canary in texts(bob.messages()), 15, "Bob has it")
        mesh.wait_until(lambda: canary in texts(self.exchanged(carol, "Alice")), 30, "Carol has it")
        alice.call("room.join", room="#secret-5d1f")
        alice.call("message.send", text="x", room="#secret-5d1f")
        self.talk_goes_on(alice, bob, "the end")
        seen = record.read_bytes()
        self.assertIn(b"Alice", seen)  # it is recorded what comes out of the channel
        self.assertIn(bytes.fromhex(alice.status()["key"]), seen)
        for secret in [canary.encode(), b"secret-5d1f", bytes.fromhex(self.contact(alice, "Carol")["mesh"])]:
            self.assertNotIn(secret, seen)


if __name__ == "__main__":
    mesh.main()
