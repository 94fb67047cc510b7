// A shard is a ring of entries in the order of insertion and an index of 8-byte slots over it, so that a
// lookup reads one line of the index and, if the key is there, one entry. Invariants of a shard, all under
// its lock:
//  1. `ring` and `index` are powers of two long; the index is never more than half full, so probing ends.
//  2. Entries have numbers that count up (and wrap); the ring holds first_number ... first_number + ring_size
//  - 1,
//     each at its number modulo the ring's length. An erased entry stays there, without a slot, until it is
//     the oldest.
//  3. Every entry that is not erased has one slot. Linear probing without tombstones: between a key's home
//  slot and
//     its slot no slot is empty (taking one out moves the followers back).
//  4. An entry's stamp is its insertion time, so expiry takes from the front of the ring alone.
#include "p2pmesh/dedup/seen_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kShards = 64;  // by the top six bits; 2 threads then meet in 1 of 64 cases
constexpr std::size_t kShardEntriesMax =
    1U << 30;  // so that the numbers of a ring are distinct and slots suffice

std::uint64_t xxh3_of(const EnvelopeId& id, WallMs wall_ms, std::uint64_t seed) {
  std::array<std::uint8_t, EnvelopeId::kSize + sizeof wall_ms> key;
  std::memcpy(key.data(), id.bytes.data(), EnvelopeId::kSize);
  std::memcpy(key.data() + EnvelopeId::kSize, &wall_ms, sizeof wall_ms);
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

/// Held for some 60 ns, so waiting in a loop beats a mutex, which alone would take a fifth of an insertion
/// (measured: 88 ns against 70 ns). Who holds it may have lost its processor: then the waiting thread gives
/// up its own.
class ShardLock {
 public:
  void lock() {
    // acquire: what the last holder wrote is seen; pairs with the release below.
    while (held_.exchange(true, std::memory_order_acquire)) {
      for (int i = 0; held_.load(std::memory_order_relaxed); ++i) {
        if (i >= kSpins) std::this_thread::yield();
      }
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  static constexpr int kSpins = 100;  // a few hundred nanoseconds; guess
  std::atomic<bool> held_{false};
};

struct Entry {
  EnvelopeId id;
  WallMs wall_ms = 0;
  std::int64_t stamp = kErased;
  static constexpr std::int64_t kErased = INT64_MIN;
};

struct Slot {
  std::uint32_t tag = 0;  // 31 bits of the hash and a one; 0: empty
  std::uint32_t number = 0;
};

std::uint32_t tag_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash) | 1;
}

}  // namespace

struct alignas(64) SeenTable::Shard {
  mutable ShardLock lock;
  std::vector<Slot> index = std::vector<Slot>(16);
  std::vector<Entry> ring = std::vector<Entry>(8);
  std::uint32_t first_number = 0;
  std::size_t ring_size = 0;
  std::size_t live = 0;
  std::size_t entries_max = 0;
  std::uint64_t expired = 0;
  std::uint64_t evicted = 0;

  [[nodiscard]] std::size_t mask() const { return index.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint32_t tag) const { return (tag >> 1) & mask(); }
  [[nodiscard]] const Entry& entry(std::uint32_t number) const { return ring[number & (ring.size() - 1)]; }
  [[nodiscard]] Entry& entry(std::uint32_t number) { return ring[number & (ring.size() - 1)]; }

  /// The key's slot, or the empty one where it belongs.
  [[nodiscard]] std::size_t find(std::uint32_t tag, const EnvelopeId& id, WallMs wall_ms) const {
    for (std::size_t i = home(tag);; i = (i + 1) & mask()) {
      const Slot& slot = index[i];
      if (slot.tag == 0) return i;
      if (slot.tag != tag) continue;
      const Entry& candidate = entry(slot.number);
      if (candidate.wall_ms == wall_ms && candidate.id == id) return i;
    }
  }

  void grow_index() {
    std::vector<Slot> old(index.size() * 2);
    old.swap(index);
    for (const Slot& slot : old) {
      if (slot.tag == 0) continue;
      std::size_t i = home(slot.tag);
      while (index[i].tag != 0) i = (i + 1) & mask();
      index[i] = slot;
    }
  }

  void grow_ring() {
    std::vector<Entry> larger(ring.size() * 2);
    for (std::size_t i = 0; i < ring_size; ++i) {
      const std::uint32_t number = first_number + static_cast<std::uint32_t>(i);
      larger[number & (larger.size() - 1)] = entry(number);
    }
    ring.swap(larger);
  }

