#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "database.h"
#include "file_size_limit.h"
#include "mesh_fixture.h"
#include "schema.h"

using namespace p2pmesh;

namespace {

void run_sql(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
}

void fill_store(const std::string& path, std::uint64_t count) {
  auto store = open_store(path);
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= count; ++seq)
    batch.items.push_back(text_item(kAlice, seq, {std::string(200, 'x')}));
  REQUIRE(store->write(batch));
  REQUIRE(store->close_clean());
}

unsigned mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}

}  // namespace

TEST_CASE("all files of a store are private") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  const mode_t before = ::umask(0);
  auto store = open_store(path);
  REQUIRE(store->write(batch_of({text_item(kAlice, 1, {"x"})})));
  ::umask(before);
  for (const char* suffix : {"", "-wal", "-shm"}) CHECK(mode_of(path + suffix) == 0600);
}

TEST_CASE("a stop is clean only through close_clean, and only once") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  CHECK(!store->load()->clean_stop);  // new: there was no last run
  REQUIRE(store->close_clean());
  store = nullptr;
  store = open_store(path);
  CHECK(store->load()->clean_stop);
  copy_live(path, directory / "killed.db");
  store = nullptr;
  store = open_store(directory / "killed.db");
  CHECK(!store->load()->clean_stop);
  store = nullptr;
  store = open_store(path);
  CHECK(!store->load()->clean_stop);  // load() marked it, and nobody closed it
}

TEST_CASE("what was written is there after a kill, indexed or not") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  REQUIRE(store->load());
  std::vector<std::string> expected;
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    StoreBatch batch = batch_of({text_item(kAlice, seq, {std::to_string(seq)})});
    batch.full_sync = true;
    REQUIRE(store->write(batch));
    expected.push_back(std::to_string(seq));
    if (seq % 7 == 0) REQUIRE(store->index_some(3));
    copy_live(path, directory / "killed.db");
    auto survivor = open_store(directory / "killed.db");
    CHECK(texts_of(*survivor) == expected);
    CHECK(survivor->load()->last_row == seq);
  }
}

TEST_CASE("sync and empty batches are fine at any time") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  CHECK(store->sync());
  CHECK(store->write({})->rows.empty());
  REQUIRE(store->write(batch_of({text_item(kAlice, 1, {"x"})})));
  CHECK(store->sync());
  CHECK(store->sync());
  StoreBatch only_sync;
  only_sync.full_sync = true;
  CHECK(store->write(only_sync));
  CHECK(*store->index_some(10));
  CHECK(store->load()->last_row == 1);
}

TEST_CASE("index_some goes in steps and says when nothing is left") {
  TempDirectory directory;
  auto store = open_store(directory / "m.db");
  StoreBatch batch;
  for (std::uint64_t seq = 1; seq <= 25; ++seq) batch.items.push_back(text_item(kAlice, seq, {"x"}));
  REQUIRE(store->write(batch));
  CHECK(*store->index_some(10) == false);
  CHECK(*store->index_some(10) == false);
  CHECK(*store->index_some(10) == true);
  CHECK(*store->index_some(10) == true);
  CHECK(texts_of(*store).size() == 25);
}

TEST_CASE("a failed write leaves nothing of its batch, and the store goes on when there is room again") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  REQUIRE(store->load());
  REQUIRE(store->write(batch_of({text_item(kAlice, 1, {"before"})})));
  StoreBatch large;
  large.settings = {{"mark", "set"}};
  for (std::uint64_t seq = 2; seq <= 200; ++seq)
    large.items.push_back(text_item(kAlice, seq, {std::string(8000, 'x')}));
  {
    const FileSizeLimit limit(std::filesystem::file_size(path + "-wal") + 100 * 1024);
    const auto result = store->write(large);
    REQUIRE(!result);
    CHECK(result.error().status == ExitStatus::kIo);
    CHECK(result.error().message.find(path) != std::string::npos);
    CHECK(texts_of(*store) == std::vector<std::string>{"before"});
  }
  CHECK(store->load()->settings.empty());
  CHECK(store->load()->logs.at(0).intervals.back().second == 1);
  const auto again = store->write(large);
  REQUIRE(again);
  CHECK(again->rows.front() == 2);
  CHECK(texts_of(*store).size() == 200);
}

TEST_CASE("a full disk is told in words") {
  TempDirectory directory;
  auto database = Database::open(directory / "m.db");
  REQUIRE(database);
  REQUIRE((*database)->execute("PRAGMA max_page_count = 4; CREATE TABLE t(x)"));
  const auto filled = (*database)->execute("INSERT INTO t VALUES(randomblob(100000))");
  REQUIRE(!filled);
  CHECK(filled.error().status == ExitStatus::kIo);
  CHECK(filled.error().message.find("full") != std::string::npos);
}

