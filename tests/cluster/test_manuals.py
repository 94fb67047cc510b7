"""The manual pages are clean under mandoc -T lint, and each program's options, keys and commands are in its page."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import mesh

PAGES = ["p2pchat.1", "p2pmeshctl.1", "p2pmeshd.8", "p2pmesh-control.7", "p2pmesh-protocol.7"]
UNITS_MS = {"std::chrono::seconds": 1000, "std::chrono::milliseconds": 1, "Duration": 0.001}
UNKNOWN_NAME = 64  # what p2pmeshd ends with that has read its configuration and lacks a name


def page_text(page):
    """A page as it is read, without overstruck bold and underline."""
    text = subprocess.run(
        ["mandoc", "-T", "ascii", page], cwd=mesh.SOURCE_DIR / "man", capture_output=True, text=True, check=True).stdout
    return re.sub(".\b", "", text)


def fields_of_parameters():
    """Key and default of each field of the struct ProtocolParameters, both as they stand in a configuration file."""
    header = (mesh.SOURCE_DIR / "include/p2pmesh/core/parameters.h").read_text()
    struct = re.search(r"struct ProtocolParameters \{\n(.*?)\n\};", header, re.DOTALL).group(1)
    fields = {}
    for type_, name, value in re.findall(r"^  ([\w:]+) (\w+) = ([^;]+);", struct, re.MULTILINE):
        if type_ == "Duration":
            unit, count = re.fullmatch(r"([\w:]+)\((\d+)\)", value).groups()
            fields[f"{name}_ms"] = str(int(int(count) * UNITS_MS[unit]))
        else:
            fields[name] = value
    return fields


class Manuals(unittest.TestCase):
    def setUp(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")

    def test_all_pages_are_there_and_clean(self):
        directory = mesh.SOURCE_DIR / "man"
        pages = sorted(path.name for path in directory.glob("*.[1-8]"))
        self.assertEqual(sorted(set(PAGES) - set(pages)), [], "missing")
        for page in pages:
            with self.subTest(page=page):
                # From within the directory, so that pages which name each other are found.
                done = subprocess.run(["mandoc", "-T", "lint", page], cwd=directory, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_every_option_is_in_its_page(self):
        for program, section in (("p2pchat", 1), ("p2pmeshctl", 1), ("p2pmeshd", 8)):
            with self.subTest(program=program):
                usage = subprocess.run([mesh.program(program), "--help"], capture_output=True, text=True)
                self.assertEqual((usage.returncode, usage.stderr), (0, ""))
                page = page_text(f"{program}.{section}")
                options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", usage.stdout))
                self.assertIn("--help", options)
                self.assertEqual([option for option in sorted(options) if option not in page], [])

    def test_page_and_help_name_the_same_commands(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                [mesh.program("p2pchat"), "--listen", mesh.ANY_PORT, "--data-dir", f"{directory}/Alice", "Alice"],
                input="/help\n", capture_output=True, text=True, timeout=mesh.stretched(20), cwd=directory,
                env={"HOME": directory, "PATH": "/usr/bin:/bin"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        usages = re.findall(r"^>INFO: ((?:/\w|:).*?)  ", done.stdout, re.MULTILINE)
        page = (mesh.SOURCE_DIR / "man/p2pchat.1").read_text()
        typed = page[page.index(".Ss What is typed"):page.index(".Ss Rooms")]
        items = [line for line in typed.splitlines() if line.startswith(".It Ic ")]

        def names(lines):
            return sorted({name for line in lines for name in re.findall(r"(?<!\S)(/\w+|:\w)", line)})

        self.assertGreater(len(usages), 5)
        self.assertEqual(names(items), names(usages))

    def rows(self, section, next_section):
        page = page_text("p2pmeshd.8")
        part = page[page.index(f"\n   {section}\n"):page.index(f"\n   {next_section}\n") if next_section else None]
        return re.findall(r"^ +(\w+) = (\w+) \((\w+) (?:to|or) (\w+)\)$", part, re.MULTILINE)

    def test_page_and_program_name_the_same_quotas(self):
        rows = self.rows("Carry", "Links")
        self.assertEqual([key for key, _, _, _ in rows], ["author_envelopes", "author_bytes", "bytes", "days"])
        limits = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
        self.assertIn("kCarriedEnvelopesPerAuthor = 50'000;", limits)
        self.assertIn("kCarriedBytesPerAuthor = 256ULL << 20;", limits)
        self.assertIn("kCarriedBytes = 1ULL << 30;", limits)
        self.assertIn("kCarriedMs = 90ULL * 24", limits)
        self.assertEqual([int(default) for _, default, _, _ in rows], [50_000, 256 << 20, 1 << 30, 90])
        self.check_ranges(rows, "carry")

    def test_page_and_program_name_the_same_bounds_of_links(self):
        rows = self.rows("Links", "Protocol")
        limits = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
        self.assertEqual([(key, int(default)) for key, default, _, _ in rows],
                         [("handshakes_per_second", 256), ("source_handshakes_per_second", 32),
                          ("frame_patience_ms", 30_000)])
        self.assertIn("kHandshakesPerSecond = 256;", limits)
        self.assertIn("kSourceHandshakesPerSecond = 32;", limits)
        self.assertIn("kFramePatience = 30s;", limits)
        self.check_ranges(rows, "links")

    def check_ranges(self, rows, table):
        for key, default, least, greatest in rows:
            with self.subTest(key=key):
                self.assertEqual(self.read_config({key: default}, table).returncode, UNKNOWN_NAME)
                for value in (int(least) - 1, int(greatest) + 1):
                    self.assert_refused(key, str(value), f"it is a whole number from {least} to {greatest}", table)

    def test_page_and_struct_and_program_name_the_same_parameters(self):
        rows = self.rows("Protocol", None)
        fields = fields_of_parameters()
        self.assertGreater(len(fields), 20)
        self.assertEqual({key: default for key, default, _, _ in rows}, fields, "page and struct")
        self.assertEqual([key for key, _, _, _ in rows], list(fields), "in the same order")
        for key, default, least, greatest in rows:
            with self.subTest(key=key):
                self.assertEqual(self.read_config({key: default}).returncode, UNKNOWN_NAME)
                if least == "true":
                    self.assertEqual((greatest, self.read_config({key: "false"}).returncode), ("false", UNKNOWN_NAME))
                    self.assert_refused(key, "1", "it is true or false")
                    continue
                unit = " of milliseconds" if key.endswith("_ms") else ""
                for value in (int(least) - 1, int(greatest) + 1):
                    self.assert_refused(key, str(value), f"it is a whole number{unit} from {least} to {greatest}")
        self.assertEqual(self.read_config(fields).returncode, UNKNOWN_NAME)

    @staticmethod
    def read_config(values, table="protocol"):
        """Starts p2pmeshd with this table and without a name."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "mesh.toml")
            path.write_text(f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
            return subprocess.run(
                [mesh.program("p2pmeshd"), "--config", path], capture_output=True, text=True, timeout=mesh.stretched(10))

    def assert_refused(self, key, value, what, table="protocol"):
        done = self.read_config({key: value}, table)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"line 2: {table}.{key} = {value}: {what}\n", done.stderr)


if __name__ == "__main__":
    mesh.main()
