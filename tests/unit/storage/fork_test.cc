#include <doctest/doctest.h>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;

namespace {
StoreItem fork_item(std::uint64_t id, const std::string& text, const std::string& room = "#lobby") {
  Envelope envelope = text_envelope(kAlice, 1, {text});
  envelope.room = room;
  envelope.depth = id;  // each of them elsewhere in the transcript
  return item_of(seal(envelope, make_id<EnvelopeId>(id)));
}
StoreBatchResult write(MeshStore& store, std::vector<StoreItem> items) {
  auto result = store.write(batch_of(std::move(items)));
  REQUIRE(result);
  return *result;
}
}  // namespace

TEST_CASE("a second id for a position is kept as proof, told once, and gets no row") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store, {fork_item(50, "first")});
  const auto forked = write(*store, {fork_item(60, "second"), fork_item(60, "second")});
  CHECK(forked.rows == std::vector<std::uint64_t>{0, 0});
  REQUIRE(forked.forks.size() == 1);
  CHECK(forked.forks[0].envelope->id == make_id<EnvelopeId>(60));
  CHECK(write(*store, {fork_item(60, "second"), fork_item(50, "first")}).forks.empty());
  store = nullptr;
  store = open_store(directory / "m.db");
  CHECK(write(*store, {fork_item(60, "second")}).forks.empty());
  const auto held = store->read_range(kAlice, 10, 1, 1, 1 << 20, 100);
  REQUIRE(held->envelopes.size() == 2);
  CHECK(held->envelopes[1]->id == make_id<EnvelopeId>(60));
}

TEST_CASE("of a fork the lower id is shown and marked, whichever came first") {
  for (const bool lower_first : {true, false}) {
    for (const bool indexed_between : {true, false}) {
      TempDirectory directory;
      auto store = open_store(directory / "m.db");
      write(*store,
            {lower_first ? fork_item(50, "low") : fork_item(60, "high"), text_item(kBob, 1, {"honest"})});
      if (indexed_between) REQUIRE(store->index_some(100));
      write(*store, {lower_first ? fork_item(60, "high") : fork_item(50, "low")});
      for (int round = 0; round < 2; ++round) {
        const auto messages = store->list_messages("#lobby", std::nullopt, std::nullopt, 10, false);
        REQUIRE(messages);
        REQUIRE(messages->size() == 2);
        CHECK((*messages)[0].text == "honest");
        CHECK(!(*messages)[0].forked);
        CHECK((*messages)[1].text == "low");
        CHECK((*messages)[1].forked);
        CHECK((*messages)[1].row == 1);
        const auto events = store->events_after({}, 10);
        REQUIRE(events->size() == 2);
        CHECK((*events)[0].message->text == "low");
        CHECK((*events)[0].message->forked);
        CHECK((*store->position_of(make_id<EnvelopeId>(50), 0))->depth == 50);
        CHECK((*store->position_of(make_id<EnvelopeId>(60), 0))->depth == 60);
        store = nullptr;
        store = open_store(directory / "m.db");
      }
    }
  }
}

TEST_CASE("a lower fork in another room takes the message away from the first room") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store,
        {fork_item(60, "here", "#here"), fork_item(50, "there", "#there"), fork_item(40, "third", "#third")});
  CHECK(texts_of(*store, "#here").empty());
  CHECK(texts_of(*store, "#there").empty());
  CHECK(texts_of(*store, "#third") == std::vector<std::string>{"third"});
  CHECK(rooms_of(*store) == std::vector<std::string>{"#third"});
}

TEST_CASE("forks are bounded, and the lowest ids win whatever the order") {
  for (const bool ascending : {true, false}) {
    TempDirectory directory;
    auto store = open_store(directory / "m.db");
    for (std::uint64_t i = 0; i < 20; ++i)
      write(*store, {fork_item(ascending ? 100 + i : 119 - i, std::to_string(i))});
    const auto held = store->read_range(kAlice, 10, 1, 1, 1 << 20, 100);
    CHECK(held->envelopes.size() == 1 + limits::kForksPerPositionMax);
    const auto shown = store->list_messages("#lobby", std::nullopt, std::nullopt, 10, false);
    REQUIRE(shown->size() == 1);
    CHECK(shown->front().envelope == make_id<EnvelopeId>(100));
  }
}

TEST_CASE("forks of one author are bounded in all") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch first;
  StoreBatch second;
  for (std::uint64_t seq = 1; seq <= limits::kForksPerAuthorMax + 10; ++seq) {
    first.items.push_back(text_item(kAlice, seq, {"x"}));
    second.items.push_back(item_of(seal(text_envelope(kAlice, seq, {"y"}), scattered_id(5000000 + seq))));
  }
  REQUIRE(store->write(first));
  const auto result = store->write(second);
  REQUIRE(result);
  CHECK(result->forks.size() == limits::kForksPerAuthorMax);
}
