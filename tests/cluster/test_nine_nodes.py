"""Nine nodes join through any member, end up linked each to each, and say everything once."""

import mesh
from control import RpcFault

NODES = 9
MESSAGES = 20


class NineNodes(mesh.MeshTest):
    def open(self, count, prefix="N"):
        nodes = [self.node(f"{prefix}0").start()]
        for number in range(1, count):
            through = nodes[(number * 5 + 3) % number]  # not always the founder
            nodes.append(self.node(f"{prefix}{number}", join=[through.address]).start())
        for node in nodes:
            mesh.wait_until(lambda: self.is_full(node, count), 30, f"{node.name} is linked to {count - 1} others")
        return nodes

    @staticmethod
    def is_full(node, count):
        status = node.status()
        return (status["neighbors"], status["members"], status["online"]) == (count - 1, count, count)

    def test_messages_arrive_once_and_in_order_everywhere(self):
        nodes = self.open(NODES)
        keys = {node.status()["key"] for node in nodes}
        self.assertEqual(len(keys), NODES)
        for node in nodes:
            peers = node.call("peers.list")
            self.assertEqual({peer["key"] for peer in peers}, keys - {node.status()["key"]}, "one link each")
            self.assertEqual(len(peers), NODES - 1)
            members = node.call("members.list")
            self.assertEqual({member["key"] for member in members}, keys)
            self.assertEqual([member["name"] for member in members if member["self"]], [node.name])
        watchers = [node.connect() for node in nodes]
        for watcher in watchers:
            watcher.call("events.subscribe")
        # All at once, each pipelined.
        for number in range(MESSAGES):
            for node in nodes:
                node.controls[0].send("message.send", text=f"{node.name} says {number}")
        wanted = NODES * MESSAGES
        for watcher in watchers:
            watcher.wait(lambda: len(watcher.texts()) >= wanted, f"{wanted} messages announced")
        export = mesh.same_exports(nodes, 20)
        self.assertEqual(len(export.splitlines()), 1 + wanted)
        for watcher, at in zip(watchers, nodes):
            watcher.pump(0)
            self.assertEqual(len(watcher.texts()), wanted, f"once each at {at.name}")
            for node in nodes:
                own = [text for text in watcher.texts() if text.startswith(f"{node.name} says ")]
                self.assertEqual(own, [f"{node.name} says {number}" for number in range(MESSAGES)], f"at {at.name}")

        # Four of the nine crash at once: the others stay connected and deliver.
        for node in nodes[:4]:
            node.process.kill()
        for node in nodes[:4]:
            node.kill()
        rest = nodes[4:]
        rest[0].call("message.send", text="after the crash")
        for watcher in watchers[4:]:
            watcher.wait(lambda: "after the crash" in watcher.texts(), "delivered among the rest")
        for node in rest:
            mesh.wait_until(lambda: node.status()["online"] == len(rest), 15, f"{node.name} has noticed")
        self.assertTrue(all(node.status()["members"] == NODES for node in rest), "membership outlasts presence")

    def test_two_meshes_at_one_time_stay_apart(self):
        red, blue = self.open(2, "Red"), self.open(2, "Blue")
        self.assertEqual(red[0].status()["mesh"], red[1].status()["mesh"])
        self.assertNotEqual(red[0].status()["mesh"], blue[0].status()["mesh"])
        red[0].call("message.send", text="red alone")
        blue[0].call("message.send", text="blue alone")
        # Who is of another mesh is asked to talk alone, and nobody comes into the other's mesh.
        host, port = blue[0].address.rsplit(":", 1)
        met = red[0].call("mesh.connect", host=host, port=int(port))
        self.assertNotIn(met["mesh"], (red[0].status()["mesh"], blue[0].status()["mesh"]))
        for nodes, own in ((red, "red alone"), (blue, "blue alone")):
            mesh.same_exports(nodes, 15)
            self.assertEqual([message["text"] for message in nodes[1].messages()], [own])
            self.assertEqual({node.status()["neighbors"] for node in nodes}, {1})

    def test_a_mesh_found_by_join_is_kept_beside_the_old_one(self):
        old = self.node("Old").start()
        wanderer = self.node("Wanderer", join=[old.address]).start()
        wanderer.call("message.send", text="in the old mesh")
        old.controls[0].call("events.subscribe", after="0.0")
        old.controls[0].wait_event("message", text="in the old mesh")
        key = wanderer.status()["key"]
        self.assertEqual(wanderer.terminate(), 0)

        new = self.node("New").start()
        new.call("message.send", text="in the new mesh")
        wanderer.restart(join=[new.address])
        for node in (wanderer, new):
            mesh.wait_until(lambda: node.status()["members"] == 2, 10, f"{node.name} sees two members in the new mesh")
        self.assertEqual(wanderer.status()["mesh"], new.status()["mesh"])
        self.assertEqual(wanderer.status()["key"], key, "the same member")
        mesh.wait_until(lambda: wanderer.messages(), 10, "the new mesh's history")
        self.assertEqual([message["text"] for message in wanderer.messages()], ["in the new mesh"])
        self.assertEqual({member["name"] for member in new.call("members.list")}, {"New", "Wanderer"})
        self.assertEqual(wanderer.terminate(), 0)

        wanderer.restart()  # the last one, by the directory alone
        self.assertEqual(wanderer.status()["mesh"], new.status()["mesh"])
        self.assertEqual(wanderer.terminate(), 0)
        wanderer.restart(join=[old.address])
        self.assertEqual(wanderer.status()["mesh"], old.status()["mesh"])
        self.assertEqual([message["text"] for message in wanderer.messages()], ["in the old mesh"])


if __name__ == "__main__":
    mesh.main()
