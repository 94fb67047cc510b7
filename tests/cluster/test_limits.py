"""`p2pmeshctl limits`: every bound of base/limits.h is there with its value, and what is used of it."""

import json
import re

import mesh

# What is no bound but a shape of the protocol: header and padding sizes, the form of the digests.
NO_BOUNDS = {"kFrameHeaderBytes", "kDirectPadding", "kRoomPadding", "kDigestBuckets", "kDigestLeaves"}
MILLISECONDS = {"ms": 1, "s": 1000, "min": 60000}


def constants():
    """{name: value} of base/limits.h; durations in milliseconds."""
    text = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
    text = re.sub(r"//.*", "", text)
    found = {}
    for name, value in re.findall(r"inline constexpr \S+ (k\w+)\s*=\s*([^;]+);", text):
        value = value.replace("'", "").replace("ULL", "")
        value = re.sub(r"(\d+)(ms|s|min)\b", lambda m: str(int(m[1]) * MILLISECONDS[m[2]]), value)
        found[name] = eval(value, {"__builtins__": {}}, found)
    assert len(found) == text.count("inline constexpr"), "a constant of another form"
    return found


def words(constant):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", constant[1:]).lower()


class Limits(mesh.MeshTest):
    def listed(self, node):
        return {row["name"]: row for row in json.loads(self.ctl(node.data_dir, "limits", "--json").stdout)}

    def test_every_constant_is_listed_with_its_value(self):
        alice = self.node("Alice").start()
        rows = self.listed(alice)
        expected = {words(name): value for name, value in constants().items() if name not in NO_BOUNDS}
        self.assertGreater(len(expected), 150)
        self.assertEqual({name: row["limit"] for name, row in rows.items() if name in expected}, expected)
        others = set(rows) - set(expected)
        self.assertEqual({name for name in others if not name.startswith("protocol.")}, {"descriptors", "repair_sessions"})
        for name, row in rows.items():
            self.assertIn(row["unit"], ("", "bytes", "ms", "/s", "bytes/s"), name)
            if "used" in row and name != "send_queue_bytes_soft":
                self.assertLessEqual(row["used"], row["limit"], name)

    def test_what_is_used_is_counted(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        alice.connect()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 1, 10, "Bob is linked")
        for _ in range(3):
            alice.call("message.send", text="x")
        alice.call("room.join", room="#dev")
        mesh.wait_until(lambda: alice.status()["members"] == 2, 10, "Bob is a member")
        rows = self.listed(alice)
        used = {name: row["used"] for name, row in rows.items() if "used" in row}
        self.assertEqual(used["links_max"], 1)
        self.assertEqual(used["members_max"], 2)
        self.assertEqual(used["rooms_joined_max"], 2)
        self.assertEqual(used["control_clients_max"], 3)  # two of this test, and p2pmeshctl
        self.assertGreaterEqual(used["seen_entries_max"], 4)
        self.assertGreaterEqual(used["authors_max"], 1)
        self.assertGreater(used["descriptors"], 10)
        self.assertEqual(used["half_open_links_max"], 0)
        self.assertEqual(used["drafts_max"], 0)
        for name in ("waiting_links_max", "send_queue_bytes_max", "unsent_messages_max", "missing_parents_max",
                     "held_back_max", "peers_max", "carried_bytes", "repair_sessions", "correspondents_max",
                     "private_rooms_max", "acts_max", "revocations_max", "faulty_nodes_max", "missing_ids_max"):
            self.assertIn(name, used)
        bob.terminate()
        mesh.wait_until(lambda: alice.status()["neighbors"] == 0, 10, "Bob has left")
        alice.call("message.send", text="nobody is there")
        used = {name: row.get("used") for name, row in self.listed(alice).items()}
        self.assertEqual(used["links_max"], 0)
        self.assertEqual(used["drafts_max"], alice.status()["pending"])

    def test_a_set_limit_is_the_one_that_is_told(self):
        config = self.box.path / "c.toml"
        config.write_text("[carry]\nauthor_envelopes = 7\ndays = 2\n[links]\nhandshakes_per_second = 9\n"
                          "[protocol]\nactive_view_max = 6\n")
        alice = self.node("Alice", options=["--config", str(config)]).start()
        rows = self.listed(alice)
        self.assertEqual((rows["carried_envelopes_per_author"]["limit"], rows["carried_envelopes_per_author"]["key"]),
                         (7, "carry.author_envelopes"))
        self.assertEqual((rows["carried_ms"]["limit"], rows["carried_ms"]["unit"]), (2 * 24 * 3600 * 1000, "ms"))
        self.assertEqual(rows["handshakes_per_second"]["limit"], 9)
        self.assertEqual(rows["protocol.active_view_max"]["limit"], 6)
        self.assertEqual(rows["protocol.heartbeat_full_ms"]["unit"], "ms")

    def test_the_text_is_a_table(self):
        alice = self.node("Alice").start()
        lines = self.ctl(alice.data_dir, "limits").stdout.decode().splitlines()
        self.assertEqual(len(lines), len(self.listed(alice)))
        place = lines[0].index("4096")  # frame_bytes_max_before_welcome, a right-aligned column
        for line in lines:
            name, used, limit, *rest = line.split()
            self.assertRegex(used, r"^(-|\d+)$")
            self.assertEqual(line.index(f" {limit}", len(name) + 2) + 1 + len(limit), place + 4, line)
            if "set" in rest:
                self.assertIn(f"set by {rest[-1]}", line)


if __name__ == "__main__":
    mesh.main()
