#include "accepted_set.h"

#include <doctest/doctest.h>

#include <set>

#include "p2pmesh/base/random.h"

using namespace p2pmesh;
using Intervals = AcceptedSet::Intervals;

TEST_CASE("numbers join into intervals that do not touch") {
  AcceptedSet set;
  for (std::uint64_t number : {5U, 1U, 3U, 9U}) set.insert(number);
  CHECK(set.intervals() == Intervals{{1, 1}, {3, 3}, {5, 5}, {9, 9}});
  set.insert(4);
  CHECK(set.intervals() == Intervals{{1, 1}, {3, 5}, {9, 9}});
  set.insert(2);
  set.insert(10);
  set.insert(8);
  CHECK(set.intervals() == Intervals{{1, 5}, {8, 10}});
  CHECK(set.greatest() == 10);
  CHECK(!set.contains(6));
  CHECK(set.contains(5));
  CHECK(!set.contains(0));
}

TEST_CASE("the set agrees with a plain one, and survives coding") {
  Random random(7);
  AcceptedSet set;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t number = 1 + random.below(500);
    CHECK(set.contains(number) == model.contains(number));
    if (model.insert(number).second) set.insert(number);
  }
  const auto copy = AcceptedSet::decode(set.encode());
  REQUIRE(copy);
  CHECK(copy->intervals() == set.intervals());
}

TEST_CASE("the greatest numbers do not wrap") {
  AcceptedSet set;
  set.insert(~0ULL);
  set.insert(~0ULL - 1);
  set.insert(1);
  CHECK(set.intervals() == Intervals{{1, 1}, {~0ULL - 1, ~0ULL}});
  CHECK(AcceptedSet::decode(set.encode())->intervals() == set.intervals());
}

TEST_CASE("bytes that are no ascending intervals are refused") {
  const auto coded = [](const Intervals& intervals) {
    Bytes bytes;
    for (const auto& [first, last] : intervals) {
      for (std::uint64_t value : {first, last}) {
        for (int shift = 56; shift >= 0; shift -= 8)
          bytes.push_back(static_cast<std::uint8_t>(value >> shift));
      }
    }
    return bytes;
  };
  CHECK(AcceptedSet::decode(coded({{1, 2}, {4, 5}})));
  CHECK(!AcceptedSet::decode(coded({{2, 1}})));
  CHECK(!AcceptedSet::decode(coded({{1, 2}, {3, 5}})));
  CHECK(!AcceptedSet::decode(coded({{4, 5}, {1, 2}})));
  CHECK(!AcceptedSet::decode(coded({{4, ~0ULL}, {1, 2}})));
  CHECK(!AcceptedSet::decode(Bytes(15, 0)));
}
