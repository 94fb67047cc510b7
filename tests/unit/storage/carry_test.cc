// Direct messages between others: what is over the quota goes, the oldest first, and stays in the sums.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mesh_fixture.h"

namespace p2pmesh {
namespace {

using Numbers = std::vector<std::uint64_t>;

constexpr WallMs kDayMs = 24ULL * 60 * 60 * 1000;

StoreItem carried_item(const MemberKey& author, std::uint64_t seq, WallMs wall_ms = 0) {
  StoreItem item = direct_item(author, seq);
  Envelope envelope = item.envelope->envelope;
  if (wall_ms != 0) envelope.wall_ms = wall_ms;
  item.envelope = seal(std::move(envelope), item.envelope->id);
  item.carried = true;
  return item;
}

struct CarryFixture : StoreFixture {
  /// All steps; how many went.
  std::uint64_t drop(const CarryQuota& quota, WallMs now_ms = 1) {
    std::uint64_t dropped = 0;
    for (;;) {
      const auto step = store->drop_carried(quota, now_ms, 3);
      REQUIRE(step.has_value());
      if (step->complete) return dropped;
      dropped += step->dropped;
    }
  }
  void write_at(WallMs now_ms, std::vector<StoreItem> items) {
    StoreBatch batch = batch_of(std::move(items));
    batch.now_ms = now_ms;
    REQUIRE(store->write(batch).has_value());
  }
  Numbers held(const MemberKey& author) {
    const auto envelopes = store->read_range(author, 10, 1, 1000, 1 << 30, 1000);
    REQUIRE(envelopes.has_value());
    Numbers numbers;
    for (const EnvelopePtr& envelope : envelopes->envelopes) numbers.push_back(envelope->envelope.seq);
    return numbers;
  }
  /// What is told of a range whose numbers these are, of which some are gone.
  void check_gone(const MemberKey& author, std::uint64_t first, std::uint64_t last, const Numbers& gone) {
    std::uint64_t digest = 0;
    for (const std::uint64_t seq : gone)
      digest ^= id_digest(scattered_id(std::uint64_t{author.bytes[7]} << 32 | seq));
    const auto range = store->read_range(author, 10, first, last, 1 << 30, 1000);
    REQUIRE(range.has_value());
    REQUIRE(range->gone.size() == 1);
    CHECK(range->gone[0].first == first);
    CHECK(range->gone[0].last == last);
    CHECK(range->gone[0].ids_digest == digest);
  }
};

TEST_CASE_FIXTURE(CarryFixture, "OverTheNumberOfAnAuthorTheOldestGoAndNothingElse") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    if (seq == 3)
      items.push_back(direct_item(kAlice, seq, {kBob, false, 1, 1, {"opened"}}));
    else if (seq == 5)
      items.push_back(text_item(kAlice, seq, {"to all"}));
    else
      items.push_back(carried_item(kAlice, seq));
  }
  items.push_back(carried_item(kBob, 1));
  write(std::move(items));
  REQUIRE(store->carried()->envelopes == 9);
  CHECK(drop({}) == 0);
  CarryQuota quota;
  quota.author_envelopes = 2;
  CHECK(drop(quota) == 6);
  CHECK(held(kAlice) == Numbers{3, 5, 9, 10});
  check_gone(kAlice, 1, 10, {1, 2, 4, 6, 7, 8});
  check_gone(kAlice, 2, 6, {2, 4, 6});
  CHECK(store->read_range(kAlice, 10, 9, 10, 1 << 30, 100)->gone.empty());
  // As far as the envelopes go.
  const auto cut = store->read_range(kAlice, 10, 1, 10, 1 << 30, 1);
  CHECK_FALSE(cut->complete);
  REQUIRE(cut->gone.size() == 1);
  CHECK(cut->gone[0].last == 3);
  CHECK(held(kBob) == Numbers{1});
  CHECK(store->carried()->envelopes == 3);
  CHECK(texts_of(*store) == std::vector<std::string>{"to all"});
  CHECK(with_bob() == std::vector<std::string>{"opened"});
}

TEST_CASE_FIXTURE(CarryFixture, "WhatWentStaysAcceptedAndInTheSumsAcrossARestart") {
  std::uint64_t digest = 0;
  for (std::uint64_t seq = 1; seq <= 6; ++seq) {
    const StoreItem item = carried_item(kAlice, seq);
    digest ^= id_digest(item.envelope->id);
    write({item});
  }
  CarryQuota quota;
  quota.author_envelopes = 1;
  CHECK(drop(quota) == 5);
  StoreSnapshot snapshot = reopen();
  REQUIRE(snapshot.logs.size() == 1);
  CHECK(snapshot.logs[0].intervals == Intervals{{1, 6}});
  CHECK(snapshot.logs[0].ids_digest == digest);
  check_gone(kAlice, 1, 5, {1, 2, 3, 4, 5});
  CHECK(store->carried()->envelopes == 1);
  // Somebody who still has it sends it again.
  CHECK(write({carried_item(kAlice, 2)}) == Numbers{0});
  CHECK(held(kAlice) == Numbers{6});
  const auto events = store->events_after({}, 100);
  CHECK(events.has_value());
  const auto unopened = store->list_unopened(kBob, 1, 100);
  REQUIRE(unopened.has_value());
  CHECK(unopened->envelopes.size() == 1);
}

