// Members: joining, names, presence, crashes, epochs.
#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/member_body.h"
#include "p2pmesh/wire/membership_messages.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("ANewcomerIsSponsoredAndTold") {
  Pair pair;
  CHECK(pair.a().notices() == Words{"Bob joined"});
  CHECK(pair.b().notices().empty());  // is told who is here, not that everyone joined
  CHECK(pair.b().settled);
  CHECK(pair.a().node->status().online == 2);
  CHECK(pair.b().node->status().online == 2);
  const auto record =
      pair.a().store.records.at({pair.b().key(), static_cast<std::uint16_t>(Kind::kMember), std::string()});
  const auto body = decode_member_body(record->envelope.body);
  REQUIRE(body);
  CHECK(body->claim.proof == ClaimProof::kSponsor);
  CHECK(body->claim.sponsor == pair.a().key());
}

TEST_CASE("AClaimNamesTheHeadsOfTheWelcomeAndLiesBelowThem") {
  Pair pair;
  pair.a().say("one");
  pair.run();
  pair.b().say("two");
  pair.run();
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(1s);
  const auto record =
      pair.b().store.records.at({carol.key(), static_cast<std::uint16_t>(Kind::kMember), std::string()});
  const auto body = decode_member_body(record->envelope.body);
  REQUIRE(body);
  CHECK(body->claim.depth == 3);
  CHECK(body->claim.heads == std::vector<EnvelopeId>{pair.a().announced.back().envelope->id});
}

TEST_CASE("WhatARouterSendsOnIsToldToAllAndTakenBack") {
  Pair pair;
  const auto told = [&] {
    const auto record =
        pair.b().store.records.at({pair.a().key(), static_cast<std::uint16_t>(Kind::kMember), std::string()});
    return decode_member_body(record->envelope.body)->addresses;
  };
  const auto before = told();
  NetAddress outside;
  outside.ip = {203, 0, 113, 5};
  outside.port = 4711;
  pair.a().handle(OutsideAddress{outside});
  pair.run(1s);
  REQUIRE(told().size() == before.size() + 1);
  CHECK(told().front() == outside);
  CHECK(pair.a().node->advertised() == told());
  NetAddress moved = outside;
  moved.port = 4712;
  pair.a().handle(OutsideAddress{moved});
  pair.run(1s);
  CHECK(told().front() == moved);
  CHECK(told().size() == before.size() + 1);
  const auto sent = pair.a().sent_gossip.size();
  pair.a().handle(OutsideAddress{moved});
  pair.run(1s);
  CHECK(pair.a().sent_gossip.size() == sent);
  pair.a().handle(OutsideAddress{});
  pair.run(1s);
  CHECK(told() == before);
}

TEST_CASE("WhoeverJoinsThroughOneIsLinkedToAll") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.b());
  pair.run(2s);
  for (auto& node : pair.nodes) CHECK(node->node->status().neighbors == 2);
  CHECK(pair.a().notices() == Words{"Bob joined", "Carol joined"});
}

TEST_CASE("NineNodesEndUpLinkedEachToEach") {
  TestMesh mesh;
  for (int i = 0; i < 9; ++i) {
    TestNode& node = mesh.add("Node" + std::to_string(i));
    node.start();
    if (i > 0) mesh.link(node, *mesh.nodes[static_cast<std::size_t>(i - 1)]);
    mesh.run(50ms);
  }
  mesh.run(5s);
  for (auto& node : mesh.nodes) {
    CHECK(node->node->status().neighbors == 8);
    CHECK(node->node->status().online == 9);
  }
  mesh.nodes[4]->say("hello");
  mesh.run();
  mesh.nodes[4]->say("again");
  mesh.run();
  const std::size_t before = mesh.live_payloads;
  mesh.nodes[4]->say("and again");
  mesh.run(2s);
  CHECK(mesh.live_payloads - before == 8);  // the first were floods; now the author reaches everybody itself
  for (auto& node : mesh.nodes) CHECK(node->heard() == Words{"hello", "again", "and again"});
}

