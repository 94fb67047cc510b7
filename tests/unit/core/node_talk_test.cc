// Texts between nodes: once, in order, acknowledged when durable, taken, repaired.
#include <doctest/doctest.h>

#include "p2pmesh/wire/membership_messages.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("ATextReachesTheOtherOnceAndIsAcknowledgedAndTaken") {
  Pair pair;
  pair.a().say("hello");
  CHECK(pair.a().node->status().pending == 1);
  pair.run();
  CHECK(pair.b().heard() == Texts{"hello"});
  CHECK(pair.a().heard() == Texts{"hello"});
  CHECK(pair.a().acknowledged.size() == 1);
  CHECK(pair.a().node->status().pending == 0);
  CHECK(pair.a().store.outbox.empty());
}

TEST_CASE("TextsOfOneTurnShareAnEnvelopeAndKeepTheirOrder") {
  Pair pair;
  Texts said;
  for (int i = 0; i < 600; ++i) said.push_back("line " + std::to_string(i));
  for (const std::string& text : said) pair.a().say(text);
  pair.run();
  CHECK(pair.b().heard() == said);
  CHECK(pair.a().store.logs.size() == 2);  // 512 and 88
}

TEST_CASE("TextsOfTwoRoomsDoNotShareAnEnvelope") {
  Pair pair;
  pair.a().say("one", "#lobby");
  pair.a().say("two", "#dev");
  pair.a().say("three", "#lobby");
  pair.run();
  REQUIRE(pair.b().announced.size() == 3);
  CHECK(pair.b().announced[1].envelope->envelope.room == "#dev");
  CHECK(pair.b().heard() == Texts{"one", "two", "three"});
}

TEST_CASE("NothingIsFloodedAcknowledgedOrToldBeforeTheCommit") {
  Pair pair;
  pair.a().commits_held = true;
  pair.b().commits_held = true;
  const std::uint64_t sent_before = pair.a().counter("payloads_sent");
  pair.a().say("hello");
  pair.run();
  CHECK(pair.a().acknowledged.empty());
  CHECK(pair.b().heard().empty());
  CHECK(pair.a().node->status().pending == 1);
  CHECK(pair.a().counter("payloads_sent") == sent_before);
  pair.a().commits_held = false;
  pair.run();
  CHECK(pair.a().acknowledged.size() == 1);
  CHECK(pair.a().counter("payloads_sent") == sent_before + 1);
  CHECK(pair.b().heard().empty());
  pair.b().commits_held = false;
  pair.run();
  CHECK(pair.b().heard() == Texts{"hello"});
}

TEST_CASE("AReplyStandsBelowWhatItsAuthorHadSeen") {
  Pair pair;
  pair.a().say("question");
  pair.run();
  pair.b().say("answer");
  pair.run();
  const Envelope& question = pair.a().announced[0].envelope->envelope;
  const Envelope& answer = pair.a().announced[1].envelope->envelope;
  CHECK(answer.depth == question.depth + 1);
  CHECK(answer.parents == std::vector<EnvelopeId>{pair.a().announced[0].envelope->id});
}

TEST_CASE("WhatWasWrittenWhileApartComesWhenTheyMeet") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(5s);
  for (int i = 0; i < 5; ++i) {
    pair.a().say("a" + std::to_string(i));
    pair.b().say("b" + std::to_string(i));
    pair.run();
  }
  CHECK(pair.a().node->status().pending == 5);
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  Texts all = pair.a().heard();
  std::sort(all.begin(), all.end());
  CHECK(all == Texts{"a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4"});
  Texts others = pair.b().heard();
  std::sort(others.begin(), others.end());
  CHECK(others == all);
  CHECK(pair.a().node->status().pending == 0);
  CHECK(pair.b().node->status().pending == 0);
}

TEST_CASE("WhoHoldsAllThatIsHeldHereHasTakenIt") {
  Pair pair;
  pair.lost = {FrameType::kTaken};  // as when a link ends before it
  pair.a().say("hello");
  pair.run(5s);
  CHECK(pair.b().heard() == Texts{"hello"});
  CHECK(pair.a().node->status().pending == 1);
  pair.run(20s);
  CHECK(pair.a().node->status().pending == 0);
  CHECK(pair.a().store.outbox.empty());
}

TEST_CASE("ALateJoinerGetsTheHistoryOfAuthorsWhoAreGone") {
  Pair pair;
  for (int i = 0; i < 700; ++i) {
    pair.a().say(std::to_string(i));
    if (i % 100 == 0) pair.run(10ms);
  }
  pair.run();
  pair.a().crash();
  pair.run(6s);
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.b());
  pair.run(2s);
  CHECK(carol.settled);
  CHECK(carol.heard().size() == 700);
  CHECK(carol.store.logs.size() == pair.b().store.logs.size());
}

