// Private rooms in the store: sealed until somebody opens them, then like any room.
#include <doctest/doctest.h>

#include <algorithm>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using Texts = std::vector<std::string>;
const std::string kBoard = "#board~1a2b3c4d";

RoomContentPtr content_of(RoomContent content) {
  return std::make_shared<const RoomContent>(std::move(content));
}

/// An envelope of the room whose body nobody here looks into; with a content it comes opened.
StoreItem sealed_item(const MemberKey& author, std::uint64_t seq, const RoomContentPtr& opened = nullptr,
                      std::uint64_t id = 0, const std::string& room = kBoard) {
  Envelope envelope = text_envelope(author, seq, {});
  envelope.kind = static_cast<std::uint16_t>(Kind::kSealedRoom);
  envelope.room = room;
  envelope.body = Bytes(24 + 16 + 256, static_cast<std::uint8_t>(id));
  const std::uint64_t author_number = author.bytes[7];
  StoreItem item = item_of(
      seal(std::move(envelope), id == 0 ? scattered_id(author_number << 32 | seq) : make_id<EnvelopeId>(id)));
  item.opened = opened;
  return item;
}

struct Fixture : StoreFixture {
  Texts board() { return texts_of(*store, kBoard); }
  Texts found(const std::string& words) {
    const auto page = store->search({words, {}, {}, {}, {}, {}, {}, 1000});
    REQUIRE(page);
    Texts texts;
    for (const ListedMessage& message : page->messages) texts.push_back(message.text);
    return texts;
  }
  std::size_t events() {
    const auto listed = store->events_after({}, 1000);
    REQUIRE(listed);
    return listed->size();
  }
  std::uint64_t messages() {
    const auto snapshot = store->load();
    REQUIRE(snapshot);
    return snapshot->messages;
  }
  SealedEnvelopes sealed(std::size_t count_max = 1000) {
    auto page = store->sealed_of(kBoard, count_max, 1 << 20);
    REQUIRE(page);
    return *std::move(page);
  }
  /// Opens all as `text` and its number, in pages.
  std::vector<OpenedRow> open_all(std::size_t page_size = 1000) {
    std::vector<OpenedRow> rows;
    for (;;) {
      const SealedEnvelopes page = sealed(page_size);
      if (page.envelopes.empty()) return rows;
      OpenedEnvelopes opened;
      for (const auto& [held, envelope] : page.envelopes)
        opened.emplace_back(held, content_of({{"text " + std::to_string(envelope->envelope.seq)}}));
      const auto done = store->open_sealed(opened);
      REQUIRE(done);
      rows.insert(rows.end(), done->begin(), done->end());
    }
  }
};

TEST_CASE_FIXTURE(Fixture, "WhatIsNotOpenedIsNowhere") {
  write({sealed_item(kAlice, 1), text_item(kBob, 1, {"in public"})});
  CHECK(board().empty());
  CHECK(found("text").empty());
  CHECK(events() == 1);
  CHECK(messages() == 1);
  CHECK(rooms_of(*store) == Texts{"#lobby"});
  CHECK_FALSE(*store->position_of(scattered_id(1ULL << 32 | 1), 0));
  CHECK(*store->sealed_rooms() == Texts{kBoard});
  CHECK(sealed().envelopes.size() == 1);
  CHECK(sealed().complete);
  CHECK(store->read_range(kAlice, 10, 1, 1, 1 << 20, 10)->envelopes.size() == 1);  // but it is served
}

TEST_CASE_FIXTURE(Fixture, "WhatComesOpenedIsLikeAnyText") {
  write({sealed_item(kAlice, 1, content_of({{"one", "two"}})),
         sealed_item(kBob, 1, content_of({{}, "the topic"}))});
  for (int round = 0; round < 2; ++round) {
    CHECK(board() == Texts{"one", "two"});
    CHECK(found("two") == Texts{"two"});
    CHECK(events() == 2);
    CHECK(messages() == 2);
    CHECK((*store->topic_of(kBoard))->text == "the topic");
    CHECK(store->sealed_rooms()->empty());
    CHECK(*store->position_of(scattered_id(1ULL << 32 | 1), 1));
    CHECK_FALSE(*store->position_of(scattered_id(1ULL << 32 | 1), 2));
    const auto counts = store->count_rooms({kAlice}, {});
    REQUIRE(counts->size() == 1);
    CHECK(counts->front().room == kBoard);
    CHECK(counts->front().unread == 0);
    reopen();
  }
}

