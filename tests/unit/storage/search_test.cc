#include <doctest/doctest.h>

#include <algorithm>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/text/search_words.h"

using namespace p2pmesh;

namespace {

using Texts = std::vector<std::string>;

SearchQuery query_for(const std::string& words) {
  SearchQuery query;
  query.words = words;
  return query;
}

/// All pages, newest first.
Texts found(MeshStore& store, SearchQuery query) {
  Texts texts;
  for (;;) {
    const auto page = store.search(query);
    REQUIRE(page);
    CHECK(page->messages.size() <= query.limit);
    for (const ListedMessage& message : page->messages) texts.push_back(message.text);
    if (!page->next) return texts;
    query.before = page->next;
  }
}
Texts found(MeshStore& store, const std::string& words) {
  return found(store, query_for(words));
}

StoreItem fork_item(std::uint64_t id, const Texts& texts, const std::string& room = "#lobby") {
  Envelope envelope = text_envelope(kAlice, 1, texts);
  envelope.room = room;
  return item_of(seal(envelope, make_id<EnvelopeId>(id)));
}
void write(MeshStore& store, std::vector<StoreItem> items) {
  REQUIRE(store.write(batch_of(std::move(items))));
}

}  // namespace

TEST_CASE("what contains all words is found, newest first, and nothing else") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store, {text_item(kAlice, 1, {"The build is green", "the BUILD is red"}),
                 {nullptr, Notice{"joined", kBob, "Bob", "", 1}, 0, false},
                 text_item(kBob, 1, {"un café, s'il vous plaît", "東京都"}),
                 text_item(kAlice, 2, {"green tea"})});
  CHECK(found(*store, "build") == Texts{"the BUILD is red", "The build is green"});
  CHECK(found(*store, "green BUILD") == Texts{"The build is green"});
  CHECK(found(*store, "green") == Texts{"green tea", "The build is green"});
  CHECK(found(*store, "Cafe") == Texts{"un café, s'il vous plaît"});
  CHECK(found(*store, "京都") == Texts{"東京都"});
  CHECK(found(*store, "都") == Texts{"東京都"});
  CHECK(found(*store, "gree").empty());
  CHECK(found(*store, "green build nowhere").empty());
  const auto page = store->search(query_for("red"));
  REQUIRE(page->messages.size() == 1);
  CHECK(page->messages[0].index == 1);
  CHECK(page->messages[0].row == 1);
  CHECK(page->messages[0].author == kAlice);
  CHECK_FALSE(page->next);
}

TEST_CASE("a query is words and never syntax, and without a word nothing is found") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store, {text_item(kAlice, 1, {"a near miss or not", "terms OR search", "a1 r1 0t0", "x"})});
  for (const char* words :
       {"\"near", "near*", "NEAR(miss, 2)", "^near", "near OR miss", "near AND miss", "NOT near",
        "terms:near", "- near", "near\" OR \"x", "{terms}: near", "near + miss", "near\\", "(((near",
        "near)))", "'near'", "near; DROP TABLE search"}) {
    CAPTURE(words);
    const auto page = store->search(query_for(words));
    REQUIRE(page);
    const auto wanted = search_words(words);
    for (const ListedMessage& message : page->messages)
      CHECK(contains_words(search_words(message.text), wanted));
    const bool all_there = contains_words(search_words("a near miss or not"), wanted);
    CHECK((page->messages.size() == 1) == all_there);
  }
  CHECK(found(*store, "terms") == Texts{"terms OR search"});
  // The facts beside the words are no words.
  for (const char* words : {"_a1", "_r1", "_0t0", "_4t0"}) {
    for (const std::string& text : found(*store, words)) CHECK(text == "a1 r1 0t0");
  }
  for (const char* none : {"", " ", "\"", "*", "( ) - ^ :", "\U0001F389", "\xff"}) {
    CAPTURE(none);
    CHECK(found(*store, none).empty());
  }
}

TEST_CASE("rows that are not indexed yet are searched, after a kill between writing and indexing too") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  Texts expected;
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    write(*store, {text_item(kAlice, seq, {"word " + std::to_string(seq)}),
                   {nullptr, Notice{"joined", kBob, "Bob", "", 1}, 0, false}});
    expected.insert(expected.begin(), "word " + std::to_string(seq));
    if (seq == 7) CHECK_FALSE(*store->index_words(3));
    if (seq % 10 == 0) CHECK(*store->index_words(1000));
    copy_live(path, directory / "killed.db");
    auto survivor = open_store(directory / "killed.db");
    CHECK(found(*survivor, "word") == expected);
    CHECK(found(*survivor, std::to_string(seq)) == Texts{"word " + std::to_string(seq)});
    survivor = nullptr;
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(directory / "killed.db" + std::string(suffix));
  }
  store = nullptr;
  store = open_store(path);
  CHECK(*store->index_words(1));  // and it still knows what it had indexed
  CHECK(found(*store, "word") == expected);
}

