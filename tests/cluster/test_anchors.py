"""The neighbors that a node chose itself are dialled first after a kill, whatever its address book was filled with."""

import contextlib
import socket
import sqlite3
import threading
import time

import mesh

OTHERS = 10  # more than a full mesh has
STRANGERS = 4096  # base/limits.h: kPeersMax, all that a store keeps
ANCHOR_AGE_S = 60  # base/limits.h: kAnchorAge
ANCHORS_FIRST_S = 2  # base/limits.h: kAnchorsFirst
STRANGERS_AT = "127.0.9.1"


class Silent:
    """An address that takes every connection and says nothing: a dial there is not over before its deadline."""

    def __init__(self):
        self.listener = socket.create_server((STRANGERS_AT, 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self.take)
        self.thread.start()

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for end in self.taken:
            end.close()


class Anchors(mesh.MeshTest):
    def setUp(self):
        self.strangers = Silent()
        self.addCleanup(self.strangers.close)

    def form(self):
        self.others = [self.node("N0").start()]
        for number in range(1, OTHERS):
            self.others.append(self.node(f"N{number}", join=[self.others[0].address]).start())
        self.victim = self.node("Victim", join=[self.others[0].address]).start()
        mesh.wait_until(lambda: self.victim.status()["online"] == OTHERS + 1, 30, "everybody is there")
        mesh.wait_until(lambda: self.victim.status()["view"] == "partial", 10, "there are too many for a full mesh")
        self.peers_file = self.victim.data_dir / "meshes" / (self.victim.status()["mesh"] + ".peers")

    def anchors(self):
        """The keys of the file's anchors."""
        lines = self.peers_file.read_text().splitlines() if self.peers_file.exists() else []
        return {line.split()[0] for line in lines if line.endswith(" anchor")}

    def fill_address_book(self):
        """4096 strangers, each reached a moment ago, and nobody else."""
        now_ms = int(time.time() * 1000)
        rows = [(bytes(8) + number.to_bytes(24, "big"), STRANGERS_AT.encode(), self.strangers.port, now_ms, 0)
                for number in range(1, STRANGERS + 1)]
        with contextlib.closing(sqlite3.connect(self.peers_file.with_suffix(".db"))) as database, database:
            database.execute("DELETE FROM peers")
            database.executemany("INSERT INTO peers VALUES(?, ?, ?, ?, ?)", rows)

    def hold_port(self, port):
        """Nobody reaches the node where it listened before, so each link that it has is one that it has dialled."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.listen(1)
        self.addCleanup(held.close)

    def neighbors(self):
        return {peer["key"]: peer["outbound"] for peer in self.victim.call("peers.list")}

    def test_they_are_neighbors_again_though_strangers_fill_the_address_book(self):
        self.form()
        mesh.wait_until(self.anchors, ANCHOR_AGE_S + 30, "a link that the node has dialled has become an anchor")
        port = self.victim.status()["port"]
        self.victim.kill()
        self.hold_port(port)
        content, anchors = self.peers_file.read_text(), self.anchors()

        # Without anchors it sits among strangers: so the rest of the test could fail.
        self.peers_file.write_text("")
        self.fill_address_book()
        self.victim.restart()
        mesh.wait_until(lambda: len(self.strangers.taken) >= 8, 10, "strangers are dialled")
        with self.assertRaises(AssertionError):
            mesh.wait_until(self.neighbors, ANCHORS_FIRST_S, "no neighbor")
        self.victim.kill()

        self.peers_file.write_text(content)
        self.fill_address_book()
        self.victim.restart()
        started = time.monotonic()
        # Strangers that were dialled first would hold all dials for five seconds each.
        neighbors = mesh.wait_until(self.neighbors, ANCHORS_FIRST_S, "it has a neighbor at once")
        print(f"{len(anchors)} anchors; a neighbor {time.monotonic() - started:.2f} s after the node answers", flush=True)
        self.assertTrue(set(neighbors) & anchors, "an anchor is among them")
        self.assertTrue(all(neighbors[key] for key in set(neighbors) & anchors), "dialled from here")
        mesh.wait_until(lambda: self.victim.status()["online"] == OTHERS + 1, 30, "it is in the mesh again")
        self.victim.call("message.send", text="back")
        for node in self.others:
            mesh.wait_until(lambda: [m["text"] for m in node.messages()] == ["back"], 15, f"{node.name} hears it")


if __name__ == "__main__":
    mesh.main()
