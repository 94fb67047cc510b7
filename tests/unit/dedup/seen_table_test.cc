#include "p2pmesh/dedup/seen_table.h"

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"

#include <doctest/doctest.h>

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1h};

EnvelopeId id_of(std::uint64_t number) {
  Random random(number);
  EnvelopeId id;
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint64_t value = random.next();
    std::memcpy(id.bytes.data() + word * 8, &value, 8);
  }
  return id;
}

std::uint64_t same_hash(const EnvelopeId&, WallMs, std::uint64_t) {
  return 0x123456789abcdef0;
}

/// One shard, eight homes: long chains that cross each other and wrap around.
std::uint64_t crowded_hash(const EnvelopeId& id, WallMs, std::uint64_t) {
  return id.bytes[0] & 15;
}

}  // namespace

TEST_CASE("an id is there from its insertion on") {
  SeenTable table({});
  CHECK_FALSE(table.contains(id_of(1), 5, kStart));
  CHECK(table.insert(id_of(1), 5, kStart));
  CHECK(table.contains(id_of(1), 5, kStart));
  CHECK_FALSE(table.contains(id_of(2), 5, kStart));
  CHECK(table.counters().entries == 1);
}

TEST_CASE("the second insertion of the same key is rejected") {
  SeenTable table({});
  CHECK(table.insert(id_of(1), 5, kStart));
  CHECK_FALSE(table.insert(id_of(1), 5, kStart + 1s));
  CHECK(table.counters().entries == 1);
}

TEST_CASE("two keys that differ only in the timestamp are two") {
  for (SeenHash hash : {SeenHash(nullptr), SeenHash(&same_hash)}) {
    SeenTable table({.hash = hash});
    CHECK(table.insert(id_of(1), 5, kStart));
    CHECK_FALSE(table.contains(id_of(1), 6, kStart));
    CHECK(table.insert(id_of(1), 6, kStart));
    table.erase(id_of(1), 5);
    CHECK_FALSE(table.contains(id_of(1), 5, kStart));
    CHECK(table.contains(id_of(1), 6, kStart));
  }
}

TEST_CASE("an erased id may come again") {
  SeenTable table({});
  table.insert(id_of(1), 5, kStart);
  table.erase(id_of(2), 5);
  CHECK(table.contains(id_of(1), 5, kStart));
  table.erase(id_of(1), 5);
  CHECK_FALSE(table.contains(id_of(1), 5, kStart));
  CHECK(table.counters().entries == 0);
  CHECK(table.insert(id_of(1), 5, kStart));
  CHECK(table.contains(id_of(1), 5, kStart));
  table.erase(id_of(1), 5);
  table.erase(id_of(1), 5);
  CHECK(table.counters().entries == 0);
}

TEST_CASE("an id is forgotten when its time is over") {
  SeenTable table({.expiry = 10s});
  table.insert(id_of(1), 5, kStart);
  CHECK(table.contains(id_of(1), 5, kStart + 10s - 1us));
  CHECK_FALSE(table.contains(id_of(1), 5, kStart + 10s));
  CHECK_FALSE(table.insert(id_of(1), 5, kStart + 10s - 1us));
  CHECK(table.insert(id_of(1), 5, kStart + 10s));
  CHECK(table.contains(id_of(1), 5, kStart + 20s - 1us));
  CHECK(table.counters().expired == 1);
}

TEST_CASE("an expired id behind many others may come again") {
  SeenTable table({.expiry = 10s, .hash = &same_hash});
  for (std::uint64_t i = 0; i < 20; ++i) table.insert(id_of(i), i, kStart);
  CHECK_FALSE(table.contains(id_of(19), 19, kStart + 10s));
  CHECK(table.insert(id_of(19), 19, kStart + 10s));
  CHECK(table.contains(id_of(19), 19, kStart + 19s));
  for (std::uint64_t i = 100; i < 120; ++i) table.insert(id_of(i), i, kStart + 11s);
  CHECK(table.contains(id_of(19), 19, kStart + 19s));
  CHECK(table.counters().entries == 21);
  CHECK(table.counters().expired == 20);
}

TEST_CASE("an id that was erased and inserted again lives its whole time") {
  SeenTable table({.expiry = 10s, .hash = &same_hash});
  table.insert(id_of(1), 5, kStart);
  table.erase(id_of(1), 5);
  table.insert(id_of(1), 5, kStart + 8s);
  for (std::uint64_t i = 0; i < 10; ++i) table.insert(id_of(100 + i), 5, kStart + 12s);
  CHECK(table.contains(id_of(1), 5, kStart + 12s));
  CHECK(table.contains(id_of(1), 5, kStart + 18s - 1us));
  CHECK_FALSE(table.contains(id_of(1), 5, kStart + 18s));
}

TEST_CASE("insertions take expired entries off") {
  SeenTable table({.expiry = 10s});
  for (std::uint64_t i = 0; i < 10000; ++i) table.insert(id_of(i), i, kStart);
  for (std::uint64_t i = 0; i < 10000; ++i) table.insert(id_of(20000 + i), i, kStart + 11s);
  const SeenTableCounters counters = table.counters();
  CHECK(counters.entries == 10000);
  CHECK(counters.expired == 10000);
  CHECK(counters.evicted == 0);
}

TEST_CASE("a full shard evicts its oldest entry") {
  SeenTable table({.entries_max = 64 * 100, .hash = &same_hash});
  for (std::uint64_t i = 0; i < 150; ++i) {
    CHECK(table.insert(id_of(i), i, kStart + Duration(static_cast<Duration::rep>(i))));
  }
  for (std::uint64_t i = 0; i < 150; ++i) CHECK(table.contains(id_of(i), i, kStart + 1s) == (i >= 50));
  CHECK(table.counters().entries == 100);
  CHECK(table.counters().evicted == 50);
}

