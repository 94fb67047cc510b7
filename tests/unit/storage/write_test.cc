#include <doctest/doctest.h>

#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;

namespace {
Envelope record_envelope(const MemberKey& author, std::uint64_t epoch, std::uint64_t version) {
  Envelope envelope;
  envelope.envelope_class = EnvelopeClass::kRecord;
  envelope.kind = static_cast<std::uint16_t>(Kind::kMember);
  envelope.author = author;
  envelope.epoch = epoch;
  envelope.wall_ms = 5;
  envelope.subject = {1, 2};
  envelope.version = version;
  return envelope;
}
StoreItem notice_item(const std::string& kind) {
  return {nullptr, Notice{kind, kAlice, "Al\0ice\xff", "", 9}, 0, false};
}
}  // namespace

TEST_CASE("envelopes and notices draw rows from one counter, in the order of the batch") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto first =
      store->write(batch_of({text_item(kAlice, 1, {"a"}), notice_item("joined"), text_item(kBob, 1, {"b"})}));
  REQUIRE(first);
  CHECK(first->rows == std::vector<std::uint64_t>{1, 2, 3});
  store = nullptr;
  store = open_store(directory / "m.db");
  CHECK(store->write(batch_of({notice_item("left")}))->rows == std::vector<std::uint64_t>{4});
  CHECK(store->load()->last_row == 4);
}

TEST_CASE("a duplicate is not written, in its own batch, later, and after a restart") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto item = text_item(kAlice, 1, {"once"});
  CHECK(store->write(batch_of({item, item}))->rows == std::vector<std::uint64_t>{1, 0});
  CHECK(store->write(batch_of({item}))->rows == std::vector<std::uint64_t>{0});
  REQUIRE(*store->index_some(100));
  const auto again = store->write(batch_of({item}));
  CHECK(again->rows == std::vector<std::uint64_t>{0});
  CHECK(again->forks.empty());
  store = nullptr;
  store = open_store(directory / "m.db");
  CHECK(store->write(batch_of({item}))->rows == std::vector<std::uint64_t>{0});
  CHECK(texts_of(*store) == std::vector<std::string>{"once"});
  CHECK(store->load()->messages == 1);
}

TEST_CASE("accepted intervals, newest time and last id are kept an author and epoch") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  REQUIRE(store->write(
      batch_of({text_item(kAlice, 1, {"1"}), text_item(kAlice, 2, {"2"}), text_item(kAlice, 5, {"5"})})));
  Envelope other = text_envelope(kAlice, 1, {"other epoch"});
  other.epoch = 11;
  REQUIRE(store->write(batch_of({text_item(kBob, 3, {"3"}), item_of(seal(other, scattered_id(900)))})));
  for (int round = 0; round < 2; ++round) {
    const auto snapshot = store->load();
    REQUIRE(snapshot);
    REQUIRE(snapshot->logs.size() == 3);
    const AcceptedLog& log = snapshot->logs[0];
    CHECK(log.author == kAlice);
    CHECK(log.epoch == 10);
    CHECK(log.intervals == decltype(log.intervals){{1, 2}, {5, 5}});
    CHECK(log.newest_wall_ms == 1005);
    CHECK(log.last_id == text_item(kAlice, 5, {"5"}).envelope->id);
    CHECK(snapshot->logs[1].epoch == 11);
    CHECK(snapshot->logs[2].author == kBob);
    store = nullptr;
    store = open_store(directory / "m.db");
  }
}

TEST_CASE("of a record the newest version alone is kept, on a tie the smaller id") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  const auto write = [&](std::uint64_t epoch, std::uint64_t version, std::uint64_t id) {
    auto result = store->write(
        batch_of({item_of(seal(record_envelope(kAlice, epoch, version), make_id<EnvelopeId>(id)))}));
    REQUIRE(result);
    return result->rows.at(0);
  };
  CHECK(write(5, 1, 50) == 1);  // draws no row
  CHECK(write(5, 0, 40) == 0);
  CHECK(write(5, 1, 60) == 0);
  CHECK(write(5, 1, 50) == 0);
  CHECK(write(5, 1, 49) != 0);
  CHECK(write(6, 0, 70) != 0);
  CHECK(write(5, ~0ULL, 71) == 0);
  CHECK(write(6, ~0ULL, 72) != 0);
  CHECK(write(6, 1ULL << 63, 73) == 0);
  CHECK(write(7, 1, 74) != 0);
  const Bytes subject = {1, 2};
  const auto record = store->read_record(kAlice, 1, subject);
  REQUIRE(record);
  REQUIRE(*record != nullptr);
  CHECK((*record)->id == make_id<EnvelopeId>(74));
  CHECK(*store->read_record(kBob, 1, subject) == nullptr);
  CHECK(*store->read_record(kAlice, 2, subject) == nullptr);
  const auto snapshot = store->load();
  CHECK(snapshot->records.size() == 1);
  CHECK(snapshot->last_row == 0);
}

