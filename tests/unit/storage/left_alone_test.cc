// Lines that wait, envelopes that are opened late, what is noted of people, and what of theirs was not read.
#include <doctest/doctest.h>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using Texts = std::vector<std::string>;

struct Fixture : StoreFixture {
  static StoreItem opened_late(StoreItem item, StoredDirect direct) {
    item.opened_late = true;
    item.direct = std::move(direct);
    return item;
  }
  void write_drafts(std::vector<StoredDraft> drafts) {
    StoreBatch batch;
    batch.drafts = std::move(drafts);
    REQUIRE(store->write(batch));
  }
};

TEST_CASE_FIXTURE(Fixture, "ADraftIsKeptUntilItsEnvelopeIs") {
  write_drafts({{1, "#lobby", std::nullopt, "one", 5}, {2, "", kBob, "two \n\x01", 6}, {3, "", kBob, "", 7}});
  StoreSnapshot snapshot = reopen();
  REQUIRE(snapshot.drafts.size() == 3);
  CHECK(snapshot.last_draft == 3);
  CHECK(snapshot.drafts[0].room == "#lobby");
  CHECK_FALSE(snapshot.drafts[0].to);
  CHECK(snapshot.drafts[1].to == kBob);
  CHECK(snapshot.drafts[1].text == "two \n\x01");
  CHECK(snapshot.drafts[2].text.empty());
  CHECK(snapshot.drafts[2].wall_ms == 7);

  StoreItem item = text_item(kAlice, 1, {"one"});
  item.own = true;
  item.drafts = {1};
  write({std::move(item)});
  StoreBatch batch;
  batch.dropped_drafts = {3};
  REQUIRE(store->write(batch));
  snapshot = reopen();
  REQUIRE(snapshot.drafts.size() == 1);
  CHECK(snapshot.drafts[0].number == 2);
  CHECK(snapshot.last_draft == 3);  // no number comes twice
  CHECK(snapshot.outbox.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "ADraftThatIsKeptAndSentInOneBatchIsGone") {
  StoreItem item = text_item(kAlice, 1, {"one"});
  item.drafts = {1};
  StoreBatch batch = batch_of({std::move(item)});
  batch.drafts = {{1, "#lobby", std::nullopt, "one", 5}};
  REQUIRE(store->write(batch));
  CHECK(reopen().drafts.empty());
}

TEST_CASE_FIXTURE(Fixture, "WhatIsOpenedLateStandsBehindWhatCameMeanwhile") {
  const auto rows = write({direct_item(kBob, 1), direct_item(kBob, 2), text_item(kAlice, 1, {"meanwhile"})});
  CHECK(with_bob().empty());
  auto page = store->list_unopened(kAlice, 1, 100);
  REQUIRE(page);
  REQUIRE(page->envelopes.size() == 2);
  CHECK(page->next_row == 0);
  const auto late = write({opened_late(direct_item(kBob, 1), {kBob, false, 1, 1, {"psst", "and more"}})});
  CHECK(late.front() > rows.back());
  CHECK(with_bob() == Texts{"psst", "and more"});
  // It is found by who reads on, and nowhere twice.
  const auto events = store->events_after({rows.back(), 0}, 100);
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK(events->front().message->text == "psst");
  CHECK(store->events_after({}, 100)->size() == 3);
  CHECK(write({opened_late(direct_item(kBob, 1), {kBob, false, 1, 1, {"psst", "and more"}})}).front() == 0);
  CHECK(with_bob().size() == 2);
  // What is not held is not opened.
  CHECK(write({opened_late(direct_item(kBob, 9), {kBob, false, 9, 9, {"never came"}})}).front() == 0);

  // Its place in its author's log is as it was, and all that leads to it.
  for (int i = 0; i < 2; ++i) {
    const auto range = store->read_range(kBob, 10, 1, 2, 1 << 20, 100);
    REQUIRE(range);
    REQUIRE(range->envelopes.size() == 2);
    CHECK(range->envelopes[0]->envelope.seq == 1);
    CHECK(store->position_of(range->envelopes[0]->id, 1)->has_value());
    SearchQuery query;
    query.words = "psst";
    const auto found = store->search(query);
    REQUIRE(found);
    CHECK(found->messages.size() == 1);
    CHECK(store->list_unopened(kAlice, 1, 100)->envelopes.size() == 1);
    reopen();
  }
  CHECK(write({text_item(kAlice, 2, {"later"})}).front() > late.front());
}

TEST_CASE_FIXTURE(Fixture, "PagesOfWhatIsNotOpenedFitTogether") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    items.push_back(direct_item(kBob, seq));
    items.push_back(direct_item(kAlice, seq));  // one's own are not to be opened
  }
  write(std::move(items));
  std::uint64_t row = 1;
  std::size_t found = 0;
  for (int pages = 0; row != 0 && pages < 20; ++pages) {
    const auto page = store->list_unopened(kAlice, row, 3);
    REQUIRE(page);
    CHECK(page->envelopes.size() <= 3);
    found += page->envelopes.size();
    row = page->next_row;
  }
  CHECK(found == 10);
}

