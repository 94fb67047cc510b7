"""The key of a member locked by a passphrase: asked for without echo, out of a file for scripts, never an argument;
set, changed and removed; whole after kill -9; nowhere to be read.

P2PMESH_KILLS   how many kills (default 20)
"""

import fcntl
import hashlib
import os
import random
import signal
import subprocess
import time

import mesh
from chat import Chat
from mesh import ANY_PORT
from terminal import Terminal

KILLS = int(os.environ.get("P2PMESH_KILLS") or 20)
ASKS = "Passphrase of Alice:"
ASKS_NEW = "New passphrase for Alice"
AGAIN = "The same again:"


def is_whole(content):
    """A locked key file with its checksum, as p2pmeshd(8) says."""
    body, mark, checksum = content.partition(b"checksum ")
    tag = b"p2pmesh locked key file 1"
    expected = hashlib.blake2b(bytes([len(tag)]) + tag + body, digest_size=32).hexdigest()
    return body.startswith(b"p2pmesh locked key 1\n") and mark and checksum == expected.encode() + b"\n"


class Passphrases(mesh.MeshTest):
    def setUp(self):
        self.data_dir = self.box.data_dir("Alice")
        self.data_dir.parent.mkdir(parents=True)
        self.key = self.data_dir / "identity.key"

    def secret(self, passphrase, mode=0o600):
        path = self.box.new_name("passphrase")
        path.write_bytes(passphrase if isinstance(passphrase, bytes) else passphrase.encode() + b"\n")
        path.chmod(mode)
        return path

    def make_key(self, passphrase=None):
        """A first session of Alice; afterwards nothing runs."""
        options = ["--passphrase-file", self.secret(passphrase)] if passphrase else []
        node = self.node("Alice", options=[str(option) for option in options]).start()
        self.assertEqual(node.terminate(), 0)

    def set_passphrase(self, passphrase):
        self.ctl(self.data_dir, "passphrase", "--new-passphrase-file", self.secret(passphrase))

    def chat_terminal(self, *options):
        return Terminal(self.box, "p2pchat", "--data-dir", self.data_dir, "--listen", ANY_PORT, *options, "Alice")

    def chat(self, *options):
        return self.box.run("p2pchat", "--data-dir", self.data_dir, "--listen", ANY_PORT, *options, "Alice")

    def test_it_is_asked_for_without_echo(self):
        self.make_key("correct horse")
        screen = self.chat_terminal().expect(ASKS)
        self.assertFalse(screen.echoes())
        screen.type("correct horse").expect("Type :q to leave")
        self.assertTrue(screen.echoes())
        screen.type(":q")
        self.assertEqual(screen.wait(), 0)
        self.assertNotIn(b"horse", screen.shown)

    def test_three_wrong_tries_end_with_77_and_change_nothing(self):
        self.make_key("correct horse")
        before = self.key.read_bytes()
        screen = self.chat_terminal()
        for wrong in ("correct horses", "", "Correct horse"):
            screen.expect(ASKS).type(wrong)
        self.assertEqual(screen.wait(), 77)
        self.assertEqual(screen.shown.count(ASKS.encode()), 3)
        self.assertEqual(screen.shown.count(b"the passphrase of Alice is wrong"), 3)
        self.assertNotIn(b"horse", screen.shown)
        self.assertTrue(screen.echoes())
        self.assertEqual(self.key.read_bytes(), before)
        screen = self.chat_terminal()
        screen.expect(ASKS).type("wrong").expect(ASKS).type("correct horse").expect("Type :q to leave").type(":q")
        self.assertEqual(screen.wait(), 0)

    def test_the_terminal_is_as_before_after_signals_and_the_end_of_input(self):
        self.make_key("correct horse")
        for ends, statuses in ((signal.SIGINT, {0}), (signal.SIGTERM, {0}), (signal.SIGHUP, {0}),
                               (signal.SIGQUIT, {-signal.SIGQUIT}), (b"\x03", {0}), (b"\x04", {77}),
                               (b"\x1c", {-signal.SIGQUIT})):
            with self.subTest(ends=ends):
                screen = self.chat_terminal().expect(ASKS)
                self.assertFalse(screen.echoes())
                screen.press(ends) if isinstance(ends, bytes) else screen.process.send_signal(ends)
                self.assertIn(screen.wait(), statuses)
                self.assertTrue(screen.echoes())
                screen.end()
        tool = Terminal(self.box, "p2pmeshctl", "--data-dir", self.data_dir, "passphrase").expect(ASKS)
        tool.press(b"\x03")
        self.assertEqual(tool.wait(), -signal.SIGINT)
        self.assertTrue(tool.echoes())

    def test_a_new_name_is_offered_one(self):
        screen = self.chat_terminal()
        screen.expect(ASKS_NEW).expect("(empty: none):")
        self.assertFalse(screen.echoes())
        screen.type("correct horse").expect(AGAIN).type("correct house").expect("not the same")
        screen.expect(ASKS_NEW).type("correct horse").expect(AGAIN).type("correct horse")
        screen.expect("Type :q to leave").type(":q")
        self.assertEqual(screen.wait(), 0)
        self.assertNotIn(b"correct", screen.shown)
        self.assertTrue(is_whole(self.key.read_bytes()))
        self.assertEqual(self.chat().returncode, 77)
        self.assertEqual(self.chat("--passphrase-file", self.secret("correct horse")).returncode, 0)

    def test_three_that_differ_make_no_account_and_none_is_an_answer(self):
        screen = self.chat_terminal()
        for i in range(3):
            screen.expect(ASKS_NEW).type(f"one {i}").expect(AGAIN).type(f"other {i}")
        self.assertEqual(screen.wait(), 77)
        self.assertFalse(self.key.exists())
        screen = self.chat_terminal().expect(ASKS_NEW).type("").expect("Type :q to leave").type(":q")
        self.assertEqual(screen.wait(), 0)
        self.assertEqual(len(self.key.read_bytes()), 65)

    def test_without_a_terminal_it_ends_at_once_and_says_how(self):
        self.make_key("correct horse")
        for arguments in (["p2pchat", "Alice"], ["p2pmeshd", "--name", "Alice"], ["p2pmeshctl", "passphrase"]):
            with self.subTest(program=arguments[0]):
                begun = time.monotonic()
                done = self.box.run(arguments[0], "--data-dir", self.data_dir, *arguments[1:])
                self.assertEqual((done.returncode, done.stdout), (77, b""))
                self.assertIn(b"--passphrase-file FILE", done.stderr)
                self.assertLess(time.monotonic() - begun, mesh.stretched(2))
        self.assertEqual(self.ctl(self.data_dir, "passphrase", "--passphrase-file", self.secret("correct horse"),
                                  status=77).stdout, b"")

    def test_scripts_give_a_file_that_is_theirs_alone(self):
        self.assertEqual(self.chat("--passphrase-file", self.secret("correct horse")).returncode, 0)
        self.assertTrue(is_whole(self.key.read_bytes()))
        self.assertEqual(self.chat("--passphrase-file", self.secret(b"correct horse\r\n")).returncode, 0)
        for mode in (0o644, 0o640, 0o604):
            path = self.secret("correct horse", mode)
            for done in (self.chat("--passphrase-file", path),
                         self.box.run("p2pmeshd", "--name", "Alice", "--data-dir", self.data_dir,
                                      "--passphrase-file", path)):
                self.assertEqual(done.returncode, 77)
                self.assertIn(f"chmod 600 {path}".encode(), done.stderr)
        for name, wrong, status in (("p2pchat", "wrong", 77), ("p2pchat", b"", 64), ("p2pchat", b"\n", 64),
                                    ("p2pchat", b"x" * 1025, 64), ("p2pmeshd", "wrong", 77)):
            words = ["Alice"] if name == "p2pchat" else ["--name", "Alice"]
            done = self.box.run(name, "--data-dir", self.data_dir, "--listen", ANY_PORT, "--passphrase-file",
                                self.secret(wrong), *words)
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(self.chat("--passphrase-file", self.box.path / "none").returncode, 77)

    def test_a_running_node_is_attached_to_without_it(self):
        self.make_key("correct horse")
        node = self.node("Alice", options=["--passphrase-file", str(self.secret("correct horse"))]).start()
        screen = Chat(self.box, "Alice", data_dir=self.data_dir).expect_open()
        self.assertEqual(screen.leave(), 0)
        self.assertEqual(node.terminate(), 0)

    def test_a_key_that_is_not_locked_takes_none(self):
        self.make_key()
        done = self.chat("--passphrase-file", self.secret("correct horse"))
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"not locked", done.stderr)
        self.assertEqual(self.chat().returncode, 0)

    def test_it_is_set_changed_and_removed_while_the_node_runs_or_not(self):
        node = self.node("Alice").start()
        key, seed = node.status()["key"], self.key.read_bytes()
        self.set_passphrase("first")
        self.assertTrue(is_whole(self.key.read_bytes()))
        self.assertEqual(node.status()["key"], key)
        self.assertEqual(node.terminate(), 0)
        first, second = self.secret("first"), self.secret("second")
        change = ("passphrase", "--passphrase-file")
        self.ctl(self.data_dir, *change, first, "--new-passphrase-file", second)
        self.assertEqual(self.ctl(self.data_dir, *change, first, "--remove", status=77).stdout, b"")
        done = self.ctl(self.data_dir, *change, second, "--remove")
        self.assertEqual(done.stdout, b"The passphrase of Alice is removed.\n")
        self.assertEqual(self.key.read_bytes(), seed)
        self.ctl(self.data_dir, "passphrase", "--remove", status=64)
        self.ctl(self.data_dir, *change, first, "--new-passphrase-file", second, status=64)
        self.ctl(self.box.path, "passphrase", "--new-passphrase-file", first, status=64)
        self.assertEqual(self.node("Alice").start().status()["key"], key)
        self.assertEqual([path.name for path in self.data_dir.iterdir() if path.name.startswith("identity")
                          and path.name not in ("identity.key", "identity.lock")], [])

    def test_it_is_changed_at_a_terminal(self):
        self.make_key("first")
        tool = Terminal(self.box, "p2pmeshctl", "--data-dir", self.data_dir, "passphrase")
        tool.expect(ASKS).type("wrong").expect(ASKS_NEW).type("second").expect(AGAIN).type("second")
        tool.expect("the passphrase of Alice is wrong").expect(ASKS).type("first")
        tool.expect("The passphrase of Alice is changed.")
        self.assertEqual(tool.wait(), 0)
        self.assertNotIn(b"second", tool.shown)
        self.assertEqual(self.chat("--passphrase-file", self.secret("second")).returncode, 0)

    def test_a_damaged_key_is_told_from_a_wrong_passphrase(self):
        self.make_key("correct horse")
        content = bytearray(self.key.read_bytes())
        content[100] ^= 1
        self.key.write_bytes(content)
        done = self.chat("--passphrase-file", self.secret("correct horse"))
        self.assertEqual(done.returncode, 65)
        self.assertIn(b"damaged", done.stderr)
        self.assertEqual(self.key.read_bytes(), content)

    def is_unlocked(self):
        """Nobody is changing the key: a process that was killed holds its lock a little longer than its memory."""
        try:
            with open(self.data_dir / "identity.lock", "rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return not list(self.box.stray_pids())

    def test_kills_leave_the_old_file_or_the_new_one(self):
        self.make_key("pass 0")
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        moments = random.Random(seed)
        before, current, changes = self.key.read_bytes(), 0, 0
        begun = time.monotonic()
        self.ctl(self.data_dir, "passphrase", "--passphrase-file", self.secret("pass 0"), "--new-passphrase-file",
                 self.secret("pass 0"))
        usual, before = time.monotonic() - begun, self.key.read_bytes()
        for i in range(KILLS):
            tool = subprocess.Popen(
                [mesh.program("p2pmeshctl"), "--data-dir", self.data_dir, "passphrase", "--passphrase-file",
                 self.secret(f"pass {current}"), "--new-passphrase-file", self.secret(f"pass {current + 1}")],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.box.path,
                env=self.box.environment, start_new_session=True)
            ends_at = time.monotonic() + moments.uniform(0, usual)
            half_written = self.data_dir / "identity.key.tmp"
            # At any moment; when the new file is there beside the old one; when it has taken its place.
            while tool.poll() is None and (time.monotonic() < ends_at, not half_written.exists(),
                                           self.key.read_bytes() == before)[i % 3]:
                pass
            try:
                os.killpg(tool.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            complaint = tool.communicate()[1]
            mesh.wait_until(self.is_unlocked, 5, "p2pmeshd has ended")
            self.assertEqual(complaint, b"")
            content = self.key.read_bytes()
            self.assertTrue(is_whole(content), content)
            if content != before:
                before, current, changes = content, current + 1, changes + 1
        print(f"{changes} of {KILLS} changes were through", flush=True)
        self.assertGreater(changes, 0)
        self.assertLess(changes, KILLS)
        self.assertEqual(self.chat("--passphrase-file", self.secret(f"pass {current}")).returncode, 0)
        self.assertFalse((self.data_dir / "identity.key.tmp").exists())

    def assert_nowhere(self, *secrets):
        for path in sorted(self.data_dir.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                for secret in secrets:
                    self.assertNotIn(secret, content, path)

    def test_it_and_the_seed_are_nowhere_to_be_read(self):
        self.make_key()
        seed = self.key.read_bytes().strip()
        passphrase = "correct horse battery"
        self.set_passphrase(passphrase)
        secrets = (passphrase.encode(), seed, seed.upper(), bytes.fromhex(seed.decode()))
        self.assert_nowhere(*secrets)
        screen = self.chat_terminal().expect(ASKS)
        pids = {screen.process.pid}
        screen.type(passphrase)
        while b"Type :q" not in screen.shown:
            pids.update(self.box.stray_pids())
            for pid in pids:
                for name in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{pid}/{name}", "rb") as told:
                            self.assertNotIn(b"correct horse", told.read())
                    except OSError:
                        pass
            time.sleep(0.01)
        self.assertEqual(len(pids), 2)
        screen.type("hello").expect("hello")
        self.assert_nowhere(*secrets)
        screen.type(":q")
        self.assertEqual(screen.wait(), 0)
        self.assert_nowhere(*secrets)

    def test_whatever_is_utf8_can_be_a_passphrase(self):
        lines = [line for line in mesh.shared_data("blns.txt").read_bytes().split(b"\n") if line.strip()]
        chosen = random.Random(5).sample(lines, 12)
        print(chosen, flush=True)
        self.make_key()
        current = []
        for line in chosen + [b"\x01\x02\x7f", b"nul \0 inside", "\u202eright to left".encode()]:
            path = self.secret(line + b"\n")
            self.ctl(self.data_dir, "passphrase", *current, "--new-passphrase-file", path)
            current = ["--passphrase-file", path]
        self.assertEqual(self.chat(*current).returncode, 0)
        self.ctl(self.data_dir, "passphrase", *current, "--new-passphrase-file", self.secret(b"\xff\xfe\n"), status=64)


if __name__ == "__main__":
    mesh.main()