TEST_CASE("an empty subject and a subject of any bytes are different records") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Envelope empty = record_envelope(kAlice, 1, 1);
  empty.subject.clear();
  Envelope odd = record_envelope(kAlice, 1, 1);
  odd.subject = {0, '\'', 0xff, ';'};
  REQUIRE(
      store->write(batch_of({item_of(seal(empty, scattered_id(1))), item_of(seal(odd, scattered_id(2)))})));
  CHECK((*store->read_record(kAlice, 1, {}))->id == scattered_id(1));
  CHECK((*store->read_record(kAlice, 1, odd.subject))->id == scattered_id(2));
  CHECK(store->load()->records.size() == 2);
}

TEST_CASE("own envelopes stay in the outbox until they are taken") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreItem first = text_item(kAlice, 1, {"x", "y"});
  StoreItem second = text_item(kAlice, 2, {"z"});
  first.own = second.own = true;
  first.messages = 2;
  StoreItem record = item_of(seal(record_envelope(kAlice, 1, 1), scattered_id(99)));
  record.own = true;
  REQUIRE(store->write(batch_of({second, first, record, text_item(kBob, 1, {"foreign"})})));
  auto outbox = store->load()->outbox;
  REQUIRE(outbox.size() == 2);
  CHECK(outbox[0].id == first.envelope->id);
  CHECK(outbox[0].messages == 2);
  CHECK(outbox[1].seq == 2);
  StoreBatch taken;
  taken.taken = {first.envelope->id, scattered_id(12345)};
  REQUIRE(store->write(taken));
  store = nullptr;
  store = open_store(directory / "m.db");
  outbox = store->load()->outbox;
  REQUIRE(outbox.size() == 1);
  CHECK(outbox[0].id == second.envelope->id);
}

TEST_CASE("settings and peers are replaced, and peers are bounded") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  batch.settings = {{"name", "Alice"}, {"odd", std::string("\0\xff'", 3)}};
  for (std::size_t i = 0; i < limits::kPeersMax + 10; ++i) {
    batch.peers.push_back({make_id<NodeKey>(i), "127.0.0.1", 9, i, 0});
  }
  REQUIRE(store->write(batch));
  batch = {};
  batch.settings = {{"name", "Bob"}};
  batch.peers = {{make_id<NodeKey>(4000), "127.0.0.1", 9, 999999, 3},
                 {make_id<NodeKey>(4000), "::1", 9, 0, 1}};
  REQUIRE(store->write(batch));
  const auto snapshot = store->load();
  REQUIRE(snapshot);
  CHECK(snapshot->settings ==
        decltype(snapshot->settings){{"name", "Bob"}, {"odd", std::string("\0\xff'", 3)}});
  REQUIRE(snapshot->peers.size() == limits::kPeersMax);
  CHECK(snapshot->peers[0].node == make_id<NodeKey>(4000));
  CHECK(snapshot->peers[0].last_success_ms == 999999);
  CHECK(snapshot->peers[0].failures == 3);
}

TEST_CASE("what the decoder would refuse is refused here too, and the extremes it allows are in order") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  constexpr std::uint64_t kTop = ~0ULL >> 1;
  StoreBatch batch;
  for (int field = 0; field < 4; ++field) {
    Envelope envelope = text_envelope(kAlice, 3, {"hostile"});
    std::uint64_t* fields[] = {&envelope.epoch, &envelope.wall_ms, &envelope.seq, &envelope.depth};
    *fields[field] = field % 2 == 0 ? ~0ULL : kTop + 1;
    batch.items.push_back(item_of(seal(envelope, scattered_id(static_cast<std::uint64_t>(field) + 500))));
  }
  Envelope passing = text_envelope(kAlice, 1, {"passing"});
  passing.envelope_class = EnvelopeClass::kPassing;
  batch.items.push_back(item_of(seal(passing, scattered_id(600))));
  CHECK(store->write(batch)->rows == std::vector<std::uint64_t>(5, 0));

  Envelope deep = text_envelope(kAlice, kTop, {"deepest"});
  deep.epoch = deep.wall_ms = kTop;
  deep.depth = limits::kDepthMax;
  REQUIRE(store->write(batch_of({item_of(seal(deep, scattered_id(700))), text_item(kBob, 1, {"shallow"})})));
  CHECK(texts_of(*store) == std::vector<std::string>{"shallow", "deepest"});
  const TranscriptPosition beyond{~0ULL, ~0ULL, scattered_id(1), ~0U};
  CHECK(store->list_messages("#lobby", std::nullopt, beyond, 10, true)->size() == 2);
  CHECK(store->list_messages("#lobby", beyond, std::nullopt, 10, false)->empty());
  const TranscriptPosition late{limits::kDepthMax, ~0ULL, scattered_id(1), 0};
  CHECK(store->list_messages("#lobby", std::nullopt, late, 10, true)->size() == 2);
  CHECK(store->read_range(kAlice, kTop, 1, ~0ULL, 1 << 20, 10)->envelopes.size() == 1);
  CHECK(store->read_range(kAlice, ~0ULL, ~0ULL, ~0ULL, 1 << 20, 10)->envelopes.empty());
  CHECK(store->events_after({~0ULL, 0}, 10)->empty());
}

TEST_CASE("a thousand envelopes are one quick transaction") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= 1000; ++seq)
    batch.items.push_back(text_item(kAlice, seq, {std::string(100, 'x')}));
  const auto result = store->write(batch);
  REQUIRE(result);
  CHECK(result->rows.back() == 1000);
  CHECK(store->load()->logs.at(0).intervals.size() == 1);
}
