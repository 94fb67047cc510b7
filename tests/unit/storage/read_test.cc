#include <map>
#include <set>

#include <doctest/doctest.h>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"

using namespace p2pmesh;

TEST_CASE("the transcript is ordered by depth, wall time, id and index, however it arrived") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto at = [](const MemberKey& author, std::uint64_t seq, std::uint64_t depth, WallMs wall,
                     std::uint64_t id, std::vector<std::string> texts) {
    Envelope envelope = text_envelope(author, seq, texts);
    envelope.depth = depth;
    envelope.wall_ms = wall;
    return item_of(seal(envelope, make_id<EnvelopeId>(id)));
  };
  REQUIRE(store->write(batch_of(
      {at(kAlice, 1, 2, 50, 9, {"d2 w50 i9 a", "d2 w50 i9 b"}), at(kBob, 1, 2, 50, 3, {"d2 w50 i3"})})));
  CHECK(texts_of(*store).size() == 3);
  REQUIRE(store->write(batch_of({at(kBob, 2, 1, 99, 8, {"d1 w99"}), at(kAlice, 2, 2, 49, 99, {"d2 w49"})})));
  CHECK(texts_of(*store) ==
        std::vector<std::string>{"d1 w99", "d2 w49", "d2 w50 i3", "d2 w50 i9 a", "d2 w50 i9 b"});
}

TEST_CASE("pages before and after a message meet without loss or overlap, within envelopes too") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  std::vector<std::string> expected;
  for (std::uint64_t seq = 1; seq <= 7; ++seq) {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < seq; ++i) texts.push_back(std::to_string(seq) + "." + std::to_string(i));
    expected.insert(expected.end(), texts.begin(), texts.end());
    batch.items.push_back(text_item(kAlice, seq, texts));
  }
  REQUIRE(store->write(batch));
  for (std::size_t limit : {1U, 2U, 3U, 100U}) {
    std::vector<std::string> forward;
    std::vector<std::string> backward;
    std::optional<TranscriptPosition> place;
    for (;;) {
      const auto page = store->list_messages("#lobby", place, std::nullopt, limit, false);
      REQUIRE(page);
      if (page->empty()) break;
      CHECK(page->size() <= limit);
      for (const auto& message : *page) forward.push_back(message.text);
      place = **store->position_of(page->back().envelope, page->back().index);
    }
    CHECK(forward == expected);
    place.reset();
    for (;;) {
      const auto page = store->list_messages("#lobby", std::nullopt, place, limit, true);
      REQUIRE(page);
      if (page->empty()) break;
      std::vector<std::string> texts;
      for (const auto& message : *page) texts.push_back(message.text);
      backward.insert(backward.begin(), texts.begin(), texts.end());
      place = **store->position_of(page->front().envelope, page->front().index);
    }
    CHECK(backward == expected);
  }
  const auto one = store->list_messages("#lobby", std::nullopt, std::nullopt, 1, true);
  CHECK(one->front().count == 7);
  CHECK(one->front().index == 6);
  CHECK(one->front().row == 7);
  CHECK(one->front().author == kAlice);
  CHECK(one->front().wall_ms == 1007);
}

TEST_CASE("rooms are apart, sorted, and may have any name") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const std::vector<std::string> rooms = {"#z", "#a'; DROP TABLE envelopes; --", std::string("#n\0ul\xff", 6),
                                          "#lobby"};
  StoreBatch batch;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    Envelope envelope = text_envelope(kAlice, i + 1, {"in " + rooms[i].substr(0, 2)});
    envelope.room = rooms[i];
    batch.items.push_back(item_of(seal(envelope, scattered_id(i))));
  }
  Envelope act = text_envelope(kAlice, 5, {"x"});
  act.kind = 999;
  act.room = "#acts-only";
  batch.items.push_back(item_of(seal(act, scattered_id(50))));
  REQUIRE(store->write(batch));
  CHECK(rooms_of(*store) == std::vector<std::string>{rooms[1], "#lobby", rooms[2], "#z"});
  for (const auto& room : rooms) CHECK(texts_of(*store, room).size() == 1);
  CHECK(texts_of(*store, "#nowhere").empty());
  CHECK(texts_of(*store, "#acts-only").empty());
}

