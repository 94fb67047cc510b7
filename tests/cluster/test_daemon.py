"""p2pmeshd by itself: options, config file, signals, long paths, resuming, file modes."""

import os
import random
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import mesh
from mesh import stretched


def lasting_port():
    """A free one that no connection from this machine is given while nobody listens at it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as given:
        first = int(given.read().split()[0])
    for _ in range(1000):
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", random.randrange(first - 12_000, first)))
            except OSError:
                continue
            return taken.getsockname()[1]
    raise AssertionError("a thousand ports are taken")


class Daemon(mesh.MeshTest):
    def spawn_with(self, name, directory, *options):
        """A node that gets these options alone; its name and directory come from the config file."""
        node = self.node(name, data_dir=directory)
        node.command = lambda: [mesh.program("p2pmeshd"), *options]
        return node

    def config(self, text):
        path = self.box.new_name("config.toml")
        path.write_text(text)
        return path

    def test_version_and_help(self):
        for program in ("p2pmeshd", "p2pchat", "p2pmeshctl"):
            for option in ("--version", "--help"):
                done = self.box.run(program, option)
                self.assertEqual((done.returncode, done.stderr), (0, b""), (program, option))
                self.assertIn(program.encode() if option == "--help" else b"0.", done.stdout)

    def test_config_file(self):
        alice = self.node("Alice").start()
        directory = self.box.data_dir("Configured")
        path = self.config(
            f'name = "Bob"\nlisten = "127.0.0.1:0"\njoin = ["{alice.address}"]\ndata_dir = "{directory}"\n'
            'log_level = "debug"\n')
        bob = self.spawn_with("Bob", directory, "--config", str(path)).start()
        self.assertEqual(bob.status()["name"], "Bob")
        self.assertEqual(bob.status()["mesh"], alice.status()["mesh"])
        self.assertEqual(bob.terminate(), 0)
        # The command line wins.
        other = self.spawn_with("Rob", self.box.data_dir("Rob"), "--config", str(path), "--name", "Rob", "--data-dir",
                                str(self.box.data_dir("Rob"))).start()
        self.assertEqual(other.status()["name"], "Rob")

    def test_the_protocol_of_the_config_file_is_the_nodes(self):
        path = self.config("[protocol]\nactive_view_max = 3\nfull_mesh_below = 3\nown_dials_min = 1\n")
        nodes = []
        for number in range(7):
            join = [nodes[-1].address] if nodes else []
            nodes.append(self.node(f"N{number}", join=join, options=["--config", str(path)]).start())
            if number == 1:
                self.assertEqual(nodes[0].status()["view"], "full")
        for node in nodes:
            mesh.wait_until(lambda: (node.status()["view"], node.status()["online"]) == ("partial", 7), 20, "partial views")
            mesh.wait_until(lambda: 1 <= node.status()["neighbors"] <= 3, 20, "no more than three neighbors")
        nodes[0].call("message.send", text="through others")
        for node in nodes:
            mesh.wait_until(lambda: [m["text"] for m in node.messages()] == ["through others"], 15, "it has come")

    def test_a_bad_config_is_78_and_says_where(self):
        for text, word in (
            ('name = "unclosed\n', "config.toml"), ("colour = 7\n", "colour"), ("name = 7\n", "name"),
            ("[protocol]\nshuffle_walk = 99\n", "protocol.shuffle_walk = 99: it is a whole number from 1 to 16"),
            ('name = "Alice"\nlog_level = "loud"\n', "loud"), ('name = "Alice"\nlisten = "nowhere"\n', "nowhere"),
            ('name = "Alice"\njoin = "not a list"\n', "join"), ('name = "two words"\n', "two words"),
        ):
            with self.subTest(text=text):
                path = self.config(text)
                done = self.box.run("p2pmeshd", "--config", str(path), "--data-dir", str(self.box.new_name("x")))
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(word.encode(), done.stderr)
                self.assertIn(b"config.toml", done.stderr)
        done = self.box.run("p2pmeshd", "--name", "Alice", "--config", str(self.box.path / "missing.toml"))
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"missing.toml", done.stderr)

    def test_sighup_reads_the_config_again_and_survives_a_bad_one(self):
        directory = self.box.data_dir("Alice")
        start = f'name = "Alice"\nlisten = "127.0.0.1:0"\ndata_dir = "{directory}"\n'
        path = self.config(start + 'log_level = "error"\n')
        node = self.spawn_with("Alice", directory, "--config", str(path)).start()

        def grown_since(size):
            return lambda: node.log.stat().st_size > size and mesh.tail(node.log)

        path.write_text(start + 'log_level = "debug"\n')
        node.process.send_signal(signal.SIGHUP)
        mesh.wait_until(grown_since(0), 5, "the new level shows in the log")
        size = node.log.stat().st_size
        path.write_text("this is no TOML\n")
        node.process.send_signal(signal.SIGHUP)
        said = mesh.wait_until(grown_since(size), 5, "the log says that the file is wrong")
        self.assertIn("config.toml", said)
        self.assertEqual(node.status()["name"], "Alice")

    def test_sigint_and_sigterm_leave_quietly_within_2_s(self):
        alice = self.node("Alice").start()
        watcher = alice.connect()
        watcher.call("events.subscribe")
        for name, number in (("Bob", signal.SIGTERM), ("Carol", signal.SIGINT)):
            leaver = self.node(name, join=[alice.address]).start()
            leaver.call("message.send", text="here")
            del watcher.events[:]
            started = time.monotonic()
            self.assertEqual(leaver.terminate(number), 0)
            self.assertLess(time.monotonic() - started, stretched(2))
            watcher.wait_event("left", name=name, timeout=stretched(2))
            self.assertNotIn("<3>", mesh.tail(leaver.log), "no error in the log")

    def test_a_long_path_works(self):
        directory = self.box.path / ("long-" + "x" * 90) / ("and-" + "y" * 90) / "Alice"
        alice = self.node("Alice", data_dir=directory).start()
        alice.call("message.send", text="from far below")
        self.assertGreater(len(str(directory)), 200)
        self.assertIn(b"from far below", self.ctl(directory, "export").stdout)

    def test_files_are_for_their_owner_alone(self):
        os.umask(0o022)
        alice = self.node("Alice").start()
        alice.call("message.send", text="private")
        self.assertEqual(stat.S_IMODE(alice.data_dir.stat().st_mode), 0o700)
        for path in Path(alice.data_dir).rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            self.assertEqual(mode & 0o077, 0, f"{path.name} has mode {mode:o}")

    def test_resuming_and_new(self):
        alice = self.node("Alice").start()
        alice.call("message.send", text="in the first mesh")
        first = alice.status()
        self.assertEqual(alice.terminate(), 0)
        alice.restart()
        again = alice.status()
        self.assertEqual([again[field] for field in ("key", "mesh", "members")], [first["key"], first["mesh"], 1])
        self.assertEqual([m["text"] for m in alice.messages()], ["in the first mesh"])
        self.assertEqual(alice.terminate(), 0)
        alice.options = ["--new"]
        alice.restart()
        self.assertEqual(alice.status()["key"], first["key"])
        self.assertNotEqual(alice.status()["mesh"], first["mesh"])
        self.assertEqual(alice.messages(), [])

    def test_a_failed_join_opens_and_resumes_nothing(self):
        alice = self.node("Alice").start()
        address = alice.address
        bob = self.node("Bob", join=[address]).start()
        self.assertEqual(alice.terminate(), 0)
        self.assertEqual(bob.terminate(), 0)
        started = time.monotonic()
        done = self.box.run("p2pmeshd", *bob.command()[1:])
        self.assertEqual(done.returncode, 69)
        self.assertIn(address.split(":")[1].encode(), done.stderr)
        self.assertLess(time.monotonic() - started, stretched(8))

    def test_members_find_each_other_again_through_remembered_addresses(self):
        alice = self.node("Alice", listen=f"127.0.0.1:{lasting_port()}").start()
        bob = self.node("Bob", join=[alice.address], listen=f"127.0.0.1:{lasting_port()}").start()
        mesh.wait_until(lambda: alice.status()["members"] == 2, 10, "two members")
        ports = {node: node.status()["port"] for node in (alice, bob)}
        for node in (alice, bob):
            self.assertEqual(node.terminate(), 0)
        # No address given on either side: the last run's port is tried first, and the other is remembered.
        for node in (alice, bob):
            node.listen = None
            node.restart()
            self.assertEqual(node.status()["port"], ports[node])
        for node in (alice, bob):
            mesh.wait_until(lambda: node.status()["neighbors"] == 1, 15, f"{node.name} has its neighbor again")
        alice.call("message.send", text="found again")
        mesh.wait_until(lambda: [m["text"] for m in bob.messages()] == ["found again"], 10, "it arrives")
        # One of them moves to another port: the other learns it from the newcomer.
        self.assertEqual(bob.terminate(), 0)
        bob.listen = mesh.ANY_PORT
        bob.restart()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 15, "linked after the move")
        self.assertEqual(alice.terminate(), 0)
        alice.restart()
        mesh.wait_until(lambda: bob.status()["neighbors"] == 1, 15, "Alice dials the new address")

    def test_ready_fd(self):
        for listen, expected in ((mesh.ANY_PORT, b"^ready\n$"), ("nonsense", b"^error 64 .+\n$")):
            reader, writer = os.pipe()
            os.set_inheritable(writer, True)
            node = self.node("Alice", listen=listen, options=["--ready-fd", str(writer)])
            node.data_dir.parent.mkdir(parents=True, exist_ok=True)
            with open(node.log, "ab") as log:
                node.process = subprocess.Popen(node.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=self.box.environment, pass_fds=[writer])
            os.close(writer)
            with os.fdopen(reader, "rb") as ready:
                self.assertRegex(ready.read(), expected)  # to its end: the node closes it
            if listen == mesh.ANY_PORT:
                self.assertIsNotNone(node.answering(), "it answers as soon as it says so")
                self.assertEqual(node.terminate(), 0)
            else:
                self.assertEqual(node.process.wait(stretched(5)), 64)

    def test_log_file(self):
        log = self.box.path / "node.log"
        node = self.node("Alice", options=["--log-file", str(log), "--log-level", "debug"]).start()
        mesh.wait_until(lambda: log.exists() and log.stat().st_size > 0, 5, "the log file is written")
        self.assertEqual(stat.S_IMODE(log.stat().st_mode) & 0o077, 0)
        self.assertEqual(node.log.read_bytes(), b"", "and nothing goes to stderr then")


if __name__ == "__main__":
    mesh.main()
