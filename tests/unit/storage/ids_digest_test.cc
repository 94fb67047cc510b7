// The digest of the ids of a log: what neighbors compare, so it must be the same wherever the same is held.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "file_size_limit.h"
#include "mesh_fixture.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;

namespace {

EnvelopeId id_of(const MemberKey& author, std::uint64_t seq) {
  return text_item(author, seq, {"x"}).envelope->id;
}

std::uint64_t digest_of(const std::vector<EnvelopeId>& ids) {
  std::uint64_t digest = 0;
  for (const EnvelopeId& id : ids) digest ^= id_digest(id);
  return digest;
}

/// Of one author's only epoch; 0 when nothing of it is held.
std::uint64_t stored_digest(MeshStore& store, const MemberKey& author = kAlice) {
  const auto snapshot = store.load();
  REQUIRE(snapshot);
  for (const AcceptedLog& log : snapshot->logs) {
    if (log.author == author) return log.ids_digest;
  }
  return 0;
}

StoreItem fork_item(std::uint64_t seq, const EnvelopeId& id) {
  return item_of(seal(text_envelope(kAlice, seq, {"fork"}), id));
}

StoreBatchResult write(MeshStore& store, std::vector<StoreItem> items) {
  auto result = store.write(batch_of(std::move(items)));
  REQUIRE(result);
  return *result;
}

const EnvelopeId kLow = make_id<EnvelopeId>(0x1100000000000001);
const EnvelopeId kMiddle = make_id<EnvelopeId>(0x2200000000000002);
const EnvelopeId kHigh = make_id<EnvelopeId>(0x4400000000000004);

}  // namespace

TEST_CASE("the digest is the exclusive or over the ids of an author, in whatever order they came") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store, {text_item(kAlice, 3, {"x"}), text_item(kBob, 1, {"x"}), text_item(kAlice, 1, {"x"})});
  CHECK(stored_digest(*store) == digest_of({id_of(kAlice, 1), id_of(kAlice, 3)}));
  CHECK(stored_digest(*store, kBob) == digest_of({id_of(kBob, 1)}));
  write(*store, {text_item(kAlice, 3, {"x"}), text_item(kAlice, 2, {"x"}), text_item(kAlice, 2, {"x"})});
  CHECK(stored_digest(*store) == digest_of({id_of(kAlice, 1), id_of(kAlice, 2), id_of(kAlice, 3)}));
}

TEST_CASE("the digest of one epoch has nothing of another") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  Envelope later = text_envelope(kAlice, 1, {"later"});
  later.epoch = 11;
  write(*store, {fork_item(1, kLow), item_of(seal(later, kHigh))});
  const auto snapshot = store->load();
  REQUIRE(snapshot->logs.size() == 2);
  CHECK(snapshot->logs[0].ids_digest == id_digest(kLow));
  CHECK(snapshot->logs[1].ids_digest == id_digest(kHigh));
}

TEST_CASE("the digest survives a clean stop and a kill, and goes on from there") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  std::vector<EnvelopeId> ids;
  auto store = open_store(path);
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    StoreBatch batch = batch_of({text_item(kAlice, seq, {"x"})});
    batch.full_sync = true;
    REQUIRE(store->write(batch));
    ids.push_back(id_of(kAlice, seq));
    if (seq % 3 == 0) {
      copy_live(path, directory / "killed.db");
      CHECK(stored_digest(*open_store(directory / "killed.db")) == digest_of(ids));
    }
    if (seq % 10 == 0) {
      REQUIRE(store->close_clean());
      store = nullptr;
      store = open_store(path);
      CHECK(stored_digest(*store) == digest_of(ids));
    }
  }
}

