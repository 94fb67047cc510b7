// Topics in the store: the last one in the order of the transcript holds, whatever came when.
#include <doctest/doctest.h>

#include <algorithm>

#include "mesh_fixture.h"

namespace p2pmesh {
namespace {

StoreItem topic_item(const MemberKey& author, std::uint64_t seq, std::uint64_t depth, const std::string& text,
                     const std::string& room = "#lobby", std::uint64_t id = 0) {
  Envelope envelope = text_envelope(author, seq, {});
  envelope.kind = static_cast<std::uint16_t>(Kind::kTopic);
  envelope.room = room;
  envelope.depth = depth;
  envelope.wall_ms = 5000 - seq;  // the clocks run backwards: the depth decides
  envelope.body.assign(text.begin(), text.end());
  const std::uint64_t author_number = author.bytes[7];
  return item_of(
      seal(std::move(envelope), id == 0 ? scattered_id(author_number << 32 | seq) : make_id<EnvelopeId>(id)));
}

struct Fixture {
  Fixture() : store(open_store(path())) {}
  [[nodiscard]] std::string path() const { return directory.path() + "/mesh.db"; }
  void reopen() {
    store.reset();
    store = open_store(path());
  }
  StoreBatchResult write(std::vector<StoreItem> items) {
    auto written = store->write(batch_of(std::move(items)));
    REQUIRE(written);
    return *written;
  }
  std::string topic(const std::string& room = "#lobby") {
    const auto found = store->topic_of(room);
    REQUIRE(found);
    return *found ? (*found)->text : "(none)";
  }

  TempDirectory directory;
  std::unique_ptr<MeshStore> store;
};

TEST_CASE_FIXTURE(Fixture, "TheDeepestTopicHoldsInWhateverOrderTheyCome") {
  std::vector<StoreItem> items = {topic_item(kAlice, 1, 3, "third"), topic_item(kBob, 1, 9, "ninth"),
                                  topic_item(kAlice, 2, 5, "fifth"),
                                  topic_item(kBob, 2, 1, "elsewhere", "#dev")};
  CHECK(topic() == "(none)");
  write(items);
  CHECK(topic() == "ninth");
  CHECK(topic("#dev") == "elsewhere");
  CHECK(topic("#nowhere") == "(none)");
  const auto found = store->topic_of("#lobby");
  CHECK((*found)->author == kBob);
  CHECK((*found)->wall_ms == 4999);
  reopen();
  CHECK(topic() == "ninth");
  const auto all = store->topics();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  write({topic_item(kAlice, 3, 10, "")});
  CHECK(topic().empty());

  TempDirectory elsewhere;
  auto other = open_store(elsewhere / "m.db");
  std::reverse(items.begin(), items.end());
  for (StoreItem& item : items) REQUIRE(other->write(batch_of({item})));
  CHECK((*other->topic_of("#lobby"))->text == "ninth");
}

TEST_CASE_FIXTURE(Fixture, "ATopicIsNoMessage") {
  write({topic_item(kAlice, 1, 1, "quiet"), text_item(kBob, 1, {"a text"})});
  CHECK(texts_of(*store) == std::vector<std::string>{"a text"});
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  CHECK(snapshot->messages == 1);
  const auto events = store->events_after({}, 10);
  REQUIRE(events);
  CHECK(events->size() == 1);
  const auto found = store->search({"quiet", {}, {}, {}, {}, {}, {}, 10});
  REQUIRE(found);
  CHECK(found->messages.empty());
}

TEST_CASE_FIXTURE(Fixture, "AnOwnTopicWaitsInTheOutbox") {
  StoreItem item = topic_item(kAlice, 1, 1, "");
  item.own = true;
  write({item});
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  REQUIRE(snapshot->outbox.size() == 1);
  CHECK(snapshot->outbox.front().messages == 1);
}

TEST_CASE_FIXTURE(Fixture, "OfAForkTheLowestIdSetsTheTopic") {
  write({topic_item(kBob, 1, 4, "before"), topic_item(kAlice, 1, 7, "high", "#lobby", 60)});
  CHECK(topic() == "high");
  write({topic_item(kAlice, 1, 8, "low", "#lobby", 50)});
  CHECK(topic() == "low");
  write({topic_item(kAlice, 1, 9, "middle", "#lobby", 55)});
  CHECK(topic() == "low");
  // The lowest says nothing here: what was set before holds again.
  write({topic_item(kAlice, 1, 9, "there", "#dev", 40)});
  CHECK(topic() == "before");
  CHECK(topic("#dev") == "there");
}

TEST_CASE_FIXTURE(Fixture, "AMalformedTopicIsNone") {
  write({topic_item(kAlice, 1, 1, "good"), topic_item(kAlice, 2, 2, "\xff"),
         topic_item(kAlice, 3, 3, std::string(513, 'x')),
         topic_item(kAlice, 4, 4, "open in a private room", "#board~1a2b3c4d")});
  CHECK(topic() == "good");
  CHECK(topic("#board~1a2b3c4d") == "(none)");
}

}  // namespace
}  // namespace p2pmesh