TEST_CASE("ALongHistoryIsFetchedNewestFirstInBoundedAnswers") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  alice.start();
  for (int i = 0; i < 600; ++i) {
    alice.say(std::to_string(i));
    mesh.run(10ms);
  }
  REQUIRE(alice.store.logs.size() == 600);
  TestNode& bob = mesh.add("Bob");
  bob.start();
  mesh.link(bob, alice);
  mesh.run(1s);
  CHECK(bob.heard().size() == 600);
  // In pieces that end at multiples of 256, the last piece first, each in order.
  CHECK(bob.heard().front() == std::to_string(512));
}

/// The gossip frames of the next `count` single texts of Alice, which arrive nowhere.
std::vector<SharedBytes> unsent_frames(Pair& pair, int first, int count) {
  pair.lost = {FrameType::kGossip};
  pair.a().sent_gossip.clear();
  for (int i = first; i < first + count; ++i) {
    pair.a().say("m" + std::to_string(i));
    pair.run(0ms);
  }
  pair.lost.clear();
  return pair.a().sent_gossip;
}

TEST_CASE("ALiveEnvelopeWaitsForTheOneBeforeIt") {
  Pair pair;
  pair.a().say("m1");
  pair.run();
  const auto frames = unsent_frames(pair, 2, 2);
  REQUIRE(frames.size() == 2);
  const SharedBytes& two = frames[0];
  const SharedBytes& three = frames[1];
  LinkId at_b = 0;
  for (const auto& [id, wire] : pair.wires) {
    if (wire.from == &pair.b()) at_b = id;
  }
  SUBCASE("and is shown behind it when it comes") {
    pair.in_flight.push_back({at_b, &pair.b(), three});
    pair.run(200ms);
    CHECK(pair.b().heard() == Texts{"m1"});
    pair.in_flight.push_back({at_b, &pair.b(), two});
    pair.run(200ms);
    CHECK(pair.b().heard() == Texts{"m1", "m2", "m3"});
    CHECK_FALSE(pair.b().announced.back().context.gap);
  }
  SUBCASE("and is shown behind a gap mark after a second") {
    pair.in_flight.push_back({at_b, &pair.b(), three});
    pair.run(900ms);
    CHECK(pair.b().heard() == Texts{"m1"});
    pair.run(200ms);
    REQUIRE(pair.b().heard() == Texts{"m1", "m3"});
    CHECK(pair.b().announced.back().context.gap);
    CHECK(pair.b().counter("gaps_shown") == 1);
  }
}

LinkId link_of(const Pair& pair, const TestNode& node) {
  for (const auto& [id, wire] : pair.wires) {
    if (wire.from == &node) return id;
  }
  return 0;
}

TEST_CASE("BehindAGapAnAuthorsOwnOrderIsKept") {
  Pair pair;
  pair.a().say("m1");
  pair.run();
  const auto frames = unsent_frames(pair, 2, 4);
  REQUIRE(frames.size() == 4);
  const LinkId at_b = link_of(pair, pair.b());
  SUBCASE("when the later ones follow at once") {
    for (std::size_t i : {1U, 2U, 3U}) pair.in_flight.push_back({at_b, &pair.b(), frames[i]});
    pair.run(500ms);
    CHECK(pair.b().heard() == Texts{"m1"});
    pair.run(700ms);
  }
  SUBCASE("when they come in the wrong order, the last one first") {
    pair.in_flight.push_back({at_b, &pair.b(), frames[3]});
    pair.run(300ms);
    for (std::size_t i : {2U, 1U}) pair.in_flight.push_back({at_b, &pair.b(), frames[i]});
    pair.run(900ms);
  }
  CHECK(pair.b().heard() == Texts{"m1", "m3", "m4", "m5"});
  std::size_t gaps = 0;
  for (const Announce& announce : pair.b().announced) gaps += announce.context.gap ? 1 : 0;
  CHECK(gaps == 1);
  CHECK(pair.b().announced[1].context.gap);
}

