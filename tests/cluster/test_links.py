"""Links against those who knock: what is no node is refused before it learns anything, and costs next to nothing.

P2PMESH_ATTACK_S  how long the slow ones go on (default 6; `make attacks` takes 60)
"""

import os
import re
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

import attacks
import mesh
import tls_ends
from chat import Chat

ATTACK_S = float(os.environ.get("P2PMESH_ATTACK_S") or 6)


def memory_of(pid):
    """Anonymous memory in bytes."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read()).group(1)) * 1024


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_time_of(pid):
    """Seconds that the process has run so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Links(mesh.MeshTest):
    def setUp(self):
        self.files = Path(self.box.path) / "ends"
        self.files.mkdir()

    def start(self):
        node = self.node("Alice").start()
        node.call("message.send", text="a secret of the mesh")
        return node

    def s_client(self, port, *options, input=b"", timeout=8):
        """What a TLS client of openssl(1) sees; nothing of it may be of the mesh."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-bind", "127.0.1.1:0", *options],
            input=input, capture_output=True, timeout=mesh.stretched(timeout))
        return done.stdout + done.stderr

    def test_clients_that_are_no_nodes_are_refused_and_told_nothing(self):
        alice = self.start()
        status = alice.status()
        mesh_id = bytes.fromhex(status["mesh"])
        ends = {
            "RSA": tls_ends.Identity(self.files, "rsa", "rsa:2048"),
            "P-256": tls_ends.Identity(self.files, "p256", "ec", ("-pkeyopt", "ec_paramgen_curve:P-256")),
            "Ed25519": tls_ends.Identity(self.files, "ed25519"),
            "5 KiB": tls_ends.Identity(self.files, "five", options=("-addext", "nsComment=" + "x" * 5000)),
            "20 KiB": tls_ends.Identity(self.files, "twenty", options=("-addext", "nsComment=" + "x" * 20000)),
        }
        alpn = ("-alpn", tls_ends.PROTOCOL)

        def shows(name):
            return ("-cert", ends[name].certificate_file, "-key", ends[name].key_file)

        clients = {
            "no certificate": alpn,
            "RSA": (*alpn, *shows("RSA")),
            "P-256": (*alpn, *shows("P-256")),
            "two certificates": (*alpn, *shows("Ed25519"), "-cert_chain", ends["P-256"].certificate_file),
            "5 KiB": (*alpn, *shows("5 KiB")),
            "20 KiB": (*alpn, *shows("20 KiB")),
            "TLS 1.2": (*alpn, *shows("Ed25519"), "-tls1_2"),
            "another application": ("-alpn", "h2", *shows("Ed25519")),
            "no application": shows("Ed25519"),
        }
        failed = status["counters"]["handshakes_failed"]
        for name, options in clients.items():
            with self.subTest(client=name):
                # Who got in would be answered: the hello says the certificate's own key.
                own = next((end.key for end in ends.values() if end.certificate_file in options and end.key), bytes(32))
                seen = self.s_client(alice.status()["port"], *options, input=tls_ends.hello(own))
                for secret in (b"Alice", b"a secret", mesh_id):
                    self.assertNotIn(secret, seen)
                failed += 1
                mesh.wait_until(lambda: alice.status()["counters"]["handshakes_failed"] == failed, 10,
                                f"{name} is counted as a failed handshake")
        self.assertEqual(alice.status()["neighbors"], 0)
        # The right one gets an answer: the matrix would not notice a node that refuses everybody.
        channel = tls_ends.connect(ends["Ed25519"], alice.status()["port"])
        channel.sendall(tls_ends.hello(ends["Ed25519"].key))
        kind, welcome = tls_ends.read_frame(channel)
        self.assertEqual(kind, tls_ends.WELCOME)
        self.assertIn(mesh_id, welcome)
        channel.close()
        # Another key than the certificate's.
        channel = tls_ends.connect(ends["Ed25519"], alice.status()["port"])
        channel.sendall(tls_ends.hello(bytes(range(32))))
        with self.assertRaises((ssl.SSLError, OSError)):
            if tls_ends.read_frame(channel) is None:
                raise OSError("closed")
        channel.close()

    def test_what_is_no_tls_is_closed_at_once(self):
        alice = self.start()
        for first in (b"GET / HTTP/1.1\r\n\r\n", tls_ends.hello(bytes(32)), b"\x16\x02\x01\x00\x50\x01", b"\0" * 100):
            with self.subTest(first=first[:8]), socket.create_connection(("127.0.0.1", alice.status()["port"])) as plain:
                plain.settimeout(mesh.stretched(3))
                plain.sendall(first)
                try:
                    self.assertEqual(plain.recv(100), b"")
                except ConnectionResetError:
                    pass

    def test_a_flood_of_key_updates_ends_the_link_and_takes_no_memory(self):
        alice = self.start()
        own = tls_ends.Identity(self.files)
        self.s_client(alice.status()["port"], "-alpn", tls_ends.PROTOCOL, "-cert", own.certificate_file, "-key",
                      own.key_file, input=b"Q\n")
        memory = memory_of(alice.process.pid)
        failed = alice.status()["counters"]["handshakes_failed"]
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{alice.status()['port']}", "-alpn", tls_ends.PROTOCOL, "-cert",
             own.certificate_file, "-key", own.key_file],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sent = 0
        try:
            for sent in range(1000):  # 1,000 a second
                client.stdin.write(b"K\n")
                client.stdin.flush()
                time.sleep(0.001)
                if client.poll() is not None:
                    break
        except BrokenPipeError:
            pass
        mesh.wait_until(lambda: alice.status()["counters"]["handshakes_failed"] > failed, 10, "the link is closed")
        client.kill()
        client.wait()
        try:
            client.stdin.close()
        except BrokenPipeError:
            pass  # what was not flushed when it ended
        self.assertGreater(sent, 5)
        self.assertLess(memory_of(alice.process.pid) - memory, 1 << 20)

    def hold_open(self, own, port, count, first):
        """So many channels that have said all of a frame's length but its last byte."""
        held = []
        for number in range(first, first + count):
            channel = tls_ends.connect(own, port, source=f"127.0.1.{1 + number % 250}")
            channel.sendall(b"\xff\xff\xff")
            held.append(channel)
        return held

    def is_closed(self, channel):
        """Whether the far end closes it now."""
        try:
            while channel.recv(4096):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def half_open(self, node):
        """The half-open links of a node at this moment."""
        return next(row["used"] for row in node.call("limits") if row["name"] == "half_open_links_max")

    def test_a_thousand_lengths_that_lie_take_no_memory(self):
        alice = self.start()
        own, port = tls_ends.Identity(self.files), alice.status()["port"]
        tls_ends.connect(own, port).close()
        peak = attacks.PeakMemory(alice.process.pid)
        faults = alice.status()["counters"]["link_faults"]
        at_once = 8 if mesh.TIME_FACTOR > 1 else 60  # of the 64 that may be half-open
        count, held = 0, []
        while count < (64 if mesh.TIME_FACTOR > 1 else 1000 if attacks.FULL else 300):
            channels = self.hold_open(own, port, at_once, count)
            held.append(self.half_open(alice))
            count += at_once
            for channel in channels:
                channel.sendall(b"\xff\x01" + bytes(4000))
            for channel in channels:
                self.assertTrue(self.is_closed(channel), "a length that no frame has ends the connection")
                channel.close()
        print(f"{count} connections with the length 0xFFFFFFFF, {min(held)} to {max(held)} of them at once: "
              f"{peak.grown() / 1024:.0f} KiB more at any moment")
        self.assertGreaterEqual(min(held), 0.9 * at_once)
        self.assertEqual(alice.status()["counters"]["link_faults"] - faults, count)
        peak.check_below(self, 4 << 20)

    def test_lengths_and_counts_that_lie_take_no_memory(self):
        alice = self.start()
        own = tls_ends.Identity(self.files)
        port = alice.status()["port"]
        tls_ends.connect(own, port).close()
        memory, peak = memory_of(alice.process.pid), attacks.PeakMemory(alice.process.pid)
        key = own.key
        lies = [
            b"\xff\xff\xff\xff\x01", b"\x00\x01\x00\x01\x01", b"\0\0\0\0",
            tls_ends.frame(tls_ends.HELLO, tls_ends.MAGIC), tls_ends.frame(tls_ends.HELLO, b"x" * 4000),
            tls_ends.frame(tls_ends.WELCOME, b"\xff" * 4000), tls_ends.frame(tls_ends.REFUSE, b"\xff" * 3),
            # A welcome whose counts are as large as their fields.
            tls_ends.hello(key) + tls_ends.frame(
                tls_ends.WELCOME, struct.pack(">H", tls_ends.VERSION) + key + bytes(64) + b"\xff" * 200),
        ]
        for number in range(mesh.TIME_FACTOR > 1 and 64 or 1000):
            channel = tls_ends.connect(own, port, source=f"127.0.1.{1 + number % 50}")
            channel.sendall(lies[number % len(lies)])
            self.assertTrue(self.is_closed(channel), lies[number % len(lies)][:16])
            channel.close()
        print(f"{number + 1} connections with lengths and counts that lie: {peak.grown() / 1024:.0f} KiB more at any moment")
        self.assertLess(memory_of(alice.process.pid) - memory, 4 << 20)
        peak.check_below(self, 4 << 20)
        self.assertEqual(alice.status()["neighbors"], 0)

    def test_handshakes_of_one_address_are_paced_and_nobody_is_refused(self):
        config = self.files / "c.toml"
        config.write_text("[links]\nsource_handshakes_per_second = 1\n")
        alice = self.node("Alice", options=["--config", str(config)]).start()
        port, own, burst = alice.status()["port"], tls_ends.Identity(self.files), 128
        started = time.monotonic()
        for _ in range(burst + 4):
            tls_ends.connect(own, port).close()  # an exception if it were refused
        took = time.monotonic() - started
        other = time.monotonic()
        tls_ends.connect(own, port, source="127.0.2.1").close()
        other = time.monotonic() - other
        print(f"{burst + 4} handshakes of one address, of which {burst} may come at once and 1 a second more: "
              f"{took:.2f} s; then one of another address: {other:.3f} s")
        self.assertGreater(took, 3.9)
        self.assertLess(other, mesh.stretched(0.5))
        counters = alice.status()["counters"]
        self.assertGreater(counters["handshakes_delayed"], 0)
        self.assertEqual(counters["links_refused_full"], 0)

    def test_out_of_descriptors_it_does_not_spin_and_goes_on(self):
        alice = self.start()
        port, pid = alice.status()["port"], alice.process.pid
        bob = Chat(self.box, "Bob", "127.0.0.1", port).expect_open()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 10, "Bob is linked")
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        highest = max(int(number) for number in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 4, before[1]))
        came = time.monotonic()
        crowd = [socket.create_connection(("127.0.0.1", port), source_address=("127.0.1.1", 0)) for _ in range(60)]
        mesh.wait_until(lambda: alice.status()["counters"]["links_refused_descriptors"] > 0, 10, "descriptors are out")
        used, began = processor_time_of(pid), time.monotonic()
        alice.call("message.send", text="from Alice")
        bob.expect("from Alice")
        bob.say("from Bob")
        mesh.wait_until(lambda: any(m["text"] == "from Bob" for m in alice.messages()), 10, "what Bob says comes")
        # Who looks after the node gets in.
        self.assertIn(b"descriptors", self.ctl(alice.data_dir, "limits").stdout)
        late = [alice.connect() for _ in range(3)]  # the first gets in, the others wait like the crowd
        while time.monotonic() < began + 3:
            time.sleep(0.1)
        share = (processor_time_of(pid) - used) / (time.monotonic() - began)
        refused = alice.status()["counters"]["links_refused_descriptors"]
        print(f"out of descriptors for 3 s: {100 * share:.1f} % of a core, {refused} refused")
        self.assertLess(share, 0.05 * mesh.TIME_FACTOR)
        self.assertLessEqual(refused, 2 + (time.monotonic() - came) / 0.2)  # the others wait
        for end in crowd:
            end.close()
        carol = Chat(self.box, "Carol", "127.0.0.1", port).expect_open()
        self.assertIn("Alice", carol.greeting)
        self.assertEqual([end.call("status")["name"] for end in late], ["Alice"] * 3)
        bob.say("still there")
        carol.expect("still there")

    def be_slow(self, port, count, seconds, at_least_joined):
        """So many slow connections for so long: each says a byte of a ClientHello in 5 s, and who is closed comes again.
        Meanwhile others join and leave, one after the other; gives how long each took, and the most descriptors."""
        first = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # of a ClientHello that never ends
        slow, stop = {}, threading.Event()

        def open_one(number):
            end = socket.socket()
            end.setblocking(False)
            end.bind((f"127.0.1.{1 + number % 250}", 0))
            try:
                end.connect(("127.0.0.1", port))
            except BlockingIOError:
                pass
            slow[end] = 0

        def attack():
            turn = 0
            while not stop.is_set():
                ends = list(slow)
                for number, end in enumerate(ends[turn % 50::50]):
                    try:
                        end.send(first[slow[end] % len(first):][:1])
                        slow[end] += 1
                    except BlockingIOError:
                        pass
                    except OSError:
                        end.close()
                        del slow[end]
                        open_one(number)
                turn += 1
                stop.wait(0.1)
            for end in slow:
                end.close()

        for number in range(count):
            open_one(number)
        attacker = threading.Thread(target=attack)
        attacker.start()
        joined, peak = [], 0
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end or len(joined) < at_least_joined:
                started = time.monotonic()
                # The same few come again: the members themselves are kept, and are no leftovers.
                bob = Chat(self.box, f"Bob{len(joined) % 3}", "127.0.0.1", port).expect_open()
                joined.append(time.monotonic() - started)
                self.assertIn("Alice", bob.greeting)
                self.assertEqual(bob.leave(), 0)
                peak = max(peak, descriptors_of(self.pid))
                time.sleep(0.5)
        finally:
            stop.set()
            attacker.join()
        return joined, peak

    def test_thousands_of_slow_ones_keep_nobody_out_and_leave_nothing_behind(self):
        count, spare = 5000, 200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count + spare:
            self.skipTest(f"{count} connections at once need {count + spare} descriptors; ulimit -Hn says {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + spare), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        alice = self.start()
        port, self.pid = alice.status()["port"], alice.process.pid
        descriptors = descriptors_of(self.pid)
        # What a node takes once and keeps: a small attack goes before.
        fresh = memory_of(self.pid)
        self.be_slow(port, 300, 0, 3)
        mesh.wait_until(lambda: descriptors_of(self.pid) <= 1.1 * descriptors, 15, "the descriptors are back")
        memory = memory_of(self.pid)
        joined, peak = self.be_slow(port, count, ATTACK_S, 1)
        print(f"{count} slow connections for {ATTACK_S:g} s: {len(joined)} joined meanwhile, the slowest in "
              f"{max(joined):.2f} s; at most {peak} descriptors")
        self.assertLess(max(joined), mesh.stretched(3))
        self.assertLess(peak, descriptors + 192 + 64 + 16)
        mesh.wait_until(lambda: descriptors_of(self.pid) <= 1.1 * descriptors, 15, "the descriptors are back")
        after = memory_of(self.pid)
        print(f"anonymous memory {fresh / 1024:.0f} KiB at first, {memory / 1024:.0f} KiB after a small attack, "
              f"{after / 1024:.0f} KiB after the large one; descriptors {descriptors}, {descriptors_of(self.pid)} after")
        self.assertLess(after, 1.1 * memory + (1 << 20 if mesh.TIME_FACTOR > 1 else 0))  # a sanitizer keeps what was freed


if __name__ == "__main__":
    mesh.main()
