"""Direct messages between others: carried within a quota that one can set and see, and never lost while their author
has them."""

import time

import mesh
from people import PeopleTest, texts


class Carried(PeopleTest):
    def carrier(self, name, quota, **options):
        config = self.box.path / f"{name}.toml"
        config.write_text("[carry]\n" + quota)
        return self.node(name, options=["--config", str(config)], **options)

    def wait_carried(self, node, envelopes, dropped):
        def matches():
            status = node.status()
            return (status["carried"], status["carried_dropped"]) == (envelopes, dropped)

        mesh.wait_until(matches, 20, f"{node.name} carries {envelopes} and has dropped {dropped}")

    def sessions(self, nodes):
        return [node.status()["counters"]["sync_sessions"] for node in nodes]

    def come_to_rest(self, nodes):
        """Nothing is compared any more: all agree on what there is, dropped or not."""
        since, last = time.monotonic(), None

        def is_still():
            nonlocal since, last
            seen = self.sessions(nodes)
            if seen != last:
                since, last = time.monotonic(), seen
            return time.monotonic() - since > mesh.stretched(5)  # twice the pause between two comparisons

        mesh.wait_until(is_still, 60, "nothing is compared any more")

    def test_over_the_quota_the_oldest_go_and_come_from_their_author(self):
        alice, bob = self.start("Alice", "Bob")
        carol = self.carrier("Carol", "author_envelopes = 3\n", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["online"] == 3, 15, "Carol is here")
        self.befriend(alice, bob)
        bob.terminate()
        for number in range(10):
            alice.call("message.send", text=f"letter {number}", to="Bob")
        self.wait_carried(carol, 3, 8)  # with the request
        self.assertEqual(alice.status()["carried"], 0)
        shown = self.ctl(carol.data_dir, "status").stdout.decode()
        self.assertRegex(shown, r"(?m)^carried: 3 direct messages between others, \d+ KiB; 8 dropped over the quota$")

        # A newcomer learns what is gone, and no more is looked for it.
        dave = self.node("Dave", join=[carol.address]).start()
        mesh.wait_until(lambda: dave.status()["synced"], 15, "Dave has what there is")
        alice.terminate()
        self.come_to_rest([carol, dave])
        carol.kill()
        carol.restart(join=[dave.address])
        mesh.wait_until(lambda: dave.status()["online"] == 2, 20, "Carol is back")
        self.assertEqual(carol.status()["carried"], 3)
        self.come_to_rest([carol, dave])

        bob.restart(join=[carol.address])
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice"))[-1:] == ["letter 9"], 20, "the newest have come")
        alice.restart(join=[carol.address])
        wanted = [f"letter {number}" for number in range(10)]
        mesh.wait_until(lambda: texts(self.exchanged(bob, "Alice")) == wanted, 30, "the others come from Alice, in order")
        mesh.wait_until(lambda: set(self.states(alice, "Bob")) == {"delivered"}, 20, "all are delivered")
        self.come_to_rest([alice, bob, carol, dave])

    def test_with_a_quota_of_nothing_all_comes_from_the_author(self):
        alice, bob = self.start("Alice", "Bob")
        carol = self.carrier("Carol", "bytes = 0\n", join=[alice.address]).start()
        mesh.wait_until(lambda: alice.status()["online"] == 3, 15, "Carol is here")
        self.befriend(alice, bob)
        alice.call("message.send", text="while both are here", to="Bob")
        mesh.wait_until(lambda: self.states(alice, "Bob")[-1:] == ["delivered"], 15, "it came")
        mesh.wait_until(lambda: carol.status()["carried_dropped"] >= 2, 20, "Carol has dropped all")
        self.assertEqual(carol.status()["carried_bytes"], 0)


if __name__ == "__main__":
    mesh.main()