TEST_CASE("a room is counted as a whole, and what others wrote after its mark as unread") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch =
      batch_of({text_item(kAlice, 1, {"mine", "mine too"}), text_item(kBob, 2, {"a", "b", "c"}),
                text_item(kBob, 3, {"d"}), text_item(kAlice, 4, {"mine"})});
  Envelope elsewhere = text_envelope(kBob, 5, {"e"});
  elsewhere.room = "#dev";
  batch.items.push_back(item_of(seal(elsewhere, scattered_id(99))));
  const auto written = store->write(batch);
  REQUIRE(written);
  std::uint64_t first_unread = 0;
  const auto lobby_unread = [&](const Cursor& mark) {
    const auto counts = store->count_rooms({kAlice}, {{"#lobby", mark}});
    REQUIRE(counts);
    REQUIRE(counts->size() == 2);
    CHECK((*counts)[0].room == "#dev");
    CHECK((*counts)[0].unread == 1);
    CHECK((*counts)[0].newest_wall_ms == 1005);
    CHECK((*counts)[1].messages == 7);
    CHECK((*counts)[1].newest_depth == 4);
    CHECK((*counts)[1].last_row == written->rows[3]);
    first_unread = (*counts)[1].first_unread_row;
    return (*counts)[1].unread;
  };
  CHECK(lobby_unread({}) == 4);
  CHECK(first_unread == written->rows[1]);
  CHECK(lobby_unread({written->rows[0], UINT32_MAX}) == 4);
  CHECK(lobby_unread({written->rows[1], 1}) == 2);
  CHECK(lobby_unread({written->rows[1], UINT32_MAX}) == 1);
  CHECK(lobby_unread({written->rows[2], 0}) == 0);
  CHECK(lobby_unread({UINT64_MAX, 0}) == 0);
  CHECK(first_unread == 0);
}

TEST_CASE("bodies that do not decode and unknown kinds list nothing but are served") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Envelope broken = text_envelope(kAlice, 1, {"x"});
  broken.body = {0, 9, 9};
  Envelope lying = text_envelope(kAlice, 2, {"x"});
  lying.body = {1};
  Envelope unknown = text_envelope(kAlice, 3, {"x"});
  unknown.kind = 4711;
  StoreItem lie = item_of(seal(lying, scattered_id(2)));
  lie.messages = 5;
  REQUIRE(store->write(
      batch_of({item_of(seal(broken, scattered_id(1))), lie, item_of(seal(unknown, scattered_id(3)))})));
  CHECK(texts_of(*store).empty());
  CHECK(store->events_after({}, 10)->empty());
  CHECK(!store->position_of(scattered_id(1), 0)->has_value());
  CHECK(!store->position_of(scattered_id(3), 0)->has_value());
  CHECK(store->read_range(kAlice, 10, 1, 9, 1 << 20, 100)->envelopes.size() == 3);
}

TEST_CASE("a range is read ascending and stops at its bounds, with at least one") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  for (std::uint64_t seq : {9U, 1U, 5U, 2U, 7U})
    batch.items.push_back(text_item(kAlice, seq, {std::string(100, 'x')}));
  batch.items.push_back(text_item(kBob, 3, {"other author"}));
  REQUIRE(store->write(batch));
  const auto seqs = [&](std::uint64_t first, std::uint64_t last, std::size_t bytes, std::size_t count) {
    const auto envelopes = store->read_range(kAlice, 10, first, last, bytes, count);
    REQUIRE(envelopes);
    std::vector<std::uint64_t> out;
    for (const auto& envelope : envelopes->envelopes) out.push_back(envelope->envelope.seq);
    return out;
  };
  using Seqs = std::vector<std::uint64_t>;
  CHECK(seqs(1, 100, 1 << 20, 100) == Seqs{1, 2, 5, 7, 9});
  CHECK(seqs(2, 7, 1 << 20, 100) == Seqs{2, 5, 7});
  CHECK(seqs(3, 4, 1 << 20, 100).empty());
  CHECK(seqs(7, 2, 1 << 20, 100).empty());
  CHECK(seqs(1, 100, 1 << 20, 2) == Seqs{1, 2});
  CHECK(seqs(1, 100, 1, 100) == Seqs{1});
  const std::size_t size = text_item(kAlice, 1, {std::string(100, 'x')}).envelope->encoded.size();
  CHECK(seqs(1, 100, 2 * size, 100) == Seqs{1, 2});
  CHECK(store->read_range(kAlice, 11, 1, 9, 100, 100)->envelopes.empty());
  CHECK(store->read_range(make_id<MemberKey>(3), 10, 1, 9, 100, 100)->envelopes.empty());
  const auto whole = store->read_range(kAlice, 10, 9, 9, 1 << 20, 100);
  CHECK(whole->envelopes.front()->encoded == batch.items[0].envelope->encoded);
  CHECK(whole->envelopes.front()->id == batch.items[0].envelope->id);
}

