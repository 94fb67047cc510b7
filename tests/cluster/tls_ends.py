"""Ends of links that are no nodes: TLS by Python's ssl, keys and certificates by openssl(1)."""

import socket
import ssl
import struct
import subprocess

PROTOCOL = "p2pmesh/1"
MAGIC = b"p2pmesh\n"
HELLO, WELCOME, REFUSE = 1, 2, 3
VERSION = 3


def openssl(*arguments, input=b""):
    return subprocess.run(["openssl", *[str(a) for a in arguments]], input=input, capture_output=True, check=True).stdout


class Identity:
    """A key and a self-signed certificate of it, as files; `key` is the raw public key of an Ed25519 one."""

    def __init__(self, directory, name="stranger", algorithm="ed25519", options=()):
        self.key_file, self.certificate_file = directory / f"{name}.key", directory / f"{name}.pem"
        openssl("req", "-x509", "-newkey", algorithm, *options, "-nodes", "-subj", "/CN=x", "-days", 30, "-keyout",
                self.key_file, "-out", self.certificate_file)
        self.key = None
        if algorithm == "ed25519":
            self.key = openssl("pkey", "-in", self.key_file, "-pubout", "-outform", "DER")[-32:]

    def context(self, server=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([PROTOCOL])
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def frame(kind, payload):
    return struct.pack(">IB", len(payload) + 1, kind) + payload


def hello(key, version=VERSION, nonce=bytes(32), mesh=b"", proof=b"\0"):
    """Asks for whatever mesh is there, or for one; `proof`: what a closed mesh is shown."""
    wanted = b"\1" + mesh if mesh else b"\0"
    return frame(HELLO, MAGIC + struct.pack(">H", version) + key + nonce + wanted + proof)


def connect(identity, port, source="127.0.1.1", timeout=10):
    """A TLS channel to a node, from an address of its own."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else its second write waits 40 ms for an answer
    return identity.context().wrap_socket(plain)


def read_frame(channel):
    """(kind, payload), or nothing at the end."""
    def read(size):
        have = b""
        while len(have) < size:
            some = channel.recv(size - len(have))
            if not some:
                return None
            have += some
        return have

    header = read(4)
    if header is None:
        return None
    body = read(struct.unpack(">I", header)[0])
    return body and (body[0], body[1:])
