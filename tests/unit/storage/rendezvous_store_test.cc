#include "p2pmesh/storage/rendezvous_store.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "p2pmesh/storage/mesh_store.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

template <class Id>
Id id_of(std::uint8_t first) {
  Id id;
  id.bytes.fill(first);
  return id;
}

struct Fixture : TempDirectory {
  Fixture() : path(*this / "rendezvous.db") { open(); }
  void open() {
    store.reset();
    auto opened = RendezvousStore::open(path);
    REQUIRE(opened);
    store = std::move(*opened);
  }
  RendezvousSnapshot reopen() {
    open();
    auto loaded = store->load();
    REQUIRE(loaded);
    return *loaded;
  }
  template <class Work>
  void commit(Work work) {
    REQUIRE(store->begin());
    work();
    REQUIRE(store->commit());
  }
  void execute(const char* sql) {
    store.reset();
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
  }
  ExitStatus status_of_open() {
    store.reset();
    auto opened = RendezvousStore::open(path);
    return opened ? ExitStatus::kOk : opened.error().status;
  }

  std::string path;
  std::unique_ptr<RendezvousStore> store;
};

NetAddress v6() {
  NetAddress address;
  address.v6 = true;
  address.ip = {0x20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  address.port = 65535;
  return address;
}

TEST_CASE_FIXTURE(Fixture, "AMemberComesBackAsItWasKept") {
  NetAddress v4;
  v4.ip = {192, 0, 2, 7};
  v4.port = 7;
  commit([&] {
    REQUIRE(store->save(StoredRegistration{id_of<MemberKey>(2), UINT64_MAX, v6(), 5, {1, 2, 3}}));
    REQUIRE(store->save(StoredRegistration{id_of<MemberKey>(1), 7, v4, 6, {4}}));
    REQUIRE(store->save(StoredRegistration{id_of<MemberKey>(3), 7, std::nullopt, 6, {4}}));
  });
  auto held = reopen();
  REQUIRE(held.members.size() == 3);
  CHECK(held.members[0].member == id_of<MemberKey>(1));
  CHECK(held.members[0].observed == v4);
  CHECK(held.members[1].version == UINT64_MAX);
  CHECK(held.members[1].observed == v6());
  CHECK(held.members[1].registration == Bytes{1, 2, 3});
  CHECK_FALSE(held.members[2].observed);
  commit([&] {
    REQUIRE(store->save(StoredRegistration{id_of<MemberKey>(1), 8, v4, 7, {5}}));
    REQUIRE(store->save_sighting(id_of<MemberKey>(2), 9, 99));
    REQUIRE(store->drop_member(id_of<MemberKey>(3)));
  });
  held = reopen();
  REQUIRE(held.members.size() == 2);
  CHECK(held.members[0].registration == Bytes{5});
  CHECK(held.members[1].version == 9);
  CHECK(held.members[1].seen_ms == 99);
  CHECK(held.members[1].registration == Bytes{1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "NamesAndRequestsComeBack") {
  const std::string key("n\0\xff", 3);
  StoredAsk ask{7, id_of<AskId>(4), id_of<MemberKey>(1), id_of<MemberKey>(2), 5, false, {1, 2}};
  commit([&] {
    REQUIRE(store->save(StoredName{key, id_of<MemberKey>(1), 5, 6}));
    REQUIRE(store->save(StoredName{"gone", id_of<MemberKey>(1), 5, 0}));
    REQUIRE(store->drop_name("gone"));
    REQUIRE(store->save(ask));
    ask.number = 8;
    REQUIRE(store->save(ask));
    ask.number = 9;
    REQUIRE(store->save(ask));
    REQUIRE(store->mark_delivered(8));
    REQUIRE(store->drop_ask(9));
  });
  const auto held = reopen();
  REQUIRE(held.names.size() == 1);
  CHECK(held.names[0].key == key);
  CHECK(held.names[0].left_ms == 6);
  REQUIRE(held.asks.size() == 2);
  CHECK(held.asks[0].id == id_of<AskId>(4));
  CHECK(held.asks[0].ask.empty());
  CHECK_FALSE(held.asks[0].delivered);
  CHECK(held.asks[1].delivered);
  CHECK(store->read_ask(7).value() == Bytes{1, 2});
  CHECK_FALSE(store->read_ask(8).value());
  CHECK_FALSE(store->read_ask(9).value());
}

TEST_CASE_FIXTURE(Fixture, "WhatIsRolledBackIsNotThere") {
  REQUIRE(store->begin());
  REQUIRE(store->save(StoredName{"bob", id_of<MemberKey>(1), 5, 0}));
  store->rollback();
  CHECK(reopen().names.empty());
}

TEST_CASE_FIXTURE(Fixture, "AnotherDatabaseIsDamagedAndANewerOneRefused") {
  execute("PRAGMA user_version = 99");
  CHECK(status_of_open() == ExitStatus::kConfig);
  execute("PRAGMA user_version = 1; PRAGMA application_id = 5");
  CHECK(status_of_open() == ExitStatus::kDamagedInput);
  std::filesystem::remove(path);
  std::ofstream(path) << std::string(5000, 'x');
  CHECK(status_of_open() == ExitStatus::kDamagedInput);
  std::filesystem::remove(path);
  CHECK(status_of_open() == ExitStatus::kOk);
  execute("DROP TABLE names");
  CHECK(status_of_open() == ExitStatus::kDamagedInput);
  REQUIRE(MeshStore::set_aside(path));
  CHECK(status_of_open() == ExitStatus::kOk);
}

TEST_CASE_FIXTURE(Fixture, "AKeyThatIsNoneIsDamage") {
  execute("INSERT INTO members VALUES(x'01', 1, x'', 0, 1, x'00')");
  open();
  const auto loaded = store->load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == ExitStatus::kDamagedInput);
}

}  // namespace
}  // namespace p2pmesh