TEST_CASE("ALeaveIsToldAsOneAndTheNextComingAsAJoin") {
  Pair pair;
  pair.b().handle(Leave{});
  pair.run();
  CHECK(pair.a().notices() == Words{"Bob joined", "Bob left"});
  pair.b().crash();
  pair.run(5s);
  CHECK(pair.a().notices() == Words{"Bob joined", "Bob left"});  // no suspicion of who has left
  pair.b().start(true);
  pair.link(pair.b(), pair.a());
  pair.run(1s);
  CHECK(pair.a().notices() == Words{"Bob joined", "Bob left", "Bob joined"});
}

TEST_CASE("ACrashIsToldWithinFiveSecondsAndTheReturnAsOne") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(2s);
  pair.b().crash();
  pair.run(5s);
  CHECK(pair.a().notices().back() == "Bob offline");
  CHECK(carol.notices().back() == "Bob offline");
  CHECK(pair.a().node->status().online == 2);
  pair.b().start(false);
  pair.link(pair.b(), carol);
  pair.run(2s);
  CHECK(pair.a().notices().back() == "Bob back");
  CHECK(carol.notices().back() == "Bob back");
}

TEST_CASE("ASilentLinkIsACrashToo") {
  Pair pair;
  pair.links_by_dialling = false;
  pair.b().node.reset();  // hangs: its links stay open
  pair.run(5s);
  CHECK(pair.a().notices().back() == "Bob offline");
}

TEST_CASE("WhoIsSuspectedThoughAliveRefutes") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob", "Carol"}) mesh.add(name).start();
  TestNode& alice = *mesh.nodes[0];
  TestNode& bob = *mesh.nodes[1];
  TestNode& carol = *mesh.nodes[2];
  mesh.link(bob, alice);
  mesh.link(carol, alice);
  mesh.run(3s);
  REQUIRE(alice.node->status().neighbors == 2);
  mesh.links_by_dialling = false;
  mesh.cut(alice, bob);  // Bob lives on, linked to Carol
  mesh.run(5s);
  CHECK(bob.counter("refutations_sent") >= 1);
  for (const std::string& notice : alice.notices()) CHECK(notice.find("offline") == std::string::npos);
  CHECK(alice.node->status().online == 3);
}

TEST_CASE("ANewcomerIsNotToldThatTheDeadAreHere") {
  Pair pair;
  pair.b().crash();
  pair.run(6s);
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(2s);
  CHECK(carol.node->status().members == 3);
  CHECK(carol.node->status().online == 2);
}

TEST_CASE("OfThoseKilledTogetherWhoDoesNotReturnIsNotHere") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(2s);
  for (auto& node : pair.nodes) node->crash();
  pair.run(1s);
  pair.a().start(false);
  pair.b().start(false);
  pair.run(15s);
  CHECK(pair.a().node->status().online == 2);
  CHECK(pair.b().node->status().online == 2);
}

TEST_CASE("WhoJoinsWhileAnotherIsSuspectedHearsOfItsEnd") {
  Pair pair;
  pair.b().crash();
  pair.run(500ms);  // within the suspicion
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(10s);
  CHECK(pair.a().node->status().online == 2);
  CHECK(carol.node->status().online == 2);
}

TEST_CASE("ASilentSponsorIsPassedOver") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob"}) mesh.add(name).start();
  TestNode& alice = *mesh.nodes[0];
  TestNode& bob = *mesh.nodes[1];
  mesh.link(bob, alice);
  mesh.run(1s);
  mesh.links_by_dialling = false;
  TestNode& carol = mesh.add("Carol");
  carol.start();
  LinkUp frozen;  // a neighbor that never says a word
  frozen.link = 999;
  frozen.node.bytes[0] = 77;
  carol.handle(frozen);
  mesh.run(100ms);
  mesh.link(carol, alice);
  mesh.run(5s);
  CHECK(alice.node->status().members == 3);
  CHECK(alice.node->shown_name(carol.key()) == "Carol");
}

