"""A discovery server: who may register, who is found, what is asked for, what is kept."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import control
import mesh
import rendezvous
from rendezvous import RendezvousTest


class Rendezvous(RendezvousTest):
    def test_who_registers_is_found(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        bob = self.member(server, 2, "Bob", registers=False)
        self.assertEqual(bob.register("port=7 mesh=garden:3:Ann"), "registered 300 127.0.1.3:7")
        found = alice.say("look bOB").split()
        self.assertEqual(found[:4], ["found", "Bob", bob.key, "online"])
        self.assertEqual(found[5], "127.0.1.3:7")
        self.assertEqual(alice.say(f"look-key {bob.key}").split()[:2], ["found", "Bob"])
        self.assertEqual(alice.say("look Nobody"), "unknown")
        self.assertEqual(set(alice.say("people").removeprefix("people ").split(",")), {"Alice:online", "Bob:online"})
        self.assertEqual(alice.say("meshes"), "meshes Ann:3:1:Bob")
        self.assertEqual(alice.say("ping"), "pong")
        self.assertEqual(bob.say("withdraw"), "done")
        self.assertEqual(alice.say("look Bob").split()[3], "offline")
        self.assertEqual(alice.say("people online"), "people Alice:online")
        self.assertEqual(alice.say("meshes"), "meshes ")

    def test_what_is_not_right_is_denied(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        mallory = self.member(server, 2, "Mallory", registers=False)
        since = int(alice.say("look Alice").split()[4])
        mallory.say("member 2 ALICE")
        denied = mallory.register().split()
        self.assertEqual(denied[:2], ["denied", rendezvous.NAME_HELD])
        self.assertLessEqual(int(denied[2]), since)
        mallory.say("member 2 Mallory")
        for settings, reason in (("forged", rendezvous.MALFORMED), (f"node={alice.key}", rendezvous.MALFORMED),
                                 ("expired=1000", rendezvous.EXPIRED), ("valid=90000000", rendezvous.EXPIRED)):
            self.assertEqual(mallory.register(settings).split()[:2], ["denied", reason], settings)
        mallory.say("member 2 2bad")
        self.assertEqual(mallory.register().split()[:2], ["denied", rendezvous.NAME_NOT_ALLOWED])
        # A replay, and anything older.
        self.assertEqual(alice.say("again").split()[:2], ["denied", rendezvous.STALE])
        self.assertEqual(alice.register("version=5").split()[:2], ["denied", rendezvous.STALE])
        self.assertEqual(mallory.say("ask " + alice.key + " hello").split()[:2], ["denied", rendezvous.NOT_REGISTERED])
        self.assertEqual(mallory.say("asks").split()[:2], ["denied", rendezvous.NOT_REGISTERED])
        # With Alice's key, over Mallory's link.
        mallory.say("member 1 Alice")
        self.assertEqual(mallory.say("asks").split()[:2], ["denied", rendezvous.NOT_REGISTERED])
        self.assertEqual(server.facts()["registered"], 1)

    def test_hidden_is_owned_and_not_told(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        self.assertEqual(alice.say("watch all"), "done")
        bob = self.member(server, 2, "Bob", registers=False)
        self.assertRegex(bob.register("hidden mesh=garden:3:Ann"), "^registered ")
        self.assertEqual(alice.say("look Bob"), "unknown")
        self.assertEqual(alice.say(f"look-key {bob.key}"), "unknown")
        self.assertEqual(alice.say("people"), "people Alice:online")
        self.assertEqual(alice.say("meshes"), "meshes ")
        carol = self.member(server, 3, "Bob", registers=False)
        self.assertEqual(carol.register().split()[:2], ["denied", rendezvous.NAME_HELD])
        self.assertRegex(alice.say(f"ask {bob.key} come"), "^state .* waiting$")
        self.assertEqual(bob.say("requests 5000"), "come")
        self.assertEqual(alice.say("changes 100"), "nothing")

    def test_who_watches_is_told(self):
        server = self.server("[rendezvous]\ngrace_ms = 100\n")
        alice = self.member(server, 1, "Alice")
        bob = self.member(server, 2, "Bob")
        self.assertEqual(alice.say("watch all"), "done")
        carol = self.member(server, 3, "Carol")
        self.assertEqual(alice.say("changes 5000"), "online:Carol")
        carol.register("port=99")
        self.assertEqual(alice.say("changes 5000"), "moved:Carol")
        carol.leave()
        self.assertEqual(alice.say("changes 5000"), "offline:Carol")
        self.assertEqual(alice.say(f"watch {bob.key}"), "done")
        self.member(server, 3, "Carol")
        bob.say("withdraw")
        self.assertEqual(alice.say("changes 5000"), "offline:Bob")
        self.assertEqual(alice.say("watch none"), "done")
        bob.register()
        self.assertEqual(alice.say("changes 100"), "nothing")
        self.assertEqual(server.facts()["watchers"], 0)

    def test_last_seen_after_the_lease(self):
        server = self.server("[rendezvous]\nlease_s = 1\n")
        alice = self.member(server, 1, "Alice")
        before = int(time.time() * 1000)
        bob = self.member(server, 2, "Bob")
        mesh.wait_until(lambda: alice.say("look Bob").split()[3] == "offline", 10, "Bob's lease is over")
        seen = int(alice.say("look Bob").split()[4])
        self.assertLess(abs(seen - before), mesh.stretched(1000))
        self.assertEqual(bob.say("ping"), "pong")
        # Within the lease again, on the same link.
        bob.register()
        self.assertEqual(alice.say("look Bob").split()[3], "online")

    def test_a_link_that_comes_back_within_the_grace_was_never_away(self):
        server = self.server("[rendezvous]\ngrace_ms = 3000\n")
        alice = self.member(server, 1, "Alice")
        alice.say("watch all")
        bob = self.member(server, 2, "Bob")
        self.assertEqual(alice.say("changes 5000"), "online:Bob")
        bob.leave()
        self.assertEqual(alice.say("look Bob").split()[3], "online")
        bob = self.member(server, 2, "Bob")
        self.assertEqual(alice.say("changes 3300"), "nothing")  # longer than the grace of the link that has ended
        self.assertEqual(alice.say("look Bob").split()[3], "online")

    def test_a_request_to_somebody_absent_over_a_restart(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        bob = self.member(server, 2, "Bob")
        bob.leave()
        state = alice.say(f"ask {bob.key} shall-we-talk").split()
        self.assertEqual(state[0] + state[2], "statewaiting")
        # The same once more is the same.
        self.assertEqual(alice.say(f"ask {bob.key} shall-we-talk").split(), state)
        second = alice.say(f"ask {bob.key} forget-this").split()[1]
        self.assertEqual(alice.say(f"back {second}"), "done")
        self.assertEqual(alice.say(f"back {second}").split()[:2], ["denied", rendezvous.UNKNOWN])
        server.kill()
        server.start()
        self.assertEqual(server.facts(), {"registered": 2, "online": 0, "requests": 1, "watchers": 0, "links": 0})
        bob = self.member(server, 2, "Bob")
        self.assertEqual(bob.say("requests 5000"), "shall-we-talk")
        alice = self.member(server, 1, "Alice")
        self.assertEqual(alice.say("asks"), f"asks {state[1]}:waiting")
        # Not taken yet: it comes again.
        bob.leave()
        bob = self.member(server, 2, "Bob")
        self.assertEqual(bob.say("requests 5000"), "shall-we-talk")
        self.assertEqual(bob.say("take"), "done")
        self.assertEqual(alice.say("states 5000"), f"{state[1]}:delivered")
        server.kill()
        server.start()
        bob = self.member(server, 2, "Bob")
        self.assertEqual(bob.say("requests 200"), "nothing")
        alice = self.member(server, 1, "Alice")
        self.assertEqual(alice.say("asks"), f"asks {state[1]}:delivered")
        self.assertEqual(alice.say(f"back {state[1]}"), "done")
        self.assertEqual(alice.say("asks"), "asks ")

    def test_envelopes_and_foreign_frames_close_the_link(self):
        server = self.server()
        node = self.node("Alice").start()
        for number, kind in enumerate((4, 5, 6, 9, 11, 12, 22, 28, 33, 100)):
            member = self.member(server, 10 + number, f"m{number}", registers=False)
            self.assertEqual(member.say(f"raw {kind} 00"), "sent")
            self.assertEqual(member.say("ended 5000"), "ended", kind)
        self.assertEqual(server.counters()["faults"], 10)
        # What may be skipped is skipped.
        member = self.member(server, 30, "Zoe")
        self.assertEqual(member.say("raw 200 00"), "sent")
        self.assertEqual(member.say("ping"), "pong")
        # Nor does a member take what is said to a discovery server.
        for kind in (28, 33, 39, 42, 48):
            client = self.client("talk", type("Of", (), {"port": node.status()["port"]}), key=kind, any=1)
            self.assertRegex(client.line(), "^up ")
            self.assertEqual(client.say(f"raw {kind} 00000001"), "sent")
            self.assertEqual(client.say("ended 5000"), "ended", kind)

    def test_a_member_is_no_server_and_a_server_no_member(self):
        server = self.server()
        alice = self.node("Alice").start()
        fake = type("Fake", (), {"port": alice.status()["port"]})
        client = self.client("talk", fake, key=1)
        self.assertRegex(client.line(), "^refused ")
        done = self.box.run("p2pmeshd", "--name", "Bob", "--data-dir", self.box.data_dir("Bob"), "--listen", mesh.ANY_PORT,
                            "--join", f"127.0.0.1:{server.port}")
        self.assertEqual(done.returncode, 69)
        self.assertIn(b"a discovery server is at", done.stderr)
        self.assertIn(b"--rendezvous HOST:PORT", done.stderr)

    def test_the_control_socket(self):
        server = self.server("[rendezvous]\nmembers_max = 50\nlease_s = 60\n")
        alice = self.member(server, 1, "Alice")
        status = json.loads(self.ctl(server.data_dir, "status", "--json").stdout)
        self.assertEqual(status["rendezvous"], {"registered": 1, "online": 1, "requests": 0, "watchers": 0, "links": 1})
        self.assertEqual((status["port"], status["node_key"]), (server.port, alice.server_key))
        text = self.ctl(server.data_dir, "status").stdout.decode()
        self.assertIn("registered: 1, 1 online\n", text)
        self.assertIn(f"port: {server.port}\n", text)
        self.assertNotIn("mesh:", text)
        rows = {row["name"]: row for row in json.loads(self.ctl(server.data_dir, "limits", "--json").stdout)}
        self.assertEqual((rows["rendezvous_members_max"]["limit"], rows["rendezvous_members_max"]["used"]), (50, 1))
        self.assertEqual(rows["rendezvous_lease"]["limit"], 60_000)
        self.assertGreater(rows["links_max"]["limit"], rows["links_max"]["used"])
        refused = self.ctl(server.data_dir, "members", status=64)
        self.assertIn(b"a discovery server is here, it holds no messages", refused.stderr)
        for method, parameters in (("message.send", {"text": "x"}), ("events.subscribe", {}), ("screen.attach", {})):
            with self.assertRaises(control.RpcFault) as fault:
                server.call(method, **parameters)
            self.assertIn("holds no messages", fault.exception.message)
        self.ctl(server.data_dir, "shutdown")
        self.assertEqual(server.process.wait(mesh.stretched(10)), 0)
        self.assertEqual(alice.say("ended 5000"), "ended")

    def test_it_ends_quietly(self):
        server = self.server()
        self.member(server, 1, "Alice")
        for sent in (signal.SIGINT, signal.SIGTERM):
            self.assertEqual(server.terminate(sent), 0)
            server.start()
        other = rendezvous.Server(self.box)
        other.data_dir = server.data_dir
        other.spawn()
        self.assertEqual(other.process.wait(mesh.stretched(10)), 75, "the directory is in use")
        second = rendezvous.Server(self.box)
        second.data_dir = self.box.data_dir("second")
        second.port = server.port
        second.spawn()
        self.assertEqual(second.process.wait(mesh.stretched(10)), 69, "the port is in use")

    def test_options(self):
        directory = str(self.box.data_dir("x"))
        for words in (["--name", "Alice"], ["--join", "127.0.0.1:1"], ["--new"], ["--listen", "127.0.0.1:0"],
                      ["--private"], ["--exact-name"], ["--undiscoverable"], ["--leave-with-last-screen"]):
            done = self.box.run("p2pmeshd", "--serve-rendezvous", "127.0.0.1:0", "--data-dir", directory, *words)
            self.assertEqual(done.returncode, 64, words)
            self.assertIn(f"so {words[0]} is too much".encode(), done.stderr)
        done = self.box.run("p2pmeshd", "--data-dir", directory, "--serve-rendezvous", "nonsense")
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"is not an address and port", done.stderr)
        alice = self.node("Alice").start()
        self.assertEqual(alice.terminate(), 0)
        done = self.box.run("p2pmeshd", "--serve-rendezvous", "127.0.0.1:0", "--data-dir", str(alice.data_dir))
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"is a member's", done.stderr)

    def test_the_default_directory(self):
        read_end, write_end = os.pipe()
        process = subprocess.Popen(
            [mesh.program("p2pmeshd"), "--serve-rendezvous", "127.0.0.1:0", "--ready-fd", str(write_end), "--log-level", "off"],
            pass_fds=[write_end], env=self.box.environment, cwd=self.box.path)
        try:
            os.close(write_end)
            with os.fdopen(read_end) as told:
                self.assertEqual(told.readline(), "ready\n")
            directory = self.box.home / ".local/share/p2pmesh/rendezvous"
            self.assertEqual(oct(directory.stat().st_mode)[-3:], "700")
            self.assertEqual(oct((directory / "rendezvous.db").stat().st_mode)[-3:], "600")
            status = json.loads(self.ctl(directory, "status", "--json").stdout)
            self.assertEqual(status["rendezvous"]["registered"], 0)
        finally:
            process.terminate()
            self.assertEqual(process.wait(mesh.stretched(10)), 0)

    def test_a_damaged_database_is_set_aside_and_a_newer_one_refused(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        self.assertEqual(server.terminate(), 0)
        path = server.data_dir / "rendezvous.db"
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        server.spawn()
        self.assertEqual(server.process.wait(mesh.stretched(10)), 78)
        path.write_bytes(b"no database at all, and longer than a header of one hundred bytes " * 40)
        server.start()
        self.assertIn("it is kept as", mesh.tail(server.log))
        self.assertTrue((server.data_dir / "rendezvous.db.damaged-1").exists())
        self.assertEqual(server.facts()["registered"], 0)
        # The key is the same: who has registered does not see another server.
        self.assertEqual(self.member(server, 1, "Alice").server_key, alice.server_key)


if __name__ == "__main__":
    mesh.main()
