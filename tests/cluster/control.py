"""A client of the control protocol, p2pmesh-control(7): JSON-RPC 2.0, one object a line, on DATA_DIR/control.sock.

It reads only while somebody waits, so a test decides what a slow subscriber is.
"""

import json
import os
import select
import socket
import time


class RpcFault(Exception):
    """The node answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.message = error.get("message")
        self.status = (error.get("data") or {}).get("status")


class Gone(Exception):
    """The node has closed the connection."""


def connect_control(data_dir):
    """Connects, also where the path is longer than a socket address can be."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = None
    try:
        path = os.path.join(os.fspath(data_dir), "control.sock")
        if len(os.fsencode(path)) > 100:
            directory = os.open(data_dir, os.O_PATH | os.O_DIRECTORY)
            path = f"/proc/self/fd/{directory}/control.sock"
        connection.connect(path)
        return connection
    except OSError:
        connection.close()
        raise
    finally:
        if directory is not None:
            os.close(directory)


class Control:
    def __init__(self, data_dir, timeout):
        self.socket = connect_control(data_dir)
        self.socket.setblocking(False)
        self.timeout = timeout
        self.buffer = b""
        self.unsent = b""
        self.serial = 0
        self.replies = {}
        self.faults_without_id = []
        self.events = []  # the params of each event, in order
        self.gone = False

    def close(self):
        self.socket.close()
        self.gone = True

    def send(self, method, **params):
        """Queues a request and returns its id; several may be under way."""
        self.serial += 1
        request = {"jsonrpc": "2.0", "id": self.serial, "method": method, "params": params}
        self.send_bytes(json.dumps(request).encode() + b"\n")
        return self.serial

    def send_bytes(self, raw):
        self.unsent += raw
        self.pump(0)

    def pump(self, seconds):
        """Writes what waits and reads what is there, for at most so long; true when a line came."""
        if self.gone:
            raise Gone()
        readable, writable, _ = select.select(
            [self.socket], [self.socket] if self.unsent else [], [], max(0, seconds))
        if writable:
            try:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
            except BlockingIOError:
                pass
            except OSError:
                self.unsent = b""  # closed; what the node said before is still to be read
        try:
            chunk = self.socket.recv(1 << 20) if readable else None
        except BlockingIOError:
            return False
        except OSError as error:
            self.gone = True
            raise Gone() from error
        if chunk == b"":
            self.gone = True
            raise Gone()
        if not chunk:
            return False
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        for line in lines:
            self.take(json.loads(line))
        return bool(lines)

    def take(self, message):
        if message.get("jsonrpc") != "2.0":
            raise AssertionError(f"not JSON-RPC 2.0: {message}")
        if "method" in message:
            self.events.append(message["params"])
        elif message.get("id") is None:
            self.faults_without_id.append(RpcFault(message["error"]))
        else:
            self.replies[message["id"]] = message

    def wait(self, predicate, what, timeout=None):
        """Reads on until the predicate gives something true, and returns that."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            seen = predicate()
            if seen:
                return seen
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not in time: {what}; last events {self.events[-3:]}")
            self.pump(min(left, 1))

    def reply(self, request):
        """The result of a request; raises RpcFault when the node refused it."""
        self.wait(lambda: request in self.replies, f"an answer to request {request}")
        message = self.replies.pop(request)
        if "error" in message:
            raise RpcFault(message["error"])
        return message["result"]

    def call(self, method, **params):
        return self.reply(self.send(method, **params))

    def wait_event(self, kind, what=None, timeout=None, **fields):
        """The first event of that kind with those fields; it and all before it stay in `events`."""
        def found():
            for event in self.events:
                if event["type"] == kind and all(event.get(k) == v for k, v in fields.items()):
                    return event
            return None
        return self.wait(found, what or f"event {kind} {fields}", timeout)

    def texts(self):
        return [event["text"] for event in self.events if event["type"] == "message"]