TEST_CASE("RefutationsAreRareWhateverOneIsAccusedOf") {
  Pair pair;
  const auto records = [&] { return pair.a().counter("refutations_sent"); };
  LinkId at_a = 0;
  for (const auto& [id, wire] : pair.wires) {
    if (wire.from == &pair.a()) at_a = id;
  }
  int accusations = 0;
  const auto accuse = [&](std::uint64_t epoch, std::uint64_t version) {
    Envelope passing;
    passing.envelope_class = EnvelopeClass::kPassing;
    passing.kind = static_cast<std::uint16_t>(Kind::kSuspect);
    passing.author = pair.b().key();
    passing.body = encode_suspect_body({{{pair.a().key(), epoch, version}}});
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->id.bytes[0] = static_cast<std::uint8_t>(++accusations);
    sealed->id.bytes[1] = static_cast<std::uint8_t>(accusations >> 8);
    sealed->envelope = std::move(passing);
    pair.a().handle(EnvelopeReceived{at_a, true, 1, std::move(sealed)});
  };
  for (int i = 0; i < 1000; ++i) accuse(UINT64_MAX, UINT64_MAX);
  CHECK(records() == 0);
  const auto key = std::make_tuple(pair.a().key(), static_cast<std::uint16_t>(Kind::kMember), std::string());
  for (int i = 0; i < 1000; ++i) {
    const Envelope& own = pair.a().store.records.at(key)->envelope;
    accuse(own.epoch, own.version);
    pair.run(1ms);
  }
  CHECK(records() >= 1);
  CHECK(records() <= 12);
}

TEST_CASE("HalvesThatMeetAgainTellThatTheOthersAreBack") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob", "Carol", "Dave"}) mesh.add(name).start();
  for (std::size_t i = 1; i < 4; ++i) mesh.link(*mesh.nodes[i], *mesh.nodes[0]);
  mesh.run(3s);
  mesh.links_by_dialling = false;
  for (std::size_t left : {0U, 1U}) {
    for (std::size_t right : {2U, 3U}) mesh.cut(*mesh.nodes[left], *mesh.nodes[right]);
  }
  mesh.run(6s);
  for (auto& node : mesh.nodes) CHECK(node->node->status().online == 2);
  mesh.links_by_dialling = true;
  mesh.run(200s);  // back-off may have reached its end
  for (auto& node : mesh.nodes) {
    CHECK(node->node->status().online == 4);
    CHECK(std::count_if(node->notices().begin(), node->notices().end(),
                        [](const auto& n) { return n.ends_with("back"); }) == 2);
  }
}

TEST_CASE("WhoIsLinkedThroughAnotherAloneHearsThatAMemberIsBack") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob", "Carol"}) mesh.add(name).start();
  TestNode& alice = *mesh.nodes[0];
  TestNode& bob = *mesh.nodes[1];
  TestNode& carol = *mesh.nodes[2];
  mesh.links_by_dialling = false;
  mesh.link(bob, alice);
  mesh.link(carol, alice);
  mesh.run(3s);
  CHECK(bob.node->status().online == 3);
  mesh.cut(alice, bob);
  mesh.cut(alice, carol);
  mesh.run(20s);
  for (auto& node : mesh.nodes) CHECK(node->node->status().online == 1);
  mesh.link(bob, alice);
  mesh.run(3s);
  mesh.link(carol, alice);
  mesh.run(5s);
  for (auto& node : mesh.nodes) CHECK(node->node->status().online == 3);
}

TEST_CASE("OfTwoEqualNamesTheOneThatCameLaterHasASuffix") {
  Pair pair;
  TestNode& other = pair.add("bob");  // equal after case folding
  other.start();
  pair.link(other, pair.a());
  pair.run(1s);
  const std::string suffix = "~" + other.key().hex().substr(0, 4);
  CHECK(pair.a().node->shown_name(other.key()) == "bob" + suffix);
  CHECK(pair.b().node->shown_name(other.key()) == "bob" + suffix);
  CHECK(other.node->status().name == "bob" + suffix);
  CHECK(pair.a().node->shown_name(pair.b().key()) == "Bob");
}