TEST_CASE_FIXTURE(Fixture, "AKeyThatComesLaterOpensInPages") {
  std::vector<StoreItem> items;
  for (std::uint64_t seq = 1; seq <= 100; ++seq)
    items.push_back(sealed_item(seq % 2 ? kAlice : kBob, (seq + 1) / 2));
  items.push_back(text_item(kAlice, 51, {"text in public"}));
  write(std::move(items));
  REQUIRE(found("public").size() == 1);  // the index of words is past them
  CHECK_FALSE(sealed(7).complete);
  const std::vector<OpenedRow> rows = open_all(7);
  CHECK(rows.size() == 100);
  CHECK(rows.front().row == 1);
  CHECK(rows.front().messages == 1);
  CHECK(rows.front().author == kAlice);
  for (int round = 0; round < 2; ++round) {
    CHECK(board().size() == 100);
    CHECK(found("text").size() == 100 + 1);
    CHECK(messages() == 101);
    CHECK(events() == 101);
    CHECK(store->sealed_rooms()->empty());
    reopen();
  }
  const auto counts = store->count_rooms({kAlice}, {});
  REQUIRE(counts->size() == 2);
  CHECK(counts->front().unread == 50);
}

TEST_CASE_FIXTURE(Fixture, "WhatIsDamagedIsNotTriedAgain") {
  write({sealed_item(kAlice, 1), sealed_item(kAlice, 2)});
  const SealedEnvelopes page = sealed();
  REQUIRE(page.envelopes.size() == 2);
  const auto rows =
      store->open_sealed({{page.envelopes[0].first, nullptr},
                          {page.envelopes[1].first, content_of({{}, "a topic that came before"})}});
  REQUIRE(rows);
  CHECK(rows->empty());
  CHECK(board().empty());
  CHECK(sealed().envelopes.empty());
  CHECK((*store->topic_of(kBoard))->text == "a topic that came before");
  CHECK(messages() == 0);
}

TEST_CASE_FIXTURE(Fixture, "OfAForkTheLowestIdIsShownWheneverItIsOpened") {
  for (const bool is_late : {false, true}) {
    for (const bool is_lower_first : {false, true}) {
      TempDirectory place;
      store = open_store(place / "m.db");
      const auto item = [&](std::uint64_t id) {
        return sealed_item(kAlice, 1, is_late ? nullptr : content_of({{id == 50 ? "low" : "high"}}), id);
      };
      write({item(is_lower_first ? 50 : 60)});
      write({item(is_lower_first ? 60 : 50)});
      REQUIRE(store->index_words(100));
      if (is_late) {
        OpenedEnvelopes opened;
        for (const auto& [held, envelope] : sealed().envelopes)
          opened.emplace_back(held, content_of({{envelope->id == make_id<EnvelopeId>(50) ? "low" : "high"}}));
        CHECK(opened.size() == 2);
        REQUIRE(store->open_sealed(opened));
      }
      CAPTURE(is_late);
      CAPTURE(is_lower_first);
      CHECK(board() == Texts{"low"});
      CHECK(found("low") == Texts{"low"});
      CHECK(found("high").empty());
      CHECK(messages() == 1);
      CHECK(events() == 1);
      CHECK(sealed().envelopes.empty());
      store.reset();
    }
  }
  store = open_store(path());
}

TEST_CASE_FIXTURE(Fixture, "AForkThatIsNoLongerKeptLeavesNothing") {
  for (std::uint64_t id = 40; id >= 20; --id) write({sealed_item(kAlice, 1, nullptr, id)});
  const SealedEnvelopes page = sealed();
  CHECK(page.envelopes.size() == 1 + limits::kForksPerPositionMax);
  open_all();
  CHECK(board() == Texts{"text 1"});
}

