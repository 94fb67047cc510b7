"""Local networks in namespaces: switches that are bridges in a namespace of their own, nodes with cables to them, ears
and spoofers that speak bytes. Nothing that is sent leaves the namespaces of the test."""

import json
import os
import struct
import subprocess
import sys

import mesh
import namespaces
from chat import Chat

SWITCH = "switch"
GROUP, GROUP6, PORT = "239.255.97.50", "ff02::7032:706d", 9749
EVERYWHERE = "[::]:0"


class Lan:
    """A switch with cables; each host is at 10.N.0.M."""

    def __init__(self, number):
        self.number, self.bridge, self.cables = number, f"br{number}", 0
        namespaces.run("ip", "-n", SWITCH, "link", "add", self.bridge, "type", "bridge", "forward_delay", "0",
                       "mcast_snooping", "0")
        namespaces.run("ip", "-n", SWITCH, "link", "set", self.bridge, "up")

    def plug(self, namespace, host=None, name=None, up=True):
        """A cable from a namespace; without a host number there is no IPv4 address. Gives the interface's name."""
        self.cables += 1
        name, port = name or f"lan{self.number}", f"p{self.number}-{self.cables}"
        namespaces.run("ip", "link", "add", name, "netns", namespace, "type", "veth", "peer", "name", port, "netns",
                       SWITCH)
        namespaces.run("ip", "-n", SWITCH, "link", "set", port, "master", self.bridge, "up")
        if host:
            namespaces.run("ip", "-n", namespace, "addr", "add", f"{self.address(host)}/24", "dev", name)
        if up:
            namespaces.run("ip", "-n", namespace, "link", "set", name, "up")
        return name

    def address(self, host):
        return f"10.{self.number}.0.{host}"


def make(*names):
    """Namespaces beside that of the switches, where an IPv6 address can be used as soon as it is there."""
    namespaces.make(SWITCH, *names)
    for name in (SWITCH, *names):
        set_of_kernel(name, "net.ipv6.conf.default.accept_dad", 0)
        set_of_kernel(name, "net.ipv6.conf.all.accept_dad", 0)
    set_of_kernel(SWITCH, "net.ipv6.conf.default.disable_ipv6", 1)


def set_of_kernel(namespace, key, value):
    path = "/proc/sys/" + key.replace(".", "/")
    namespaces.run_in(namespace, "sh", "-c", f"echo {value} > {path}")


def node(box, namespace, name, options=("--lan",), **more):
    made = namespaces.NamespaceNode(box, namespace, "[::]", name, options=options, **more)
    made.listen = EVERYWHERE
    return made


def chat(box, namespace, name, *host_port, options=("--lan",), **more):
    return Chat(box, name, *host_port, listen=EVERYWHERE, options=options,
                prefix=("ip", "netns", "exec", namespace), **more)


def heard(node):
    """{label: mesh} of what a node hears."""
    return {one["label"]: one for one in node.call("lan.list")["meshes"]}


def counter(node, name):
    return node.call("lan.list")["counters"][f"lan_{name}"]


SCRIPT_EAR = """
import json, select, socket, struct, sys, time
index, seconds = socket.if_nametoindex(sys.argv[1]), float(sys.argv[2])
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
four.setsockopt(socket.IPPROTO_IP, 49, 0)  # IP_MULTICAST_ALL: not what others in this namespace have joined
four.bind(("", PORT))
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton(GROUP) + socket.inet_aton("0.0.0.0") + struct.pack("@i", index))
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
six.setsockopt(socket.IPPROTO_IPV6, 29, 0)  # IPV6_MULTICAST_ALL
six.bind(("::", PORT))
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, GROUP6)
               + struct.pack("@I", index))
print("ready", flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for one in select.select([four, six], [], [], max(0, end - time.monotonic()))[0]:
        data, source = one.recvfrom(2048)
        print(json.dumps([source[0], data.hex()]), flush=True)
"""

SCRIPT_FLOOD = """
import os, socket, struct, sys, time
interface, kind, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
sources = sys.argv[5:]
index = socket.if_nametoindex(interface)
ends = []
for source in sources:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind((source, 0))
    end.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                   socket.inet_aton("0.0.0.0") + socket.inet_aton(source) + struct.pack("@i", index))
    ends.append(end)
def forged(number):
    name = b"Mallory"
    return (b"p2pb" + bytes([1]) + os.urandom(32) + struct.pack(">QH", int(time.time() * 1000), 9750)
            + bytes([len(name)]) + name + bytes([0, 1]) + os.urandom(32) + struct.pack(">I", 3) + bytes([0, 0])
            + os.urandom(64))
made = [forged(n) if kind == "forged" else os.urandom(300) for n in range(4096)]
print("ready", flush=True)
began, sent = time.monotonic(), 0
while time.monotonic() - began < seconds:
    due = int((time.monotonic() - began) * rate)
    while sent < due:
        ends[sent % len(ends)].sendto(made[sent % len(made)], (GROUP, PORT))
        sent += 1
    time.sleep(0.001)
print(sent, flush=True)
"""

SCRIPT_FRAME = """
import socket, struct, sys
interface, source, payload = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((interface, 0))
group = socket.inet_aton(GROUP)
def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff
udp = struct.pack(">HHHH", PORT, PORT, 8 + len(payload), 0) + payload
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 1, 17, 0, socket.inet_aton(source), group)
head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
mac = bytes([0x01, 0, 0x5e, group[1] & 0x7f, group[2], group[3]])
raw.send(mac + bytes([2, 0, 0, 0, 0, 9]) + struct.pack(">H", 0x0800) + head + udp)
"""


class Script:
    """A piece of Python in a namespace."""

    def __init__(self, box, namespace, script, *arguments):
        script = f"GROUP, GROUP6, PORT = {GROUP!r}, {GROUP6!r}, {PORT}\n" + script
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-c", script, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        box.members.append(self)

    def started(self):
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError(self.process.stderr.read())
        return self

    def lines(self, timeout=60):
        out, errors = self.process.communicate(timeout=mesh.stretched(timeout))
        if self.process.returncode != 0:
            raise AssertionError(errors)
        return out.splitlines()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def describe(self):
        return f"== script, status {self.process.poll()}"


def listen(box, namespace, interface, seconds):
    return Script(box, namespace, SCRIPT_EAR, interface, seconds).started()


def beacons(ear):
    """[(source, bytes)] of what an ear has heard."""
    return [(source, bytes.fromhex(data)) for source, data in map(json.loads, ear.lines())]


def flood(box, namespace, interface, kind, rate, seconds, sources):
    return Script(box, namespace, SCRIPT_FLOOD, interface, kind, rate, seconds, *sources).started()


def spoof(box, namespace, interface, source, payload):
    """One datagram to the group, from whatever source."""
    Script(box, namespace, SCRIPT_FRAME, interface, source, payload.hex()).lines()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def key_of(beacon):
    return beacon[5:37]


def wall_of(beacon):
    return struct.unpack(">Q", beacon[37:45])[0]