TEST_CASE("ASecondEnvelopeForAPlaceEndsTheWaitForTheFirst") {
  Pair pair;
  pair.a().say("m1");
  pair.run();
  const auto frames = unsent_frames(pair, 2, 3);
  REQUIRE(frames.size() == 3);
  const LinkId at_b = link_of(pair, pair.b());
  pair.in_flight.push_back({at_b, &pair.b(), frames[1]});
  pair.run(100ms);
  CHECK(pair.b().heard() == Texts{"m1"});
  auto fork = std::make_shared<SealedEnvelope>();
  fork->envelope = *decode_envelope(decode_gossip(ByteView(*frames[1]).subspan(5))->items[0].envelope);
  fork->envelope.wall_ms += 1;
  fork->encoded = encode_unsigned(fork->envelope);
  fork->id = hash_envelope(fork->encoded);
  pair.b().handle(EnvelopeReceived{at_b, true, 1, fork});
  pair.run(100ms);
  REQUIRE(pair.b().heard() == Texts{"m1", "m3"});
  CHECK(pair.b().announced.back().context.gap);
  CHECK_FALSE(pair.b().announced.back().context.repaired);
  pair.in_flight.push_back({at_b, &pair.b(), frames[2]});
  pair.run(100ms);
  REQUIRE(pair.b().heard() == Texts{"m1", "m3", "m4"});
  CHECK_FALSE(pair.b().announced.back().context.gap);
}

TEST_CASE("OneLiarDoesNotHoldUpRepair") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  TestNode& bob = mesh.add("Bob");
  alice.start();
  bob.start();
  mesh.links_by_dialling = false;
  // Mallory's link comes first; she lists what nobody has and answers every request with nothing and "more".
  LinkUp mallory;
  mallory.link = 999;
  mallory.node.bytes[0] = 77;
  bob.handle(mallory);
  const Ping ping{1, kAsOfAll, 4711, false};
  const auto from_mallory = [&](const Bytes& frame) {
    bob.handle(FrameReceived{999, static_cast<FrameType>(frame[4]), ByteView(frame).subspan(5)});
  };
  from_mallory(encode_frame_of(NeighborRequest{}));
  from_mallory(encode_ping(ping));
  alice.say("hello");
  mesh.run(50ms);
  mesh.link(bob, alice);
  for (int step = 0; step < 600; ++step) {
    for (std::uint32_t session = 1; session < 20; ++session) {
      SyncListing listing;
      listing.session = session;
      listing.last = true;
      listing.differing.fill(0xFF);
      listing.logs.push_back({MemberKey{mallory.node.bytes}, 1, 1, 4711, {{1, 1ULL << 61}}});
      from_mallory(encode_frame_of(listing));
      from_mallory(encode_frame_of(SyncDone{session, 1, false}));
    }
    from_mallory(encode_ping(ping));
    mesh.run(100ms);
  }
  CHECK(bob.heard() == Texts{"hello"});
}

TEST_CASE("AStrangersKindIsStoredAndRelayedButNotShown") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  TestNode& bob = mesh.add("Bob");
  TestNode& carol = mesh.add("Carol");
  for (auto& node : mesh.nodes) node->start();
  mesh.links_by_dialling = false;
  mesh.link(bob, alice);
  mesh.link(carol, bob);
  mesh.run(1s);
  Envelope odd;
  odd.kind = 4711;
  odd.mesh = mesh.mesh;
  odd.author = alice.key();
  odd.epoch = 7;
  odd.seq = 1;
  odd.depth = 1;
  odd.body = {1, 2, 3};
  odd.signature = alice.signer->sign(envelope_signing_bytes(hash_envelope(encode_unsigned(odd))));
  LinkId at_alice = 0;
  for (const auto& [id, wire] : mesh.wires) {
    if (wire.from == &alice) at_alice = id;
  }
  Gossip gossip;
  const Bytes encoded = encode_envelope(odd);
  gossip.items.push_back({1, encoded});
  mesh.in_flight.push_back(
      {mesh.wires[at_alice].other_end, &bob, std::make_shared<const Bytes>(encode_frame_of(gossip))});
  mesh.run();
  CHECK(carol.store.logs.size() == 1);
  CHECK(carol.heard().empty());
  CHECK(carol.counter("kinds_unknown") >= 1);
}

TEST_CASE("AnAuthorStaysUnderItsOwnBudgetByGathering") {
  Pair pair;
  std::size_t said = 0;
  for (int turn = 0; turn < 3000; ++turn) {  // 30 s of one line every 10 ms, times three
    for (int i = 0; i < 30; ++i) pair.a().say("line " + std::to_string(said++));
    pair.run(10ms);
  }
  pair.run(1s);
  CHECK(pair.b().heard().size() == said);
  // Burst and rate of a relay's budget over 31 s.
  CHECK(pair.a().store.logs.size() < 1000 + 31 * 200);
  CHECK(pair.a().node->status().pending == 0);
}

}  // namespace
}  // namespace p2pmesh::test
