// Direct messages in the store: the opened text beside the sealed envelope, in the order of the conversation.
#include <doctest/doctest.h>

#include "mesh_fixture.h"

namespace p2pmesh {
namespace {

using Texts = std::vector<std::string>;

using Fixture = StoreFixture;

TEST_CASE_FIXTURE(Fixture, "AConversationIsListedByItsDepthsWhateverCameFirst") {
  write({direct_item(kBob, 1, {kBob, false, 1, 2, {"answer", "and more"}}),
         direct_item(kAlice, 1, {kBob, true, 1, 1, {"question"}}), text_item(kAlice, 2, {"in the room"}),
         direct_item(kBob, 2)});
  CHECK(with_bob() == Texts{"question", "answer", "and more"});
  CHECK(texts_of(*store) == Texts{"in the room"});
  CHECK(rooms_of(*store) == Texts{"#lobby"});
  const auto events = store->events_after({}, 100);
  REQUIRE(events);
  REQUIRE(events->size() == 4);
  REQUIRE(events->front().message);
  CHECK(events->front().message->direct->peer == kBob);
  CHECK_FALSE(events->front().message->direct->own);
  CHECK(events->at(2).message->direct->own);
  reopen();
  CHECK(with_bob() == Texts{"question", "answer", "and more"});
}

TEST_CASE_FIXTURE(Fixture, "WhatIsSearchedWithOneMemberIsOfThatConversationAlone") {
  const MemberKey carol = make_id<MemberKey>(3);
  write({direct_item(kBob, 1, {kBob, false, 1, 1, {"the word of Bob"}}),
         direct_item(kAlice, 1, {kBob, true, 1, 2, {"my word to Bob"}}),
         direct_item(kAlice, 2, {carol, true, 1, 1, {"my word to Carol"}}),
         text_item(kBob, 2, {"a word in the room"})});
  const auto found = [this](const std::optional<MemberKey>& with, const std::optional<MemberKey>& author) {
    SearchQuery query;
    query.words = "word";
    query.with = with;
    query.author = author;
    const auto page = store->search(query);
    REQUIRE(page);
    Texts texts;
    for (const ListedMessage& message : page->messages) texts.push_back(message.text);
    return texts;
  };
  CHECK(found(std::nullopt, std::nullopt).size() == 4);
  CHECK(found(kBob, std::nullopt) == Texts{"my word to Bob", "the word of Bob"});
  CHECK(found(kBob, kBob) == Texts{"the word of Bob"});
  CHECK(found(carol, std::nullopt) == Texts{"my word to Carol"});
  CHECK(found(make_id<MemberKey>(4), std::nullopt).empty());
}

TEST_CASE_FIXTURE(Fixture, "PagesOfAConversationFitTogether") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    const std::string number = std::to_string(seq);
    items.push_back(direct_item(kBob, seq, {kBob, false, seq, seq, {number + "a", number + "b"}}));
  }
  write(std::move(items));
  std::optional<TranscriptPosition> before;
  Texts backwards;
  for (int pages = 0; pages < 20; ++pages) {
    auto page = store->list_directs(kBob, std::nullopt, before, 3, true);
    REQUIRE(page);
    if (page->empty()) break;
    for (auto message = page->rbegin(); message != page->rend(); ++message)
      backwards.push_back(message->text);
    const auto position = store->position_of(page->front().envelope, page->front().index);
    REQUIRE(position);
    before = *position;
  }
  std::reverse(backwards.begin(), backwards.end());
  CHECK(backwards == with_bob());
  CHECK(backwards.size() == 20);
}

TEST_CASE_FIXTURE(Fixture, "PeopleAreRestoredWithWhatTheirMessagesTell") {
  StoreBatch batch = batch_of({direct_item(kAlice, 1, {kBob, true, 1, 1, {"one"}}),
                               direct_item(kAlice, 2, {kBob, true, 2, 2, {"two"}}),
                               direct_item(kBob, 1, {kBob, false, 1, 3, {}}),  // asked without a text
                               direct_item(kBob, 2, {kBob, false, 2, 4, {"three"}}),
                               direct_item(kBob, 4, {kBob, false, 4, 5, {"five"}})});
  batch.correspondents = {{kBob, 1, true, 0, 0, 0, {}}};
  REQUIRE(store->write(batch));
  batch = {};
  batch.correspondents = {{kBob, 2, false, 0, 0, 0, {}}};
  REQUIRE(store->write(batch));
  reopen();
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  REQUIRE(snapshot->correspondents.size() == 1);
  const StoredCorrespondent& bob = snapshot->correspondents.front();
  CHECK(bob.member == kBob);
  CHECK(bob.relation == 2);
  CHECK_FALSE(bob.asks);
  CHECK(bob.depth == 5);
  CHECK(bob.written_epoch == 10);
  CHECK(bob.written_number == 2);
  REQUIRE(bob.received.size() == 1);
  CHECK(bob.received[0].first == 10);
  CHECK(bob.received[0].second == Intervals{{1, 2}, {4, 4}});
  CHECK(with_bob() == Texts{"one", "two", "three", "five"});
}

TEST_CASE_FIXTURE(Fixture, "WhatWasToldAsDeliveredStaysSo") {
  write({direct_item(kAlice, 1, {kBob, true, 1, 1, {"one"}}),
         direct_item(kAlice, 2, {kBob, true, 2, 2, {"two"}}),
         direct_item(kAlice, 3, {kBob, true, 3, 3, {"three"}})});
  const auto states = [this] {
    const auto listed = store->list_directs(kBob, std::nullopt, std::nullopt, 1000, false);
    REQUIRE(listed);
    Texts told;
    for (const ListedMessage& message : *listed)
      told.push_back(message.direct->read ? "read" : message.direct->delivered ? "delivered" : "");
    return told;
  };
  const auto tell = [this](std::uint64_t epoch, Intervals numbers, std::uint64_t read_to) {
    StoreBatch batch;
    batch.deliveries = {{kBob, epoch, std::move(numbers), read_to}};
    REQUIRE(store->write(batch));
  };
  tell(9, {{1, 3}}, 0);  // another epoch
  CHECK(states() == Texts{"", "", ""});
  tell(10, {{1, 2}}, 1);
  CHECK(states() == Texts{"read", "delivered", ""});
  tell(10, {{3, 3}}, 0);  // an older one is not taken back
  CHECK(states() == Texts{"read", "delivered", "delivered"});
  tell(10, {{1, UINT64_MAX}}, UINT64_MAX);
  reopen();
  CHECK(states() == Texts{"read", "read", "read"});
}

}  // namespace
}  // namespace p2pmesh
