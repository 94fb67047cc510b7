"""One program at a terminal of its own: what it shows is read, what it is asked is typed."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading
import time

from mesh import program, stretched


class Terminal:
    def __init__(self, box, *arguments):
        self.box = box
        self.master, worker = pty.openpty()
        self.shown = b""
        self.position = 0
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [program(arguments[0]), *[str(part) for part in arguments[1:]]], stdin=worker, stdout=worker, stderr=worker,
            cwd=box.path, env=box.environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        # Kept open, so that the state of the terminal can be asked for when the program has ended.
        self.worker = worker
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        box.members.append(self)

    def read(self):
        while True:
            try:
                got = os.read(self.master, 4096)
            except OSError:
                break
            with self.changed:
                self.shown += got
                self.changed.notify_all()

    def expect(self, text, timeout=20):
        """Waits for a text behind the one expected before."""
        deadline = time.monotonic() + stretched(timeout)
        wanted = text.encode()
        with self.changed:
            while True:
                at = self.shown.find(wanted, self.position)
                if at >= 0:
                    self.position = at + len(wanted)
                    return self
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{text!r} was not shown behind {self.position}: {self.shown!r}")
                self.changed.wait(left)

    def type(self, text):
        os.write(self.master, text.encode() + b"\n")
        return self

    def press(self, key):
        os.write(self.master, key)
        return self

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def wait(self, timeout=20):
        return self.process.wait(stretched(timeout))

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.worker is None:
            return
        # With the last one at the other end gone the reader ends, and nobody reads a number that is used again.
        os.close(self.worker)
        self.worker = None
        self.reader.join(stretched(5))
        os.close(self.master)

    def describe(self):
        return f"== {self.process.args} (status {self.process.poll()})\n{self.shown!r}"