TEST_CASE("TwoBobsOfTwoHalvesGetTheSameAnswerOnBoth") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Carol", "Bob", "BOB"}) mesh.add(name);
  TestNode& alice = *mesh.nodes[0];
  TestNode& carol = *mesh.nodes[1];
  TestNode& bob_left = *mesh.nodes[2];
  TestNode& bob_right = *mesh.nodes[3];
  alice.start();
  carol.start();
  mesh.link(carol, alice);
  mesh.run(1s);
  mesh.links_by_dialling = false;
  mesh.cut(alice, carol);
  bob_left.start();
  bob_right.start();
  mesh.link(bob_left, alice);
  mesh.link(bob_right, carol);
  mesh.run(1s);
  CHECK(alice.node->shown_name(bob_left.key()) == "Bob");
  CHECK(carol.node->shown_name(bob_right.key()) == "BOB");
  mesh.link(alice, carol);
  mesh.run(8s);
  for (TestNode* node : {&alice, &carol, &bob_left, &bob_right}) {
    CHECK(node->node->shown_name(bob_left.key()) == alice.node->shown_name(bob_left.key()));
    CHECK(node->node->shown_name(bob_right.key()) == alice.node->shown_name(bob_right.key()));
  }
  const bool left_lost = alice.node->shown_name(bob_left.key()) != "Bob";
  const bool right_lost = alice.node->shown_name(bob_right.key()) != "BOB";
  CHECK(left_lost != right_lost);
}

TEST_CASE("AnUncleanStopBeginsANewEpochAndACleanOneGoesOn") {
  Pair pair;
  pair.a().say("one");
  pair.run();
  const Envelope first = pair.a().announced[0].envelope->envelope;
  SUBCASE("clean") {
    pair.a().handle(Leave{});
    pair.run();
    pair.a().crash();
    pair.a().start(true);
    pair.a().say("two");
    pair.run();
    const Envelope& second = pair.a().announced.back().envelope->envelope;
    CHECK(second.epoch == first.epoch);
    CHECK(second.seq == 2);
    CHECK(second.prev == pair.a().announced[0].envelope->id);
  }
  SUBCASE("unclean") {
    pair.a().crash();
    pair.a().start(false);
    pair.a().say("two");
    pair.run();
    const Envelope& second = pair.a().announced.back().envelope->envelope;
    CHECK(second.epoch > first.epoch);
    CHECK(second.seq == 1);
    CHECK(second.prev.is_zero());
  }
}

TEST_CASE("WhatAKillTookFromTheDiskNobodyElseHas") {
  Pair pair;
  pair.links_by_dialling = false;
  pair.a().commits_held = true;
  pair.a().say("lost at home");
  pair.run();
  CHECK(pair.b().heard().empty());
  pair.a().crash();
  pair.a().commits_held = false;
  pair.a().start(false);
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  pair.a().say("and on");
  pair.run();
  CHECK(pair.a().heard() == Words{"and on"});
  CHECK(pair.b().heard() == Words{"and on"});
}

TEST_CASE("WhatADiskLostComesBackUnderItsOldEpoch") {
  Pair pair;
  pair.links_by_dialling = false;
  const MemoryStore backup = pair.a().store;
  pair.a().say("lost at home");
  pair.run();
  CHECK(pair.b().heard() == Words{"lost at home"});
  pair.a().crash();
  pair.a().store = backup;
  pair.a().announced.clear();
  pair.a().start(false);
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  CHECK(pair.a().heard() == Words{"lost at home"});
  pair.a().say("and on");
  pair.run();
  CHECK(pair.b().heard() == Words{"lost at home", "and on"});
}

TEST_CASE("ANeighborThatHoldsMoreOfOurEpochMakesUsDrawANewOne") {
  Pair pair;
  pair.links_by_dialling = false;
  pair.a().say("one");
  pair.run();
  const MemoryStore backup = pair.a().store;
  pair.a().say("two");
  pair.run();
  pair.a().crash();
  pair.a().store = backup;
  pair.a().start(true);  // a lying disk: it claims a clean stop
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  pair.a().say("three");
  pair.run();
  CHECK(pair.a().counter("epochs_drawn") >= 1);
  const Envelope& third = pair.b().announced.back().envelope->envelope;
  CHECK(pair.b().heard().back() == "three");
  CHECK(third.seq == 1);
}

