#include "rendezvous_storage.h"

#include <doctest/doctest.h>

#include <optional>

#include "temp_directory.h"
#include "unit/storage/file_size_limit.h"

namespace p2pmesh {
namespace {

struct Recorder final : RendezvousStorageEvents {
  void on_kept(std::vector<RendezvousSend> then) override {
    for (const RendezvousSend& send : then) kept.push_back(send.link);
  }
  void on_asks_read(RendezvousLink link, std::vector<Bytes> asks) override {
    read_for = link;
    for (Bytes& ask : asks) read.push_back(std::move(ask));
  }
  void on_storage_state(const std::string& state) override { states.push_back(state); }

  std::vector<RendezvousLink> kept;
  std::optional<RendezvousLink> read_for;
  std::vector<Bytes> read;
  std::vector<std::string> states;
};

struct Fixture : TempDirectory {
  Fixture() : path(*this / "rendezvous.db") {
    loop = std::move(*EventLoop::open());
    auto store = RendezvousStore::open(path);
    REQUIRE(store);
    storage = std::move(*RendezvousStorage::start(std::move(*store), *loop, recorder));
  }
  ~Fixture() { storage.reset(); }
  static MemberKey key(std::uint64_t number) {
    MemberKey key;
    for (std::size_t i = 0; i < 8; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return key;
  }
  void keep(std::uint64_t number, std::size_t bytes = 3) {
    storage->keep({{KeptMember{key(number), number, {}, 5, Bytes(bytes)}}, {{number, nullptr}}});
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) loop->run_once(std::chrono::milliseconds(10));
    REQUIRE(done());
  }
  /// As another process would see it.
  std::size_t members_on_disk() const {
    auto store = RendezvousStore::open(path);
    REQUIRE(store);
    return (*store)->load()->members.size();
  }

  std::string path;
  Recorder recorder;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<RendezvousStorage> storage;
};

TEST_CASE_FIXTURE(Fixture, "WhatIsToldToBeKeptIsOnTheDisk") {
  for (std::uint64_t number = 1; number <= 500; ++number) keep(number);
  CHECK(storage->waiting() == 500);
  run_until([&] { return !recorder.kept.empty(); });
  CHECK(members_on_disk() >= recorder.kept.size());
  run_until([&] { return recorder.kept.size() == 500; });
  CHECK(members_on_disk() == 500);
  CHECK(recorder.kept.front() == 1);
  CHECK(recorder.kept.back() == 500);
  CHECK(storage->waiting() == 0);
}

TEST_CASE_FIXTURE(Fixture, "ARequestIsReadBehindItsWriting") {
  storage->keep({{KeptAsk{3, {}, key(1), key(2), 5, false, {7, 7}}}, {}});
  storage->read({9, {2, 3}});
  run_until([&] { return recorder.read_for.has_value(); });
  CHECK(recorder.read_for == 9);
  CHECK(recorder.read == std::vector<Bytes>{{7, 7}});
}

TEST_CASE_FIXTURE(Fixture, "WhileTheDiskRefusesNothingIsAcknowledgedAndNothingLost") {
  {
    const FileSizeLimit limit(16 * 1024);
    for (std::uint64_t number = 1; number <= 40; ++number) keep(number, 2000);
    run_until([&] { return !recorder.states.empty(); });
    CHECK(recorder.states.front() != "ok");
    CHECK(storage->waiting() > 0);
  }
  run_until([&] { return recorder.kept.size() == 40; });
  CHECK(recorder.states.back() == "ok");
  CHECK(members_on_disk() == 40);
}

TEST_CASE_FIXTURE(Fixture, "WhatIsQueuedIsWrittenBeforeTheEnd") {
  for (std::uint64_t number = 1; number <= 100; ++number) keep(number);
  CHECK(storage->stop());
  CHECK(members_on_disk() == 100);
}

TEST_CASE("ARegistryIsGivenWhatTheStoreHeld") {
  RendezvousSnapshot snapshot;
  snapshot.members.push_back({Fixture::key(1), 2, std::nullopt, 3, {4}});
  snapshot.names.push_back({"alice", Fixture::key(1), 5, 6});
  snapshot.asks.push_back({7, {}, Fixture::key(1), Fixture::key(2), 8, true, {}});
  const RendezvousState state = to_state(std::move(snapshot));
  CHECK(state.members.at(0).registration == Bytes{4});
  CHECK(state.members.at(0).version == 2);
  CHECK(state.names.at(0).left_ms == 6);
  CHECK(state.asks.at(0).delivered);
  CHECK(state.asks.at(0).number == 7);
}

}  // namespace
}  // namespace p2pmesh
