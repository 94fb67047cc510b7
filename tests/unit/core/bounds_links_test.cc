// What links and those who knock may take up, and how often a node does what costs others: up to each bound
// and one beyond.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "address_book.h"
#include "author.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/membership_messages.h"
#include "presence.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

std::uint64_t use_of(const TestNode& node, const std::string& wanted) {
  for (const auto& [name, value] : node.node->uses()) {
    if (name == wanted) return value;
  }
  return UINT64_MAX;
}

/// A node to which strangers come.
struct Door : TestMesh {
  Door() {
    links_by_dialling = false;
    add("Alice").start();
    run();
  }
  TestNode& node() { return *nodes.front(); }
  static LinkUp up_of(LinkId link, bool outbound = false) {
    LinkUp up;
    up.link = link;
    up.node.bytes[0] = 200;
    up.node.bytes[1] = static_cast<std::uint8_t>(link);
    up.node.bytes[2] = static_cast<std::uint8_t>(link >> 8);
    up.outbound = outbound;
    up.remote.ip = {10, 0, 0, 1};
    up.remote.port = 9750;
    return up;
  }
  Outputs give(const Input& input) {
    Outputs outputs;
    node().node->handle(input, node().time(), outputs);
    return outputs;
  }
  static std::size_t closed(const Outputs& outputs) {
    return static_cast<std::size_t>(std::count_if(outputs.begin(), outputs.end(), [](const Output& output) {
      return std::holds_alternative<CloseLink>(output);
    }));
  }
  bool is_let_in(LinkId link, bool outbound = false) { return closed(give(up_of(link, outbound))) == 0; }
  std::uint64_t candidates() { return use_of(node(), "candidates_max"); }
};

TEST_CASE_FIXTURE(Door, "OneMoreThanMayAskToBeANeighborIsClosed") {
  for (LinkId link = 1; link <= limits::kCandidatesMax; ++link) REQUIRE(is_let_in(link));
  CHECK_FALSE(is_let_in(100));
  CHECK(candidates() == limits::kCandidatesMax);
  // Own dials have as many places.
  for (LinkId link = 201; link <= 200 + limits::kCandidatesMax; ++link) REQUIRE(is_let_in(link, true));
  CHECK_FALSE(is_let_in(300, true));
  CHECK(candidates() == 2 * limits::kCandidatesMax);
  // Who becomes a neighbor makes room, and who goes.
  const Bytes join = encode_join();
  give(FrameReceived{1, FrameType::kJoin, ByteView(join).subspan(limits::kFrameHeaderBytes)});
  CHECK(node().node->links().size() == 1);
  CHECK(is_let_in(101));
  give(LinkDown{2});
  CHECK(is_let_in(102));
  CHECK_FALSE(is_let_in(103));
}

TEST_CASE_FIXTURE(Door, "WhoDoesNotAskInTimeIsClosed") {
  REQUIRE(is_let_in(1));
  now.monotonic += limits::kCandidateTimeout - Duration(1ms);
  CHECK(closed(give(Wake{})) == 0);
  CHECK(candidates() == 1);
  now.monotonic += 1ms;
  CHECK(closed(give(Wake{})) == 1);
  CHECK(candidates() == 0);
}

TEST_CASE("OfTooManyShufflesTheWayBackOfTheFirstIsForgotten") {
  Three mesh;
  std::map<NodeKey, LinkId> links;
  for (const LinkView& view : mesh.b().node->links()) links[view.node] = view.link;
  const LinkId from = links.at(mesh.a().node_key());
  const LinkId onward = links.at(mesh.c().node_key());
  const auto receive = [&](LinkId link, FrameType type, const Bytes& frame) {
    Outputs outputs;
    mesh.b().node->handle(FrameReceived{link, type, ByteView(frame).subspan(limits::kFrameHeaderBytes)},
                          mesh.now, outputs);
    return std::any_of(outputs.begin(), outputs.end(), [&](const Output& output) {
      const auto* send = std::get_if<SendFrame>(&output);
      return send != nullptr && send->link != link && static_cast<FrameType>((*send->frame)[4]) == type;
    });
  };
  const NodeKey origin{key_of(77).bytes};
  const PeerEntry peer{origin, {}};
  const auto is_passed_on = [&](std::uint32_t id) {
    return receive(from, FrameType::kShuffle, encode_frame_of(Shuffle{origin, id, 6, {peer}}));
  };
  const auto is_brought_back = [&](std::uint32_t id) {
    return receive(onward, FrameType::kShuffleReply, encode_frame_of(ShuffleReply{origin, id, {peer}}));
  };
  for (std::uint32_t id = 0; id < limits::kShuffleRoutesMax; ++id) REQUIRE(is_passed_on(id));
  REQUIRE(use_of(mesh.b(), "shuffle_routes_max") == limits::kShuffleRoutesMax);
  CHECK(is_passed_on(limits::kShuffleRoutesMax));
  CHECK(use_of(mesh.b(), "shuffle_routes_max") == limits::kShuffleRoutesMax);
  CHECK_FALSE(is_brought_back(0));
  CHECK(is_brought_back(1));
  CHECK(is_brought_back(limits::kShuffleRoutesMax));
  CHECK_FALSE(is_brought_back(1));  // once
}