TEST_CASE("room, author and time narrow the search, as a scan of everything does") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  struct Held {
    std::string text;
    std::string room;
    MemberKey author;
    WallMs wall_ms;
  };
  // Times of every size, so that every level of the index has its borders.
  Random random(5);
  const auto any_time = [&] {
    const WallMs time = random.next() >> (1 + random.below(63));
    return random.below(4) == 0 ? (time >> 23) << 23 : time;
  };
  std::vector<Held> held;
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= 2000; ++seq) {
    Envelope envelope = text_envelope(make_id<MemberKey>(1 + random.below(3)), seq,
                                      {"common " + std::to_string(random.below(5))});
    envelope.room = "#room" + std::to_string(random.below(3));
    envelope.wall_ms = any_time() >> 1;
    held.insert(held.begin(),
                {decode_text_body(envelope.body)->front(), envelope.room, envelope.author, envelope.wall_ms});
    batch.items.push_back(item_of(seal(envelope, scattered_id(seq))));
  }
  REQUIRE(store->write(batch));
  for (int round = 0; round < 400; ++round) {
    SearchQuery query =
        query_for(random.below(2) == 0 ? "common" : "common " + std::to_string(random.below(6)));
    query.limit = 1 + random.below(300);
    if (random.below(2) == 0) query.room = "#room" + std::to_string(random.below(4));
    if (random.below(2) == 0) query.author = make_id<MemberKey>(1 + random.below(4));
    if (random.below(2) == 0)
      query.since_ms = random.below(2) == 0 ? any_time() : held[random.below(2000)].wall_ms;
    if (random.below(2) == 0)
      query.until_ms = random.below(2) == 0 ? any_time() : held[random.below(2000)].wall_ms;
    Texts expected;
    const auto wanted = search_words(query.words);
    for (const Held& message : held) {
      if (contains_words(search_words(message.text), wanted) &&
          (!query.room || message.room == *query.room) &&
          (!query.author || message.author == *query.author) &&
          (!query.since_ms || message.wall_ms >= *query.since_ms) &&
          (!query.until_ms || message.wall_ms < *query.until_ms)) {
        expected.push_back(message.text);
      }
    }
    REQUIRE(found(*store, query) == expected);
  }
}

TEST_CASE("where times grow with the rows, both ends are exact across blocks") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  constexpr std::uint64_t kCount = 4000;  // four blocks of 1,024 rows
  constexpr WallMs kStep = 20;            // a busy hour: the times of all are within one unit of the index
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= kCount; ++seq) {
    Envelope envelope = text_envelope(kAlice, seq, {"common " + std::to_string(seq)});
    // The clock of one in ten is behind.
    envelope.wall_ms =
        1700000000000 + kStep * (seq % 10 == 0 ? seq - std::min<std::uint64_t>(seq, 700) : seq);
    batch.items.push_back(item_of(seal(envelope, scattered_id(seq))));
    if (seq % 900 != 0 && seq != kCount) continue;
    REQUIRE(store->write(batch));
    batch.items.clear();
    REQUIRE(store->index_words(seq % 1800 == 0 ? 700 : 2000));
  }
  Random random(8);
  for (int round = 0; round < 60; ++round) {
    SearchQuery query = query_for("common");
    query.limit = 1000;
    if (random.below(3) > 0) query.since_ms = 1700000000000 + random.below(kStep * kCount);
    if (random.below(3) > 0) query.until_ms = 1700000000000 + random.below(kStep * kCount);
    Texts expected;
    for (std::uint64_t seq = kCount; seq > 0; --seq) {
      const WallMs time =
          1700000000000 + kStep * (seq % 10 == 0 ? seq - std::min<std::uint64_t>(seq, 700) : seq);
      if (time >= query.since_ms.value_or(0) && time < query.until_ms.value_or(UINT64_MAX))
        expected.push_back("common " + std::to_string(seq));
    }
    REQUIRE(found(*store, query) == expected);
  }
}