TEST_CASE("events follow the rows, and a cursor within an envelope goes on behind it") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  REQUIRE(store->write(batch_of({text_item(kAlice, 2, {"a", "b", "c"}),
                                 {nullptr, Notice{"renamed", kBob, "Rob", "Bob\n\xff", 42}, 0, false},
                                 text_item(kAlice, 1, {"earlier, later"})})));
  const auto all = store->events_after({}, 100);
  REQUIRE(all);
  REQUIRE(all->size() == 5);
  CHECK((*all)[0].message->text == "a");
  CHECK((*all)[3].notice->kind == "renamed");
  CHECK((*all)[3].notice->old_name == "Bob\n\xff");
  CHECK((*all)[3].notice->at_ms == 42);
  CHECK((*all)[3].notice->member == kBob);
  CHECK((*all)[4].message->text == "earlier, later");
  for (std::size_t i = 0; i < all->size(); ++i) {
    const auto rest = store->events_after((*all)[i].cursor, 100);
    REQUIRE(rest);
    CHECK(rest->size() == all->size() - i - 1);
    if (!rest->empty()) CHECK(rest->front().cursor == (*all)[i + 1].cursor);
  }
  CHECK(store->events_after({}, 2)->size() == 2);
  CHECK(store->events_after({}, 0)->empty());
  store = nullptr;
  store = open_store(directory / "m.db");
  CHECK(store->events_after((*all)[1].cursor, 100)->front().message->text == "c");
}

TEST_CASE("heads are what no other held envelope names as parent") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto node = [](std::uint64_t number, std::vector<std::uint64_t> parents, std::uint64_t depth,
                       const char* room) {
    Envelope envelope = text_envelope(kAlice, number, {"x"});
    for (std::uint64_t parent : parents) envelope.parents.push_back(make_id<EnvelopeId>(parent));
    envelope.depth = depth;
    envelope.room = room;
    return item_of(seal(envelope, make_id<EnvelopeId>(number)));
  };
  REQUIRE(store->write(batch_of({node(1, {}, 1, "#a"), node(2, {1}, 2, "#a"), node(3, {1}, 2, "#a"),
                                 node(4, {2, 99}, 100, "#a"), node(5, {}, 1, "#b")})));
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  REQUIRE(snapshot->heads.size() == 3);
  CHECK(snapshot->heads[0].id == make_id<EnvelopeId>(4));
  CHECK(snapshot->heads[0].depth == 100);
  CHECK(snapshot->heads[1].id == make_id<EnvelopeId>(3));
  CHECK(snapshot->heads[2].room == "#b");
}

