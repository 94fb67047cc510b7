"""kill -9 of author, recipient and carrier at any moment of a delivery: no acknowledged direct message is lost, none
is there twice, and what is told as delivered is there.

P2PMESH_KILLS   how many kills (default 60)
"""

import os
import random
import time

import mesh
from control import Gone
from people import PeopleTest

KILLS = int(os.environ.get("P2PMESH_KILLS") or 60)
BURST = 16


class DirectKills(PeopleTest):
    def exchanged(self, node, name):
        messages, page = [], {"more": True}
        params = {"with": name, "limit": 1000, "after": "0" * 64 + ".0"}
        while page["more"]:
            page = node.call("message.list", **params)
            messages += page["messages"]
            if page["messages"]:
                params["after"] = page["messages"][-1]["id"]
        return messages

    def states(self, node, name):
        return {message["text"]: message["state"] for message in self.exchanged(node, name) if message["own"]}

    def texts(self, node, name):
        return [message["text"] for message in self.exchanged(node, name) if not message["own"]]

    def write(self, control, name, number, seconds):
        """Writes for a while; what was acknowledged, and the next number."""
        sent, ends_at = {}, time.monotonic() + seconds
        while time.monotonic() < ends_at:
            while len(sent) - len(control.replies) < BURST:
                sent[control.send("message.send", text=f"message {number:06d}", to=name)] = f"message {number:06d}"
                number += 1
            control.pump(0.005)
        return sent, number

    def test_kills_lose_nothing_double_nothing_and_states_are_true(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        moments = random.Random(seed)
        carol, alice, bob = self.start("Carol", "Alice", "Bob")
        nodes = {"Alice": alice, "Bob": bob, "Carol": carol}
        self.befriend(alice, bob)

        acknowledged, number, told = [], 0, {}
        for _ in range(KILLS):
            control = alice.connect()
            victim = moments.choices(list(nodes), weights=(4, 4, 1))[0]
            try:
                sent, number = self.write(control, "Bob", number, moments.uniform(0, 0.06))
                nodes[victim].kill()
                control.pump(0)
            except Gone:
                pass
            acknowledged += [sent[i] for i, reply in control.replies.items() if "result" in reply]
            nodes[victim].restart()
            if victim == "Alice":
                told = self.states(alice, "Bob")
            elif victim == "Bob":
                # What had been told to the author as delivered has survived the kill of its recipient.
                has = set(self.texts(bob, "Alice"))
                self.assertEqual([text for text, state in told.items() if state == "delivered" and text not in has], [])
                told = self.states(alice, "Bob")
        self.assertGreater(len(acknowledged), KILLS, "the kills hit nodes at work")

        wanted = set(acknowledged)
        mesh.wait_until(lambda: not wanted - set(self.texts(bob, "Alice")), 60, f"Bob has all {len(wanted)}")
        mesh.wait_until(lambda: set(self.states(alice, "Bob").values()) == {"delivered"}, 60, "Alice knows of all")
        texts = self.texts(bob, "Alice")
        print(f"{KILLS} kills, {number} written, {len(wanted)} acknowledged, {len(texts)} delivered")
        self.assertEqual(len(texts), len(set(texts)), "twice")
        self.assertEqual(texts, sorted(texts), "in order")
        self.assertEqual(sorted(self.states(alice, "Bob")), sorted(texts))
        self.assertEqual(carol.call("contacts.list"), [])

    def test_kills_while_lines_wait(self):
        """The author is undiscoverable or alone now and then, takes lines back, and is killed in every state."""
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        moments = random.Random(seed)
        carol, alice, bob = self.start("Carol", "Alice", "Bob")
        self.befriend(alice, bob)

        kept, cancelled, unsure, number = set(), set(), set(), 0
        for turn in range(KILLS // 3):
            control = alice.connect()
            try:
                if moments.random() < 0.7:
                    control.call("discover.set", on=bool(turn % 2))
                asked = {}
                for _ in range(moments.randrange(1, 12)):
                    text = f"line {number:06d}"
                    number += 1
                    to = {"to": "Bob"} if moments.random() < 0.5 else {}
                    asked[control.send("message.send", text=text, **to)] = text
                ends_at = time.monotonic() + moments.uniform(0, 0.04)
                while time.monotonic() < ends_at:
                    control.pump(0.002)
                waiting = {i: reply["result"]["pending"] for i, reply in control.replies.items()
                           if i in asked and "pending" in reply.get("result", {})}
                kept |= {asked[i] for i, reply in control.replies.items() if i in asked and "result" in reply}
                if waiting and moments.random() < 0.5:
                    victim = moments.choice(sorted(waiting))
                    taking = control.send("pending.cancel", number=waiting[victim])
                    control.pump(moments.uniform(0, 0.02))
                    if "result" in control.replies.get(taking, {}):
                        cancelled.add(asked[victim])
                    else:
                        unsure.add(asked[victim])
                if moments.random() < 0.3:
                    control.send("discover.set", on=not turn % 2)
                    control.pump(moments.uniform(0, 0.02))
                alice.kill()
                kept |= {asked[i] for i, reply in control.replies.items() if i in asked and "result" in reply}
            except Gone:
                pass
            alice.restart()
            kept -= cancelled | unsure
        alice.call("discover.set", on=True)
        mesh.wait_until(lambda: alice.status()["neighbors"] == 2, 15, "Alice is linked")

        def in_room():
            texts, params = [], {"limit": 1000, "after": "0" * 64 + ".0"}
            while True:
                page = bob.call("message.list", **params)
                texts += [message["text"] for message in page["messages"]]
                if not page["more"]:
                    return texts
                params["after"] = page["messages"][-1]["id"]

        mesh.wait_until(lambda: alice.status()["pending"] == 0, 30, "nothing waits any more")
        mesh.wait_until(lambda: not kept - set(in_room()) - set(self.texts(bob, "Alice")), 30, "Bob has all that was kept")
        room, direct = in_room(), self.texts(bob, "Alice")
        print(f"{KILLS // 3} kills, {number} written, {len(kept)} acknowledged, {len(cancelled)} taken back")
        self.assertEqual(len(room) + len(direct), len(set(room + direct)), "twice")
        self.assertEqual(set(room + direct) & cancelled, set(), "what was taken back is not said")
        self.assertEqual(room, sorted(room), "in order")
        self.assertEqual(direct, sorted(direct), "in order")


if __name__ == "__main__":
    mesh.main()
