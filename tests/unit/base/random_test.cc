#include "p2pmesh/base/random.h"

#include <array>

#include <doctest/doctest.h>

using namespace p2pmesh;

TEST_CASE("the generator gives SplitMix64's published values") {
  Random zero(0);
  for (std::uint64_t expected : {0xe220a8397b1dcdafULL, 0x6e789e6aa1b965f4ULL, 0x06c45d188009454fULL}) {
    CHECK(zero.next() == expected);
  }
  Random seeded(1234567);
  for (std::uint64_t expected : {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
                                 4593380528125082431ULL, 16408922859458223821ULL}) {
    CHECK(seeded.next() == expected);
  }
}

TEST_CASE("below stays below and reaches every value") {
  Random random(1);
  std::array<int, 7> hits{};
  for (int i = 0; i < 7000; ++i) {
    const std::uint64_t value = random.below(7);
    REQUIRE(value < 7);
    ++hits[value];
  }
  for (int count : hits) CHECK(count > 800);
  CHECK(random.below(0) == 0);
  CHECK(random.below(1) == 0);
}