TEST_CASE("of a fork the lowest id counts, whichever came first, also after a restart") {
  for (const auto& order : std::vector<std::vector<EnvelopeId>>{
           {kLow, kMiddle, kHigh}, {kHigh, kMiddle, kLow}, {kMiddle, kHigh, kLow}, {kMiddle, kLow, kHigh}}) {
    for (const bool restart_between : {false, true}) {
      TempDirectory directory;
      const std::string path = directory / "m.db";
      auto store = open_store(path);
      write(*store, {text_item(kAlice, 1, {"x"}), text_item(kAlice, 3, {"x"})});
      for (const EnvelopeId& id : order) {
        write(*store, {fork_item(2, id)});
        if (!restart_between) continue;
        store = nullptr;
        store = open_store(path);
      }
      const std::uint64_t wanted = digest_of({id_of(kAlice, 1), kLow, id_of(kAlice, 3)});
      CHECK(stored_digest(*store) == wanted);
      write(*store, {fork_item(2, order[0]), fork_item(2, order[1]), fork_item(2, order[2])});
      CHECK(stored_digest(*store) == wanted);
      store = nullptr;
      CHECK(stored_digest(*open_store(path)) == wanted);
    }
  }
}

TEST_CASE("a fork tells which id it takes the place of") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  write(*store, {fork_item(1, kMiddle)});
  const auto higher = write(*store, {fork_item(1, kHigh)});
  REQUIRE(higher.forks.size() == 1);
  CHECK(higher.forks[0].envelope->id == kHigh);
  CHECK(higher.forks[0].replaced.is_zero());
  const auto lower = write(*store, {fork_item(1, kLow)});
  REQUIRE(lower.forks.size() == 1);
  CHECK(lower.forks[0].envelope->id == kLow);
  CHECK(lower.forks[0].replaced == kMiddle);
  // Below the lowest fork, not below the one that came first.
  const EnvelopeId lowest = make_id<EnvelopeId>(1);
  const auto again = write(*store, {fork_item(1, lowest)});
  REQUIRE(again.forks.size() == 1);
  CHECK(again.forks[0].replaced == kLow);
  const EnvelopeId between = make_id<EnvelopeId>(2);
  const auto not_shown = write(*store, {fork_item(1, between)});
  REQUIRE(not_shown.forks.size() == 1);
  CHECK(not_shown.forks[0].replaced.is_zero());
}

TEST_CASE("what forks replace adds up to the digest, within one batch and over the bound") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  std::uint64_t digest = id_digest(make_id<EnvelopeId>(1000));
  write(*store, {fork_item(1, make_id<EnvelopeId>(1000))});
  std::vector<StoreItem> items;
  for (std::uint64_t i = 1; i <= 2 * limits::kForksPerPositionMax; ++i)
    items.push_back(fork_item(1, make_id<EnvelopeId>(i % 2 == 0 ? 1000 - i : 1000 + i)));
  for (const KeptFork& fork : write(*store, items).forks) {
    if (!fork.replaced.is_zero()) digest ^= id_digest(fork.replaced) ^ id_digest(fork.envelope->id);
  }
  CHECK(digest == id_digest(make_id<EnvelopeId>(1000 - 2 * limits::kForksPerPositionMax)));
  CHECK(stored_digest(*store) == digest);
}

TEST_CASE("a failed write leaves the digest as it was") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  write(*store, {text_item(kAlice, 1, {"x"}), fork_item(2, kMiddle)});
  const std::uint64_t before = digest_of({id_of(kAlice, 1), kMiddle});
  std::vector<StoreItem> items{fork_item(2, kLow)};
  for (std::uint64_t seq = 3; seq <= 200; ++seq)
    items.push_back(text_item(kAlice, seq, {std::string(8000, 'x')}));
  {
    const FileSizeLimit limit(std::filesystem::file_size(path + "-wal") + 100 * 1024);
    REQUIRE(!store->write(batch_of(items)));
  }
  CHECK(stored_digest(*store) == before);
  const auto done = write(*store, items);
  REQUIRE(done.forks.size() == 1);
  CHECK(done.forks[0].replaced == kMiddle);
  std::uint64_t after = digest_of({id_of(kAlice, 1), kLow});
  for (std::uint64_t seq = 3; seq <= 200; ++seq) after ^= id_digest(id_of(kAlice, seq));
  CHECK(stored_digest(*store) == after);
}

TEST_CASE("a digest that does not decode is damage") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  {
    auto store = open_store(path);
    write(*store, {text_item(kAlice, 1, {"x"})});
    REQUIRE(store->close_clean());
  }
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, "UPDATE logs SET ids_digest = x'00'", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  auto store = MeshStore::open(path, kMesh);
  REQUIRE((!store || !(*store)->load()));
  CHECK((store ? (*store)->load().error() : store.error()).status == ExitStatus::kDamagedInput);
}
