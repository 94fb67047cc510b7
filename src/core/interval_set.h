// A set of sequence numbers as closed intervals: what was accepted, what is held.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace p2pmesh {

/// Closed intervals, ascending, neither overlapping nor touching. Numbers are below 2^63, so the
/// neighbor of a bound never overflows.
class IntervalSet {
 public:
  using Interval = std::pair<std::uint64_t, std::uint64_t>;

  IntervalSet() = default;
  explicit IntervalSet(std::vector<Interval> intervals) : intervals_(std::move(intervals)) {}

  /// False when it was there.
  bool insert(std::uint64_t number);
  void erase(std::uint64_t number);
  [[nodiscard]] bool contains(std::uint64_t number) const;
  [[nodiscard]] std::uint64_t greatest() const { return intervals_.empty() ? 0 : intervals_.back().second; }
  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  [[nodiscard]] const std::vector<Interval>& intervals() const { return intervals_; }

  /// The parts of [first, last] that are not in the set, ascending.
  [[nodiscard]] std::vector<Interval> missing(std::uint64_t first, std::uint64_t last) const;

 private:
  [[nodiscard]] std::vector<Interval>::const_iterator at_or_after(std::uint64_t number) const;
  std::vector<Interval> intervals_;
};

}  // namespace p2pmesh
