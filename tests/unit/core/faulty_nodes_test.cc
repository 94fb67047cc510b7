#include "faulty_nodes.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

NodeKey key(std::size_t number) {
  NodeKey node;
  node.bytes[0] = static_cast<std::uint8_t>(number);
  node.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return node;
}

TEST_CASE("ThePauseOfWhoIsAtFaultAgainDoublesUpToABound") {
  FaultyNodes faulty;
  Instant now(100s);
  CHECK_FALSE(faulty.is_shut_out(key(1), now));
  Duration pause = limits::kFaultPauseMin;
  for (int i = 0; i < 20; ++i) {
    faulty.note(key(1), now);
    CHECK(faulty.is_shut_out(key(1), now + pause - 1us));
    CHECK_FALSE(faulty.is_shut_out(key(1), now + pause));
    CHECK_FALSE(faulty.is_shut_out(key(2), now));
    now += pause;
    pause = std::min<Duration>(pause * 2, limits::kFaultPauseMax);
  }
  CHECK(pause == Duration(limits::kFaultPauseMax));
}

TEST_CASE("WhoWasGoodForLongBeginsAnew") {
  FaultyNodes faulty;
  Instant now(100s);
  for (int i = 0; i < 5; ++i) faulty.note(key(1), now);
  now += 16s + Duration(limits::kFaultForgotten);
  faulty.note(key(1), now);
  CHECK_FALSE(faulty.is_shut_out(key(1), now + Duration(limits::kFaultPauseMin)));
}

TEST_CASE("AFloodOfNewKeysPushesOutItselfAndNotWhoWasAtFaultAgain") {
  FaultyNodes faulty;
  const Instant now(100s);
  for (int i = 0; i < 4; ++i) faulty.note(key(60000), now);
  for (std::size_t i = 0; i < 3 * limits::kFaultyNodesMax; ++i) faulty.note(key(i), now);
  CHECK(faulty.size() == limits::kFaultyNodesMax);
  CHECK(faulty.is_shut_out(key(60000), now + 7s));
}

}  // namespace
}  // namespace p2pmesh
