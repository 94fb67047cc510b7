"""scripts/install/p2pmeshd.toml: every key that p2pmeshd reads is there, with its default, and nothing else."""

import json
import re

import mesh

EXAMPLE = "scripts/install/p2pmeshd.toml"
KEY_LINE = re.compile(r"#(\w+) = (.+)")
TABLE_LINE = re.compile(r"#\[(\w+)\]")
TABLES = {"carry": "kCarryKeys", "links": "kLinkKeys", "rendezvous": "kRendezvousKeys"}
NO_DIRECTORY = "/proc/p2pmesh"  # nobody can make one there: p2pmeshd ends with 73 once it has read its configuration
READ, REFUSED = 73, 78


def source(name):
    return (mesh.SOURCE_DIR / "src/daemon" / name).read_text()


def read_keys():
    """(table, key) of all that the sources of p2pmeshd read; the table of those that stand alone is empty."""
    config = source("daemon_config.cc")
    reader = config[config.index("read_daemon_config("):]
    found = {("", name) for name in re.findall(r'\bname == "(\w+)"', reader)}
    found -= {("", table) for table in ("carry", "links", "protocol")}  # rendezvous is an array as well
    for table, array in TABLES.items():
        block = re.search(rf" {array}\[\] = \{{\n(.*?)\n\}};", config, re.DOTALL).group(1)
        found |= {(table, name) for name in re.findall(r'^    (?:\{|number_key<[^>]*>\()"(\w+)"', block, re.MULTILINE)}
    return found | {("protocol", name) for name in
                    re.findall(r'(?:key|switch)_of<[^>]*>\("(\w+)"', source("protocol_keys.cc"))}


def example_lines():
    """(table, key, line without its comment sign) of the example; the key of a table's own line is empty."""
    table = ""
    for line in (mesh.SOURCE_DIR / EXAMPLE).read_text().splitlines():
        if found := TABLE_LINE.fullmatch(line):
            table = found[1]
            yield table, "", line[1:]
        elif found := KEY_LINE.fullmatch(line):
            yield table, found[1], line[1:]


def example_keys():
    return [(table, key) for table, key, _ in example_lines() if key]


class ExampleConfig(mesh.MeshTest):
    def write(self, is_wanted, more=""):
        """The example, with the comment signs taken away from the keys that are wanted."""
        path = self.box.new_name("example.toml")
        path.write_text("".join(f"{line}\n" for table, key, line in example_lines()
                                if is_wanted(table, key)) + more)
        return path

    def read(self, path, *options):
        return self.box.run("p2pmeshd", "--config", path, "--data-dir", NO_DIRECTORY, *options)

    def assert_read(self, done):
        self.assertEqual(done.returncode, READ, done.stderr)
        self.assertIn(f"The directory {NO_DIRECTORY} cannot be used".encode(), done.stderr)

    def test_it_has_every_key_once_and_no_other(self):
        keys, known = example_keys(), read_keys()
        self.assertGreater(len(known), 50)
        self.assertEqual({table for table, _ in known}, {"", "carry", "links", "rendezvous", "protocol"})
        self.assertEqual(sorted(keys), sorted(known))

    def test_it_sets_nothing_and_says_why_one_would(self):
        lines = (mesh.SOURCE_DIR / EXAMPLE).read_text().splitlines()
        self.assertEqual([line for line in lines if line and not line.startswith("#")], [])
        for before, line in zip(lines, lines[1:]):
            if KEY_LINE.fullmatch(line) or TABLE_LINE.fullmatch(line):
                self.assertRegex(before, r"^# \S", f"before {line}")
        self.assertIn('#rendezvous = ["localhost:7070"]', lines)

    def test_a_member_takes_it_whole(self):
        def of_a_member(table, key):
            return table != "rendezvous"

        self.assert_read(self.read(self.write(of_a_member)))
        done = self.read(self.write(of_a_member, more="unheard_of = 1\n"))
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn(b"unknown key protocol.unheard_of", done.stderr)

    def test_a_discovery_server_takes_its_part(self):
        path = self.write(lambda table, key: table in ("links", "rendezvous") or key in ("data_dir", "log_level"))
        self.assert_read(self.read(path, "--serve-rendezvous", "127.0.0.1:0"))

    def test_its_numbers_are_the_defaults(self):
        # The array of discovery servers is left out: who may serve on this machine is not known.
        path = self.write(lambda table, key: (table, key) != ("", "rendezvous"))
        told = []
        for name, options in (("Without", []), ("Alice", ["--config", str(path)])):
            node = self.node(name, options=options).start()
            rows = json.loads(self.ctl(node.data_dir, "limits", "--json").stdout)
            told.append({row.get("key") or row["name"]: row["limit"] for row in rows})
        self.assertEqual(told[0], told[1])
        tables = {f"{table}.{key}" for table, key in example_keys() if table}
        self.assertEqual(tables - set(told[0]), set(), "each is told")


if __name__ == "__main__":
    mesh.main()