TEST_CASE("a file that is no database is damaged") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  std::ofstream(path) << std::string(10000, 'x');
  const auto store = MeshStore::open(path, kMesh);
  REQUIRE(!store);
  CHECK(store.error().status == ExitStatus::kDamagedInput);
  CHECK(store.error().message.find(path) != std::string::npos);
}

TEST_CASE("overwritten pages are noticed at open or at the first read, and never crash") {
  std::size_t noticed = 0;
  for (std::uint64_t page = 0; page < 40; page += 3) {
    TempDirectory directory;
    const std::string path = directory / "m.db";
    fill_store(path, 400);
    const std::uint64_t pages = std::filesystem::file_size(path) / 4096;
    {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(page % pages * 4096));
      file << std::string(4096, '\x5a');
    }
    auto store = MeshStore::open(path, kMesh);
    if (!store) {
      CHECK(store.error().status == ExitStatus::kDamagedInput);
      ++noticed;
      continue;
    }
    const auto snapshot = (*store)->load();
    const auto range = (*store)->read_range(kAlice, 10, 1, 400, 1 << 30, 1000);
    if (!snapshot || !range) ++noticed;
    if (!snapshot) CHECK(snapshot.error().status == ExitStatus::kDamagedInput);
    if (!range) CHECK(range.error().status == ExitStatus::kDamagedInput);
  }
  CHECK(noticed >= 10);
}

TEST_CASE("a row that no longer decodes is damage, not a message") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  fill_store(path, 3);
  run_sql(path, "UPDATE envelopes SET encoded = x'00' WHERE row = 2");
  auto store = MeshStore::open(path, kMesh);
  if (store) {
    const auto messages = (*store)->list_messages("#lobby", std::nullopt, std::nullopt, 10, false);
    REQUIRE(!messages);
    CHECK(messages.error().status == ExitStatus::kDamagedInput);
  } else {
    CHECK(store.error().status == ExitStatus::kDamagedInput);
  }
}

TEST_CASE("a newer version is named with both versions, and left as it is") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  fill_store(path, 3);
  run_sql(path, "PRAGMA user_version = 9");
  const auto store = MeshStore::open(path, kMesh);
  REQUIRE(!store);
  CHECK(store.error().status == ExitStatus::kConfig);
  CHECK(store.error().message.find(path) != std::string::npos);
  CHECK(store.error().message.find("version 9") != std::string::npos);
  CHECK(store.error().message.find("version " + std::to_string(kSchemaVersion)) != std::string::npos);
}

TEST_CASE("another program's database, missing tables and another mesh are refused") {
  TempDirectory directory;
  run_sql(directory / "other.db", "CREATE TABLE t(x); PRAGMA application_id = 5");
  CHECK(MeshStore::open(directory / "other.db", kMesh).error().status == ExitStatus::kDamagedInput);
  fill_store(directory / "m.db", 1);
  CHECK(MeshStore::open(directory / "m.db", make_id<MeshId>(5)).error().status == ExitStatus::kConfig);
  run_sql(directory / "m.db", "DROP TABLE outbox");
  CHECK(MeshStore::open(directory / "m.db", kMesh).error().status == ExitStatus::kDamagedInput);
}

TEST_CASE("a directory that is missing cannot hold a store") {
  TempDirectory directory;
  CHECK(MeshStore::open(directory / "no/m.db", kMesh).error().status == ExitStatus::kCannotCreate);
}

TEST_CASE("a damaged store is set aside under names of its own, and a new one takes its place") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  for (int n = 1; n <= 2; ++n) {
    std::ofstream(path) << "damaged " << n;
    std::ofstream(path + "-wal") << "its log";
    const auto aside = MeshStore::set_aside(path);
    REQUIRE(aside);
    CHECK(*aside == path + ".damaged-" + std::to_string(n));
    CHECK(std::filesystem::exists(*aside));
    CHECK(std::filesystem::exists(*aside + "-wal"));
    CHECK(!std::filesystem::exists(path));
    CHECK(!std::filesystem::exists(path + "-wal"));
  }
  CHECK(!MeshStore::set_aside(path));
  CHECK(open_store(path)->load()->last_row == 0);
}

TEST_CASE("a database that another program holds is to be tried again") {
  TempDirectory directory;
  const std::string path = directory / "m.db";
  auto store = open_store(path);
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto result = store->write(batch_of({text_item(kAlice, 1, {"x"})}));
  REQUIRE(!result);
  CHECK(result.error().status == ExitStatus::kTryAgain);
  sqlite3_close(handle);
  CHECK(store->write(batch_of({text_item(kAlice, 1, {"x"})})));
}
