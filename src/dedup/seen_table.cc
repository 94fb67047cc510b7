// Invariants of a shard, all under its mutex:
//  1. `slots` is a power of two long and never more than half full, so probing ends.
//  2. Linear probing without tombstones: between a key's home slot and its slot no slot is empty
//     (erase moves the followers back).
//  3. `ring` holds every live entry's slot key once or more, in the order of insertion; an entry whose
//     stamp differs from the ring's was erased and inserted again since, and the ring item is stale.
//  4. An entry's stamp is its insertion time, so expiry takes from the front of the ring alone.
#include "p2pmesh/dedup/seen_table.h"

#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kShards = 64;  // by the top six bits; 2 threads then meet in 1 of 64 cases

std::uint64_t xxh3_of(const EnvelopeId& id, WallMs wall_ms, std::uint64_t seed) {
  std::array<std::uint8_t, EnvelopeId::kSize + sizeof wall_ms> key;
  std::memcpy(key.data(), id.bytes.data(), EnvelopeId::kSize);
  std::memcpy(key.data() + EnvelopeId::kSize, &wall_ms, sizeof wall_ms);
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

struct Slot {
  EnvelopeId id;
  WallMs wall_ms = 0;
  std::uint64_t hash = 0;
  std::int64_t stamp = kEmpty;
  static constexpr std::int64_t kEmpty = INT64_MIN;
  [[nodiscard]] bool empty() const { return stamp == kEmpty; }
};

struct RingItem {
  std::uint64_t hash;
  EnvelopeId id;
  std::int64_t stamp;
};

}  // namespace

struct alignas(64) SeenTable::Shard {
  mutable std::mutex mutex;
  std::vector<Slot> slots;
  std::vector<RingItem> ring;  // circular, capacity entries_max + 1
  std::size_t ring_start = 0;
  std::size_t ring_size = 0;
  std::size_t live = 0;
  std::size_t entries_max = 0;
  std::uint64_t expired = 0;
  std::uint64_t evicted = 0;

  [[nodiscard]] std::size_t mask() const { return slots.size() - 1; }

  [[nodiscard]] std::size_t find(std::uint64_t hash, const EnvelopeId& id, WallMs wall_ms) const {
    for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots[i];
      if (slot.empty()) return i;
      if (slot.hash == hash && slot.wall_ms == wall_ms && slot.id == id) return i;
    }
  }

  void grow() {
    std::vector<Slot> old(slots.size() * 2);
    old.swap(slots);
    for (const Slot& slot : old) {
      if (!slot.empty()) slots[find(slot.hash, slot.id, slot.wall_ms)] = slot;
    }
  }

  void remove_at(std::size_t hole) {
    slots[hole].stamp = Slot::kEmpty;
    --live;
    for (std::size_t i = (hole + 1) & mask(); !slots[i].empty(); i = (i + 1) & mask()) {
      const std::size_t home = slots[i].hash & mask();
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;
      slots[hole] = slots[i];
      slots[i].stamp = Slot::kEmpty;
      hole = i;
    }
  }

  /// Drops the oldest ring item and, unless it is stale, its entry. True when an entry went.
  bool drop_oldest() {
    const RingItem item = ring[ring_start];
    ring_start = (ring_start + 1) % ring.size();
    --ring_size;
    for (std::size_t i = item.hash & mask(); !slots[i].empty(); i = (i + 1) & mask()) {
      if (slots[i].hash == item.hash && slots[i].stamp == item.stamp && slots[i].id == item.id) {
        remove_at(i);
        return true;
      }
    }
    return false;
  }

  void push_ring(const RingItem& item) {
    if (ring_size == ring.size()) {
      std::vector<RingItem> larger;
      larger.reserve(ring.size() * 2 + 16);
      for (std::size_t i = 0; i < ring_size; ++i) larger.push_back(ring[(ring_start + i) % ring.size()]);
      larger.resize(ring.size() * 2 + 16);
      ring.swap(larger);
      ring_start = 0;
    }
    ring[(ring_start + ring_size) % ring.size()] = item;
    ++ring_size;
  }
};

SeenTable::SeenTable(const SeenTableOptions& options) : shards_(new Shard[kShards]), options_(options) {
  if (options_.entries_max == 0) options_.entries_max = limits::kSeenEntriesMax;
  if (options_.expiry == Duration{}) options_.expiry = limits::kSeenExpiry;
  if (options_.hash == nullptr) options_.hash = &xxh3_of;
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_[i].entries_max = std::max<std::size_t>(1, options_.entries_max / kShards);
    shards_[i].slots.resize(16);
  }
}

SeenTable::~SeenTable() = default;

bool SeenTable::contains(const EnvelopeId& id, WallMs wall_ms, Instant now) const {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  const Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.mutex);
  const Slot& slot = shard.slots[shard.find(hash, id, wall_ms)];
  return !slot.empty() && slot.stamp > (now - options_.expiry).time_since_epoch().count();
}

bool SeenTable::insert(const EnvelopeId& id, WallMs wall_ms, Instant now) {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  const std::int64_t stamp = now.time_since_epoch().count();
  const std::int64_t oldest = (now - options_.expiry).time_since_epoch().count();
  Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.mutex);
  // A few at a time keeps each call short; two out for one in empties any backlog.
  for (int i = 0; i < 4 && shard.ring_size > 0 && shard.ring[shard.ring_start].stamp <= oldest; ++i) {
    if (shard.drop_oldest()) ++shard.expired;
  }
  std::size_t at = shard.find(hash, id, wall_ms);
  if (!shard.slots[at].empty()) {
    if (shard.slots[at].stamp > oldest) return false;
    shard.remove_at(at);
    ++shard.expired;
  }
  while (shard.live >= shard.entries_max) {
    if (shard.drop_oldest()) ++shard.evicted;
  }
  if ((shard.live + 1) * 2 > shard.slots.size()) shard.grow();
  at = shard.find(hash, id, wall_ms);
  shard.slots[at] = Slot{id, wall_ms, hash, stamp};
  ++shard.live;
  // Stale items (erased entries) may not pile up: at twice the entries the oldest are taken off.
  while (shard.ring_size >= shard.entries_max * 2 && shard.ring_size > 0) {
    if (shard.drop_oldest()) ++shard.evicted;
  }
  shard.push_ring(RingItem{hash, id, stamp});
  return true;
}

void SeenTable::erase(const EnvelopeId& id, WallMs wall_ms) {
  const std::uint64_t hash = options_.hash(id, wall_ms, options_.seed);
  Shard& shard = shards_[hash >> 58];
  std::lock_guard guard(shard.mutex);
  const std::size_t at = shard.find(hash, id, wall_ms);
  if (!shard.slots[at].empty()) shard.remove_at(at);
}

SeenTableCounters SeenTable::counters() const {
  SeenTableCounters total;
  for (std::size_t i = 0; i < kShards; ++i) {
    std::lock_guard guard(shards_[i].mutex);
    total.entries += shards_[i].live;
    total.expired += shards_[i].expired;
    total.evicted += shards_[i].evicted;
  }
  return total;
}

}  // namespace p2pmesh