TEST_CASE("ARestartedNodeDialsWhomItKnew") {
  Pair pair;
  pair.b().handle(Leave{});
  pair.run();
  pair.b().crash();
  pair.run(1s);
  pair.b().start(true);
  pair.run(1s);
  CHECK(pair.b().node->status().neighbors == 1);
}

TEST_CASE("LinksAreBounded") {
  Pair pair;
  pair.links_by_dialling = false;
  for (std::uint8_t i = 0; i < limits::kLinksMax + 5; ++i) {
    LinkUp up;
    up.link = 1000U + i;
    up.node.bytes[0] = 200;
    up.node.bytes[1] = i;
    pair.a().handle(up);
    const Bytes ask = encode_frame_of(NeighborRequest{});
    pair.a().handle(FrameReceived{up.link, FrameType::kNeighbor, ByteView(ask).subspan(5)});
  }
  CHECK(pair.a().node->status().neighbors == limits::kLinksMax);
  CHECK(pair.a().counter("links_refused") == 6);
}

TEST_CASE("AMalformedFrameIsPenalisedAndNothingElseHappens") {
  Pair pair;
  LinkId at_b = 0;
  for (const auto& [id, wire] : pair.wires) {
    if (wire.from == &pair.b()) at_b = id;
  }
  for (std::uint8_t type = 6; type <= kFrameTypeLast; ++type) {
    const Bytes garbage = {0xFF, 0x01, 0x02};
    pair.b().handle(FrameReceived{at_b, static_cast<FrameType>(type), garbage});
  }
  CHECK(pair.b().penalties == kFrameTypeLast - 5);
  pair.a().say("still here");
  pair.run();
  CHECK(pair.b().heard() == Words{"still here"});
}

LinkUp link_of(LinkId link, std::uint8_t node) {
  LinkUp up;
  up.link = link;
  up.node.bytes[0] = node;
  return up;
}

TEST_CASE("WhoWasAtFaultIsLetInAgainAfterAPause") {
  Pair pair;
  pair.links_by_dialling = false;
  TestNode& node = pair.a();
  const Bytes ask = encode_frame_of(NeighborRequest{});
  const auto comes = [&](LinkId link) {
    node.handle(link_of(link, 200));
    node.handle(FrameReceived{link, FrameType::kNeighbor, ByteView(ask).subspan(5)});
    return node.node->is_neighbor(link);
  };
  const NodeKey key = link_of(0, 200).node;
  REQUIRE(comes(1000));
  SUBCASE("a malformed frame") {
    node.handle(FrameReceived{1000, FrameType::kPing, Bytes{0xFF}});
    node.handle(LinkDown{1000});
  }
  SUBCASE("what the driver found") {
    node.handle(LinkDown{1000, true});
  }
  SUBCASE("a candidate's frame") {
    node.handle(LinkDown{1000});
    node.handle(link_of(1001, 200));
    node.handle(FrameReceived{1001, FrameType::kTaken, {}});
  }
  CHECK(node.node->is_shut_out(key, pair.now.monotonic));
  CHECK_FALSE(comes(1002));
  CHECK(node.counter("links_of_faulty_refused") == 1);
  pair.run(std::chrono::milliseconds(1100));
  CHECK_FALSE(node.node->is_shut_out(key, pair.now.monotonic));
  CHECK(comes(1003));
}

TEST_CASE("WhoMerelyLosesItsLinkIsLetInAtOnce") {
  Pair pair;
  pair.links_by_dialling = false;
  pair.a().handle(link_of(1000, 200));
  pair.a().handle(LinkDown{1000});
  CHECK_FALSE(pair.a().node->is_shut_out(link_of(0, 200).node, pair.now.monotonic));
}

}  // namespace
}  // namespace p2pmesh::test
