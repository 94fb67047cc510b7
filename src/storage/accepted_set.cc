#include "accepted_set.h"

#include <algorithm>
#include <limits>

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

// The first interval that ends at `number` or beyond.
template <class Intervals>
auto first_ending_at(Intervals& intervals, std::uint64_t number) {
  return std::lower_bound(
      intervals.begin(), intervals.end(), number,
      [](const auto& interval, std::uint64_t wanted) { return interval.second < wanted; });
}

}  // namespace

bool AcceptedSet::contains(std::uint64_t number) const {
  const auto found = first_ending_at(intervals_, number);
  return found != intervals_.end() && found->first <= number;
}

void AcceptedSet::insert(std::uint64_t number) {
  const auto next = first_ending_at(intervals_, number);
  const bool touches_next = next != intervals_.end() && next->first - 1 == number;
  const bool touches_last = next != intervals_.begin() && std::prev(next)->second + 1 == number;
  if (touches_next && touches_last) {
    std::prev(next)->second = next->second;
    intervals_.erase(next);
  } else if (touches_last) {
    std::prev(next)->second = number;
  } else if (touches_next) {
    next->first = number;
  } else {
    intervals_.insert(next, {number, number});
  }
}

Bytes AcceptedSet::encode() const {
  Writer writer;
  for (const auto& [first, last] : intervals_) writer.u64(first).u64(last);
  return writer.take();
}

std::optional<AcceptedSet> AcceptedSet::decode(ByteView bytes) {
  AcceptedSet set;
  Reader reader(bytes);
  while (reader.ok() && reader.remaining() > 0) {
    const std::uint64_t first = reader.u64();
    const std::uint64_t last = reader.u64();
    const bool apart = set.empty() || (set.greatest() < std::numeric_limits<std::uint64_t>::max() - 1 &&
                                       first > set.greatest() + 1);
    if (!reader.ok() || first > last || !apart) return std::nullopt;
    set.intervals_.emplace_back(first, last);
  }
  if (!reader.done()) return std::nullopt;
  return set;
}

}  // namespace p2pmesh