TEST_CASE("TheFirstPauseAfterAFailedDialIsShort") {
  std::set<Duration> pauses;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    AddressBook book(seed);
    Outputs out;
    const Instant now(100s);
    NetAddress address;
    address.ip = {10, 0, 0, 1};
    address.port = 9750;
    const NodeKey node{key_of(1).bytes};
    book.learn(node, address, now);
    book.dial_due({}, now, out);
    book.on_failed(node, address, now, out);
    const Duration pause = *book.next_deadline() - now;
    CHECK(pause >= Duration(limits::kRedialBackoffMin) / 2);
    CHECK(pause <= Duration(limits::kRedialBackoffMin));
    pauses.insert(pause);
  }
  CHECK(pauses.size() > 1);
}

/// How long Bob waits before he dials Alice again when their link, made when the test began, breaks then.
Duration pause_before_redial(Instant broken) {
  Pair pair;
  std::optional<Instant> dialled;
  pair.run(broken - pair.now.monotonic);
  pair.answers_dial = [&](const TestNode& from, const Dial&) {
    if (&from == &pair.b() && !dialled) dialled = pair.now.monotonic;
    return true;  // nobody answers
  };
  pair.cut(pair.a(), pair.b());
  pair.run(1s);
  REQUIRE(dialled);
  return *dialled - broken;
}

TEST_CASE("OnlyALinkThatLivedLongIsDialledAgainAtOnce") {
  const Instant up(1s);
  CHECK(pause_before_redial(up + limits::kLinkProven) == Duration{});
  CHECK(pause_before_redial(up + limits::kLinkProven - 50ms) >= Duration(limits::kRedialBackoffMin) / 2);
}

TEST_CASE("AnOwnDialIsAnAnchorOnceItHasLivedLongEnough") {
  Pair pair;
  const Instant up(1s);
  pair.run(up + limits::kAnchorAge - 10ms - pair.now.monotonic);
  CHECK(pair.b().store.anchors.empty());
  pair.run(1s);
  REQUIRE(pair.b().store.anchors.size() == 1);
  CHECK(pair.b().store.anchors.front().node == pair.a().node_key());
  CHECK(pair.a().store.anchors.empty());  // it did not dial
}

TEST_CASE("ABannedNodeKeepsItsLinkForAMomentAndIsLetInAgainAfterAPause") {
  Three mesh;
  mesh.links_by_dialling = false;
  mesh.a().handle(WriteAct{1000, ActVerb::kBan, {}, mesh.b().key(), 0, {}, {}});
  mesh.run(10ms);
  REQUIRE(mesh.c().node->restrictions("").size() == 1);
  const Instant told = mesh.now.monotonic;
  const auto is_linked = [&] {
    const auto links = mesh.c().node->links();
    return std::any_of(links.begin(), links.end(),
                       [&](const LinkView& view) { return view.node == mesh.b().node_key(); });
  };
  mesh.run(limits::kBannedLinkKept - 100ms);
  CHECK(is_linked());
  mesh.run(1s);
  CHECK_FALSE(is_linked());
  const auto is_let_in = [&](LinkId link) {
    Outputs outputs;
    LinkUp up = Door::up_of(link);
    up.node = mesh.b().node_key();
    mesh.c().node->handle(up, mesh.now, outputs);
    return Door::closed(outputs) == 0;
  };
  CHECK_FALSE(is_let_in(1001));
  mesh.now.monotonic = told + limits::kBannedLinkPause - 1s;
  CHECK_FALSE(is_let_in(1002));
  mesh.now.monotonic = told + limits::kBannedLinkPause;
  CHECK(is_let_in(1003));
}

