// The roster: versions, names, presence, what it adds to the digest, and what it costs in memory.
#include "roster.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include "many_members.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

struct Fixture {
  Credulous verifier;
  HeldDigest digest;
  Roster roster{MeshId{}, verifier, digest};
  Now now{Instant(100s), 1'700'000'000'000};

  AcceptResult accept(const EnvelopePtr& record) {
    std::vector<Rename> renames;
    return roster.accept(*record, renames);
  }
};

TEST_CASE_FIXTURE(Fixture, "OnlyANewerRecordIsTaken") {
  CHECK(accept(record_of(1, "Alice", 2)) == AcceptResult::kNew);
  CHECK(accept(record_of(1, "Alice", 2)) == AcceptResult::kAlready);
  CHECK(accept(record_of(1, "Alice", 1)) == AcceptResult::kAlready);
  CHECK(accept(record_of(1, "Alicia", 3)) == AcceptResult::kNew);
  CHECK(roster.shown_name(key_of(1)) == "Alicia");
  CHECK(roster.counts().members == 1);
}

TEST_CASE_FIXTURE(Fixture, "TheLowerDepthHoldsTheNameWhateverTheOrder") {
  accept(record_of(1, "Bob", 1, 9));
  CHECK(roster.shown_name(key_of(1)) == "Bob");
  std::vector<Rename> renames;
  roster.accept(*record_of(2, "bob", 1, 3), renames);
  CHECK(roster.shown_name(key_of(2)) == "bob");
  REQUIRE(renames.size() == 1);
  CHECK(renames[0].member == key_of(1));
  CHECK(renames[0].from == "Bob");
  CHECK(renames[0].to == "Bob~" + key_of(1).hex().substr(0, 4));
  CHECK(roster.is_held_by_another("BOB", key_of(1)));
  renames.clear();
  roster.accept(*record_of(2, "Rob", 2, 3), renames);  // gives it up
  CHECK(roster.shown_name(key_of(1)) == "Bob");
  CHECK(renames.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "CountsFollowPresence") {
  for (std::uint32_t i = 0; i < 20; ++i) accept(record_of(i, "Member" + std::to_string(i)));
  CHECK(roster.counts().unknown == 20);
  for (std::uint32_t i = 0; i < 20; ++i) roster.set_presence(key_of(i), Presence::kOnline, now);
  for (std::uint32_t i = 0; i < 5; ++i) roster.set_presence(key_of(i), Presence::kOffline, now);
  CHECK(roster.counts().online == 15);
  CHECK(roster.counts().offline == 5);
  accept(record_of(3, "Member3", 2, 5, false));
  roster.set_presence(key_of(3), Presence::kLeft, now);
  CHECK(roster.counts().offline == 4);
  CHECK(roster.counts().members == 20);
}

TEST_CASE_FIXTURE(Fixture, "TheFirstOnlineIsTheSmallestKeyThatIsHere") {
  CHECK(roster.first_online() == nullptr);
  for (std::uint32_t i = 0; i < 300; ++i) accept(record_of(i, "Member" + std::to_string(i)));
  CHECK(roster.first_online() == nullptr);
  MemberKey smallest = key_of(0);
  for (std::uint32_t i = 0; i < 300; ++i) {
    roster.set_presence(key_of(i), Presence::kOnline, now);
    smallest = std::min(smallest, key_of(i));
  }
  REQUIRE(roster.first_online() != nullptr);
  CHECK(roster.first_online()->key() == smallest);
  roster.set_presence(smallest, Presence::kOffline, now);
  CHECK(smallest < roster.first_online()->key());
}

TEST_CASE_FIXTURE(Fixture, "TheDigestTellsWhoIsBelievedGoneAndForgetsIt") {
  const EnvelopePtr record = record_of(1, "Alice");
  accept(record);
  const std::uint64_t nothing = digest.root(kAsOfAll, now.monotonic);
  CHECK(nothing == 0);  // accepted, not yet held
  roster.hold(*record, now.monotonic);
  const std::uint64_t held = digest.root(kAsOfAll, now.monotonic);
  CHECK(held != nothing);
  roster.set_presence(key_of(1), Presence::kOnline, now);
  CHECK(digest.root(kAsOfAll, now.monotonic) == held);
  roster.set_presence(key_of(1), Presence::kOffline, now);
  CHECK(digest.root(kAsOfAll, now.monotonic) != held);
  const EnvelopePtr newer = record_of(1, "Alice", 2);
  accept(newer);
  roster.hold(*newer, now.monotonic);
  roster.set_presence(key_of(1), Presence::kOnline, now);
  HeldDigest other_digest;
  Roster other(MeshId{}, verifier, other_digest);
  other.restore(*newer);
  CHECK(other_digest.root(kAsOfAll, now.monotonic) == digest.root(kAsOfAll, now.monotonic));
}

TEST_CASE_FIXTURE(Fixture, "WhatIsYoungIsLeftOutOfADigestAsOfEarlier") {
  const EnvelopePtr old = record_of(1, "Alice");
  accept(old);
  roster.restore(*record_of(2, "Bob"));
  const std::uint64_t before = digest.root(kAsOfAll, now.monotonic);
  auto young = std::make_shared<SealedEnvelope>(*old);
  young->envelope.wall_ms = now.wall_ms;
  roster.hold(*young, now.monotonic);
  CHECK(digest.root(now.wall_ms - 1, now.monotonic) == before);
  CHECK(digest.root(now.wall_ms, now.monotonic) != before);
  CHECK(digest.root(now.wall_ms - 1, now.monotonic + limits::kYoungKept) != before);
}

TEST_CASE_FIXTURE(Fixture, "ASharedRosterIsCopiedWhereItIsWrittenTo") {
  for (std::uint32_t i = 0; i < 100; ++i) roster.restore(*record_of(i, "Member" + std::to_string(i)));
  HeldDigest other_digest;
  Roster other(MeshId{}, verifier, other_digest);
  other.adopt(roster.share());
  CHECK(other_digest.root(kAsOfAll, now.monotonic) == digest.root(kAsOfAll, now.monotonic));
  other.set_presence(key_of(7), Presence::kOffline, now);
  CHECK(other.find(key_of(7))->presence == Presence::kOffline);
  CHECK(roster.find(key_of(7))->presence == Presence::kUnknown);
  CHECK(other.find(key_of(8)) == roster.find(key_of(8)));
}

std::size_t allocated() {
  return mallinfo2().uordblks;
}

/// What a node takes that knows this many members, nobody sharing anything with it.
std::size_t node_bytes(std::uint32_t members) {
  const Credulous verifier;
  const Scribble signer(key_of(0).bytes);
  NodeOptions options;
  options.name = "Alice";
  options.member_signer = &signer;
  options.node_signer = &signer;
  options.verifier = &verifier;
  options.listen.ip = {10, 0, 0, 1};
  options.listen.port = 9750;
  RestoredState restored;
  for (std::uint32_t i = 0; i < members; ++i)
    restored.records.push_back(record_of(i, "Member" + std::to_string(i)));
  restored.handed_over = true;
  Outputs out;
  const std::size_t before = allocated();
  Node node(options, restored, Now{Instant(1s), 1'700'000'000'000}, out);
  // Full views: eight neighbors, and a passive view that a shuffle fills.
  for (std::uint32_t i = 1; i <= 8; ++i) {
    LinkUp up;
    up.link = i;
    up.node = NodeKey{key_of(i).bytes};
    up.outbound = true;
    node.handle(up, Now{Instant(2s), 1'700'000'001'000}, out);
    const Bytes granted = {1};
    node.handle(FrameReceived{i, FrameType::kNeighborReply, granted}, Now{Instant(2s), 1'700'000'001'000},
                out);
  }
  CHECK(node.status().members >= members);
  out.clear();
  out.shrink_to_fit();
  return allocated() - before;
}

TEST_CASE("ANodeThatKnowsTenThousandMembersTakesLessThanFourMebibytes") {
  const std::size_t small = node_bytes(100);
  const std::size_t large = node_bytes(10'000);
  MESSAGE("bytes of a core: ", small, " with 100 members, ", large, " with 10,000, ", (large - small) / 9'900,
          " a member");
  CHECK(large < 4 * 1024 * 1024);
}

}  // namespace
}  // namespace p2pmesh