TEST_CASE("pages meet without loss or overlap, within envelopes too, and end") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  Texts expected;
  for (std::uint64_t seq = 1; seq <= 7; ++seq) {
    Texts texts;
    for (std::uint64_t i = 0; i < seq; ++i) {
      texts.push_back((i % 2 == 0 ? "even " : "odd ") + std::to_string(seq) + " " + std::to_string(i));
      if (i % 2 == 0) expected.insert(expected.begin(), texts.back());
    }
    batch.items.push_back(text_item(kAlice, seq, texts));
  }
  REQUIRE(store->write(batch));
  for (const std::size_t limit : {1U, 2U, 3U, 100U}) {
    SearchQuery query = query_for("EVEN");
    query.limit = limit;
    CHECK(found(*store, query) == expected);
  }
  SearchQuery query = query_for("even");
  query.before = Cursor{7, 4};
  CHECK(found(*store, query).front() == "even 7 2");
  query.before = Cursor{7, UINT32_MAX};
  CHECK(found(*store, query) == expected);
  query.before = Cursor{UINT64_MAX, 0};
  CHECK(found(*store, query) == expected);
  query.before = Cursor{1, 0};
  CHECK(found(*store, query).empty());
  query.before = Cursor{0, 0};
  CHECK(found(*store, query).empty());
  query.before.reset();
  query.limit = 0;
  CHECK(store->search(query)->messages.empty());
}

TEST_CASE("a full envelope is found message by message, and a page has its bounds") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Texts many;
  for (std::size_t i = 0; i < limits::kMessagesPerEnvelopeMax; ++i) many.push_back("m " + std::to_string(i));
  write(*store, {text_item(kAlice, 1, many), text_item(kAlice, 2, many)});
  CHECK(found(*store, "m").size() == 2 * limits::kMessagesPerEnvelopeMax);
  CHECK(found(*store, "511").size() == 2);

  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= 300; ++seq)
    batch.items.push_back(text_item(kBob, seq, {"long " + std::string(8000, 'x')}));
  REQUIRE(store->write(batch));
  SearchQuery query = query_for("long");
  query.limit = 1000;
  const auto page = store->search(query);
  REQUIRE(page);
  CHECK(page->messages.size() < 150);
  CHECK(page->next);
  CHECK(found(*store, query).size() == 300);
}

TEST_CASE("candidates that are no hits end a page, not the search") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Texts pairs(500, "東京 京都");
  StoreBatch batch = batch_of({text_item(kAlice, 1, {"東京都"})});
  for (std::uint64_t seq = 2; seq <= 1 + limits::kSearchedAtOnceMax / 500; ++seq)
    batch.items.push_back(text_item(kAlice, seq, pairs));
  REQUIRE(store->write(batch));
  const auto page = store->search(query_for("東京都"));
  REQUIRE(page);
  CHECK(page->messages.empty());
  CHECK(page->next);
  CHECK(found(*store, "東京都") == Texts{"東京都"});
}

TEST_CASE("of a fork what is shown is found, whichever came first and was indexed") {
  for (const bool lower_first : {true, false}) {
    for (const bool indexed_between : {true, false}) {
      CAPTURE(lower_first);
      CAPTURE(indexed_between);
      TempDirectory directory;
      auto store = open_store(directory / "m.db");
      const auto low = fork_item(50, {"shared low"}, "#low");
      const auto high = fork_item(60, {"shared high", "second high"}, "#high");
      write(*store, {lower_first ? low : high, text_item(kBob, 1, {"honest"})});
      if (indexed_between) REQUIRE(*store->index_words(100));
      write(*store, {lower_first ? high : low});
      for (int round = 0; round < 2; ++round) {
        CHECK(found(*store, "shared") == Texts{"shared low"});
        CHECK(found(*store, "low") == Texts{"shared low"});
        CHECK(found(*store, "high").empty());
        CHECK(found(*store, "honest") == Texts{"honest"});
        SearchQuery query = query_for("shared");
        query.room = "#low";
        CHECK(found(*store, query) == Texts{"shared low"});
        query.room = "#high";
        CHECK(found(*store, query).empty());
        CHECK(store->search(query_for("low"))->messages.front().forked);
        store = nullptr;
        store = open_store(directory / "m.db");
      }
    }
  }
}

TEST_CASE("what is no text or does not decode is not in the way") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Envelope broken = text_envelope(kAlice, 1, {"word"});
  broken.body = {0, 9, 9};
  Envelope unknown = text_envelope(kAlice, 2, {"word"});
  unknown.kind = 4711;
  write(*store, {item_of(seal(broken, scattered_id(1))), item_of(seal(unknown, scattered_id(2))),

                 text_item(kBob, 1, {std::string("word\0nul", 8)})});
  CHECK(found(*store, "word").size() == 1);
  CHECK(found(*store, "nul").size() == 1);
}
