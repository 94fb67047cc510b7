// Who can reach whom: any number of cuts at once.
#pragma once

#include <cstdint>
#include <vector>

#include "envelope_pool.h"

namespace p2pmesh::sim {

/// Side 0 cannot reach side 1; side 2 reaches both and is reached by both. One-way: only what side 0 sends is
/// lost.
struct Partition {
  std::vector<std::uint8_t> side;  ///< by node; nodes beyond its end are on side 0
  bool one_way = false;

  [[nodiscard]] std::uint8_t side_of(std::uint32_t node) const { return node < side.size() ? side[node] : 0; }
  [[nodiscard]] bool blocks(std::uint32_t from, std::uint32_t to) const {
    const std::uint8_t a = side_of(from);
    const std::uint8_t b = side_of(to);
    if (a == b || a == 2 || b == 2) return false;
    return !one_way || a == 0;
  }
};

class Partitions {
 public:
  /// Returns the number to take it away with.
  std::uint32_t add(Partition partition) {
    for (std::uint32_t i = 0; i < cuts_.size(); ++i) {
      if (cuts_[i].side.empty()) return cuts_[i] = std::move(partition), ++active_, i;
    }
    cuts_.push_back(std::move(partition));
    ++active_;
    return static_cast<std::uint32_t>(cuts_.size() - 1);
  }
  void remove(std::uint32_t number) {
    if (number < cuts_.size() && !cuts_[number].side.empty()) cuts_[number] = {}, --active_;
  }
  void clear() { cuts_.clear(), active_ = 0; }
  [[nodiscard]] bool any() const { return active_ != 0; }
  [[nodiscard]] bool blocks(std::uint32_t from, std::uint32_t to) const {
    if (active_ == 0) return false;
    for (const Partition& cut : cuts_) {
      if (!cut.side.empty() && cut.blocks(from, to)) return true;
    }
    return false;
  }

 private:
  std::vector<Partition> cuts_;
  std::size_t active_ = 0;
};

}  // namespace p2pmesh::sim
