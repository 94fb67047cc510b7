"""A discovery server under load: ends in the middle of registrations, floods, and budgets."""

import os
import random
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import mesh
import rendezvous
from attacks import PeakMemory
from rendezvous import RendezvousTest

MANY = "[rendezvous]\nnames_per_hour = 1000000000\n"


class FullDisk(RendezvousTest):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not shutil.which("mount"):
            self.skipTest("a small file system can only be mounted by root")
        self.mount_point = tempfile.mkdtemp(prefix="p2pmesh-small-disk-")
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.mount_point], capture_output=True)
        if made.returncode != 0:
            os.rmdir(self.mount_point)
            self.skipTest(f"mount is not allowed here: {made.stderr.decode().strip()}")
        self.addCleanup(self.unmount)

    def unmount(self):
        subprocess.run(["umount", "-l", self.mount_point], check=False)
        os.rmdir(self.mount_point)

    def test_nothing_is_acknowledged_that_a_full_disk_does_not_take(self):
        server = rendezvous.Server(self.box)
        server.data_dir = Path(self.mount_point) / "server"
        server.start()
        alice = self.member(server, 1, "Alice")
        filler = Path(self.mount_point) / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        asked = 0
        while server.status()["storage"] == "ok":
            asked += 1
            self.assertLess(asked, 40, "the disk is full")
            alice.tell(f"ask {asked:064x} " + "x" * 4000)
            state = mesh.wait_until(lambda: self.readable(alice) or server.status()["storage"] != "ok", 10, "an answer")
            if state is not True or not self.readable(alice):
                break
            self.assertRegex(alice.line(), "^state .* waiting$|^denied ")
        mesh.wait_until(lambda: server.status()["storage"] != "ok", 10, "the full disk shows in status")
        self.assertIn("full", server.status()["storage"])
        # Who only asks is served.
        bob = self.member(server, 2, "Bob", registers=False)
        self.assertEqual(bob.say("look Alice").split()[:2], ["found", "Alice"])
        bob.tell("register")
        self.assertFalse(self.readable(bob, 1.0), "nothing is acknowledged")
        filler.unlink()
        self.assertRegex(bob.line(), "^registered ")
        mesh.wait_until(lambda: server.status()["storage"] == "ok", 20, "the disk is taken into use again")
        server.kill()
        server.start()
        self.assertEqual(server.facts()["registered"], 2)
        server.terminate()

    @staticmethod
    def readable(member, seconds=0.05):
        return bool(select.select([member.process.stdout], [], [], seconds)[0])


class RendezvousLoad(RendezvousTest):
    def test_registrations_under_kill_9(self):
        server = self.server(MANY + "registrations_per_second = 1000\n")
        seconds = 12
        client = self.client("steady", server, seconds=seconds, rate=100)
        chance = random.Random(6)
        until = time.monotonic() + seconds - 2
        ends = 0
        while time.monotonic() < until:
            enough = server.facts()["registered"] + chance.randrange(30, 150)
            mesh.wait_until(lambda: server.facts()["registered"] >= enough, 15, "some more have registered")
            server.kill()
            ends += 1
            server.start()
        lines = client.finish()
        acknowledged = lines[:-1]
        self.assertGreater(ends, 4)
        self.assertGreater(len(acknowledged), 200, lines[-1])
        server.kill()
        server.start()
        checked = self.client("check", server).finish("\n".join(acknowledged) + "\n")[-1]
        self.assertEqual(checked, f"checked {len(acknowledged)} missing 0")
        self.assertGreaterEqual(server.facts()["registered"], len(acknowledged))

    def test_a_million_look_ups(self):
        server = self.server()
        alice = self.member(server, 1, "Alice")
        memory = PeakMemory(server.process.pid)
        said = self.client("flood-look-ups", server, count=1_000_000, seconds=120).finish(timeout=180)[-1].split()
        sent, found, denied, links = (int(said[i]) for i in (1, 3, 5, 7))
        self.assertEqual(sent, 1_000_000)
        self.assertGreater(links, 1, "a link that goes on is closed")
        self.assertLess(found, 0.2 * sent)
        self.assertGreater(denied, 0)
        memory.check_below(self, 16 << 20)
        self.assertGreater(server.counters()["faults"], 0)
        self.assertEqual(alice.say("look Alice").split()[0], "found")

    def test_the_budgets(self):
        server = self.server("[rendezvous]\nnames_per_hour = 3\nmembers_max = 4\nlinks_per_source = 2\n")
        alice = self.member(server, 1, "Alice")
        answers = []
        for number in range(40, 45):
            alice.say(f"member {number} m{number}")
            answers.append(alice.register().split()[:2])
        self.assertEqual([a[0] for a in answers], ["registered"] * 2 + ["denied"] * 3)
        self.assertEqual(answers[-1][1], rendezvous.OVER_BUDGET)
        self.member(server, 2, "Bob")  # from another address
        carol = self.member(server, 3, "Carol", registers=False)
        self.assertEqual(carol.register().split(), ["denied", rendezvous.FULL, "4"])
        # A third link from Alice's address.
        self.assertRegex(self.client("talk", server, key=50, source=1).line(), "^up ")
        self.client("talk", server, key=51, source=1)
        mesh.wait_until(lambda: server.counters()["links_refused"] == 1, 10, "a third link is refused")
        before = server.counters()["denied_over_budget"]
        said = {alice.say("people").split()[0] for _ in range(60)}
        self.assertEqual(said, {"people", "denied"})
        self.assertGreater(server.counters()["denied_over_budget"], before)


if __name__ == "__main__":
    mesh.main()
