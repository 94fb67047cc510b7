"""The manual pages are clean under mandoc -T lint, and each program's options are in its page."""

import re
import shutil
import subprocess
import unittest

import mesh

PAGES = ["p2pchat.1", "p2pmeshctl.1", "p2pmeshd.8", "p2pmesh-control.7", "p2pmesh-protocol.7"]


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
                page = subprocess.run(
                    ["mandoc", "-T", "ascii", f"{program}.{section}"], cwd=mesh.SOURCE_DIR / "man",
                    capture_output=True, text=True, check=True).stdout
                page = re.sub(".\b", "", page)  # overstruck bold and underline
                options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", usage.stdout))
                self.assertIn("--help", options)
                self.assertEqual([option for option in sorted(options) if option not in page], [])


if __name__ == "__main__":
    mesh.main()