TEST_CASE_FIXTURE(Fixture, "WhatIsNotSealedInAPrivateRoomIsNotShown") {
  StoreItem open_text = text_item(kAlice, 1, {"anybody could have written it"});
  Envelope envelope = open_text.envelope->envelope;
  envelope.room = kBoard;
  write({item_of(seal(envelope, scattered_id(5))),
         sealed_item(kBob, 1, content_of({{"not sealed"}}), 0, "#board")});
  CHECK(board().empty());
  CHECK(texts_of(*store, "#board").empty());
  CHECK(found("written sealed").empty());
  CHECK(messages() == 0);
  CHECK(store->sealed_rooms()->empty());
}

TEST_CASE_FIXTURE(Fixture, "InvitationsAreKeptBoundedAndThoseOfFriendsGoLast") {
  std::uint64_t seq = 0;
  const auto invite = [&](const MemberKey& from, std::uint64_t number) {
    Envelope envelope = text_envelope(from, ++seq, {});
    envelope.kind = static_cast<std::uint16_t>(Kind::kDirect);
    envelope.room.clear();
    StoreItem item = item_of(seal(std::move(envelope), scattered_id(1000 + seq)));
    RoomSecret secret{"#r" + std::to_string(number) + "~1a2b3c4d", {}};
    secret.key.fill(static_cast<std::uint8_t>(number));
    item.direct = StoredDirect{from, false, seq, 1, {}, secret};
    StoreBatch batch = batch_of({item});
    batch.correspondents = {
        {from, static_cast<std::uint8_t>(from == kBob ? 2 : 0), from != kBob, 0, 0, 0, {}}};
    REQUIRE(store->write(batch));
  };
  invite(kBob, 1);
  invite(kBob, 2);
  invite(kBob, 1);  // again: it is the newest now
  for (int round = 0; round < 2; ++round) {
    const auto listed = store->invitations();
    REQUIRE(listed);
    REQUIRE(listed->size() == 2);
    CHECK(listed->front().secret.room == "#r1~1a2b3c4d");
    CHECK(listed->front().secret.key[31] == 1);
    CHECK(listed->front().member == kBob);
    reopen();
  }
  for (std::uint64_t number = 0; number < 2 * limits::kInvitationsMax; ++number) invite(kAlice, 100 + number);
  const auto listed = store->invitations();
  CHECK(listed->size() == limits::kInvitationsMax);
  CHECK(std::count_if(listed->begin(), listed->end(), [](const auto& one) { return one.member == kBob; }) ==
        2);
  CHECK(listed->front().secret.room == "#r227~1a2b3c4d");
}

TEST_CASE_FIXTURE(Fixture, "WhatIsOpenedAtOnceHasABoundInNumberAndInBytes") {
  const auto read = [&] {
    auto page = store->sealed_of(kBoard, limits::kOpenedAtOnceMax, limits::kOpenedBytesMax);
    REQUIRE(page);
    return *std::move(page);
  };
  SUBCASE("many small ones") {
    std::vector<StoreItem> items;
    for (std::uint64_t seq = 1; seq <= limits::kOpenedAtOnceMax + 1; ++seq)
      items.push_back(sealed_item(kAlice, seq));
    write(std::move(items));
    const SealedEnvelopes page = read();
    CHECK(page.envelopes.size() == limits::kOpenedAtOnceMax);
    CHECK_FALSE(page.complete);
  }
  SUBCASE("a few large ones") {
    std::vector<StoreItem> items;
    std::size_t bytes = 0;
    for (std::uint64_t seq = 1; seq <= 30; ++seq) {
      Envelope envelope = sealed_item(kAlice, seq).envelope->envelope;
      envelope.body = Bytes(limits::kRoomSealedBytesMax);
      items.push_back(item_of(seal(std::move(envelope), make_id<EnvelopeId>(seq))));
      bytes = items.back().envelope->encoded.size();
    }
    write(std::move(items));
    const SealedEnvelopes page = read();
    CHECK(page.envelopes.size() == limits::kOpenedBytesMax / bytes);
    CHECK_FALSE(page.complete);
  }
}

}  // namespace
}  // namespace p2pmesh
