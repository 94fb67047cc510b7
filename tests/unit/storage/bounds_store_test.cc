// What the store holds in memory or answers with at once, up to each bound and one beyond.
#include <doctest/doctest.h>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

TEST_CASE_FIXTURE(StoreFixture, "NoMoreRowsWaitToBeIndexedThanTheBoundAndABatch") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq < limits::kUnindexedRowsMax; ++seq)
    items.push_back(text_item(kAlice, seq, {"x"}));
  const std::uint64_t before = items.size();
  write(std::move(items));
  // One below the bound: the next one waits with them.
  write({text_item(kAlice, before + 1, {"x"})});
  CHECK_FALSE(*store->index_some(1));
  write({text_item(kAlice, before + 2, {"x"})});
  write({text_item(kAlice, before + 3, {"last"})});
  // The bound was reached: all before the last one were indexed with it.
  CHECK(*store->index_some(1));
  const auto listed = store->list_messages("#lobby", std::nullopt, std::nullopt, 1, false);
  REQUIRE(listed);
  CHECK(listed->size() == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "APageOfWhatIsFoundEndsWithTheBytesOfTheBound") {
  constexpr std::size_t kFit = limits::kSearchPageBytesMax / limits::kMessageBytesMax;
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= kFit + 5; ++seq)
    items.push_back(text_item(kAlice, seq, {"word " + std::string(limits::kMessageBytesMax - 5, ' ')}));
  write(std::move(items));
  REQUIRE(store->index_words(1000));
  SearchQuery query;
  query.words = "word";
  query.limit = limits::kControlPageMax;
  const auto page = store->search(query);
  REQUIRE(page);
  CHECK(page->messages.size() == kFit);
  REQUIRE(page->next);
  query.before = page->next;
  const auto rest = store->search(query);
  REQUIRE(rest);
  CHECK(rest->messages.size() == 5);
  CHECK_FALSE(rest->next);
}

TEST_CASE_FIXTURE(StoreFixture, "OfTooManyUnreadMessagesOfOneMemberTheNewestAreCounted") {
  const std::vector<std::string> many(limits::kMessagesPerEnvelopeMax, "x");
  constexpr std::uint64_t kFull = limits::kUnreadDirectsMax / limits::kMessagesPerEnvelopeMax;
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= kFull; ++seq)
    batch.items.push_back(direct_item(kBob, seq, {kBob, false, seq, seq, many}));
  StoredCorrespondent bob;
  bob.member = kBob;
  bob.relation = 2;
  batch.correspondents = {bob};
  const auto written = store->write(batch);
  REQUIRE(written);
  const auto count_first = [&] {
    const auto unread = store->unread_directs({});
    REQUIRE(unread);
    CHECK(unread->size() == limits::kUnreadDirectsMax);
    return std::count(unread->begin(), unread->end(), std::pair(kBob, written->rows.front()));
  };
  CHECK(count_first() == limits::kMessagesPerEnvelopeMax);
  write({direct_item(kBob, kFull + 1, {kBob, false, kFull + 1, kFull + 1, {"one more"}})});
  CHECK(count_first() == limits::kMessagesPerEnvelopeMax - 1);
}

TEST_CASE_FIXTURE(StoreFixture, "ARangeIsReadUpToTheBytesOfAnAnswer") {
  const std::vector<std::string> large(7, std::string(limits::kMessageBytesMax, 'x'));
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 30; ++seq) items.push_back(text_item(kAlice, seq, large));
  const std::size_t bytes = items.back().envelope->encoded.size();
  write(std::move(items));
  const auto read =
      store->read_range(kAlice, 10, 1, 30, limits::kSyncAnswerBytesMax, limits::kSyncAnswerEnvelopesMax);
  REQUIRE(read);
  CHECK_FALSE(read->complete);
  const std::size_t count = read->envelopes.size();
  CHECK(count < 30);
  CHECK(count * bytes <= limits::kSyncAnswerBytesMax);
  CHECK((count + 1) * bytes > limits::kSyncAnswerBytesMax - 64);
}

TEST_CASE_FIXTURE(StoreFixture, "WhatIsNotOpenedIsLookedForInSoManyRowsAtOnce") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq < limits::kUnopenedSearchedMax; ++seq)
    items.push_back(text_item(kAlice, seq, {"x"}));
  items.push_back(direct_item(kAlice, limits::kUnopenedSearchedMax));
  items.push_back(direct_item(kAlice, limits::kUnopenedSearchedMax + 1));
  const auto rows = write(std::move(items));
  const auto page = store->list_unopened(kBob, 1, 100);
  REQUIRE(page);
  REQUIRE(page->envelopes.size() == 1);
  CHECK(page->envelopes.front()->envelope.seq == limits::kUnopenedSearchedMax);
  CHECK(page->next_row == rows.back());
  const auto rest = store->list_unopened(kBob, page->next_row, 100);
  REQUIRE(rest);
  REQUIRE(rest->envelopes.size() == 1);
  CHECK(rest->envelopes.front()->envelope.seq == limits::kUnopenedSearchedMax + 1);
  CHECK(rest->next_row == 0);
}

TEST_CASE_FIXTURE(StoreFixture, "AStepOfTheIndexOfWordsEndsWithTheBytesOfTheBound") {
  // What lies around the text makes one of so many reach the bound.
  constexpr std::uint64_t kFit = limits::kSearchStepBytesMax / limits::kMessageBytesMax;
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 2 * kFit; ++seq)
    items.push_back(text_item(kAlice, seq, {"word" + std::string(limits::kMessageBytesMax - 4, ' ')}));
  write(std::move(items));
  CHECK_FALSE(*store->index_words(1000));
  CHECK(*store->index_words(1000));
  write({text_item(kAlice, 2 * kFit + 1, {"word"})});
  CHECK(*store->index_words(1000));
}

TEST_CASE_FIXTURE(StoreFixture, "OfOneMoreThanIsCarriedForAnAuthorTheOldestGoes") {
  const auto carry = [&](std::uint64_t first, std::uint64_t last) {
    std::vector<StoreItem> items;
    for (std::uint64_t seq = first; seq <= last; ++seq) {
      items.push_back(direct_item(kAlice, seq));
      items.back().carried = true;
    }
    StoreBatch batch = batch_of(std::move(items));
    batch.now_ms = 1;
    REQUIRE(store->write(batch));
  };
  const auto drop = [&] {
    const auto step = store->drop_carried(CarryQuota{}, 1, 10);
    REQUIRE(step);
    return step->dropped;
  };
  carry(1, limits::kCarriedEnvelopesPerAuthor);
  CHECK(drop() == 0);
  carry(limits::kCarriedEnvelopesPerAuthor + 1, limits::kCarriedEnvelopesPerAuthor + 1);
  CHECK(drop() == 1);
  CHECK(store->carried()->envelopes == limits::kCarriedEnvelopesPerAuthor);
  const auto oldest = store->read_range(kAlice, 10, 1, 2, 1 << 20, 10);
  REQUIRE(oldest);
  REQUIRE(oldest->envelopes.size() == 1);
  CHECK(oldest->envelopes.front()->envelope.seq == 2);
}

}  // namespace
}  // namespace p2pmesh
