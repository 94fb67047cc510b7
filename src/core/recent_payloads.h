// What was broadcast in the last seconds: tells what an ihave is about, and answers grafts.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"

namespace p2pmesh {

/// Bounded in number, bytes and time. What lost its payload to the bound on bytes is still known.
/// A ring, and a flat table of places in it: every neighbor announces every payload, so that find() is called
/// more often than anything else here, and each place in memory that it visits counts.
class RecentPayloads {
 public:
  struct Entry {
    EnvelopePtr payload;
    Instant at;
    LinkId from = 0;          ///< 0: written here
    std::uint16_t round = 0;  ///< hops it had made when it came
    bool contested = false;   ///< while several authors wrote
  };

  /// `seed`: so that nobody can choose ids that share a place of the table.
  RecentPayloads(std::size_t count_max, std::size_t bytes_max, Duration kept, std::uint64_t seed);

  void add(const EnvelopePtr& payload, Entry entry);
  [[nodiscard]] const Entry* find(const EnvelopeId& id) const;
  /// Oldest first, as `visit(id, entry)`.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < count_; ++i) visit(slot(i).id, slot(i).entry);
  }
  [[nodiscard]] std::size_t size() const { return count_; }
  /// Asks for the cache lines of the next place and of the oldest.
  void prefetch() const {
    if (ring_.empty()) return;
    __builtin_prefetch(&slot(0));
    __builtin_prefetch(&slot(count_));
  }

 private:
  struct Slot {
    EnvelopeId id;
    Entry entry;
  };
  struct Cell {
    std::uint32_t tag = 0;         // its lower bits: where the search begins
    std::uint32_t place = kEmpty;  // in the ring
  };
  static constexpr std::uint32_t kEmpty = UINT32_MAX;

  [[nodiscard]] std::uint32_t tag_of(const EnvelopeId& id) const;
  [[nodiscard]] const Slot& slot(std::size_t age) const {
    return ring_[(oldest_ + age) & (ring_.size() - 1)];
  }
  Slot& slot(std::size_t age) { return ring_[(oldest_ + age) & (ring_.size() - 1)]; }
  void drop_oldest();
  void grow();
  void index(std::uint32_t place);
  void unindex(std::uint32_t place);

  std::size_t count_max_;
  std::size_t bytes_max_;
  Duration kept_;
  std::uint64_t seed_;
  std::vector<Slot> ring_;   // a power of two
  std::vector<Cell> table_;  // twice as many, probed linearly
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
  std::size_t with_payload_from_ = 0;  // the age of the first one that still has its payload
  std::size_t bytes_ = 0;
};

}  // namespace p2pmesh
