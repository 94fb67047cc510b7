#include "storage_thread.h"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

struct Recorder final : StorageEvents {
  void on_committed(EnvelopePtr envelope, EnvelopeContext context, std::uint64_t row) override {
    committed.push_back(envelope->envelope.seq);
    rows.push_back(row);
    tokens.insert(context.tokens.begin(), context.tokens.end());
  }
  void on_draft_kept(std::uint64_t number, std::uint64_t token) override {
    drafts.emplace_back(number, token);
  }
  void on_notice_committed(const Notice& notice, std::uint64_t row) override {
    notices.push_back(notice.name);
    rows.push_back(row);
  }
  void on_fork_kept(EnvelopePtr envelope, const EnvelopeId& replaced) override {
    forks.emplace_back(envelope->id, replaced);
  }
  void on_storage_state(const std::string& state) override { states.push_back(state); }

  std::vector<std::uint64_t> committed;
  std::vector<std::uint64_t> rows;
  std::set<std::uint64_t> tokens;
  std::vector<std::string> notices;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> drafts;  // number and token
  std::vector<std::string> states;
  std::vector<std::pair<EnvelopeId, EnvelopeId>> forks;  // kept, and the one whose place it takes
};

struct Fixture {
  Fixture() {
    path = (std::filesystem::temp_directory_path() / "p2pmesh-storage-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    init_crypto();
    loop = std::move(*EventLoop::open());
    open();
  }
  ~Fixture() {
    thread.reset();
    std::filesystem::remove_all(path);
  }
  void open() {
    auto store = MeshStore::open(path + "/mesh.db", MeshId{});
    REQUIRE(store);
    auto snapshot = (*store)->load();
    REQUIRE(snapshot);
    was_clean = snapshot->clean_stop;
    held = snapshot->messages;
    thread = std::move(*StorageThread::start(std::move(*store), CarryQuota{}, *loop, recorder));
  }
  EnvelopePtr text(std::uint64_t seq, const std::string& words = "text ") {
    auto sealed = std::make_shared<SealedEnvelope>();
    Envelope& envelope = sealed->envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kText);
    envelope.room = "#lobby";
    envelope.author.bytes[0] = 1;
    envelope.epoch = 5;
    envelope.seq = seq;
    if (seq > 1) envelope.prev.bytes[0] = 1;
    envelope.depth = seq;
    envelope.body = encode_text_body({words + std::to_string(seq)});
    sealed->encoded = encode_envelope(envelope);
    sealed->id = hash_envelope(unsigned_part(sealed->encoded));
    return sealed;
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) loop->run_once(std::chrono::milliseconds(10));
    REQUIRE(done());
  }
  std::string path;
  std::unique_ptr<EventLoop> loop;
  Recorder recorder;
  std::unique_ptr<StorageThread> thread;
  bool was_clean = false;
  std::uint64_t held = 0;
};

TEST_CASE("CommitsComeBackInOrderWithTheirContextAndGrowingRows") {
  Fixture fixture;
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    EnvelopeContext context;
    context.messages = 1;
    context.own = seq % 2 == 0;
    context.tokens = {seq};
    fixture.thread->store(fixture.text(seq), std::move(context));
    if (seq == 250) fixture.thread->store(Notice{"joined", MemberKey{}, "Bob", "", 1});
  }
  CHECK(fixture.thread->queued_bytes() > 0);
  fixture.run_until([&] { return fixture.recorder.committed.size() == 500; });
  CHECK(std::is_sorted(fixture.recorder.committed.begin(), fixture.recorder.committed.end()));
  CHECK(std::is_sorted(fixture.recorder.rows.begin(), fixture.recorder.rows.end()));
  CHECK(fixture.recorder.rows.size() == 501);
  CHECK(fixture.recorder.tokens.size() == 500);
  CHECK(fixture.recorder.notices == std::vector<std::string>{"Bob"});
  CHECK(fixture.thread->queued_bytes() == 0);
}

TEST_CASE("AQuestionSeesEverythingQueuedBeforeItAndIsAnsweredBehindItsCommits") {
  Fixture fixture;
  std::size_t listed = 0;
  std::size_t committed_then = 0;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) fixture.thread->store(fixture.text(seq), {});
  fixture.thread->ask(
      [&](MeshStore& store) {
        listed = store.list_messages("#lobby", std::nullopt, std::nullopt, 1000, false)->size();
      },
      [&] { committed_then = fixture.recorder.committed.size(); });
  fixture.run_until([&] { return committed_then > 0; });
  CHECK(listed == 100);
  CHECK(committed_then == 100);
}

TEST_CASE("AForkIsToldOnceWithTheIdWhosePlaceItTakes") {
  Fixture fixture;
  EnvelopePtr lower = fixture.text(1, "one ");
  EnvelopePtr higher = fixture.text(1, "other ");
  if (higher->id < lower->id) std::swap(lower, higher);
  for (const EnvelopePtr& envelope : {higher, lower, lower}) fixture.thread->store(envelope, {});
  EnvelopePtr second = fixture.text(2);
  fixture.thread->store(second, {});
  fixture.run_until([&] { return fixture.recorder.committed.size() == 4; });
  REQUIRE(fixture.recorder.forks.size() == 1);
  CHECK(fixture.recorder.forks[0].first == lower->id);
  CHECK(fixture.recorder.forks[0].second == higher->id);
}

TEST_CASE("AStopWritesWhatIsQueuedAndIsRememberedAsClean") {
  Fixture fixture;
  CHECK_FALSE(fixture.was_clean);
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    EnvelopeContext context;
    context.messages = 1;
    fixture.thread->store(fixture.text(seq), std::move(context));
  }
  CHECK(fixture.thread->stop());
  CHECK(fixture.recorder.committed.size() == 100);
  fixture.thread.reset();
  fixture.open();
  CHECK(fixture.was_clean);
  CHECK(fixture.held == 100);
  fixture.thread.reset();  // without stop()
  fixture.open();
  CHECK_FALSE(fixture.was_clean);
}

/// How often the store has made what was written without waiting for the disk outlast a power cut.
int count_syncs(const std::string& path) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  REQUIRE(sqlite3_prepare_v2(database, "SELECT value FROM state WHERE key = 'syncs'", -1, &query, nullptr) ==
          SQLITE_OK);
  const int count = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int(query, 0) : 0;
  sqlite3_finalize(query);
  sqlite3_close(database);
  return count;
}

TEST_CASE("WhatOthersWroteOutlastsAPowerCutAfterAMoment") {
  Fixture fixture;
  const std::string path = fixture.path + "/mesh.db";
  const auto begun = std::chrono::steady_clock::now();
  fixture.thread->store(fixture.text(1), {});
  fixture.run_until([&] { return fixture.recorder.committed.size() == 1; });
  fixture.run_until([&] { return count_syncs(path) == 1; });
  CHECK(std::chrono::steady_clock::now() - begun >= limits::kFullSyncInterval);
  // What one wrote oneself is on the disk with its commit, and all before it too.
  fixture.thread->store(fixture.text(2), {});
  EnvelopeContext own;
  own.own = true;
  fixture.thread->store(fixture.text(3), std::move(own));
  fixture.run_until([&] { return fixture.recorder.committed.size() == 3; });
  CHECK(count_syncs(path) <= 2);
}

}  // namespace
}  // namespace p2pmesh