TEST_CASE_FIXTURE(Fixture, "WhatIsNotedOfPeopleIsKeptUntilNothingIs") {
  StoreBatch batch;
  batch.people = {{kBob, true, false, "Bobby", "::1", 9750}, {kAlice, false, true, "", "", 0}};
  REQUIRE(store->write(batch));
  StoreSnapshot snapshot = reopen();
  REQUIRE(snapshot.people.size() == 2);
  CHECK(snapshot.people[0].member == kAlice);
  CHECK(snapshot.people[0].blocked);
  CHECK_FALSE(snapshot.people[0].ignored);
  CHECK(snapshot.people[1].ignored);
  CHECK(snapshot.people[1].alias == "Bobby");
  CHECK(snapshot.people[1].host == "::1");
  CHECK(snapshot.people[1].port == 9750);
  batch.people = {{kAlice, false, false, "", "", 0}};
  REQUIRE(store->write(batch));
  snapshot = reopen();
  REQUIRE(snapshot.people.size() == 1);
  CHECK(snapshot.people[0].member == kBob);
}

TEST_CASE_FIXTURE(Fixture, "WhatOthersWroteBehindTheMarkIsUnread") {
  StoreBatch batch = batch_of({direct_item(kBob, 1, {kBob, false, 1, 1, {"a", "b"}}),
                               direct_item(kBob, 2, {kBob, false, 2, 2, {}}),  // a request that says nothing
                               direct_item(kAlice, 1, {kBob, true, 1, 3, {"mine"}}),
                               direct_item(kBob, 3, {kBob, false, 3, 4, {"c"}})});
  StoredCorrespondent bob;
  bob.member = kBob;
  bob.relation = 2;
  batch.correspondents = {bob};
  const auto written = store->write(batch);
  REQUIRE(written);
  const auto unread = store->unread_directs({});
  REQUIRE(unread);
  CHECK(unread->size() == 3);
  CHECK(unread->front() == std::pair(kBob, written->rows[0]));
  CHECK(store->unread_directs({{kBob, written->rows[0]}})->size() == 1);
  CHECK(store->unread_directs({{kBob, written->rows[3]}})->empty());
  const auto numbers = store->direct_numbers(kBob, written->rows[1]);
  REQUIRE(numbers);
  CHECK(*numbers == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{10, 2}});
  CHECK(store->direct_numbers(kAlice, written->rows[1])->empty());
  // What is missing in between, or came later, was not read.
  REQUIRE(store->write(batch_of({direct_item(kBob, 6, {kBob, false, 5, 6, {"e"}})})));
  CHECK(store->direct_numbers(kBob, 1000)->front() == std::pair<std::uint64_t, std::uint64_t>{10, 3});
  REQUIRE(store->write(batch_of({direct_item(kBob, 5, {kBob, false, 4, 5, {"d"}})})));
  CHECK(store->direct_numbers(kBob, 1000)->front() == std::pair<std::uint64_t, std::uint64_t>{10, 5});
}

TEST_CASE_FIXTURE(Fixture, "TheOutboxIsListedOldestFirst") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    items.push_back(text_item(kAlice, seq, {"text " + std::to_string(seq), "more"}));
    items.back().own = true;
  }
  const EnvelopeId first = items.front().envelope->id;
  write(std::move(items));
  StoreBatch batch;
  batch.taken = {first};
  REQUIRE(store->write(batch));
  const auto listed = store->list_outbox(kAlice, 3);
  REQUIRE(listed);
  REQUIRE(listed->size() == 3);
  CHECK(listed->at(0).text == "text 2");
  CHECK(listed->at(2).text == "text 3");
  CHECK(store->list_outbox(kBob, 3)->empty());
}

}  // namespace
}  // namespace p2pmesh
