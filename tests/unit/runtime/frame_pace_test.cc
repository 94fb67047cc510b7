#include "frame_pace.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 30s;

TEST_CASE("AFrameThatStopsHasItsPatienceAndASecondForEachKiBOfIt") {
  FramePace pace;
  CHECK_FALSE(pace.deadline(kPatience));
  pace.on_part(10, Instant(100s));
  CHECK(pace.deadline(kPatience) >= Instant(130s));
  CHECK(pace.deadline(kPatience) < Instant(130s + 20ms));
  pace.on_part(4096, Instant(104s));
  CHECK(pace.deadline(kPatience) == Instant(134s));
}

TEST_CASE("AByteAtATimeIsNoProgressAndAKiBASecondIs") {
  FramePace drop, line;
  Instant drop_ends{}, now(100s);
  for (std::size_t second = 0; second < 60; ++second, now += 1s) {
    drop.on_part(second + 1, now);
    line.on_part(1024 * (second + 1), now);
    drop_ends = *drop.deadline(kPatience);
    CHECK(*line.deadline(kPatience) > now);
  }
  CHECK(drop_ends < Instant(131s));
}

TEST_CASE("EachFrameBeginsAnew") {
  FramePace pace;
  pace.on_part(10, Instant(100s));
  pace.on_frame();
  CHECK_FALSE(pace.deadline(kPatience));
  pace.on_part(0, Instant(110s));
  CHECK_FALSE(pace.deadline(kPatience));
  pace.on_part(10, Instant(120s));
  CHECK(pace.deadline(kPatience) >= Instant(150s));
}

TEST_CASE("ThatALongFrameGrowsIsToldOnceASecond") {
  FramePace pace;
  CHECK_FALSE(pace.on_part(1, Instant(100s)));
  CHECK_FALSE(pace.on_part(2, Instant(100s + 900ms)));
  CHECK(pace.on_part(3, Instant(101s)));
  CHECK_FALSE(pace.on_part(4, Instant(101s + 900ms)));
  CHECK_FALSE(pace.on_part(4, Instant(103s)));  // nothing came
  CHECK(pace.on_part(5, Instant(103s)));
}

}  // namespace
}  // namespace p2pmesh
