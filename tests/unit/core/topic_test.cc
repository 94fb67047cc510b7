// Topics: written into the room's log, acknowledged and counted as waiting as texts are, but no messages.
#include <doctest/doctest.h>

#include "author.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

const Envelope* last_topic(const TestNode& node) {
  for (auto held = node.store.logs.rbegin(); held != node.store.logs.rend(); ++held) {
    if ((*held)->envelope.kind == static_cast<std::uint16_t>(Kind::kTopic)) return &(*held)->envelope;
  }
  return nullptr;
}

TEST_CASE("ATopicStandsBehindWhatItsAuthorHadSeen") {
  Pair mesh;
  mesh.b().say("one");
  mesh.run();
  mesh.a().handle(SetTopic{77, "#lobby", "about one"});
  mesh.run();
  CHECK(mesh.a().acknowledged == std::vector<std::uint64_t>{77});
  const Envelope* topic = last_topic(mesh.b());
  REQUIRE(topic != nullptr);
  CHECK(topic->room == "#lobby");
  CHECK(topic->depth == 2);
  CHECK(as_text(topic->body) == "about one");
  CHECK(mesh.b().announced.back().context.messages == 0);
  mesh.b().say("two");
  mesh.run();
  CHECK(mesh.a().store.logs.back()->envelope.depth == 3);
}

TEST_CASE("ATopicIsPendingUntilSomebodyHasTakenIt") {
  TestMesh mesh;
  mesh.add("Alice").start();
  mesh.add("Bob").start();
  TestNode& alice = *mesh.nodes[0];
  alice.handle(SetTopic{1, "#lobby", ""});
  mesh.run();
  CHECK(alice.acknowledged.size() == 1);
  CHECK(alice.node->status().pending == 1);
  mesh.link(*mesh.nodes[1], alice);
  mesh.run(8s);
  CHECK(alice.node->status().pending == 0);
  REQUIRE(last_topic(*mesh.nodes[1]) != nullptr);
  CHECK(last_topic(*mesh.nodes[1])->body.empty());
}

TEST_CASE("ATopicSharesNoEnvelopeWithTextsAndKeepsItsPlaceAmongThem") {
  Pair mesh;
  Outputs outputs;
  Node& node = *mesh.a().node;
  node.handle(SendText{1, "#lobby", "before"}, mesh.now, outputs);
  node.handle(SetTopic{2, "#lobby", "topic"}, mesh.now, outputs);
  node.handle(SetTopic{3, "#lobby", "again"}, mesh.now, outputs);
  node.handle(SendText{4, "#lobby", "after"}, mesh.now, outputs);
  node.flush(mesh.now, outputs);
  std::vector<std::uint16_t> kinds;
  for (const Output& output : outputs) {
    if (const auto* store = std::get_if<Store>(&output)) kinds.push_back(store->envelope->envelope.kind);
  }
  CHECK(kinds == std::vector<std::uint16_t>{16, 18, 18, 16});
}

TEST_CASE("WhatMayNotBeATopicOrATextIsCountedAndNotShown") {
  Pair mesh;
  auto signer = make_ed25519_signer(KeySeed{9});
  const LinkId link = mesh.wires.begin()->first;
  TestNode& node = *mesh.wires.begin()->second.from;
  std::uint64_t malformed = 0;
  const auto receive = [&](Kind kind, const std::string& room, const Bytes& body) {
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(kind);
    envelope.mesh = mesh.mesh;
    envelope.room = room;
    envelope.author = to_member(signer->public_key());
    envelope.epoch = mesh.now.wall_ms + malformed;
    envelope.wall_ms = mesh.now.wall_ms;
    envelope.seq = envelope.depth = 1;
    envelope.body = body;
    node.handle(EnvelopeReceived{link, true, 0, seal_envelope(envelope, *signer)});
    mesh.run();
    CHECK(node.counter("bodies_malformed") == ++malformed);
    CHECK(node.announced.back().context.messages == 0);
    CHECK_FALSE(node.announced.back().context.opened);
  };
  const std::string topic = "anybody could have written it";
  receive(Kind::kTopic, "#lobby", {0xff});
  receive(Kind::kTopic, "#lobby", Bytes(513, 'x'));
  receive(Kind::kTopic, "#board~1a2b3c4d", Bytes(topic.begin(), topic.end()));
  receive(Kind::kText, "#board~1a2b3c4d", encode_text_body({topic}));
  receive(Kind::kSealedRoom, "#board~1a2b3c4d", Bytes(24 + 16 + 255));
  receive(Kind::kSealedRoom, "#board", Bytes(24 + 16 + 256));
}

}  // namespace
}  // namespace p2pmesh::test
