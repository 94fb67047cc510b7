// Floods of control frames: the budget alone, and what a node does with those who are over it.
#include "frame_budget.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/membership_messages.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Verdict = FrameBudget::Verdict;

TEST_CASE("ABurstIsWithinWhatIsAboveItIsDroppedAndFarAboveIsAFault") {
  FrameBudget budget;
  Instant now(100s);
  for (std::uint64_t i = 0; i < limits::kShufflesBurst; ++i)
    CHECK(budget.take(FrameType::kShuffle, 10, now) == Verdict::kWithin);
  CHECK(budget.take(FrameType::kShuffle, 10, now) == Verdict::kOver);
  CHECK(budget.take(FrameType::kPrune, 10, now) == Verdict::kWithin);
  now += 1s;
  for (std::uint64_t i = 1; i < limits::kShufflesPerSecond; ++i)
    CHECK(budget.take(FrameType::kShuffle, 10, now) == Verdict::kWithin);
  std::uint64_t dropped = 0;
  while (budget.take(FrameType::kShuffle, 10, now) == Verdict::kOver) ++dropped;
  CHECK(dropped == (limits::kFarOverBursts - 1) * limits::kShufflesBurst);
}

TEST_CASE("IdsAreCountedNotFrames") {
  FrameBudget budget;
  const Instant now(100s);
  std::uint64_t ids = 0;
  while (budget.take(FrameType::kIHave, 1000 * 34, now) == Verdict::kWithin) ids += 1000;
  CHECK(ids > limits::kIHaveIdsBurst * 9 / 10);
  CHECK(ids <= limits::kIHaveIdsBurst);
}

TEST_CASE("EnvelopesHaveTheirOwnBudgets") {
  FrameBudget budget;
  for (int i = 0; i < 1'000'000; ++i)
    REQUIRE(budget.take(FrameType::kGossip, 10, Instant(1s)) == Verdict::kWithin);
}

TEST_CASE("GraftAnswersAreCountedInBytes") {
  FrameBudget budget;
  Instant now(100s);
  std::size_t answered = 0;
  for (; budget.may_answer_graft(now); answered += 1 << 20) budget.charge_graft_answer(1 << 20, now);
  CHECK(answered == limits::kGraftAnswerBytesBurst + (1 << 20));
  now += 1s;
  CHECK(budget.may_answer_graft(now));
}

std::vector<EnvelopeId> made_up_ids(std::size_t count, std::uint64_t from) {
  std::vector<EnvelopeId> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < 8; ++j) ids[i].bytes[j] = static_cast<std::uint8_t>((from + i) >> (8 * j));
  }
  return ids;
}

Bytes frame_of(FrameType type, std::uint32_t number) {
  PeerEntry peer;
  peer.node.bytes[3] = 77;
  switch (type) {
    case FrameType::kIHave: {
      IHave ihave;
      for (const EnvelopeId& id : made_up_ids(1000, number * 1000)) ihave.items.push_back({id, 1});
      return encode_frame_of(ihave);
    }
    case FrameType::kGraft:
      return encode_frame_of(Graft{made_up_ids(500, number * 500)});
    case FrameType::kPrune:
      return encode_frame_of(Prune{});
    case FrameType::kForwardJoin:
      return encode_frame_of(ForwardJoin{peer, 0});
    case FrameType::kShuffle:
      return encode_frame_of(Shuffle{peer.node, number, 0, {peer}});
    case FrameType::kShuffleReply:
      return encode_frame_of(ShuffleReply{peer.node, number, {peer}});
    case FrameType::kSyncDigest:
      return encode_frame_of(SyncDigest{});
    case FrameType::kSyncDone:
      return encode_frame_of(SyncDone{});
    case FrameType::kPing:
      return encode_ping(Ping{});
    default:
      return encode_frame_of(SyncRequest{});
  }
}

TEST_CASE("AFloodIsDroppedCountedAndEndsTheLink") {
  const std::map<FrameType, std::uint64_t> bursts = {{FrameType::kIHave, limits::kIHaveIdsBurst / 1000},
                                                     {FrameType::kGraft, limits::kGraftIdsBurst / 500},
                                                     {FrameType::kPrune, limits::kPrunesBurst},
                                                     {FrameType::kForwardJoin, limits::kForwardJoinsBurst},
                                                     {FrameType::kShuffle, limits::kShufflesBurst},
                                                     {FrameType::kShuffleReply, limits::kShufflesBurst},
                                                     {FrameType::kSyncDigest, limits::kSyncDigestsBurst},
                                                     {FrameType::kSyncDone, limits::kSyncAnswersBurst},
                                                     {FrameType::kSyncRequest, limits::kSyncRequestsBurst},
                                                     {FrameType::kPing, limits::kPingsBurst}};
  for (const auto& [type, burst] : bursts) {
    const int number = static_cast<int>(type);
    CAPTURE(number);
    Pair pair;
    TestNode& node = pair.a();
    const LinkId link = node.node->links().front().link;
    std::uint64_t within = 0;
    std::uint64_t dropped = 0;
    for (std::uint32_t i = 0; node.penalties == 0 && i < 1'000'000; ++i) {
      const Bytes frame = frame_of(type, i);
      node.handle(FrameReceived{link, type, ByteView(frame).subspan(5)});
      pair.in_flight.clear();
      (node.counter("frames_over_budget") == 0 ? within : dropped) += 1;
    }
    CHECK(within <= burst);
    CHECK(within >= burst * 9 / 10);
    CHECK(dropped >= burst * 2);
    CHECK(dropped <= burst * limits::kFarOverBursts);
    CHECK(node.node->is_shut_out(pair.b().node_key(), pair.now.monotonic));
    CHECK(node.counter("ids_missing") <= limits::kMissingPerLinkMax);
  }
}

TEST_CASE("WhatAnHonestNeighborSendsIsNotOverIt") {
  Pair pair;
  pair.run(60s);
  for (int i = 0; i < 200; ++i) {
    pair.a().say("line");
    pair.run(20ms);
  }
  pair.run(60s);
  CHECK(pair.a().counter("frames_over_budget") == 0);
  CHECK(pair.b().counter("frames_over_budget") == 0);
}

}  // namespace
}  // namespace p2pmesh::test
