#include "interval_set.h"

#include <algorithm>

#include "p2pmesh/base/planted.h"

namespace p2pmesh {

/// The first interval that ends at or after the number.
std::vector<IntervalSet::Interval>::const_iterator IntervalSet::at_or_after(std::uint64_t number) const {
  // Almost every insertion is at the end.
  if (intervals_.empty() || intervals_.back().second < number) return intervals_.end();
  return std::lower_bound(
      intervals_.begin(), intervals_.end(), number,
      [](const Interval& interval, std::uint64_t value) { return interval.second < value; });
}

bool IntervalSet::contains(std::uint64_t number) const {
  auto found = at_or_after(number);
  return found != intervals_.end() && found->first <= number;
}

bool IntervalSet::insert(std::uint64_t number) {
  auto next = intervals_.begin() + (at_or_after(number) - intervals_.cbegin());
  if (next != intervals_.end() && next->first <= number) return false;
  const bool joins_next = next != intervals_.end() && next->first == number + 1;
  const bool joins_previous = next != intervals_.begin() && std::prev(next)->second + 1 == number;
  if (joins_previous && joins_next) {
    std::prev(next)->second = next->second;
    intervals_.erase(next);
  } else if (joins_previous) {
    std::prev(next)->second = number;
  } else if (joins_next) {
    next->first = number;
  } else {
    intervals_.insert(next, {number, number});
  }
  return true;
}

void IntervalSet::erase(std::uint64_t number) {
  auto found = intervals_.begin() + (at_or_after(number) - intervals_.cbegin());
  if (found == intervals_.end() || found->first > number) return;
  const Interval whole = *found;
  found = intervals_.erase(found);
  if (number < whole.second) found = intervals_.insert(found, {number + 1, whole.second});
  if (number > whole.first) intervals_.insert(found, {whole.first, number - 1});
}

std::vector<IntervalSet::Interval> IntervalSet::missing(std::uint64_t first, std::uint64_t last) const {
  std::vector<Interval> gaps;
  for (auto next = at_or_after(first); first <= last && next != intervals_.end() && next->first <= last;
       ++next) {
    if (next->first > first) gaps.emplace_back(first, next->first - 1);
    first = next->second + 1;
  }
  if (P2P_PLANTED(MissingOffByOne) && first == last) return gaps;
  if (first <= last) gaps.emplace_back(first, last);
  return gaps;
}

}  // namespace p2pmesh
