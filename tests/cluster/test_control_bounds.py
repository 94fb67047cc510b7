"""What one user may ask of a node at once, up to each bound and one beyond."""

import re
import socket

import mesh
from control import RpcFault


def bound(name):
    text = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
    return int(re.search(rf"constexpr \S+ {name} = (\d+);", text)[1])


class ControlBounds(mesh.MeshTest):
    def refused(self, answer):
        """The fault that an answer has to be."""
        with self.assertRaises(RpcFault) as caught:
            answer()
        self.assertEqual(caught.exception.status, 75)
        return caught.exception.message

    def test_one_invite_more_than_may_be_open_is_refused(self):
        most = bound("kInvitesOpenMax")
        alice = self.node("Alice", options=["--private"]).start()
        made = [alice.call("invite.make")["key"] for _ in range(most)]
        self.assertIn(f"{most} invites of yours are open", self.refused(lambda: alice.call("invite.make")))
        standings = [invite["standing"] for invite in alice.call("invite.list")]
        self.assertEqual(standings, ["open"] * most)
        alice.call("invite.cancel", key=made[0])
        alice.call("invite.make")
        self.refused(lambda: alice.call("invite.make"))

    def test_invites_that_are_asked_for_at_once_are_counted_too(self):
        most = bound("kInvitesOpenMax")
        alice = self.node("Alice", options=["--private"]).start()
        control = alice.connect()
        asked = [control.send("invite.make") for _ in range(2 * most)]
        control.wait(lambda: len(control.replies) == len(asked), "all answers")
        made = [answer for answer in control.replies.values() if "result" in answer]
        self.assertEqual(len(made), most)
        self.assertEqual(len(alice.call("invite.list")), most)

    def test_one_place_more_than_are_looked_at_is_refused(self):
        most = bound("kLooksMax")
        alice = self.node("Alice").start()
        with socket.create_server(("127.0.0.1", 0), backlog=2 * most) as silent:
            port = silent.getsockname()[1]
            control = alice.connect()
            asked = [control.send("mesh.connect", host="127.0.0.1", port=port) for _ in range(most)]
            beyond = control.send("mesh.connect", host="127.0.0.1", port=port)
            self.assertIn("Too many places", self.refused(lambda: control.reply(beyond)))
            self.assertEqual(control.replies, {})  # the others are still being looked at
            for request in asked:
                with self.assertRaises(RpcFault):
                    control.reply(request)
            again = control.send("mesh.connect", host="127.0.0.1", port=port)
            with self.assertRaises(RpcFault) as caught:
                control.reply(again)
            self.assertNotIn("Too many places", caught.exception.message)


if __name__ == "__main__":
    mesh.main()
