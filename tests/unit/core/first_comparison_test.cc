// What ends the first comparison over a new link: behind it a newcomer says who is here.
#include <doctest/doctest.h>

#include "anti_entropy.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;

/// A node that holds nothing, and its only link.
struct Newcomer {
  Newcomer() {
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links.add(up, NodeKey{}, now.monotonic);
    link().root_known = true;
  }
  Link& link() { return *links.find(kLink); }
  void hear_root(bool differs, AsOfMs as_of_ms) {
    Turn turn{now, sent};
    link().differs = differs;
    entropy.on_root(link(), as_of_ms, false, turn);
  }
  void hear_listing(const SyncListing& listing) {
    Turn turn{now, sent};
    REQUIRE(entropy.on_listing(link(), listing, turn));
  }

  ProtocolParameters parameters;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, ed25519_verifier(), digest};
  Links links;
  AntiEntropy entropy{parameters, digest, index, roster, links, MemberKey{}, 1};
  Now now{Instant(100s), 1'700'000'000'000};
  Outputs sent;
};

TEST_CASE_FIXTURE(Newcomer, "AnEqualRootOfAllSparesTheFirstComparison") {
  hear_root(false, kAsOfAll);
  CHECK(link().compared);
  CHECK(sent.empty());
}

TEST_CASE_FIXTURE(Newcomer, "WhatWasAskedForIsWaitedForThoughARootWithoutTheYoungIsEqual") {
  hear_root(true, kAsOfAll);
  REQUIRE(sent.size() == 1);  // its digest
  SyncListing listing;
  listing.session = 1;
  listing.last = true;
  HeldRecord record;
  record.author.bytes[0] = 42;
  record.kind = static_cast<std::uint16_t>(Kind::kMember);
  record.epoch = record.version = 1;
  listing.records.push_back(record);
  hear_listing(listing);
  REQUIRE(sent.size() == 2);  // its request
  hear_root(false, AntiEntropy::as_of(now));
  CHECK_FALSE(link().compared);
  Turn turn{now, sent};
  entropy.on_done(link(), {1, 0, true}, turn);
  CHECK(link().compared);
}

TEST_CASE_FIXTURE(Newcomer, "AnEqualRootWithoutTheYoungDoesNotSpareTheFirstComparison") {
  hear_root(false, AntiEntropy::as_of(now));
  CHECK_FALSE(link().compared);
  REQUIRE(sent.size() == 1);
  SyncListing nothing;
  nothing.session = 1;
  nothing.last = true;
  hear_listing(nothing);
  CHECK(link().compared);
  hear_root(false, AntiEntropy::as_of(now));
  CHECK(sent.size() == 1);
}

TEST_CASE_FIXTURE(Newcomer, "WhoKnowsOfSomethingGoneAsksANewNeighborThatHasAnEqualRootAndCountsThat") {
  index.note_gone({MemberKey{}, 1, 1, 2, 3}, now.monotonic);
  hear_root(false, kAsOfAll);
  CHECK_FALSE(link().compared);
  CHECK(sent.size() == 1);
  CHECK(entropy.counters().sessions == 1);
  CHECK(entropy.counters().asked_for_gone == 1);
}

TEST_CASE_FIXTURE(Newcomer, "AComparisonOfRootsThatDifferIsNotCountedAsAskingForWhatIsGone") {
  index.note_gone({MemberKey{}, 1, 1, 2, 3}, now.monotonic);
  hear_root(true, kAsOfAll);
  CHECK(entropy.counters().sessions == 1);
  CHECK(entropy.counters().asked_for_gone == 0);
}

}  // namespace
}  // namespace p2pmesh
