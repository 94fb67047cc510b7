#include "interval_set.h"

#include <doctest/doctest.h>

#include <set>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

using Intervals = std::vector<IntervalSet::Interval>;

TEST_CASE("NeighboringNumbersJoinIntoOneInterval") {
  IntervalSet set;
  CHECK(set.insert(5));
  CHECK(set.insert(7));
  CHECK(set.intervals() == Intervals{{5, 5}, {7, 7}});
  CHECK(set.insert(6));
  CHECK(set.intervals() == Intervals{{5, 7}});
  CHECK_FALSE(set.insert(6));
}

TEST_CASE("MissingNamesTheHolesWithinTheBoundsAlone") {
  const IntervalSet set(Intervals{{3, 4}, {8, 9}});
  CHECK(set.missing(1, 10) == Intervals{{1, 2}, {5, 7}, {10, 10}});
  CHECK(set.missing(4, 8) == Intervals{{5, 7}});
  CHECK(set.missing(3, 4).empty());
  CHECK(set.missing(11, 12) == Intervals{{11, 12}});
  CHECK(IntervalSet().missing(1, 3) == Intervals{{1, 3}});
}

TEST_CASE("RandomInsertionsAndErasuresAgreeWithASetOfNumbers") {
  Random random(42);
  IntervalSet set;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t number = 1 + random.below(200);
    if (random.below(3) == 0) {
      set.erase(number);
      model.erase(number);
    } else {
      CHECK(set.insert(number) == model.insert(number).second);
    }
    if (i % 500 != 0) continue;
    std::uint64_t previous_end = 0;
    std::size_t size = 0;
    for (const auto& [first, last] : set.intervals()) {
      CHECK(first <= last);
      CHECK((previous_end == 0 || first > previous_end + 1));  // neither overlapping nor touching
      previous_end = last;
      size += last - first + 1;
    }
    CHECK(size == model.size());
    for (std::uint64_t n = 1; n <= 200; ++n) CHECK(set.contains(n) == model.contains(n));
    std::size_t gaps = 0;
    for (const auto& [first, last] : set.missing(1, 200)) gaps += last - first + 1;
    CHECK(gaps == 200 - model.size());
  }
}

}  // namespace
}  // namespace p2pmesh
