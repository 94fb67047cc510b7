"""Who knocks and does not get on: silent, in the middle of the TLS handshake, or in a channel without a hello."""

import select
import socket
import ssl
import time
from pathlib import Path

import mesh
import tls_ends

DEADLINE_S = 5  # base/limits.h: kHandshakeTimeout


class Deadlines(mesh.MeshTest):
    def setUp(self):
        self.files = Path(self.box.path) / "ends"
        self.files.mkdir()
        self.own = tls_ends.Identity(self.files)

    def plain(self, port, source):
        return socket.create_connection(("127.0.0.1", port), source_address=(source, 0))

    def client_hello(self):
        out = ssl.MemoryBIO()
        channel = self.own.context().wrap_bio(ssl.MemoryBIO(), out)
        with self.assertRaises(ssl.SSLWantReadError):
            channel.do_handshake()
        return out.read()

    def stop_at(self, port):
        """Ends that stop at each point of the handshake, and when each has begun."""
        def silent(source):
            return self.plain(port, source)

        def says(first):
            def begin(source):
                end = self.plain(port, source)
                end.sendall(first)
                return end
            return begin

        def secured(first=b""):
            def begin(source):
                end = tls_ends.connect(self.own, port, source=source)
                end.sendall(first)
                return end
            return begin

        hello = self.client_hello()
        points = {
            "nothing": silent, "a part of a ClientHello": says(hello[:-1]), "a ClientHello": says(hello),
            "a channel": secured(), "a part of a hello": secured(tls_ends.hello(self.own.key)[:-1]),
            "a hello and no welcome": secured(tls_ends.hello(self.own.key)),
        }
        ends = {}
        for number, (point, begin) in enumerate(points.items()):
            began = time.monotonic()
            ends[begin(f"127.0.1.{1 + number}")] = (point, began)
        return ends

    def wait_for_ends(self, ends):
        """After how many seconds the far end has closed each."""
        lasted = {}
        until = time.monotonic() + mesh.stretched(DEADLINE_S + 5)
        while ends and time.monotonic() < until:
            readable, _, _ = select.select(list(ends), [], [], 0.1)
            for end in readable:
                try:
                    if end.recv(65536):
                        continue
                except ssl.SSLWantReadError:
                    continue
                except OSError:
                    pass
                point, began = ends.pop(end)
                lasted[point] = time.monotonic() - began
                end.close()
        for end in ends:
            end.close()
        return lasted

    def test_each_is_closed_at_the_deadline_and_counted(self):
        alice = self.node("Alice").start()
        port = alice.status()["port"]
        tls_ends.connect(self.own, port).close()
        mesh.wait_until(lambda: self.half_open(alice) == 0, 10, "the first one is gone")
        before = alice.status()["counters"]
        ends = self.stop_at(port)
        count = len(ends)
        lasted = self.wait_for_ends(ends)
        print("; ".join(f"who stops after {point}: closed after {seconds:.2f} s" for point, seconds in lasted.items()))
        self.assertEqual(len(lasted), count, f"still open: {[point for point, _ in ends.values()]}")
        for point, seconds in lasted.items():
            self.assertGreater(seconds, DEADLINE_S - 0.2, point)
            self.assertLess(seconds, mesh.stretched(DEADLINE_S + 1), point)
        now = alice.status()["counters"]
        self.assertEqual(now["handshakes_failed"] - before["handshakes_failed"], count)
        self.assertEqual((now["links_refused_full"], now["link_faults"]), (0, 0))
        self.assertEqual(self.half_open(alice), 0)

    def half_open(self, node):
        rows = {row["name"]: row.get("used") for row in node.call("limits")}
        return rows["half_open_links_max"] + rows["waiting_links_max"]


if __name__ == "__main__":
    mesh.main()