TEST_CASE("of too many rooms those that were quiet for longest have no heads after a restart") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  const auto write = [&](std::uint64_t number, const std::string& room, std::uint64_t depth) {
    Envelope envelope = text_envelope(kAlice, number, {"x"});
    envelope.depth = depth;
    envelope.room = room;
    batch.items.push_back(item_of(seal(envelope, make_id<EnvelopeId>(number))));
  };
  constexpr std::uint64_t kRooms = limits::kRoomsMax;
  for (std::uint64_t i = 1; i <= kRooms + 2; ++i) write(i, "#r" + std::to_string(i), 1);
  write(kRooms + 3, "#r1", 2);  // the first one is not quiet
  REQUIRE(store->write(batch));
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  std::set<std::string> rooms;
  for (const StoredHead& head : snapshot->heads) rooms.insert(head.room);
  CHECK(rooms.size() == kRooms);
  CHECK(rooms.contains("#r1"));
  CHECK_FALSE(rooms.contains("#r2"));
  CHECK_FALSE(rooms.contains("#r3"));
  CHECK(rooms.contains("#r" + std::to_string(kRooms + 2)));
  CHECK(snapshot->heads.back().room == "#r1");
}

TEST_CASE("a shallower envelope takes no head away, and each author's deepest is told") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto item = [](const MemberKey& author, std::uint64_t number, std::vector<std::uint64_t> parents,
                       std::uint64_t depth) {
    Envelope envelope = text_envelope(author, number, {"x"});
    for (std::uint64_t parent : parents) envelope.parents.push_back(make_id<EnvelopeId>(parent));
    envelope.depth = depth;
    envelope.room = "#a";
    return item_of(seal(envelope, make_id<EnvelopeId>(number)));
  };
  REQUIRE(store->write(batch_of({item(kAlice, 1, {}, 10), item(kBob, 2, {}, 11), item(kAlice, 3, {2}, 12),
                                 item(kBob, 4, {3}, 1), item(kBob, 5, {3}, 12)})));
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  std::set<EnvelopeId> heads;
  std::map<MemberKey, std::uint64_t> deepest;
  for (const StoredHead& head : snapshot->heads) {
    if (head.is_head) heads.insert(head.id);
    deepest[head.author] = std::max(deepest[head.author], head.depth);
  }
  CHECK(heads == std::set<EnvelopeId>{make_id<EnvelopeId>(1), make_id<EnvelopeId>(3), make_id<EnvelopeId>(4),
                                      make_id<EnvelopeId>(5)});
  CHECK(deepest.size() == 2);
  CHECK(deepest[kAlice] == 12);
  CHECK(deepest[kBob] == 12);
}

TEST_CASE("a hundred thousand envelopes list in order, across the late index and restarts") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  constexpr std::uint64_t kCount = 100000;
  std::vector<std::uint64_t> order(kCount);
  for (std::uint64_t i = 0; i < kCount; ++i) order[i] = i;
  Random random(3);
  for (std::size_t i = 0; i < kCount; ++i)
    std::swap(order[i], order[i + random.below(std::min<std::uint64_t>(50, kCount - i))]);
  StoreBatch batch;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    Envelope envelope =
        text_envelope(order[i] % 2 == 0 ? kAlice : kBob, order[i] / 2 + 1, {std::to_string(order[i])});
    envelope.depth = order[i] + 1;
    batch.items.push_back(item_of(seal(envelope, scattered_id(order[i]))));
    if (batch.items.size() < 1000) continue;
    REQUIRE(store->write(batch));
    batch.items.clear();
    if (i == 30 * 1000 - 1) REQUIRE(store->index_some(7000));
    if (i == 90 * 1000 - 1) store = nullptr, store = open_store(directory / "m.db");
  }
  std::optional<TranscriptPosition> after;
  std::uint64_t next = 0;
  for (;;) {
    const auto page = store->list_messages("#lobby", after, std::nullopt, limits::kControlPageMax, false);
    REQUIRE(page);
    if (page->empty()) break;
    for (const auto& message : *page) {
      if (message.text != std::to_string(next)) FAIL("out of order at ", next);
      ++next;
    }
    const auto& last = page->back();
    after = TranscriptPosition{last.depth, last.wall_ms, last.envelope, last.index};
  }
  CHECK(next == kCount);
  CHECK(store->load()->messages == kCount);
  CHECK((*store->position_of(scattered_id(54321), 0))->depth == 54322);
  CHECK(!store->position_of(scattered_id(54321), 1)->has_value());
  CHECK(!store->position_of(scattered_id(kCount), 0)->has_value());
}