TEST_CASE("the bound holds whatever comes") {
  SeenTable table({.entries_max = 1000});
  for (std::uint64_t i = 0; i < 20000; ++i) {
    table.insert(id_of(i), i, kStart);
    if (i % 3 == 0) table.erase(id_of(i), i);
  }
  CHECK(table.counters().entries <= 1000);
  CHECK(table.counters().entries > 500);
  // The default bound is that of limits.h, and a bound below the shards still leaves one entry a shard.
  SeenTable tiny({.entries_max = 1});
  for (std::uint64_t i = 0; i < 1000; ++i) tiny.insert(id_of(i), i, kStart);
  CHECK(tiny.counters().entries == 64);
}

TEST_CASE("ids erased as soon as they are inserted do not pile up") {
  SeenTable table({.entries_max = 64 * 10, .hash = &same_hash});
  CHECK(table.insert(id_of(1), 1, kStart));
  for (std::uint64_t i = 2; i < 12; ++i) {
    table.insert(id_of(i), i, kStart);
    table.erase(id_of(i), i);
  }
  CHECK(table.contains(id_of(1), 1, kStart));
  CHECK(table.counters().evicted == 0);
  for (std::uint64_t i = 100; i < 1100; ++i) {
    table.insert(id_of(i), i, kStart);
    table.erase(id_of(i), i);
  }
  // What was erased counts up to as much again as there may be entries; then the oldest has to go.
  CHECK(table.counters().evicted == 1);
  CHECK(table.counters().entries == 0);
}

TEST_CASE("a hash that collides always loses nothing") {
  SeenTable table({.entries_max = 64 * 4000, .hash = &same_hash});
  for (std::uint64_t i = 0; i < 2000; ++i) REQUIRE(table.insert(id_of(i), i, kStart));
  for (std::uint64_t i = 0; i < 2000; ++i) REQUIRE_FALSE(table.insert(id_of(i), i, kStart));
  for (std::uint64_t i = 0; i < 2000; i += 2) table.erase(id_of(i), i);
  for (std::uint64_t i = 0; i < 2000; ++i) REQUIRE(table.contains(id_of(i), i, kStart) == (i % 2 == 1));
  CHECK(table.counters().evicted == 0);
}

TEST_CASE("the table agrees with a map under random work") {
  for (SeenHash hash : {SeenHash(nullptr), SeenHash(&crowded_hash)}) {
    SeenTable table({.expiry = 1s, .hash = hash});
    std::map<std::pair<EnvelopeId, WallMs>, Instant> model;
    Random random(7);
    Instant now = kStart;
    const auto lives = [&](const auto& key) {
      const auto found = model.find(key);
      return found != model.end() && found->second + 1s > now;
    };
    std::size_t wrong = 0;
    for (int i = 0; i < 20000; ++i) {
      now += Duration(static_cast<Duration::rep>(random.below(10000)));
      const std::uint64_t number = random.below(300);
      const std::pair key{id_of(number / 2), WallMs{number % 2}};
      switch (random.below(4)) {
        case 0:
          wrong += table.contains(key.first, key.second, now) != lives(key) ? 1 : 0;
          break;
        case 1:
          table.erase(key.first, key.second);
          model.erase(key);
          break;
        default:
          const bool fresh = !lives(key);
          wrong += table.insert(key.first, key.second, now) != fresh ? 1 : 0;
          if (fresh) model[key] = now;
      }
    }
    CHECK(wrong == 0);
    CHECK(table.counters().evicted == 0);
  }
}

TEST_CASE("by default an id is remembered as long as the bound says") {
  SeenTable table({});
  table.insert(id_of(1), 5, kStart);
  CHECK(table.contains(id_of(1), 5, kStart + limits::kSeenExpiry - 1us));
  CHECK_FALSE(table.contains(id_of(1), 5, kStart + limits::kSeenExpiry));
}

TEST_CASE("by default as many ids are remembered as the bound says, and then the oldest go") {
  // The same number in each shard, one after the other.
  const auto even_hash = [](const EnvelopeId& id, WallMs, std::uint64_t) {
    std::uint64_t number = 0;
    std::memcpy(&number, id.bytes.data(), 8);
    return number << 58 | (number * 0x9e3779b97f4a7c15) >> 6;
  };
  const auto numbered = [](std::uint64_t number) {
    EnvelopeId id;
    std::memcpy(id.bytes.data(), &number, 8);
    return id;
  };
  SeenTable table({.hash = even_hash});
  for (std::uint64_t i = 0; i < limits::kSeenEntriesMax; ++i) table.insert(numbered(i), 5, kStart);
  CHECK(table.counters().entries == limits::kSeenEntriesMax);
  CHECK(table.counters().evicted == 0);
  for (std::uint64_t i = 0; i < 64; ++i) table.insert(numbered(limits::kSeenEntriesMax + i), 5, kStart);
  CHECK(table.counters().entries == limits::kSeenEntriesMax);
  CHECK(table.counters().evicted == 64);
  std::size_t kept = 0;
  std::size_t gone = 0;
  for (std::uint64_t i = 0; i < 64; ++i) {
    if (!table.contains(numbered(i), 5, kStart)) ++gone;
    if (table.contains(numbered(64 + i), 5, kStart)) ++kept;
    if (table.contains(numbered(limits::kSeenEntriesMax + i), 5, kStart)) ++kept;
  }
  CHECK(gone == 64);
  CHECK(kept == 128);
}
