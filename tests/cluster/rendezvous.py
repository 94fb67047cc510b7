"""What the tests of a discovery server share: the server, and members that are told what to say, line by line.

P2PMESH_RENDEZVOUS_CLIENT   the program rendezvous_client, if it is not beside the others
"""

import os
import select
import subprocess

import mesh

CLIENT = os.environ.get("P2PMESH_RENDEZVOUS_CLIENT") or mesh.program("rendezvous_client")

# RefuseReason and DenyReason of the wire.
NAME_HELD, STALE, EXPIRED, OVER_BUDGET, FULL, MALFORMED, NOT_REGISTERED, NAME_NOT_ALLOWED, UNKNOWN = map(str, range(1, 10))


class Server(mesh.Node):
    """One discovery server. start() returns when its control socket answers."""

    def __init__(self, box, config="", options=()):
        super().__init__(box, "rendezvous", options=options)
        self.port = 0
        self.configure(config)

    def configure(self, config):
        self.config = self.box.new_name("config.toml")
        self.config.write_text(config)

    def command(self):
        return [mesh.program("p2pmeshd"), "--serve-rendezvous", f"127.0.0.1:{self.port}", "--data-dir", str(self.data_dir),
                "--config", str(self.config)] + self.options

    def start(self, timeout=15):
        super().start(timeout)
        self.port = self.status()["port"]
        return self

    def facts(self):
        return self.status()["rendezvous"]

    def counters(self):
        return self.status()["counters"]


def command_line(command, server, **options):
    line = [CLIENT, command, "--target", f"127.0.0.1:{server.port}"]
    for name, value in options.items():
        line += ["--" + name.replace("_", "-"), str(value)]
    return line


class Client:
    """One run of rendezvous_client; what it says is read line by line."""

    def __init__(self, box, command, server, **options):
        self.errors = box.new_name(f"{command}.stderr")
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command_line(command, server, **options), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True)
        box.members.append(self)

    def line(self, timeout=30):
        readable, _, _ = select.select([self.process.stdout], [], [], mesh.stretched(timeout))
        line = self.process.stdout.readline() if readable else ""
        if not line:
            raise AssertionError(f"the client said nothing more: {self.describe()}")
        return line.rstrip("\n")

    def tell(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def say(self, words, timeout=30):
        """The answer to one command."""
        self.tell(words)
        return self.line(timeout)

    def finish(self, input="", timeout=120):
        """All that it says, once it has ended well."""
        out, _ = self.process.communicate(input, timeout=mesh.stretched(timeout))
        if self.process.returncode != 0:
            raise AssertionError(f"the client ended with {self.process.returncode}: {out} {self.describe()}")
        return out.splitlines()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def describe(self):
        return f"== rendezvous_client, status {self.process.poll()}\n{mesh.tail(self.errors)}"


class Member(Client):
    """A link of one member, whose key goes by a number."""

    def __init__(self, box, server, number, name):
        super().__init__(box, "talk", server, key=number, source=number)
        self.server_key = self.line().removeprefix("up ")
        self.key = self.say(f"member {number} {name}").removeprefix("member ")

    def register(self, settings=""):
        return self.say("register " + settings)

    def leave(self):
        self.process.stdin.close()
        self.process.wait(mesh.stretched(10))


class RendezvousTest(mesh.MeshTest):
    def server(self, config="", **options):
        return Server(self.box, config, **options).start()

    def member(self, server, number, name, registers=True):
        member = Member(self.box, server, number, name)
        if registers:
            self.assertRegex(member.register(), "^registered ")
        return member

    def client(self, command, server, **options):
        return Client(self.box, command, server, **options)
