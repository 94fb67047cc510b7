"""A router that is not to be trusted, at the address given: fake_router.py ADDRESS hangs|lies.

hangs  answers the search for UPnP, takes the connection that follows, and never comes to the end of its answer
lies   answers NAT-PMP, and says that its address outside is 0.0.0.0

Prints a line when it is ready, and one for each that asks.
"""

import select
import socket
import struct
import sys

SSDP_GROUP, SSDP_PORT, NAT_PMP_PORT = "239.255.255.250", 1900, 5351


def say(text):
    print(text, flush=True)


def hang(address):
    listener = socket.create_server((address, 0))
    search = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    search.bind((SSDP_GROUP, SSDP_PORT))
    search.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                      socket.inet_aton(SSDP_GROUP) + socket.inet_aton(address))
    say("ready")
    asked, kept = "", []
    while not kept:
        words, who = search.recvfrom(2000)
        asked = next(line for line in words.decode().splitlines() if line.startswith("ST:")).split(":", 1)[1].strip()
        search.sendto(f"HTTP/1.1 200 OK\r\nST: {asked}\r\nUSN: uuid:1::{asked}\r\n"
                      f"LOCATION: http://{address}:{listener.getsockname()[1]}/\r\n\r\n".encode(), who)
        listener.settimeout(5)
        try:
            kept.append(listener.accept())
        except TimeoutError:
            continue
    say("taken")
    connection = kept[0][0]
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        readable = select.select([sys.stdin, connection], [], [], 0.5)[0]
        # The test has ended, or the other end has given up.
        if sys.stdin in readable or (connection in readable and not connection.recv(4096)):
            return
        connection.sendall(b"x")


def lie(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, NAT_PMP_PORT))
    say("ready")
    while True:
        ask, who = server.recvfrom(100)
        if ask[1] == 0:
            server.sendto(struct.pack("!BBHI", 0, 128, 0, 9) + socket.inet_aton("0.0.0.0"), who)
        else:
            inside, outside, lease = struct.unpack("!HHI", ask[4:12])
            server.sendto(struct.pack("!BBHIHHI", 0, 128 + ask[1], 0, 9, inside, outside, lease), who)
            say(f"asked for {lease}")


if __name__ == "__main__":
    {"hangs": hang, "lies": lie}[sys.argv[2]](sys.argv[1])
