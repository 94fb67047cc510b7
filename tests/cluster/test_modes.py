"""What lies in a data directory is for its owner alone, after everything was in use and with any umask."""

import os
import stat

import mesh
from chat import Chat
from people import PeopleTest


class Modes(PeopleTest):
    def setUp(self):
        self.umask = os.umask(0)  # of the programs too, which inherit it
        self.addCleanup(os.umask, self.umask)

    def modes(self, directory):
        found = {directory: directory.lstat()}
        for path in directory.rglob("*"):
            try:
                found[path] = path.lstat()
            except FileNotFoundError:  # a journal that was there a moment ago
                pass
        return found

    def assert_private(self, directory, at_least):
        found = self.modes(directory)
        for path, status in found.items():
            wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
            self.assertEqual(oct(stat.S_IMODE(status.st_mode)), oct(wanted), path)
            self.assertEqual(status.st_uid, os.getuid(), path)
        names = {path.name.split(".", 1)[-1] if path.parent.name == "meshes" else path.name for path in found}
        self.assertEqual(at_least - names, set())

    def test_every_file_is_0600_and_every_directory_0700(self):
        secret = self.box.path / "secret"
        secret.touch(0o600)
        secret.write_text("correct horse\n")
        options = ["--passphrase-file", str(secret)]
        alice = self.node("Alice", options=options).start()
        bob = self.node("Bob", join=[alice.address]).start()
        for node in (alice, bob):
            mesh.wait_until(lambda: node.status()["online"] == 2, 15, f"{node.name} sees everybody")
        screen = Chat(self.box, "Carol", *alice.address.split(":")).expect_open()
        self.befriend(alice, bob)
        alice.call("message.send", text="hello", to="Bob")
        alice.call("message.send", text="hello all")
        alice.call("person.set", member="Carol", ignored=True)
        self.ctl(alice.data_dir, "join", "#board", "--key-file", str(self.box.path / "board.key"))
        self.ctl(alice.data_dir, "invite", "Bob", "--room", "#board")
        self.ctl(alice.data_dir, "add", "Dave", "127.0.0.1", "9")
        self.ctl(alice.data_dir, "search", "hello")
        second = self.box.path / "second"
        second.touch(0o600)
        second.write_text("battery staple\n")
        self.ctl(alice.data_dir, "passphrase", *options, "--new-passphrase-file", str(second))
        mesh.wait_until(lambda: self.exchanged(bob, "Alice"), 15, "the direct message has come")

        everywhere = {"identity.key", "identity.lock", "name", "lock", "control.sock", "last_mesh", "active_meshes",
                      "last_port", "meshes", "prekeys"}
        self.assert_private(alice.data_dir, everywhere | {"roomkeys"})
        self.assert_private(bob.data_dir, everywhere)
        self.assert_private(screen.data_dir, everywhere | {"p2pmeshd.log"})
        self.assertEqual(oct(stat.S_IMODE((self.box.path / "board.key").stat().st_mode)), oct(0o600))
        self.assertEqual(screen.leave(), 0)
        bob.kill()
        self.assertEqual(alice.terminate(), 0)
        for node in (alice, bob):
            self.assert_private(node.data_dir, {"identity.key", "meshes"})
        bob.restart()
        self.assert_private(bob.data_dir, everywhere)

    def test_so_is_what_a_closed_mesh_adds(self):
        alice = self.node("Alice", options=["--private"]).start()
        link = self.ctl(alice.data_dir, "invite").stdout.decode().split()[-1]
        bob = self.node("Bob", options=["--invite", link]).start()
        for node in (alice, bob):
            mesh.wait_until(lambda: node.status()["online"] == 2, 15, f"{node.name} sees everybody")
        for node in (alice, bob):
            self.assertTrue(node.status()["closed"])
            self.assert_private(node.data_dir, {"identity.key", "meshes", "closed", "db"})
        bob.kill()
        self.assertEqual(alice.terminate(), 0)
        for node in (alice, bob):
            self.assert_private(node.data_dir, {"closed", "db"})

    def test_the_directories_that_are_made_on_the_way_are_private_too(self):
        done = self.box.run("p2pchat", "--listen", mesh.ANY_PORT, "Alice")
        self.assertEqual(done.returncode, 0, done.stderr)
        top = self.box.home / ".local"
        self.assert_private(top, {"share", "p2pmesh", "identity.key"})

    def refused(self, directory, *words):
        """What both programs say of a data directory that is not to be used; nothing is made in it."""
        command = ("--data-dir", str(directory), "--listen", mesh.ANY_PORT)
        for done in (self.box.run("p2pmeshd", "--name", "Alice", *command), self.box.run("p2pchat", *command, "Alice")):
            self.assertEqual((done.returncode, done.stdout), (77, b""), done.stderr)
            for word in (str(directory), *words):
                self.assertIn(word, done.stderr.decode())
        self.assertEqual(list(directory.iterdir()), [])

    def test_a_directory_that_others_may_write_to_is_refused(self):
        directory = self.box.path / "open"
        directory.mkdir()
        for mode, advice in ((0o770, f"chmod 700 {directory}"), (0o722, "chmod 700"), (0o777, "chmod 700"),
                             (0o1777, "all users share? Choose another with --data-dir")):
            directory.chmod(mode)
            with self.subTest(mode=oct(mode)):
                self.refused(directory, f"{mode:04o}", f"user {os.getuid()}", advice)
        directory.chmod(0o755)  # others see file names, and open nothing
        node = self.node("Alice", data_dir=directory).start()
        self.assertEqual(node.terminate(), 0)
        self.assertEqual(stat.S_IMODE(directory.stat().st_mode), 0o755)
        directory.chmod(0o775)
        done = self.box.run("p2pmeshd", "--name", "Alice", "--data-dir", str(directory), "--listen", mesh.ANY_PORT)
        self.assertEqual(done.returncode, 77, "one that was used before, likewise")

    def test_a_directory_of_another_user_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        directory = self.box.path / "foreign"
        directory.mkdir(mode=0o700)
        os.chown(directory, 65534, 65534)
        self.refused(directory, "user 65534", f"chown {os.getuid()} {directory}")


if __name__ == "__main__":
    mesh.main()
