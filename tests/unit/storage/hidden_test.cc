// What acts refuse of what is held: nowhere to be seen, and there again when they do not hold.
#include <doctest/doctest.h>

#include <algorithm>

#include "mesh_fixture.h"
#include "p2pmesh/wire/act_body.h"

namespace p2pmesh {
namespace {

using Texts = std::vector<std::string>;

StoreItem act_item(const MemberKey& author, std::uint64_t seq) {
  ActBody body;
  body.verb = ActVerb::kKick;
  body.subject = kAlice;
  Envelope envelope = text_envelope(author, seq, {});
  envelope.kind = static_cast<std::uint16_t>(Kind::kAct);
  envelope.body = encode_act_body(body);
  const std::uint64_t author_number = author.bytes[7];
  return item_of(seal(std::move(envelope), scattered_id(author_number << 32 | seq)));
}

Restriction ban_after(std::uint64_t seq, WallMs end_ms = 0) {
  return {"#lobby", true, LogCut{{{10, seq}}}, end_ms};
}

struct Fixture {
  Fixture() : store(open_store(path())) {
    REQUIRE(store->write(
        batch_of({text_item(kBob, 1, {"one"}), text_item(kAlice, 1, {"two"}),
                  text_item(kBob, 2, {"three", "four"}), text_item(kBob, 3, {"five"}), act_item(kBob, 4)})));
  }
  [[nodiscard]] std::string path() const { return directory.path() + "/mesh.db"; }
  void reopen() {
    store.reset();
    store = open_store(path());
  }
  HiddenOf hide(const Restrictions& restrictions, WallMs now_ms = 0) {
    auto hidden = store->hide_refused(kBob, restrictions, now_ms);
    REQUIRE(hidden);
    return *hidden;
  }
  std::size_t found(const std::string& words) {
    SearchQuery query;
    query.words = words;
    const auto page = store->search(query);
    REQUIRE(page);
    return page->messages.size();
  }
  Texts texts() {
    Texts sorted = texts_of(*store);
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }
  std::size_t events() {
    const auto listed = store->events_after({}, 100);
    REQUIRE(listed);
    return listed->size();
  }
  std::size_t served() {
    const auto range = store->read_range(kBob, 10, 1, 100, 1 << 20, 100);
    REQUIRE(range);
    return range->envelopes.size();
  }

  TempDirectory directory;
  std::unique_ptr<MeshStore> store;
};

TEST_CASE_FIXTURE(Fixture, "WhatIsRefusedIsNotListedCountedFoundOrServed") {
  CHECK(found("four") == 1);  // the index of words knows it
  const HiddenOf hidden = hide({ban_after(1)});
  CHECK(hidden.changed);
  CHECK(hidden.messages == 2);
  REQUIRE(hidden.logs.size() == 1);
  CHECK(hidden.logs[0].epoch == 10);
  CHECK(hidden.logs[0].intervals == Intervals{{2, 3}});  // not its act
  std::uint64_t digest = 0;
  for (const std::uint64_t seq : {2, 3}) digest ^= id_digest(scattered_id(std::uint64_t{2} << 32 | seq));
  CHECK(hidden.logs[0].ids_digest == digest);
  for (int i = 0; i < 2; ++i) {
    CAPTURE(i);
    CHECK(texts() == Texts{"one", "two"});
    CHECK(found("four") == 0);
    CHECK(events() == 2);
    CHECK(served() == 2);
    const auto counts = store->count_rooms({}, {});
    REQUIRE(counts);
    CHECK(counts->at(0).messages == 2);
    CHECK_FALSE(hide({ban_after(1)}).changed);
    reopen();
  }
}

TEST_CASE_FIXTURE(Fixture, "WhatIsNoLongerRefusedIsThereAgain") {
  hide({ban_after(1)});
  CHECK(found("four") == 0);  // indexed while it was hidden
  const HiddenOf hidden = hide({});
  CHECK(hidden.changed);
  CHECK(hidden.logs.empty());
  CHECK(hidden.messages == 5);
  CHECK(texts() == Texts{"five", "four", "one", "three", "two"});
  CHECK(found("four") == 1);
  CHECK(served() == 4);
  CHECK(events() == 5);
}

TEST_CASE_FIXTURE(Fixture, "TheEndOfABanIsByTheAuthorsClock") {
  CHECK(hide({ban_after(1, 1003)}).logs.at(0).intervals == Intervals{{2, 2}});
  CHECK(texts() == Texts{"five", "one", "two"});
}

TEST_CASE_FIXTURE(Fixture, "ActsOfWhoIsBannedAreKeptAndLoaded") {
  CHECK(hide({ban_after(1)}).logs.at(0).intervals == Intervals{{2, 3}});
  reopen();
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  REQUIRE(snapshot->acts.size() == 1);
  CHECK(snapshot->acts[0]->envelope.seq == 4);
}

TEST_CASE_FIXTURE(Fixture, "WhatIsDatedBehindASetEndIsHiddenUntilThen") {
  Restriction ban = ban_after(1, 1003);
  ban.has_set_end = true;
  CHECK(hide({ban}, 1002).logs.at(0).intervals == Intervals{{2, 3}});
  CHECK(texts() == Texts{"one", "two"});
  CHECK(hide({ban}, 1003).logs.at(0).intervals == Intervals{{2, 2}});
  CHECK(texts() == Texts{"five", "one", "two"});
}

TEST_CASE_FIXTURE(Fixture, "AHiddenTopicDoesNotHold") {
  Envelope envelope = text_envelope(kBob, 5, {});
  envelope.kind = static_cast<std::uint16_t>(Kind::kTopic);
  envelope.body = {'x'};
  REQUIRE(store->write(batch_of({item_of(seal(std::move(envelope), scattered_id(55)))})));
  CHECK((*store->topic_of("#lobby"))->text == "x");
  hide({ban_after(1)});
  CHECK_FALSE(*store->topic_of("#lobby"));
  hide({});
  CHECK((*store->topic_of("#lobby"))->text == "x");
}

TEST_CASE_FIXTURE(Fixture, "OfALockedTopicThoseOfWhoMayCountAndTheOneThatIsNamed") {
  const auto topic = [](const MemberKey& author, std::uint64_t seq, std::uint64_t depth, const char* text) {
    Envelope envelope = text_envelope(author, seq, {});
    envelope.kind = static_cast<std::uint16_t>(Kind::kTopic);
    envelope.depth = depth;
    envelope.body.assign(text, text + 1);
    return item_of(seal(std::move(envelope), scattered_id(1000 + depth)));
  };
  REQUIRE(
      store->write(batch_of({topic(kBob, 10, 10, "a"), topic(kBob, 11, 19, "b"), topic(kBob, 12, 30, "c")})));
  const StoredTopicLock lock{20, 0, {}, scattered_id(1010), std::vector{kAlice}};
  CHECK((*store->topic_of("#lobby", lock))->text == "a");  // not one that is dated before the lock
  REQUIRE(store->write(batch_of({topic(kAlice, 10, 25, "d")})));
  CHECK((*store->topic_of("#lobby", lock))->text == "d");
  const StoredTopicLock unlocked{26, 0, {}, scattered_id(1025), std::nullopt};
  CHECK((*store->topic_of("#lobby", unlocked))->text == "c");
  const StoredTopicLock later{40, 0, {}, scattered_id(1025), std::nullopt};
  CHECK((*store->topic_of("#lobby", later))->text == "d");
}

}  // namespace
}  // namespace p2pmesh
