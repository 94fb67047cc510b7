"""What the cluster tests share: real p2pmeshd and p2pchat processes on loopback, in a directory of their own.

P2PMESH_BIN_DIR      where the programs are (default: build/ of this tree)
P2PMESH_SOURCE_DIR   the tree (default: this one); real input lies in ../shared/data beside it
P2PMESH_TIME_FACTOR  stretches every deadline, for builds with sanitizers

A test waits for a condition, with a deadline; a failed one prints what the processes said and keeps its directory.
Only processes started here are ended, each by its id.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from control import Control

HERE = Path(__file__).resolve().parent
SOURCE_DIR = Path(os.environ.get("P2PMESH_SOURCE_DIR") or HERE.parent.parent).resolve()
BIN_DIR = Path(os.environ.get("P2PMESH_BIN_DIR") or SOURCE_DIR / "build").resolve()
TIME_FACTOR = float(os.environ.get("P2PMESH_TIME_FACTOR") or 1)
SKIPPED = 77

# What text from others must never bring to a terminal: C0 but for the line end, DEL, C1, bidi controls, U+2028, U+2029.
RAW_CONTROL = re.compile(
    rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
ANY_PORT = "127.0.0.1:0"


def program(name):
    return str(BIN_DIR / name)


def stretched(seconds):
    return seconds * TIME_FACTOR


def wait_until(predicate, timeout, what):
    """Polls until the predicate gives something true, and returns that."""
    deadline = time.monotonic() + stretched(timeout)
    while True:
        seen = predicate()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {stretched(timeout):g} s: {what}")
        time.sleep(0.02)


def shared_data(name):
    """A file of the real input; the test is skipped when it is not there."""
    path = SOURCE_DIR.parent / "shared" / "data" / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not there")
    return path


def tail(path, bytes_max=4000):
    try:
        with open(path, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - bytes_max))
            return log.read().decode(errors="backslashreplace")
    except OSError as error:
        return f"({error})"


class Box:
    """A temporary directory, and every process that works in it."""

    def __init__(self, name):
        self.path = Path(tempfile.mkdtemp(prefix=f"p2pmesh-{name[:20]}-"))
        self.home = self.path / "home"
        self.home.mkdir()
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.home),
            "TMPDIR": str(self.path),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "RES_OPTIONS": "timeout:1 attempts:1",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.members = []  # nodes and chats, each with end() and describe()
        self.serial = 0

    def new_name(self, stem):
        self.serial += 1
        return self.path / f"{self.serial:02d}-{stem}"

    def data_dir(self, name):
        return self.path / "data" / name

    def run(self, *arguments, input=b"", timeout=30, environment=None, prefix=()):
        """Runs a program of ours to its end; stdout and stderr are bytes."""
        command = [*prefix, program(arguments[0]), *[os.fspath(a) if isinstance(a, Path) else a for a in arguments[1:]]]
        return subprocess.run(
            command, input=input, capture_output=True, timeout=stretched(timeout), cwd=self.path,
            env=environment if environment is not None else self.environment,
        )

    def stray_pids(self):
        """Nodes that a p2pchat of ours has started: recognised by our directory among their arguments."""
        mark = os.fsencode(self.path) + b"/"
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as command:
                    arguments = command.read().split(b"\0")
            except OSError:
                continue
            if arguments[0].endswith(b"p2pmeshd") and any(a.startswith(mark) for a in arguments[1:]):
                yield int(entry)

    def close(self, failed):
        if failed:
            print(f"---- what was seen, kept in {self.path}", file=sys.stderr)
            for member in self.members:
                print(member.describe(), file=sys.stderr)
        for member in self.members:
            member.end()
        for pid in list(self.stray_pids()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not failed:
            shutil.rmtree(self.path, ignore_errors=True)


class Node:
    """One p2pmeshd. start() returns when its control socket answers."""

    def __init__(self, box, name, data_dir=None, join=(), listen=ANY_PORT, options=()):
        self.box, self.name = box, name
        self.data_dir = Path(data_dir or box.data_dir(name))
        self.join, self.listen, self.options = list(join), listen, list(options)
        self.process = None
        self.log = box.new_name(f"{name}.log")
        self.controls = []
        box.members.append(self)

    def command(self):
        command = [program("p2pmeshd"), "--name", self.name, "--data-dir", str(self.data_dir)]
        if self.listen:
            command += ["--listen", self.listen]
        for address in self.join:
            command += ["--join", address]
        return command + self.options

    def spawn(self):
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.box.path,
                env=self.box.environment,
            )
        return self

    def answering(self):
        if self.process.poll() is not None:
            raise AssertionError(f"p2pmeshd of {self.name} ended with {self.process.returncode}:\n{tail(self.log)}")
        try:
            control = Control(self.data_dir, stretched(20))
        except OSError:
            return None
        control.call("status")
        self.controls.append(control)
        return control

    def start(self, timeout=15):
        self.spawn()
        wait_until(self.answering, timeout, f"{self.name} answers on its control socket")
        return self

    def connect(self):
        """Another connection to the control socket."""
        control = Control(self.data_dir, stretched(20))
        self.controls.append(control)
        return control

    def call(self, method, **params):
        return self.controls[0].call(method, **params)

    def status(self):
        return self.call("status")

    @property
    def address(self):
        return f"127.0.0.1:{self.status()['port']}"

    def messages(self, **params):
        """All messages of a room, through message.list, from the newest page back to the first."""
        pages, before = [], {}
        while True:
            page = self.call("message.list", limit=1000, **before, **params)
            pages.append(page["messages"])
            if not page["more"]:
                return [message for messages in reversed(pages) for message in messages]
            before = {"before": page["messages"][0]["id"]}

    def export(self, *options):
        return ctl(self.box, self.data_dir, "export", *options).stdout

    def forget_controls(self):
        for control in self.controls:
            control.close()
        self.controls = []

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.forget_controls()

    def terminate(self, sent=signal.SIGTERM, timeout=10):
        """Asks the node to leave and returns its exit status."""
        self.process.send_signal(sent)
        status = self.process.wait(stretched(timeout))
        self.forget_controls()
        return status

    def restart(self, join=()):
        self.join = list(join)
        return self.start()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.forget_controls()

    def describe(self):
        state = "not started" if not self.process else f"pid {self.process.pid}, status {self.process.poll()}"
        return f"== p2pmeshd {self.name} ({state})\n{tail(self.log)}"


def ctl(box, data_dir, *arguments, status=0, **options):
    """Runs p2pmeshctl on a node; stdout and stderr are bytes."""
    done = box.run("p2pmeshctl", "--data-dir", str(data_dir), *arguments, **options)
    if status is not None and done.returncode != status:
        raise AssertionError(f"p2pmeshctl {arguments} ended with {done.returncode}: {done.stderr!r}")
    return done


def same_exports(members, timeout, what="all exports are the same"):
    """Waits until the exports of all members (with an export()) are byte-identical, and returns that export."""
    def same():
        exports = {member.export() for member in members}
        return exports.pop() if len(exports) == 1 else None
    return wait_until(same, timeout, what)


class MeshTest(unittest.TestCase):
    """A test with a box of its own, cleared away afterwards."""

    def run(self, result=None):
        result = result if result is not None else self.defaultTestResult()
        bad_before = len(result.errors) + len(result.failures)
        self.box = Box(self._testMethodName)
        try:
            return super().run(result)
        finally:
            self.box.close(len(result.errors) + len(result.failures) > bad_before)

    def node(self, name, **options):
        return Node(self.box, name, **options)

    def ctl(self, data_dir, *arguments, **options):
        return ctl(self.box, data_dir, *arguments, **options)


def main():
    """Runs the tests of the script that calls this; 77 when all of them were skipped."""
    for name in ("p2pmeshd", "p2pchat", "p2pmeshctl"):
        if not os.access(program(name), os.X_OK):
            print(f"{program(name)} is not there. Type: make, or set P2PMESH_BIN_DIR", file=sys.stderr)
            sys.exit(1)
    done = unittest.main(module="__main__", verbosity=2, exit=False).result
    if not done.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if done.testsRun and len(done.skipped) == done.testsRun else 0)
