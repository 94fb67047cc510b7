"""The control protocol: every method, pipelining, cursors, a slow subscriber, and garbage at both doors."""

import json
import random
import socket
import stat
import time

import mesh
from control import Control, Gone, RpcFault, connect_control
from mesh import stretched


def cursor_of(event):
    row, index = event["cursor"].split(".")
    return int(row), int(index)


class ControlProtocol(mesh.MeshTest):
    def fault(self, control, method, **params):
        with self.assertRaises(RpcFault) as caught:
            control.call(method, **params)
        self.assertTrue(caught.exception.message)
        return caught.exception

    def test_status_members_and_peers(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        for node in (alice, bob):
            mesh.wait_until(lambda: node.status()["members"] == 2, 10, "two members")
        status = bob.status()
        self.assertEqual(status["name"], "Bob")
        self.assertEqual(status["claimed_name"], "Bob")
        self.assertEqual(status["mesh"], alice.status()["mesh"])
        self.assertEqual(status["pid"], bob.process.pid)
        self.assertEqual(status["storage"], "ok")
        self.assertEqual(
            [status[field] for field in ("view", "neighbors", "passive", "members", "online", "messages")],
            ["full", 1, 0, 2, 2, 0])
        said = self.ctl(bob.data_dir, "status").stdout.decode()
        for line in ("view: full", "neighbors: 1", "passive: 0"):
            self.assertIn(f"\n{line}\n", said)
        for field in ("key", "node_key", "mesh"):
            self.assertRegex(status[field], "^[0-9a-f]{64}$")
        for field, kind in (("port", int), ("pending", int), ("synced", bool), ("leaves_with_last_screen", bool),
                            ("address", str), ("version", str), ("counters", dict)):
            self.assertIsInstance(status[field], kind, field)
        self.assertTrue(all(isinstance(value, (int, float)) for value in status["counters"].values()))
        self.assertFalse(status["leaves_with_last_screen"])

        members = {member["name"]: member for member in bob.call("members.list")}
        self.assertEqual(set(members), {"Alice", "Bob"})
        self.assertEqual([members[name]["self"] for name in ("Alice", "Bob")], [False, True])
        self.assertTrue(all(member["online"] for member in members.values()))
        self.assertIn(alice.address, members["Alice"]["addresses"])
        self.assertLess(abs(members["Alice"]["since_ms"] / 1000 - time.time()), 60)
        (to_alice,) = bob.call("peers.list")
        (to_bob,) = alice.call("peers.list")
        self.assertEqual((to_alice["name"], to_bob["name"]), ("Alice", "Bob"))
        self.assertEqual(to_alice["key"], alice.status()["key"])
        self.assertEqual({to_alice["outbound"], to_bob["outbound"]}, {True, False})
        mesh.wait_until(lambda: bob.call("peers.list")[0]["rtt_ms"] is not None, 10, "a round trip was measured")
        self.assertEqual(bob.call("rooms.list"), [{"name": "#lobby", "joined": True, "current": True, "unread": 0,
                                                   "messages": 0, "newest_ms": 0, "topic": None, "private": False, "key": False}])

        self.assertEqual(stat.S_IMODE((bob.data_dir / "control.sock").stat().st_mode), 0o600)
        self.assertEqual(bob.call("shutdown"), {})
        self.assertEqual(bob.process.wait(stretched(5)), 0)
        mesh.wait_until(lambda: alice.status()["online"] == 1, 5, "Bob has left")

    def test_send_and_list(self):
        node = self.node("Alice").start()
        ids = [node.call("message.send", text=f"number {number}")["id"] for number in range(25)]
        self.assertEqual(len(set(ids)), 25)
        for message_id in ids:
            self.assertRegex(message_id, r"^[0-9a-f]{64}\.\d+$")
        everything = node.call("message.list")
        self.assertFalse(everything["more"])
        self.assertEqual([message["id"] for message in everything["messages"]], ids)
        first = everything["messages"][0]
        self.assertEqual(first["author"], node.status()["key"])
        self.assertEqual([first[field] for field in ("name", "room", "text", "own", "forked")],
                         ["Alice", "#lobby", "number 0", True, False])
        depths = [message["depth"] for message in everything["messages"]]
        self.assertEqual(depths, sorted(depths))

        def listed(**params):
            page = node.call("message.list", **params)
            return [ids.index(message["id"]) for message in page["messages"]], page["more"]

        self.assertEqual(listed(limit=10), (list(range(15, 25)), True))
        self.assertEqual(listed(limit=10, before=ids[15]), (list(range(5, 15)), True))
        self.assertEqual(listed(limit=10, before=ids[5]), (list(range(0, 5)), False))
        self.assertEqual(listed(limit=10, after=ids[4]), (list(range(5, 15)), True))
        self.assertEqual(listed(limit=10, after=ids[14]), (list(range(15, 25)), False))
        self.assertEqual(listed(after=ids[24]), ([], False))
        self.assertEqual(listed(after=ids[4], before=ids[8])[0], [5, 6, 7])

        node.call("message.send", text="elsewhere", room="#dev")
        self.assertEqual([room["name"] for room in node.call("rooms.list")], ["#dev", "#lobby"])
        self.assertEqual([m["text"] for m in node.call("message.list", room="#dev")["messages"]], ["elsewhere"])
        self.assertEqual(len(listed()[0]), 25)
        odd_texts = ["with\nline breaks\r\n", "\x00\x1b", "x" * 8192, "😀" * 2048, "'; DROP TABLE envelopes;--"]
        for text in odd_texts:
            node.call("message.send", text=text, room="#odd")
        odd = [m["text"] for m in node.call("message.list", room="#odd")["messages"]]
        self.assertEqual(odd, odd_texts)
        node.call("message.send", text="as myself", **{"as": "Alice"})
        control = node.controls[0]
        self.assertEqual(self.fault(control, "message.send", text="not me", **{"as": "Bob"}).code, -32602)
        self.assertIn(self.fault(control, "message.send", text="x" * 8193).code, (-32602, -32000))
        self.assertEqual(self.fault(control, "message.send").code, -32602)
        self.assertEqual(self.fault(control, "message.send", text=7).code, -32602)
        self.assertEqual(self.fault(control, "message.send", text="x", room="no room").code, -32602)
        unknown = self.fault(control, "message.send", text="x", colour="red")
        self.assertEqual(unknown.code, -32602)
        self.assertIn("colour", unknown.message)
        for params in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"before": "nonsense"}):
            self.assertEqual(self.fault(control, "message.list", **params).code, -32602, params)

    def test_pipelined_requests_are_all_answered_and_in_order(self):
        node = self.node("Alice").start()
        control = node.connect()
        sent = [control.send("message.send", text=f"number {number}") for number in range(2000)]
        asked = [control.send("status") for _ in range(20)]
        ids = [control.reply(request)["id"] for request in sent]
        self.assertEqual(len(set(ids)), 2000)
        for request in asked:
            self.assertEqual(control.reply(request)["name"], "Alice")
        self.assertEqual([m["text"] for m in node.messages()], [f"number {number}" for number in range(2000)])

    def test_json_rpc_errors(self):
        node = self.node("Alice").start()
        control = node.connect()
        self.assertEqual(self.fault(control, "no.such.method").code, -32601)
        self.assertEqual(self.fault(control, "status", extra=1).code, -32602)
        self.assertEqual(self.fault(control, "events.subscribe", after="x").code, -32602)
        self.assertEqual(self.fault(control, "mesh.connect", host="localhost", port=0).code, -32602)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        refused = self.fault(control, "mesh.connect", host="127.0.0.1", port=port)
        self.assertEqual((refused.code, refused.status), (-32000, 69))
        unknown = self.fault(control, "mesh.connect", host="nosuch.invalid", port=port)
        self.assertEqual((unknown.code, unknown.status), (-32000, 68))

        def raw_fault(line):
            own = node.connect()
            own.send_bytes(line + b"\n")
            fault = own.wait(lambda: own.faults_without_id, f"an answer to {line[:60]!r}")[0]
            own.close()
            return fault.code

        self.assertEqual(raw_fault(b"{nonsense"), -32700)
        self.assertEqual(raw_fault(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}'), -32700)
        self.assertEqual(raw_fault(b"[]"), -32600)
        self.assertEqual(raw_fault(b'[{"jsonrpc":"2.0","id":1,"method":"status"}]'), -32600)
        self.assertEqual(raw_fault(b"7"), -32600)
        # A notification has no answer; text and string ids come back as they are.
        control.send_bytes(b'{"jsonrpc":"2.0","method":"message.send","params":{"text":"a notification"}}\n')
        control.send_bytes(b'{"jsonrpc":"2.0","id":"a \\"string\\"","method":"status"}\n')
        control.wait(lambda: 'a "string"' in control.replies, "the answer with the string id")
        mesh.wait_until(lambda: [m["text"] for m in node.messages()] == ["a notification"], 5, "it was sent")

    def test_events_tell_what_happens_and_a_cursor_survives_restarts(self):
        alice = self.node("Alice").start()
        watcher = alice.connect()
        self.assertRegex(watcher.call("events.subscribe")["cursor"], r"^\d+\.\d+$")
        watcher.wait_event("live")
        bob = self.node("Bob", join=[alice.address]).start()
        joined = watcher.wait_event("joined", name="Bob")
        self.assertEqual(joined["member"], bob.status()["key"])
        self.assertFalse(joined["replayed"])
        watcher.wait_event("synced")
        bob.call("message.send", text="one")
        one = watcher.wait_event("message", text="one")
        self.assertEqual([one[f] for f in ("name", "room", "own", "repaired", "gap", "replayed", "forked")],
                         ["Bob", "#lobby", False, False, False, False, False])
        bob.kill()
        watcher.wait_event("offline", name="Bob", timeout=stretched(5))
        bob.restart()
        mesh.wait_until(lambda: alice.status()["online"] == 2, 15, "Bob is back, which is told later")
        bob.call("message.send", text="two")
        watcher.wait_event("message", text="two")
        alice.call("message.send", text="three")
        watcher.wait_event("message", text="three", own=True)
        self.assertEqual(bob.terminate(), 0)
        mesh.wait_until(lambda: alice.status()["online"] == 1, 15, "Bob is gone, as was last told")

        kept = [event for event in watcher.events if "cursor" in event]
        self.assertEqual([cursor_of(event) for event in kept], sorted({cursor_of(event) for event in kept}))
        self.assertEqual(
            [event["type"] for event in kept],
            ["joined", "message", "offline", "message", "message"])

        alice.kill()
        alice.restart()
        for at, event in enumerate(kept):
            again = alice.connect()
            again.call("events.subscribe", after=event["cursor"])
            again.wait_event("live")
            replayed = [e for e in again.events if "cursor" in e][:len(kept) - at - 1]
            self.assertEqual([(e["type"], e["cursor"]) for e in replayed],
                             [(e["type"], e["cursor"]) for e in kept[at + 1:]])
            self.assertTrue(all(e["replayed"] for e in replayed))
        # Nobody is there to take it: it waits, and is an event when somebody comes.
        self.assertEqual(again.call("message.send", text="four"), {"pending": 1})
        bob.restart()
        four = again.wait_event("message", text="four")
        self.assertFalse(four["replayed"])
        self.assertTrue(four["was_pending"])

    def test_screens_and_the_read_cursor(self):
        alice = self.node("Alice").start()
        screen = alice.connect()
        self.assertEqual(screen.call("screen.attach"), {"leaves_with_last_screen": False, "read_cursor": "0.0"})
        screen.call("events.subscribe")
        screen.call("message.send", text="read")
        cursor = screen.wait_event("message", text="read")["cursor"]
        self.assertEqual(screen.call("read.mark", cursor=cursor), {})
        self.assertEqual(self.fault(screen, "read.mark", cursor="x.y").code, -32602)
        self.assertEqual(alice.connect().call("screen.attach")["read_cursor"], cursor)
        self.assertEqual(alice.terminate(), 0)
        alice.restart()
        self.assertEqual(alice.connect().call("screen.attach")["read_cursor"], cursor)

        self.assertEqual(self.fault(screen := alice.connect(), "read.mark", cursor=cursor, room="no room").code, -32602)
        self.assertEqual(self.fault(screen, "read.mark", cursor=cursor, after=cursor).code, -32602)
        screen.close()

        private = self.node("Bob", options=["--leave-with-last-screen"]).start()
        first, second = private.connect(), private.connect()
        self.assertTrue(first.call("screen.attach")["leaves_with_last_screen"])
        second.call("screen.attach")
        first.close()
        self.assertEqual(second.call("status")["name"], "Bob")
        second.close()
        self.assertEqual(private.process.wait(stretched(5)), 0)

    def test_rooms_are_joined_left_and_told_to_subscribers(self):
        node = self.node("Alice").start()
        watcher = node.connect()
        watcher.call("events.subscribe")
        joined = node.call("room.join", room="#Dev")
        self.assertEqual(joined, {"name": "#dev", "joined": True, "current": True, "unread": 0, "messages": 0, "newest_ms": 0,
                                  "topic": None, "private": False, "key": False})
        watcher.wait_event("room", room="#dev", joined=True)
        control = node.controls[0]
        for method in ("room.join", "room.part"):
            for room in ("", "#", "dev", "#a b", "#\u202e", 7, None):
                self.assertEqual(self.fault(control, method, room=room).code, -32602, (method, room))
        not_joined = self.fault(control, "room.part", room="#ops")
        self.assertEqual((not_joined.code, not_joined.status, not_joined.message), (-32000, 64, "You are not in #ops."))
        self.assertEqual(node.call("room.part", room="#lobby")["name"], "#dev")
        self.assertEqual(node.call("room.part", room="#dev")["name"], "#lobby")
        watcher.wait_event("room", room="#dev", joined=False)
        self.assertEqual(self.fault(control, "room.part", room="#lobby").status, 64)
        for number in range(63):
            node.call("room.join", room=f"#r{number}")
        self.assertEqual(self.fault(control, "room.join", room="#one-more").status, 75)

    def test_a_client_that_half_closes_gets_its_answers(self):
        node = self.node("Alice").start()
        client = connect_control(node.data_dir)
        client.settimeout(stretched(10))
        client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"text":"last words"}}\n'
                       b'{"jsonrpc":"2.0","id":2,"method":"status"}\nno whole line')
        client.shutdown(socket.SHUT_WR)
        said = b""
        while chunk := client.recv(65536):
            said += chunk
        client.close()
        self.assertEqual(len(said.splitlines()), 2, said)
        self.assertEqual([message["text"] for message in node.messages()], ["last words"])

    def test_a_slow_subscriber_gets_one_gap_and_loses_nothing(self):
        node = self.node("Alice").start()
        slow = node.connect()
        cursor = slow.call("events.subscribe")["cursor"]
        sender = node.connect()
        texts = [f"{number} " + "x" * 8000 for number in range(2500)]  # 20 MB: twice what a client's queue holds
        waiting = []
        slowest = 0.0
        for text in texts:
            waiting.append(sender.send("message.send", text=text))
            if len(waiting) == 64:
                started = time.monotonic()
                for request in waiting[:32]:
                    sender.reply(request)
                slowest = max(slowest, time.monotonic() - started)
                del waiting[:32]
        for request in waiting:
            sender.reply(request)
        self.assertLess(slowest, stretched(5), "the node is never blocked")

        gap = slow.wait_event("gap", timeout=stretched(20))
        before = [event for event in slow.events[:slow.events.index(gap)] if event["type"] == "message"]
        self.assertLess(len(before), len(texts))
        node.call("message.send", text="after the gap")
        slow.call("status")
        slow.pump(0.2)
        self.assertEqual(slow.events[-1]["type"], "gap", "nothing after the gap until it subscribes again")
        del slow.events[:]
        slow.call("events.subscribe", after=gap["resume_after"])
        slow.wait_event("message", text="after the gap", timeout=stretched(30))
        heard = [event["text"] for event in before] + slow.texts()
        self.assertEqual([text.split()[0] for text in heard], [text.split()[0] for text in texts + ["after the gap"]])
        self.assertNotEqual(gap["resume_after"], cursor)

    def test_garbage_closes_at_worst_its_own_connection(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()
        noise = random.Random(7)
        pieces = [noise.randbytes(noise.randrange(1, 3000)) for _ in range(40)]
        pieces += [b"[" * 200000 + b"\n", b'{"a":' * 40000 + b"\n", b"x" * 300000, b"\n" * 5000, b"\0" * 1000 + b"\n",
                   b'{"jsonrpc":"2.0","id":1e999,"method":"status"}\n', b'{"jsonrpc":"2.0","id":{},"method":1}\n',
                   b'{"jsonrpc":"2.0","id":1,"method":"message.list","params":{"limit":99999999999999999999}}\n']
        for piece in pieces:
            connection = connect_control(alice.data_dir)
            self.pour(connection, piece)
        self.assertEqual(alice.status()["name"], "Alice")

        too_long = Control(alice.data_dir, stretched(10))
        too_long.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"status","x":"' + b"x" * 300000)
        with self.assertRaises(Gone):
            too_long.wait(lambda: False, "the connection is closed")
        self.assertEqual([fault.code for fault in too_long.faults_without_id], [-32600])

        port = alice.status()["port"]
        frames = pieces[:40] + [
            b"\xff\xff\xff\xff" + b"x" * 100, b"\x00\x00\x00\x00", b"\x00\x00\x00\x01\x01", b"\x00\x00\x10\x00\x01" + b"x" * 4095,
            b"\x00\x00\x00\x05\x04abcd", b"\x00\x00\x00\x05\x7fabcd", b"\x00\x00\x00\x05\xffabcd" * 50, b"GET / HTTP/1.1\r\n\r\n",
            b"\x00\x00", b"",
        ]
        for frame in frames:
            self.pour(socket.create_connection(("127.0.0.1", port)), frame)
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(150)]  # and silent ones, all at once
        watcher = bob.connect()
        watcher.call("events.subscribe")
        alice.call("message.send", text="still talking")
        watcher.wait_event("message", text="still talking")
        for connection in held:
            connection.close()
        self.assertEqual((alice.status()["members"], alice.status()["neighbors"]), (2, 1))
        self.assertEqual(alice.process.pid, alice.status()["pid"])

    @staticmethod
    def pour(connection, piece):
        """Writes all of it, reads a little, closes; the other end may close first."""
        connection.settimeout(stretched(2))
        try:
            connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def test_ctl_verbs_in_text_and_json(self):
        alice = self.node("Alice").start()
        bob = self.node("Bob", join=[alice.address]).start()

        def as_json(*arguments):
            return json.loads(self.ctl(bob.data_dir, "--json", *arguments).stdout)

        self.assertEqual(as_json("status")["name"], "Bob")
        mesh.wait_until(lambda: len(as_json("members")) == 2, 10, "two members")
        self.assertEqual([peer["name"] for peer in as_json("peers")], ["Alice"])
        for verb in ("status", "members", "peers"):
            self.assertIn(b"Alice" if verb != "status" else b"Bob", self.ctl(bob.data_dir, verb).stdout)
        self.assertRegex(as_json("send", "from a script")["id"], r"^[0-9a-f]{64}\.\d+$")
        self.ctl(bob.data_dir, "send", "-", input=b"from a pipe\n")
        self.ctl(bob.data_dir, "send", "--room", "#dev", "elsewhere")
        mesh.wait_until(lambda: len(alice.messages()) == 2, 10, "both arrived")
        history = self.ctl(alice.data_dir, "history", "-n", "1").stdout
        self.assertIn(b"from a pipe", history)
        self.assertNotIn(b"from a script", history)
        tailed = self.ctl(alice.data_dir, "--json", "tail", "--after", "0.0", "-n", "3").stdout.splitlines()
        self.assertEqual(len(tailed), 3)
        self.assertTrue(all("type" in json.loads(line) for line in tailed))
        self.assertIn(b"\tBob\telsewhere\n", self.ctl(alice.data_dir, "export", "--room", "#dev").stdout)
        self.ctl(bob.data_dir, "shutdown")
        self.assertEqual(bob.process.wait(stretched(5)), 0)


if __name__ == "__main__":
    mesh.main()