  void remove_at(std::size_t hole) {
    entry(index[hole].number).stamp = Entry::kErased;
    index[hole] = Slot{};
    --live;
    for (std::size_t i = (hole + 1) & mask(); index[i].tag != 0; i = (i + 1) & mask()) {
      if (((i - home(index[i].tag)) & mask()) < ((i - hole) & mask())) continue;
      index[hole] = index[i];
      index[i] = Slot{};
      hole = i;
    }
  }

  /// Takes the oldest entry off the ring. True when it was not erased before.
  bool drop_oldest(const SeenTableOptions& options) {
    const std::uint32_t number = first_number++;
    --ring_size;
    const Entry& oldest = entry(number);
    if (oldest.stamp == Entry::kErased) return false;
    std::size_t i = home(tag_of(options.hash(oldest.id, oldest.wall_ms, options.seed)));
    while (index[i].tag == 0 || index[i].number != number) i = (i + 1) & mask();
    remove_at(i);
    return true;
  }

  void add(std::size_t slot, std::uint32_t tag, const Entry& added) {
    const std::uint32_t number = first_number + static_cast<std::uint32_t>(ring_size);
    index[slot] = Slot{tag, number};
    if (ring_size == ring.size()) grow_ring();
    entry(number) = added;
    ++ring_size;
    ++live;
  }
};

SeenTable::SeenTable(const SeenTableOptions& options) : shards_(new Shard[kShards]), options_(options) {
  if (options_.entries_max == 0) options_.entries_max = limits::kSeenEntriesMax;
  if (options_.expiry == Duration{}) options_.expiry = limits::kSeenExpiry;
  if (options_.hash == nullptr) options_.hash = &xxh3_of;
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_[i].entries_max = std::clamp<std::size_t>(options_.entries_max / kShards, 1, kShardEntriesMax);
  }
}

SeenTable::~SeenTable() = default;

bool SeenTable::contains(const EnvelopeId& id, WallMs wall_ms, Instant now) const {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  const std::int64_t oldest = (now - options_.expiry).time_since_epoch().count();
  const Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.lock);
  const Slot& slot = shard.index[shard.find(tag_of(hash), id, wall_ms)];
  return slot.tag != 0 && shard.entry(slot.number).stamp > oldest;
}

bool SeenTable::insert(const EnvelopeId& id, WallMs wall_ms, Instant now) {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  const std::uint32_t tag = tag_of(hash);
  const std::int64_t stamp = now.time_since_epoch().count();
  const std::int64_t oldest = (now - options_.expiry).time_since_epoch().count();
  Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.lock);
  const auto front_is_due = [&] {
    return shard.ring_size > 0 && shard.entry(shard.first_number).stamp <= oldest;
  };
  // A few at a time keeps each call short; more out than in empties any backlog.
  for (int i = 0; i < 4 && front_is_due(); ++i) {
    if (shard.drop_oldest(options_)) ++shard.expired;
  }
  std::size_t at = shard.find(tag, id, wall_ms);
  if (shard.index[at].tag != 0) {
    if (shard.entry(shard.index[at].number).stamp > oldest) return false;
    shard.remove_at(at);
    ++shard.expired;
    at = shard.find(tag, id, wall_ms);
  }
  // Erased entries count towards a bound of their own, since they stay until they are the oldest.
  bool moved = false;
  while (shard.live >= shard.entries_max || shard.ring_size >= shard.entries_max * 2) {
    if (shard.drop_oldest(options_)) ++shard.evicted;
    moved = true;
  }
  if ((shard.live + 1) * 2 > shard.index.size()) {
    shard.grow_index();
    moved = true;
  }
  if (moved) at = shard.find(tag, id, wall_ms);
  shard.add(at, tag, Entry{id, wall_ms, stamp});
  return true;
}

void SeenTable::erase(const EnvelopeId& id, WallMs wall_ms) {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.lock);
  const std::size_t at = shard.find(tag_of(hash), id, wall_ms);
  if (shard.index[at].tag != 0) shard.remove_at(at);
}

SeenTableCounters SeenTable::counters() const {
  SeenTableCounters total;
  for (std::size_t i = 0; i < kShards; ++i) {
    std::lock_guard guard(shards_[i].lock);
    total.entries += shards_[i].live;
    total.expired += shards_[i].expired;
    total.evicted += shards_[i].evicted;
  }
  return total;
}

}  // namespace p2pmesh
