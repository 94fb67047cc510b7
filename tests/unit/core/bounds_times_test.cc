// How long a node waits before it gives up or says something again: a moment before each bound, and at it.
#include <doctest/doctest.h>

#include <set>

#include "p2pmesh/base/limits.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

constexpr Duration kStep = 10ms;  // of the clock

LinkId link_of(const TestNode& node) {
  return node.node->links().front().link;
}

TEST_CASE("ALinkOverWhichNothingComesIsClosed") {
  Pair pair;
  pair.run(2s);
  pair.links_by_dialling = false;
  for (int type = 0; type < 256; ++type) pair.lost.insert(static_cast<FrameType>(type));
  const Bytes last = encode_ping(Ping{});
  for (const auto& node : pair.nodes)
    node->handle(FrameReceived{link_of(*node), FrameType::kPing, ByteView(last).subspan(5)});
  pair.run(limits::kSilenceBeforeClose - kStep);
  CHECK(pair.a().node->links().size() == 1);
  CHECK(pair.b().node->links().size() == 1);
  pair.run(kStep);
  CHECK(pair.a().node->links().empty());
  CHECK(pair.b().node->links().empty());
}

TEST_CASE("WhatWaitsForAnEarlierEnvelopeIsShownWithAGapAfterItsTime") {
  Pair pair;
  pair.a().say("one");
  pair.run(1s);
  pair.lost = {FrameType::kGossip};
  pair.a().say("two");
  pair.run(500ms);
  pair.lost = {FrameType::kIHave, FrameType::kSyncDigest};  // nor does it come otherwise
  pair.a().say("three");
  pair.run({});
  pair.run(limits::kHeldBackTimeout - kStep);
  CHECK(pair.b().heard() == Texts{"one"});
  pair.run(kStep);
  REQUIRE(pair.b().heard() == Texts{"one", "three"});
  CHECK(pair.b().announced.back().context.gap);
}

TEST_CASE("WhoIsSuspectedAgainRefutesThatAfterAPause") {
  Pair pair;
  pair.run(2s);
  const auto key = std::make_tuple(pair.a().key(), static_cast<std::uint16_t>(Kind::kMember), std::string());
  std::uint8_t accusations = 0;
  const auto accuse = [&] {
    const Envelope& own = pair.a().store.records.at(key)->envelope;
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->id.bytes[0] = ++accusations;
    sealed->envelope.envelope_class = EnvelopeClass::kPassing;
    sealed->envelope.kind = static_cast<std::uint16_t>(Kind::kSuspect);
    sealed->envelope.author = pair.b().key();
    sealed->envelope.body = encode_suspect_body({{{pair.a().key(), own.epoch, own.version}}});
    pair.a().handle(EnvelopeReceived{link_of(pair.a()), true, 1, std::move(sealed)});
  };
  const auto refuted = [&] { return pair.a().counter("refutations_sent"); };
  REQUIRE(refuted() == 0);
  accuse();
  CHECK(refuted() == 1);
  const Instant first = pair.now.monotonic;
  pair.run(100ms);
  accuse();
  pair.run(first + limits::kRefutationInterval - kStep - pair.now.monotonic);
  CHECK(refuted() == 1);
  pair.run(kStep);
  CHECK(refuted() == 2);
}

TEST_CASE("WhoIsRepairedSeveralTimesTellsItsNeighborsOfAllButTheFirstTogether") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob", "Carol", "Dave", "Eve"}) mesh.add(name).start();
  const auto node = [&](std::size_t number) -> TestNode& { return *mesh.nodes[number]; };
  TestNode& bob = node(1);
  for (std::size_t i = 1; i < 5; ++i) mesh.link(node(i), node(0));
  mesh.run(5s);
  mesh.links_by_dialling = false;
  for (std::size_t i = 2; i < 5; ++i) {
    for (std::size_t other = 0; other < i; ++other) mesh.cut(node(i), node(other));
    node(i).say("from afar");
  }
  mesh.run(15s);  // too long ago to be told of as broadcast just now
  bob.told_repaired.clear();
  const Instant begun = mesh.now.monotonic;
  for (std::size_t i = 2; i < 5; ++i) {
    mesh.link(bob, node(i));
    mesh.run(i == 2 ? Duration{} : 2 * kStep);
  }
  CHECK(bob.heard() == Texts(3, "from afar"));
  std::set<Instant> told{bob.told_repaired.begin(), bob.told_repaired.end()};
  REQUIRE(told.size() == 1);
  CHECK(*told.begin() == begun);
  mesh.run(begun + limits::kTellRepaired - kStep - mesh.now.monotonic);
  told = {bob.told_repaired.begin(), bob.told_repaired.end()};
  CHECK(told.size() == 1);
  mesh.run(1s);
  told = {bob.told_repaired.begin(), bob.told_repaired.end()};
  REQUIRE(told.size() == 2);
  CHECK(*told.rbegin() == begun + limits::kTellRepaired);
}

TEST_CASE("WhatTheStoreCouldNotHideIsAskedForAgainAfterAPause") {
  Three mesh;
  mesh.b().say("one");
  mesh.run(1s);
  TestNode& carol = mesh.c();
  carol.store.hides_fail = 1;
  mesh.a().handle(WriteAct{1000, ActVerb::kBan, "#lobby", mesh.b().key(), 0, {}, {}});
  mesh.run({});
  for (int step = 0; step < 100 && carol.hides_asked == 0; ++step) mesh.run(kStep);
  REQUIRE(carol.hides_asked == 1);
  mesh.run(limits::kHideAgain - kStep);
  CHECK(carol.hides_asked == 1);
  mesh.run(kStep);
  CHECK(carol.hides_asked == 2);
  CHECK(carol.store.hides_fail == 0);
}

}  // namespace
}  // namespace p2pmesh::test
