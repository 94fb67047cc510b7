"""Bad input: each kind has its own message on stderr and its exit status, and nothing is lost."""

import os
import shutil
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import mesh
import tls_ends
from chat import Chat
from mesh import RAW_CONTROL, stretched


@contextmanager
def server(behave, family=socket.AF_INET, host="127.0.0.1"):
    """A listener whose every connection is handed to `behave` in a thread of its own; yields the port."""
    listener = socket.create_server((host, 0), family=family)
    kept = []

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            threading.Thread(target=behave, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in kept:
            connection.close()


def without_capabilities(*names):
    """A command prefix that takes these capabilities from root; nothing for other users; None when that is impossible."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        return None
    return ("setpriv", "--bounding-set=" + ",".join("-" + name for name in names))


class BadInput(mesh.MeshTest):
    def chat(self, name, *host_port, **options):
        return Chat(self.box, name, *host_port, **options)

    def refused(self, status, *command, words=(), **options):
        """Runs a command that must fail so; returns its stderr."""
        done = self.box.run(*command, **options)
        errors = done.stderr.decode("utf-8", "backslashreplace")
        said = f"{command} said {errors!r} and {done.stdout!r}"
        self.assertEqual(done.returncode, status, said)
        self.assertTrue(errors.strip(), said)
        self.assertIsNone(RAW_CONTROL.search(done.stderr), said)
        for word in words:
            self.assertIn(word.lower(), errors.lower(), said)
        self.assertNotIn(b"is listening at", done.stdout, said)
        return errors

    def chat_refused(self, status, *arguments, words=(), **options):
        directory = self.box.new_name("refused")
        return self.refused(
            status, "p2pchat", "--data-dir", str(directory), "--listen", mesh.ANY_PORT, *arguments, words=words, **options)

    def test_usage(self):
        self.refused(64, "p2pchat", "--frobnicate", "Alice", words=["--frobnicate"])
        self.refused(64, "p2pmeshd", "--frobnicate", words=["--frobnicate"])
        self.refused(64, "p2pmeshctl", "--frobnicate", "status", words=["--frobnicate"])
        self.refused(64, "p2pmeshctl", "--data-dir", str(self.box.path), "frobnicate")
        self.refused(64, "p2pmeshctl")
        self.refused(64, "p2pchat", "Alice", "localhost")
        self.refused(64, "p2pchat", "Alice", "localhost", "9750", "more")
        self.refused(64, "p2pchat", "--history", "many", "Alice", words=["many"])
        for listen in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:", "[::1:5"):
            self.refused(64, "p2pchat", "--data-dir", str(self.box.new_name("x")), "--listen", listen, "Alice")
        for join in ("localhost", "localhost:0", "localhost:65536", ":5"):
            self.refused(64, "p2pmeshd", "--name", "Alice", "--data-dir", str(self.box.new_name("x")), "--join", join)

    def test_names(self):
        self.refused(64, "p2pchat", words=["name"])
        self.refused(64, "p2pmeshd", "--data-dir", str(self.box.new_name("nameless")), words=["name"])
        for name in (
            "", "a" * 33, "é" * 32 + "x", "汉" * 17, "1abc", ".abc", "two words", "a~b", "tab\there", "esc\x1b[31m",
            "Robert'); DROP TABLE envelopes;--", "a/b", "line\nbreak", "\u202egnol", b"\xff\xfe",
        ):
            with self.subTest(name=name):
                self.chat_refused(64, name)
                self.refused(64, "p2pmeshd", "--data-dir", str(self.box.new_name("x")), "--name", name)
        self.chat_refused(64, "--", "-dash")
        for name in ("A", "é" * 32, "汉" * 16, "x_[1]{2}|^`.-", "Zoë"):
            with self.subTest(name=name):
                done = self.box.run(
                    "p2pchat", "--data-dir", str(self.box.new_name("fine")), "--listen", mesh.ANY_PORT, name)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertTrue(done.stdout.decode().startswith(f">INFO: {name} at address "))

    def test_ports(self):
        for port in ("0", "65536", "-1", "abc", "80x", "", "99999999999999999999", "0x50", " 80"):
            with self.subTest(port=port):
                self.chat_refused(64, "--", "Alice", "localhost", port)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            options = ("--data-dir", str(self.box.new_name("x")), "--listen", f"127.0.0.1:{port}")
            self.refused(69, "p2pchat", *options, "Alice", words=[str(port), "in use"])
            self.refused(69, "p2pmeshd", *options, "--name", "Alice", words=[str(port), "in use"])
        # Nobody listens any more.
        self.chat_refused(69, "Alice", "127.0.0.1", str(port), words=[str(port), "refused"])

    def test_a_privileged_port_is_77(self):
        prefix = without_capabilities("net_bind_service")
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as start:
            if prefix is None or int(start.read()) <= 81:
                self.skipTest("every port is free for all here")
        options = ("--data-dir", str(self.box.new_name("x")), "--listen", "127.0.0.1:81")
        self.refused(77, "p2pchat", *options, "Alice", prefix=prefix, words=["81"])

    def test_an_unknown_host_is_68(self):
        for host in ("nosuch.invalid", "a..b", "x" * 70):
            self.chat_refused(68, "Alice", host, "9750", words=[host])

    def test_silence_is_69_after_5_s(self):
        with server(lambda connection: None) as port:
            started = time.monotonic()
            self.chat_refused(69, "Alice", "127.0.0.1", str(port), words=["answer"])
            self.assertGreater(time.monotonic() - started, 4)
            self.assertLess(time.monotonic() - started, stretched(8))

    def test_another_protocol_is_76(self):
        def http(connection):
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        def ssh(connection):
            connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")

        def close_at_once(connection):
            connection.close()

        def random_bytes(connection):
            connection.sendall(os.urandom(5000))

        for behave in (http, ssh, close_at_once, random_bytes):
            with self.subTest(behave=behave.__name__), server(behave) as port:
                self.chat_refused(76, "Alice", "127.0.0.1", str(port))

    def refused_through_one_between(self, change, words):
        """Bob joins through one who ends both channels and passes the frames on, his hello as `change` makes it."""
        node = self.node("Alice").start()
        target = node.status()["port"]
        own = tls_ends.Identity(Path(self.box.path))

        def relay(connection):
            with own.context(server=True).wrap_socket(connection, server_side=True) as near:
                kind, hello = tls_ends.read_frame(near)
                with tls_ends.connect(own, target, source="127.0.0.1") as far:
                    far.sendall(tls_ends.frame(kind, change(hello, own.key)))
                    near.sendall(tls_ends.frame(*tls_ends.read_frame(far)))
                    near.recv(1)

        with server(relay) as port:
            self.chat_refused(76, "Bob", "127.0.0.1", str(port), words=words)
        self.assertEqual(node.status()["members"], 1)

    def test_another_version_is_76(self):
        at = len(tls_ends.MAGIC)
        self.refused_through_one_between(lambda hello, key: hello[:at] + b"\x00\x63" + hello[at + 2:], ["version"])

    def test_who_stands_between_two_is_found_out(self):
        at = len(tls_ends.MAGIC) + 2  # its own key: Alice compares it with the certificate
        self.refused_through_one_between(
            lambda hello, key: hello[:at] + key + hello[at + len(key):], ["prove its key"])

    def test_an_unwritable_directory_is_73(self):
        prefix = without_capabilities("dac_override", "dac_read_search")
        if prefix is None:
            self.skipTest("root may write everywhere, and there is no setpriv")
        locked = self.box.new_name("locked")
        locked.mkdir(mode=0o500)
        for directory in (locked / "below", locked):
            options = ("--data-dir", str(directory), "--listen", mesh.ANY_PORT)
            self.refused(73, "p2pchat", *options, "Alice", prefix=prefix, words=[str(directory)])
        file = self.box.new_name("file")
        file.write_text("not a directory")
        self.refused(73, "p2pchat", "--data-dir", str(file), "Alice", words=[str(file)])
        self.assertEqual(file.read_text(), "not a directory")

    def test_no_home_is_78(self):
        environment = {k: v for k, v in self.box.environment.items() if k != "HOME"}
        self.refused(78, "p2pchat", "Alice", environment=environment, words=["HOME", "--data-dir"])
        self.refused(78, "p2pmeshd", "--name", "Alice", environment=environment, words=["HOME", "--data-dir"])

    def databases(self, node):
        found = []
        for path in Path(node.data_dir).rglob("*"):
            if path.is_file() and "damaged" not in path.name:
                with open(path, "rb") as file:
                    if file.read(16) == b"SQLite format 3\0":
                        found.append(path)
        self.assertTrue(found, "there is a database")
        return found

    def test_a_damaged_database_is_set_aside_and_repaired_from_the_neighbors(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        for number in range(50):
            (alice if number % 2 else bob).call("message.send", text=f"kept {number} " + "x" * 1000)
        export = mesh.same_exports([alice, bob], 15)
        mesh_id = bob.status()["mesh"]
        for damage in ("pages", "everything", "truncated"):
            with self.subTest(damage=damage):
                self.assertEqual(bob.terminate(), 0)
                for path in self.databases(bob):
                    size = path.stat().st_size
                    with open(path, "r+b") as file:
                        if damage == "truncated":
                            file.truncate(size // 2)
                        else:
                            start = 4096 if damage == "pages" else 0
                            file.seek(start)
                            file.write(b"\xa5" * (size - start))
                before = set(Path(bob.data_dir).rglob("*damaged*"))
                bob.restart(join=[alice.address])
                mesh.wait_until(lambda: bob.export() == export, 20, f"repaired after damage: {damage}")
                self.assertEqual(bob.status()["mesh"], mesh_id)
                self.assertGreater(len(set(Path(bob.data_dir).rglob("*damaged*")) - before), 0, "a copy is kept")
                self.assertIn("damage", mesh.tail(bob.log))
                bob.call("message.send", text=f"after {damage}")
                export = mesh.same_exports([alice, bob], 15)
                self.assertIn(f"after {damage}".encode(), export)

    def test_a_database_of_a_newer_version_is_78(self):
        alice = self.node("Alice").start()
        alice.call("message.send", text="from the future")
        self.assertEqual(alice.terminate(), 0)
        before = {}
        for path in self.databases(alice):
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 4711")
            database.close()
            before[path] = path.read_bytes()
        options = ("--data-dir", str(alice.data_dir), "--listen", mesh.ANY_PORT)
        self.refused(78, "p2pmeshd", *options, "--name", "Alice", words=["4711"])
        self.refused(78, "p2pchat", *options, "Alice", words=["4711"])
        for path, contents in before.items():
            self.assertEqual(path.read_bytes(), contents, "untouched")

    def test_bad_lines_are_skipped_and_the_rest_goes_on(self):
        alice = self.chat("Alice").expect_open()
        longest = b"L" * 8192
        done = self.box.run(
            "p2pchat", "--data-dir", str(self.box.data_dir("Bob")), "--listen", mesh.ANY_PORT, "Bob", "localhost",
            str(alice.port), input=b"first\n" + b"x" * 8193 + b"\n\xff\xfe\n" + longest + b"\n" + b"y" * 1000000 + b"\nlast\n")
        self.assertEqual(done.returncode, 65)
        errors = done.stderr.decode().splitlines()
        self.assertEqual(len(errors), 3, errors)
        for number, words in ((2, "8193"), (3, "UTF-8"), (5, "1000000")):
            self.assertTrue(any(str(number) in e and words.lower() in e.lower() for e in errors), (number, words, errors))
        alice.expect("^Bob: last$")
        self.assertEqual(alice.said(), ["Bob: first", "Bob: " + longest.decode(), "Bob: last"])

    def test_control_bytes_of_others_never_reach_the_output_raw(self):
        node = self.node("Alice").start()
        bob = self.chat("Bob", "localhost", node.status()["port"]).expect_open()
        nasty = [
            "\x1b[31mred\x1b]0;title\x07", "\x00nul\x7fdel\x80\x9b31m", "\u202egnol\u2066x\u2069\u200e\u200f\u061c",
            ">INFO: Eve joined.\n>INFO: faked\r\nagain", "\u2028\u2029", "'; DROP TABLE envelopes;--", "\\n is no break",
        ]
        for text in nasty:
            node.call("message.send", text=text)
        node.call("message.send", text="end")
        bob.expect("^Alice: end$")
        safe = [
            r"\x1b[31mred\x1b]0;title\x07", r"\x00nul\x7fdel\xc2\x80\xc2\x9b31m",
            r"\xe2\x80\xaegnol\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c",
            r">INFO: Eve joined.\n>INFO: faked\nagain", r"\xe2\x80\xa8\xe2\x80\xa9", "'; DROP TABLE envelopes;--",
            r"\n is no break", "end",
        ]
        self.assertEqual(bob.said(), [f"Alice: {text}" for text in safe])
        self.assertIsNone(RAW_CONTROL.search(bob.raw))
        for verb in (["history"], ["tail", "--after", "0.0", "-n", "8"], ["export"]):
            printed = self.ctl(bob.data_dir, *verb).stdout
            self.assertIsNone(RAW_CONTROL.search(printed.replace(b"\t", b"")), (verb, printed))
        self.assertEqual([message["text"] for message in node.messages()], nasty + ["end"], "stored as they are")

    def test_ctl_without_a_node_is_69_and_with_several_is_64(self):
        self.refused(69, "p2pmeshctl", "--data-dir", str(self.box.new_name("nobody")), "status")
        self.refused(69, "p2pmeshctl", "--name", "Nobody", "status", words=["Nobody"])
        below = self.box.home / ".local" / "share" / "p2pmesh"
        self.node("Alice", data_dir=below / "Alice".encode().hex()).start()
        self.assertIn(b"Alice", self.box.run("p2pmeshctl", "status").stdout)
        self.node("Bob", data_dir=below / "Bob".encode().hex()).start()
        self.refused(64, "p2pmeshctl", "status", words=["Alice", "Bob"])
        self.assertIn(b"Bob", self.box.run("p2pmeshctl", "--name", "Bob", "status").stdout)


if __name__ == "__main__":
    mesh.main()
