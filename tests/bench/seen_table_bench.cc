// How fast the seen table takes in ids, beside the two things one would reach for first. All three hold the
// same 32-byte ids and 8-byte times and hash them with XXH3. Each key arrives four times, as in a mesh of
// degree four; with two threads both bring every key, so that they meet. One JSON line a figure, each the
// median of five runs, the tables taking turns.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <tbb/concurrent_hash_map.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "p2pmesh/base/random.h"
#include "p2pmesh/dedup/seen_table.h"

namespace {

using namespace p2pmesh;

constexpr std::size_t kArrivals = 4;
constexpr std::size_t kRuns = 5;

struct Key {
  EnvelopeId id;
  WallMs wall_ms = 0;
  bool operator==(const Key&) const = default;
};
static_assert(sizeof(Key) == 40, "hashed as one string of bytes");

struct KeyHash {
  std::size_t operator()(const Key& key) const { return XXH3_64bits_withSeed(&key, sizeof key, 1); }
  static std::size_t hash(const Key& key) { return KeyHash()(key); }
  static bool equal(const Key& a, const Key& b) { return a == b; }
};

struct OurTable {
  static constexpr const char* kName = "seen_table";
  explicit OurTable(std::size_t keys) : table({.entries_max = keys * 2, .seed = 1}) {}
  bool insert(const Key& key) { return table.insert(key.id, key.wall_ms, Instant(std::chrono::seconds(1))); }
  SeenTable table;
};

struct MutexSet {
  static constexpr const char* kName = "mutex_unordered_set";
  explicit MutexSet(std::size_t keys) { set.reserve(keys); }
  bool insert(const Key& key) {
    std::lock_guard guard(mutex);
    return set.insert(key).second;
  }
  std::mutex mutex;
  std::unordered_set<Key, KeyHash> set;
};

struct TbbMap {
  static constexpr const char* kName = "tbb_concurrent_hash_map";
  explicit TbbMap(std::size_t keys) : map(keys) {}
  bool insert(const Key& key) { return map.insert({key, 0}); }
  tbb::concurrent_hash_map<Key, char, KeyHash> map;
};

std::vector<Key> make_keys(std::size_t count) {
  Random random(20261121);
  std::vector<Key> keys(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t word = 0; word < 4; ++word) {
      const std::uint64_t value = random.next();
      std::memcpy(keys[i].id.bytes.data() + word * 8, &value, 8);
    }
    keys[i].wall_ms = 1795269600000 + i / 100;
  }
  return keys;
}

template <class Table>
double operations_per_second(const std::vector<Key>& keys, std::size_t threads) {
  auto table = std::make_unique<Table>(keys.size());
  std::atomic<std::size_t> fresh{0};
  std::atomic<std::size_t> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      std::size_t won = 0;
      ++ready;
      while (!go) std::this_thread::yield();
      for (std::size_t arrival = 0; arrival < kArrivals / threads; ++arrival) {
        for (const Key& key : keys) won += table->insert(key) ? 1 : 0;
      }
      fresh += won;
    });
  }
  while (ready < threads) std::this_thread::yield();
  const auto begin = std::chrono::steady_clock::now();
  go = true;
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (fresh != keys.size()) {
    std::fprintf(stderr, "seen_table_bench: %s took %zu of %zu keys\n", Table::kName, fresh.load(),
                 keys.size());
    std::exit(1);
  }
  return static_cast<double>(kArrivals * keys.size()) / seconds.count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const std::vector<Key>& keys, std::size_t threads) {
  std::vector<double> ours;
  std::vector<double> set;
  std::vector<double> tbb;
  for (std::size_t run = 0; run < kRuns; ++run) {
    ours.push_back(operations_per_second<OurTable>(keys, threads));
    set.push_back(operations_per_second<MutexSet>(keys, threads));
    tbb.push_back(operations_per_second<TbbMap>(keys, threads));
  }
  const auto print = [&](const char* table, const std::vector<double>& rates) {
    std::printf(
        "{\"bench\":\"seen_table\",\"table\":\"%s\",\"threads\":%zu,\"keys\":%zu,\"ops_per_s\":%.0f,"
        "\"ratio_to_mutex_set\":%.2f}\n",
        table, threads, keys.size(), median(rates), median(rates) / median(set));
    std::fflush(stdout);
  };
  print(OurTable::kName, ours);
  print(MutexSet::kName, set);
  print(TbbMap::kName, tbb);
}

}  // namespace

/// Usage: seen_table_bench [KEYS]    default: a million
int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  if (count == 0 || count > 100'000'000) {
    std::fprintf(stderr, "usage: seen_table_bench [KEYS]    1 to 100000000\n");
    return 64;
  }
  const std::vector<Key> keys = make_keys(count);
  for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) compare(keys, threads);
  return 0;
}
