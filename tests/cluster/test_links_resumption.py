"""Links that somebody wants to resume, or to begin with early data: each is a full handshake, or none."""

import os
import re
import select
import subprocess
import time
from pathlib import Path

import mesh
import tls_ends

ALPN = ("-alpn", tls_ends.PROTOCOL, "-tls1_3")
SECRET = "0f" * 32


class Client:
    """One s_client of openssl(1); what it prints is read while somebody waits."""

    def __init__(self, port, *options, first=b""):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *ALPN, *[str(option) for option in options]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seen = b""
        self.process.stdin.write(first)
        self.process.stdin.flush()

    def read_until(self, predicate, what, timeout=10):
        """Until the predicate holds for what was printed, or all was; true when it holds."""
        deadline = time.monotonic() + mesh.stretched(timeout)
        while not predicate(self.seen):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError(f"not in time: {what}; s_client said {self.seen!r}")
            some = os.read(self.process.stdout.fileno(), 65536)
            if not some:
                return predicate(self.seen)
            self.seen += some
        return True

    def end(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


class Resumption(mesh.MeshTest):
    def setUp(self):
        self.files = Path(self.box.path) / "ends"
        self.files.mkdir()
        self.own = tls_ends.Identity(self.files)
        self.shown = ("-cert", self.own.certificate_file, "-key", self.own.key_file)
        self.alice = self.node("Alice").start()
        status = self.alice.status()
        self.port, self.mesh_id = status["port"], bytes.fromhex(status["mesh"])

    def client(self, port, *options, **named):
        client = Client(port, *options, **named)
        self.addCleanup(client.end)
        return client

    def failed(self):
        return self.alice.status()["counters"]["handshakes_failed"]

    def is_welcomed(self, seen):
        return self.mesh_id in seen

    def session_of_another_server(self):
        """The file of a session with a ticket and leave to send early data, made with the same client elsewhere."""
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", *ALPN, "-max_early_data", "4096", "-cert",
             str(self.own.certificate_file), "-key", str(self.own.key_file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        file = self.files / "session"
        try:
            port = None
            while port is None:
                line = server.stdout.readline()
                self.assertTrue(line, "s_server says where it listens")
                port = re.match(rb"ACCEPT .*:(\d+)\s*$", line)
            client = self.client(int(port.group(1)), *self.shown, "-sess_out", file)
            end = b"-----END SSL SESSION PARAMETERS-----\n"
            mesh.wait_until(lambda: file.exists() and file.read_bytes().endswith(end), 10, "a ticket is in its file")
            client.end()
        finally:
            server.kill()
            server.wait()
            server.stdin.close()
            server.stdout.close()
        shown = tls_ends.openssl("sess_id", "-in", file, "-noout", "-text").decode()
        self.assertRegex(shown, r"Max Early Data: [1-9]")
        return file

    def assert_full_handshake(self, *options):
        """A hello sent behind the handshake is answered, and the handshake was a whole one, with both certificates."""
        client = self.client(self.port, *self.shown, *options, first=tls_ends.hello(self.own.key))
        self.assertTrue(client.read_until(self.is_welcomed, "a welcome"), client.seen)
        self.assertIn(b"New, TLSv1.3, Cipher is", client.seen)
        self.assertNotIn(b"Reused", client.seen)
        self.assertIn(b"Requested Signature Algorithms", client.seen, "a certificate was demanded")
        self.assertNotIn(b"Early data was accepted", client.seen)
        client.end()
        return client.seen

    def assert_refused_without_certificate(self, *options):
        failed = self.failed()
        client = self.client(self.port, *options, first=tls_ends.hello(self.own.key))
        mesh.wait_until(lambda: self.failed() == failed + 1, 10, "who shows no certificate is refused and counted")
        client.read_until(lambda seen: False, "the channel is closed")
        self.assertFalse(self.is_welcomed(client.seen))
        self.assertNotIn(b"Reused", client.seen)

    def test_a_key_agreed_on_beforehand_changes_nothing(self):
        # The cipher that goes with such a key: else it could not be used whatever the node says.
        options = ("-psk_identity", "Alice", "-psk", SECRET, "-ciphersuites", "TLS_AES_128_GCM_SHA256")
        self.assert_full_handshake(*options)
        self.assert_refused_without_certificate(*options)

    def test_a_session_made_elsewhere_is_not_resumed(self):
        file = self.session_of_another_server()
        self.assert_full_handshake("-sess_in", file)
        self.assert_refused_without_certificate("-sess_in", file)
        self.assert_full_handshake("-psk_session", file)

    def test_early_data_is_no_frame(self):
        file, early = self.session_of_another_server(), self.files / "early"
        early.write_bytes(tls_ends.hello(self.own.key))
        before, failed = self.alice.status()["counters"], self.failed()
        client = self.client(self.port, *self.shown, "-sess_in", file, "-early_data", early)
        # Nothing else is sent: a welcome would be the answer to early data.
        client.read_until(lambda seen: False, "the channel is closed")
        self.assertFalse(self.is_welcomed(client.seen))
        self.assertNotIn(b"Early data was accepted", client.seen)
        self.assertNotIn(b"Early data was not sent", client.seen)
        mesh.wait_until(lambda: self.failed() == failed + 1, 10, "it is counted as a failed handshake")
        counters = self.alice.status()["counters"]
        self.assertEqual(counters["link_faults"], before["link_faults"])
        self.assertEqual(self.alice.status()["neighbors"], 0)

    def test_a_node_gives_no_ticket(self):
        file = self.files / "own-session"
        # The key is another one than the certificate's, so the node ends the channel.
        client = self.client(self.port, *self.shown, "-sess_out", file, "-ign_eof", first=tls_ends.hello(bytes(range(32))))
        client.read_until(lambda seen: False, "the channel is closed")
        self.assertIn(b"New, TLSv1.3, Cipher is", client.seen)
        self.assertFalse(file.exists())


if __name__ == "__main__":
    mesh.main()
