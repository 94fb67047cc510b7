"""The ways to leave: by word, by end of input, by a signal, by a crash of the screen or of the node."""

import os
import re
import signal
import time

import mesh
from chat import Chat
from mesh import stretched


class LeaveAndCrash(mesh.MeshTest):
    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options)

    def three(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        carol = self.chat("Carol", "localhost", bob.port).expect_open()
        for chat in (alice, bob):
            chat.expect(r"^>INFO: Carol joined\.$")
        return alice, bob, carol

    def test_a_killed_node_is_offline_within_5_s_and_gets_what_it_missed(self):
        alice, bob, carol = self.three()
        bob.say("before")
        alice.expect("^Bob: before$")
        carol.expect("^Bob: before$")
        killed_at = time.monotonic()
        os.kill(bob.node_pid(), signal.SIGKILL)
        for chat in (alice, carol):
            chat.expect(r"^>INFO: Bob is offline\.$", timeout=5)
        self.assertLess(time.monotonic() - killed_at, stretched(5))
        self.assertEqual(bob.wait(), 69, "the screen whose node died")
        self.assertNotEqual(bob.stderr(), "")

        alice.say("one", "two")
        carol.expect("^Alice: two$")
        carol.say("three")
        alice.expect("^Carol: three$")

        bob = self.chat("Bob").expect_open()
        for chat in (alice, carol):
            # The third notice about him in a short time, so it waits for the end of those 30 s.
            chat.expect(r"^>INFO: Bob is back\.$", timeout=35)
        bob.expect(r"^>INFO: 3 earlier messages:$")
        for line in ("Alice: one", "Alice: two", "Carol: three"):
            bob.expect(f"^{line}$")
        bob.expect(r"^>INFO: End of earlier messages\.$")
        bob.say("after")
        alice.expect("^Bob: after$")
        export = mesh.same_exports([alice, bob, carol], 15)
        self.assertEqual(len(export.splitlines()), 1 + 5)

    def test_the_founders_crash_leaves_the_others_connected(self):
        alice, bob, carol = self.three()
        os.kill(alice.node_pid(), signal.SIGKILL)
        for chat in (bob, carol):
            chat.expect(r"^>INFO: Alice is offline\.$", timeout=5)
        bob.say("still here")
        carol.expect("^Bob: still here$")
        dave = self.chat("Dave", "localhost", carol.port).expect_open()
        dave.expect("^Bob: still here$")

    def test_the_node_of_a_killed_screen_leaves_within_2_s(self):
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        pid = bob.node_pid()
        bob.kill()
        alice.expect(r"^>INFO: Bob left\.$", timeout=2)
        mesh.wait_until(lambda: pid not in self.box.stray_pids(), 3, "the node has ended")
        self.chat("Bob").expect_open()  # the directory is free again

    def test_a_second_screen_attaches_and_the_node_leaves_with_the_last(self):
        alice = self.chat("Alice").expect_open()
        first = self.chat("Bob", "localhost", alice.port).expect_open()
        alice.expect(r"^>INFO: Bob joined\.$")
        second = self.chat("Bob").expect_open()
        self.assertEqual(second.port, first.port)
        self.assertEqual(second.node_pid(), first.node_pid())
        alice.say("to both")
        for screen in (first, second):
            screen.expect("^Alice: to both$")
        first.say("from the first")
        alice.expect("^Bob: from the first$")
        second.expect("^Bob: from the first$")
        self.assertEqual(first.leave(), 0)
        alice.say("to the second")
        second.expect("^Alice: to the second$")
        second.say("from the second")
        alice.expect("^Bob: from the second$")
        self.assertNotIn(">INFO: Bob left.", alice.lines)
        self.assertNotIn("Bob: from the first", first.lines)
        self.assertEqual(second.leave(), 0)
        alice.expect(r"^>INFO: Bob left\.$")

    def test_a_node_started_by_hand_outlives_its_screens(self):
        node = self.node("Alice").start()
        screen = self.chat("Alice").expect_open()
        said = [line for line in screen.lines if line.startswith(">INFO: ") and "stays" in line]
        self.assertEqual(len(said), 1, "the screen says that the node stays")
        self.assertEqual(screen.leave(), 0)
        again = self.chat("Alice").expect_open()
        self.assertEqual(again.node_pid(), node.process.pid)
        again.kill()
        time.sleep(stretched(0.5))  # what must not happen has no condition to wait for
        self.assertIsNone(node.process.poll())
        self.assertEqual(node.terminate(), 0)

    def test_a_data_directory_in_use_is_75(self):
        node = self.node("Alice").start()
        done = self.box.run("p2pmeshd", "--name", "Alice", "--data-dir", str(node.data_dir), "--listen", mesh.ANY_PORT)
        self.assertEqual(done.returncode, 75)
        self.assertIn(str(node.data_dir).encode(), done.stderr)
        self.assertEqual(node.status()["name"], "Alice")

    def test_signals_leave_quietly(self):
        alice = self.chat("Alice").expect_open()
        for name, number in (("Bob", signal.SIGTERM), ("Carol", signal.SIGINT)):
            other = self.chat(name, "localhost", alice.port).expect_open()
            other.process.send_signal(number)
            self.assertEqual(other.wait(), 0)
            self.assertEqual(other.stderr(), "")
            alice.expect(rf"^>INFO: {name} left\.$")

    def test_a_pipe_is_a_one_shot_send(self):
        alice = self.chat("Alice").expect_open()
        done = self.box.run(
            "p2pchat", "--data-dir", str(self.box.data_dir("Bob")), "--listen", mesh.ANY_PORT, "Bob", "localhost",
            str(alice.port), input=b"hi\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        alice.expect(r"^>INFO: Bob joined\.$")
        alice.expect("^Bob: hi$")
        alice.expect(r"^>INFO: Bob left\.$")
        # Without a line end, and many: the last of 3,000 is there too, each once.
        text = "\n".join(f"number {number}" for number in range(3000))
        done = self.box.run(
            "p2pchat", "--data-dir", str(self.box.data_dir("Carol")), "--listen", mesh.ANY_PORT, "Carol", "localhost",
            str(alice.port), input=text.encode())
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        alice.expect("^Carol: number 2999$", timeout=20)
        heard = [line for line in alice.said() if line.startswith("Carol: ")]
        self.assertEqual(heard, [f"Carol: number {number}" for number in range(3000)])

    def test_lines_that_nobody_took_are_kept_and_sent_at_the_next_start(self):
        started = time.monotonic()
        done = self.box.run(
            "p2pchat", "--data-dir", str(self.box.data_dir("Alice")), "--listen", mesh.ANY_PORT, "Alice",
            input=b"one\ntwo\nthree\n")
        self.assertEqual(done.returncode, 75)
        self.assertRegex(done.stderr.decode(), re.compile("^3 lines kept, sent at the next start", re.MULTILINE))
        self.assertGreater(time.monotonic() - started, 4, "somebody might have come within 5 s")
        alice = self.chat("Alice").expect_open()
        bob = self.chat("Bob", "localhost", alice.port).expect_open()
        bob.expect(r"^>INFO: 3 earlier messages:$")
        for line in ("one", "two", "three"):
            bob.expect(f"^Alice: {line}$")


if __name__ == "__main__":
    mesh.main()
