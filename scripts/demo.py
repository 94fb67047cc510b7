#!/usr/bin/env python3
"""`make demo`: three people chat on this machine, and the one who opened the mesh leaves in the middle.

Needs no terminal: three p2pchat run in pipes, on loopback and free ports, in a temporary directory. Each line is shown
with the screen it belongs to: `>` before what somebody types, `|` before what the screen prints.
"""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "cluster"))

from chat import Chat  # noqa: E402
from mesh import Box, same_exports  # noqa: E402

WIDTH = 7
printing = threading.Lock()


def show(name, mark, text):
    with printing:
        print(f"{name:>{WIDTH}} {mark} {text.encode(errors='backslashreplace').decode()}", flush=True)


def narrate(text):
    with printing:
        print(f"\n-- {text}", flush=True)


def open_chat(box, name, *host_port):
    arguments = " ".join(["./p2pchat", name, *[str(part) for part in host_port]])
    narrate(arguments)
    return Chat(box, name, *host_port, on_line=lambda chat, text: show(chat.name, "|", text)).expect_open()


def say(chat, text, *listeners):
    show(chat.name, ">", text)
    chat.say(text)
    for listener in listeners:
        listener.expect(f"^{chat.name}: ")


def leave(chat, *others):
    show(chat.name, ">", ":q")
    status = chat.leave()
    if status != 0 or chat.stderr():
        raise AssertionError(f"p2pchat {chat.name} ended with {status}: {chat.stderr()}")
    for other in others:
        other.expect(rf"^>INFO: {chat.name} left\.$")


def play(box):
    alice = open_chat(box, "Alice")
    bob = open_chat(box, "Bob", "localhost", alice.port)
    alice.expect(r"^>INFO: Bob joined\.$")
    carol = open_chat(box, "Carol", "localhost", bob.port)
    for chat in (alice, bob):
        chat.expect(r"^>INFO: Carol joined\.$")

    narrate("they talk")
    say(alice, "Hello, both of you.", bob, carol)
    say(bob, "Hello Alice!", alice, carol)
    say(carol, "I came in through Bob. Who keeps the server?", alice, bob)
    say(alice, "Nobody. I opened the room, and now I go.", bob, carol)

    narrate("the one who opened the room leaves")
    leave(alice, bob, carol)
    say(bob, "Are we still here?", carol)
    say(carol, "We are.", bob)

    narrate("somebody comes later, and is told what was said")
    dave = open_chat(box, "Dave", "localhost", carol.port)
    dave.expect(r"^>INFO: End of earlier messages\.$")
    for chat in (bob, carol):
        chat.expect(r"^>INFO: Dave joined\.$")
    say(dave, "Good to have missed nothing.", bob, carol)
    export = same_exports([bob, carol, dave], 10)

    narrate("all three hold the same history: p2pmeshctl export")
    for line in export.decode().splitlines():
        print(line)
    narrate("and they part")
    leave(dave, bob, carol)
    leave(carol, bob)
    leave(bob)


def main():
    box = Box("demo")
    failed = True
    try:
        play(box)
        failed = False
    except AssertionError as error:
        print(f"demo.py: {error}", file=sys.stderr)
    finally:
        box.close(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
