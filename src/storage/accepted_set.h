// Sequence numbers as closed intervals: what of one author and epoch was accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {

/// Closed intervals, ascending, not touching.
class AcceptedSet {
 public:
  using Intervals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  [[nodiscard]] bool contains(std::uint64_t number) const;
  /// Adds a number that is not there.
  void insert(std::uint64_t number);
  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  [[nodiscard]] std::uint64_t greatest() const { return intervals_.empty() ? 0 : intervals_.back().second; }
  [[nodiscard]] const Intervals& intervals() const { return intervals_; }

  /// Pairs of 8-byte numbers in network order.
  [[nodiscard]] Bytes encode() const;
  /// Nothing when these are not ascending intervals that do not touch.
  static std::optional<AcceptedSet> decode(ByteView bytes);

 private:
  Intervals intervals_;
};

}  // namespace p2pmesh