TEST_CASE("WhoIsShownOnlineWithoutALinkIsAskedForEverMoreRarely") {
  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  Turn turn{now, outputs};
  const Credulous verifier;
  HeldDigest digest;
  Roster roster(MeshId{}, verifier, digest);
  roster.restore(*record_of(1, "Alice"));
  Links links;
  LinkUp up;
  up.link = 1;
  up.node = NodeKey{key_of(2).bytes};
  links.add(up, NodeKey{}, now.monotonic);
  const ProtocolParameters parameters;
  PresenceTracker presence(parameters, roster, links, key_of(0), 1);
  presence.settle(true, turn);
  std::vector<Duration> pauses;
  Instant last = now.monotonic;
  while (pauses.size() < 9 && now.monotonic < Instant(2000s)) {
    Turn step{now, outputs};
    presence.on_unlinked(step);
    if (!presence.take_suspicions(step).empty()) {
      pauses.push_back(now.monotonic - last);
      last = now.monotonic;
    }
    now.monotonic += 500ms;
  }
  Duration expected = limits::kUnlinkedCheckFirst;
  REQUIRE(pauses.size() == 9);
  for (const Duration pause : pauses) {
    CHECK(pause == expected);
    expected = std::min<Duration>(2 * expected, limits::kUnlinkedCheckLast);
  }
  CHECK(pauses.back() == Duration(limits::kUnlinkedCheckLast));
}

/// Signed by Alice, as by a copy of her profile: far ahead in the epoch in which she writes.
EnvelopePtr written_elsewhere(Pair& pair, std::uint64_t ahead) {
  pair.a().say("where am I?");
  pair.run();
  const Envelope& last = pair.a().store.logs.back()->envelope;
  Envelope envelope;
  envelope.envelope_class = EnvelopeClass::kLog;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.mesh = pair.mesh;
  envelope.room = "#lobby";
  envelope.author = pair.a().key();
  envelope.epoch = last.epoch;
  envelope.seq = last.seq + ahead;
  envelope.prev.bytes[0] = 1;
  envelope.depth = 1;
  envelope.wall_ms = pair.now.wall_ms;
  envelope.body = encode_text_body({"elsewhere"});
  return seal_envelope(envelope, *pair.a().signer);
}

TEST_CASE("ACopyOfTheProfileMakesOneNewEpochInAWhile") {
  Pair pair;
  const LinkId link = pair.a().node->links().front().link;
  const auto epochs = [&] { return pair.a().counter("epochs_drawn"); };
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 100)});
  REQUIRE(epochs() == 1);
  const Instant drawn = pair.now.monotonic;
  pair.run(1s);
  for (std::uint64_t ahead = 200; ahead < 220; ahead += 5)
    pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, ahead)});
  CHECK(epochs() == 1);
  pair.run(drawn + limits::kOwnEpochInterval - pair.now.monotonic - 200ms);
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 500)});
  CHECK(epochs() == 1);
  pair.run(200ms);
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 600)});
  CHECK(epochs() == 2);
}

TEST_CASE("WhatACopyOfTheProfileHasWrittenIsNotWrittenOver") {
  Pair pair;
  const LinkId link = pair.a().node->links().front().link;
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 100)});
  const Instant drawn = pair.now.monotonic;
  pair.run(1s);
  // The next place of the new epoch.
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 1)});
  pair.a().say("and here");
  pair.run(1s);
  CHECK(pair.a().counter("epochs_drawn") == 1);
  CHECK(pair.b().heard().back() != "and here");
  pair.run(drawn + limits::kOwnEpochInterval + 1s - pair.now.monotonic);
  CHECK(pair.a().counter("epochs_drawn") == 2);
  CHECK(pair.b().heard().back() == "and here");
  pair.a().say("and again");
  pair.run();
  CHECK(pair.b().heard().back() == "and again");
}

TEST_CASE("WhoIsOvertakenByACopyAndLeavesHasItsLastLineWritten") {
  Pair pair;
  const LinkId link = pair.a().node->links().front().link;
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 100)});
  pair.run(1s);
  pair.a().handle(EnvelopeReceived{link, false, 0, written_elsewhere(pair, 1)});
  pair.a().say("bye");
  pair.run(100ms);
  // Until there may be a new epoch nothing is due at once.
  CHECK(*pair.a().node->next_deadline() > pair.now.monotonic);
  pair.a().handle(Leave{});
  pair.run(3s);
  CHECK(pair.b().heard().back() == "bye");
}

}  // namespace
}  // namespace p2pmesh::test
