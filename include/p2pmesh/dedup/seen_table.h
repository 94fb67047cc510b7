// The seen table: which envelopes this process has taken in lately. On the way of a frame between
// decoding and verification: probe first, verify second, commit third, so that a forged copy never
// silences the real one. It is no replay protection for good; the accepted intervals in core are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// Hash over a full id and the envelope's timestamp; replaceable so that a test can make all collide.
using SeenHash = std::uint64_t (*)(const EnvelopeId& id, WallMs wall_ms, std::uint64_t seed);

struct SeenTableOptions {
  std::size_t entries_max = 0;  ///< in all shards together; 0: limits::kSeenEntriesMax
  Duration expiry{};            ///< 0: limits::kSeenExpiry
  std::uint64_t seed = 0;       ///< drawn by the caller once a process
  SeenHash hash = nullptr;      ///< nullptr: XXH3-64 over id and timestamp
};

struct SeenTableCounters {
  std::uint64_t entries = 0;  ///< held now
  std::uint64_t expired = 0;  ///< forgotten by age
  std::uint64_t evicted = 0;  ///< forgotten because the table was full
};

/// A sharded, bounded, expiring hash table keyed on xxHash (XXH3, seeded a process) and the envelope's
/// timestamp. The full 32-byte id is stored and compared: a colliding hash costs time, never a message.
///
/// Threads: every method may be called from any thread at any time.
/// Time: `now` is the caller's monotonic clock and may differ between threads by a little.
class SeenTable {
 public:
  explicit SeenTable(const SeenTableOptions& options);
  ~SeenTable();
  SeenTable(const SeenTable&) = delete;
  SeenTable& operator=(const SeenTable&) = delete;

  /// True when the id was committed and has neither expired nor been evicted. Changes nothing.
  [[nodiscard]] bool contains(const EnvelopeId& id, WallMs wall_ms, Instant now) const;

  /// Remembers the id. True when it was not there: of two threads that commit the same id, one wins.
  bool insert(const EnvelopeId& id, WallMs wall_ms, Instant now);

  /// Forgets an id that could not be stored after all, so that a later copy is taken in.
  void erase(const EnvelopeId& id, WallMs wall_ms);

  [[nodiscard]] SeenTableCounters counters() const;

 private:
  struct Shard;
  std::unique_ptr<Shard[]> shards_;
  SeenTableOptions options_;
};

}  // namespace p2pmesh
