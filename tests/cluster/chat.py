"""One p2pchat in pipes: what it prints is read line by line, what it reads is written by the test."""

import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from mesh import ANY_PORT, ctl, program, stretched, tail

FIRST_LINE = r"^>INFO: {name} at address 127\.0\.0\.1 is listening at (\d+)\.$"


class Chat:
    def __init__(self, box, name, *host_port, data_dir=None, listen=ANY_PORT, options=(), on_line=None,
                 prefix=()):
        self.box, self.name = box, name
        self.data_dir = Path(data_dir or box.data_dir(name))
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self.lines = []  # everything printed, without line ends, undecodable bytes kept as surrogates
        self.printed = []  # the same, line by line as bytes
        self.position = 0  # of the next line that expect() looks at
        self.on_line = on_line
        self.changed = threading.Condition()
        self.closed = False
        self.errors = box.new_name(f"{name}.stderr")
        command = [*prefix, program("p2pchat"), "--data-dir", str(self.data_dir)]
        if listen:
            command += ["--listen", listen]
        command += [*options, name, *[str(part) for part in host_port]]
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=box.path,
                env=box.environment,
            )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        box.members.append(self)

    def read(self):
        for line in iter(self.process.stdout.readline, b""):
            text = line.rstrip(b"\n").decode("utf-8", "surrogateescape")
            if self.on_line:
                self.on_line(self, text)
            with self.changed:
                self.printed.append(line)
                self.lines.append(text)
                self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    @property
    def raw(self):
        """Every byte printed so far."""
        with self.changed:
            return b"".join(self.printed)

    def expect(self, pattern, timeout=15):
        """Waits for a line that the pattern matches, after those expected before, and returns the match."""
        regex = re.compile(pattern)
        deadline = time.monotonic() + stretched(timeout)
        with self.changed:
            start = self.position
            while True:
                while self.position < len(self.lines):
                    match = regex.search(self.lines[self.position])
                    self.position += 1
                    if match:
                        return match
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    why = "its output ended" if self.closed else f"not within {stretched(timeout):g} s"
                    seen = "\n  ".join(self.lines[start:][-30:])
                    raise AssertionError(f"{self.name} did not print {pattern!r} ({why}). It printed:\n  {seen}")
                self.changed.wait(left)

    def expect_open(self, timeout=20):
        """The opening lines; afterwards `port` is known."""
        self.port = int(self.expect(FIRST_LINE.format(name=re.escape(self.name)), timeout).group(1))
        self.greeting = self.expect(r"^>INFO: (Nobody else is here\..*|Here: .*)$").group(0)
        self.expect(r"^>INFO: Type :q to leave, /help for commands\.$")
        return self

    def said(self):
        """Every line so far that is no notice, in order."""
        with self.changed:
            return [line for line in self.lines if not line.startswith(">INFO: ")]

    def say(self, *lines):
        self.write("".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape"))

    def write(self, raw):
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def wait(self, timeout=15):
        """The exit status; all output has been read then."""
        status = self.process.wait(stretched(timeout))
        self.reader.join(stretched(5))
        return status

    def leave(self, timeout=15):
        self.say(":q")
        return self.wait(timeout)

    def stderr(self):
        return self.errors.read_bytes().decode("utf-8", "backslashreplace")

    def node_pid(self):
        """The process of the node behind this screen."""
        return int(ctl_status(self.box, self.data_dir)["pid"])

    def export(self, *options):
        return ctl(self.box, self.data_dir, "export", *options).stdout

    def kill(self):
        """kill -9 of the screen alone."""
        self.process.send_signal(signal.SIGKILL)
        self.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass

    def describe(self):
        with self.changed:
            seen = "\n  ".join(self.lines[-40:]).encode(errors="backslashreplace").decode()
        text = f"== p2pchat {self.name} (pid {self.process.pid}, status {self.process.poll()})\n  {seen}"
        if self.stderr():
            text += f"\n  stderr: {self.stderr()}"
        log = self.data_dir / "p2pmeshd.log"
        return text + (f"\n  log: {tail(log, 2000)}" if log.exists() else "")


def ctl_status(box, data_dir):
    from control import Control

    control = Control(data_dir, stretched(5))
    try:
        return control.call("status")
    finally:
        control.close()