TEST_CASE_FIXTURE(CarryFixture, "OverTheBytesOfAllWhoeverHasMostGives") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 40; ++seq) items.push_back(carried_item(kAlice, seq));
  for (std::uint64_t seq = 1; seq <= 4; ++seq) items.push_back(carried_item(kBob, seq));
  write(std::move(items));
  CarryQuota quota;
  quota.bytes = store->carried()->bytes / 2;
  CHECK(drop(quota) == 22);
  CHECK(held(kBob) == Numbers{1, 2, 3, 4});
  CHECK(held(kAlice).front() == 23);
  CHECK(store->carried()->bytes <= quota.bytes);
  quota.bytes = 0;
  CHECK(drop(quota) == 22);
  CHECK(store->carried()->envelopes == 0);
  CHECK(store->carried()->bytes == 0);
}

TEST_CASE_FIXTURE(CarryFixture, "OverTheBytesOfAnAuthor") {
  write({carried_item(kAlice, 1), carried_item(kAlice, 2), carried_item(kBob, 1)});
  CarryQuota quota;
  quota.author_bytes = carried_item(kAlice, 1).envelope->encoded.size();
  CHECK(drop(quota) == 1);
  CHECK(held(kAlice) == Numbers{2});
  CHECK(held(kBob) == Numbers{1});
}

TEST_CASE_FIXTURE(CarryFixture, "OfDaysTheAuthorsClockCountsAndHalfOfThemFromItsComing") {
  const WallMs now = 20'000 * kDayMs;
  write_at(now, {carried_item(kAlice, 1, now - 100 * kDayMs), carried_item(kAlice, 2, now - 40 * kDayMs),
                 carried_item(kAlice, 3, 1000), carried_item(kAlice, 4, now + 5000 * kDayMs)});
  // Half of the time at least from when they came: an author's clock may be of 1970.
  CHECK(drop({}, now + 44 * kDayMs) == 0);
  CHECK(drop({}, now + 46 * kDayMs) == 2);
  CHECK(held(kAlice) == Numbers{2, 4});
  CHECK(drop({}, now + 49 * kDayMs) == 0);
  CHECK(drop({}, now + 51 * kDayMs) == 1);
  CHECK(held(kAlice) == Numbers{4});
  // This node's own clock was of 1970 when they came, and is right again.
  write_at(1000, {carried_item(kBob, 1, now)});
  CHECK(drop({}, now + 91 * kDayMs) == 1);
  write_at(1000, {carried_item(kBob, 2, now + 60 * kDayMs)});
  CHECK(drop({}, now + 91 * kDayMs) == 0);
}

TEST_CASE_FIXTURE(CarryFixture, "OfTwoForOnePlaceTheProofStays") {
  write({carried_item(kAlice, 1), carried_item(kAlice, 2)});
  StoreItem second = carried_item(kAlice, 1);
  second.envelope = seal(second.envelope->envelope, scattered_id(999));
  const auto kept = store->write(batch_of({second}));
  REQUIRE(kept.has_value());
  CHECK(kept->forks.size() == 1);
  CarryQuota quota;
  quota.author_envelopes = 0;
  CHECK(drop(quota) == 1);
  CHECK(held(kAlice) == Numbers{1, 1});
  check_gone(kAlice, 1, 2, {2});
  CHECK(store->carried()->envelopes == 0);
}

TEST_CASE_FIXTURE(CarryFixture, "ASecondOneForAPlaceThatWentCountsWhenItIsLower") {
  const StoreItem first = carried_item(kAlice, 1);
  write({first});
  CarryQuota quota;
  quota.author_envelopes = 0;
  CHECK(drop(quota) == 1);
  StoreItem second = first;
  EnvelopeId lower = first.envelope->id;
  lower.bytes[0] = static_cast<std::uint8_t>(lower.bytes[0] - 1);
  EnvelopeId higher = first.envelope->id;
  higher.bytes[0] = static_cast<std::uint8_t>(higher.bytes[0] + 1);
  second.envelope = seal(first.envelope->envelope, higher);
  CHECK(store->write(batch_of({second}))->forks.empty());
  second.envelope = seal(first.envelope->envelope, lower);
  const auto kept = store->write(batch_of({second}));
  REQUIRE(kept.has_value());
  REQUIRE(kept->forks.size() == 1);
  CHECK(kept->forks[0].replaced == first.envelope->id);
  CHECK(reopen().logs[0].ids_digest == id_digest(lower));
  CHECK(store->read_range(kAlice, 10, 1, 1, 1, 1)->gone.at(0).ids_digest == id_digest(lower));
}

TEST_CASE_FIXTURE(CarryFixture, "ARowIsNeverUsedTwiceThoughTheLastOneIsDropped") {
  write({text_item(kBob, 1, {"before"})});
  const Numbers last = write({carried_item(kAlice, 1)});
  CarryQuota quota;
  quota.bytes = 0;
  CHECK(drop(quota) == 1);
  reopen();
  const Numbers next = write({text_item(kBob, 2, {"after"})});
  CHECK(next.front() > last.front());
  CHECK(reopen().last_row == next.front());
  CHECK(texts_of(*store) == std::vector<std::string>{"before", "after"});
  CHECK(held(kBob) == Numbers{1, 2});
  SearchQuery query;
  query.words = "after";
  CHECK(store->search(query)->messages.size() == 1);
}

TEST_CASE_FIXTURE(CarryFixture, "WhatIsOpenedLateIsCarriedNoMore") {
  write({carried_item(kAlice, 1)});
  StoreItem late = direct_item(kAlice, 1, {kAlice, false, 1, 1, {"for us after all"}});
  late.opened_late = true;
  CHECK(write({late}) != Numbers{0});
  CarryQuota quota;
  quota.author_envelopes = 0;
  CHECK(drop(quota) == 0);
  CHECK(held(kAlice) == Numbers{1});
  CHECK(store->carried()->envelopes == 0);
}

}  // namespace
}  // namespace p2pmesh
