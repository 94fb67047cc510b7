// Bounds that are reached, counters that are gone, worlds that do not end.
#include "bound_checks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "p2pmesh/base/limits.h"
#include "quiet_options.h"
#include "stage.h"

namespace p2pmesh::sim {
namespace {

WorldOptions small_world() {
  WorldOptions options;
  options.seed = 41;
  return options;
}

}  // namespace

TEST_CASE("ACountAboveItsBoundIsFoundAndSoIsOneThatIsGone") {
  const Counts counts = {{"other", 100}, {"held", 7}};
  CHECK_FALSE(check_count(counts, "held", 7, 0, 0));
  const auto above = check_count(counts, "held", 6, 3, 5);
  REQUIRE(above);
  CHECK(above->check == "bound");
  CHECK(above->node == 3);
  CHECK(above->found == "7");
  const auto gone = check_count(counts, "helt", 7, 3, 5);
  REQUIRE(gone);
  CHECK(gone->check == "counter");
}

TEST_CASE("ASendQueueAboveItsBoundIsFound") {
  Stage stage(quiet_options(), small_world());
  World& world = stage.world();
  stage.gather(2, kSecond);
  const auto violations = [&] {
    std::vector<Violation> found;
    check_bounds(world, world.honest(), found);
    return found;
  };
  CHECK(violations().empty());
  world.network().add_partition({{0, 1}, false});
  auto frame = std::make_shared<Bytes>(limits::kFrameHeaderBytes);
  (*frame)[4] = static_cast<std::uint8_t>(FrameType::kRepair);
  frame->resize(limits::kSendQueueBytesMax + limits::kFrameBytesMax + 1);
  world.network().send(world.node(0).core->links().front().link, frame, FrameClass::kRepair);
  world.run_for(kSecond);
  REQUIRE(violations().size() == 1);
  CHECK(violations().front().check == "bound");
}

TEST_CASE("AWorldThatDoesNotEndIsFoundAndStandsStill") {
  WorldOptions options = small_world();
  options.events_max = 2000;
  Stage stage(quiet_options(), options);
  World& world = stage.world();
  for (int i = 0; i < 3; ++i) world.add_node();
  world.open(0);
  for (std::uint32_t number : {1U, 2U}) world.join(number, 0);
  CHECK_FALSE(world.run_for(3600 * kSecond));
  CHECK(world.events() == 2000);
  CHECK(world.now() == 3600 * kSecond);
  CHECK_FALSE(world.run_for(kSecond));
  CHECK(world.events() == 2000);
  const auto& found = stage.checkers().violations();
  CHECK(std::count_if(found.begin(), found.end(), [](const Violation& v) { return v.check == "no end"; }) ==
        1);
}

}  // namespace p2pmesh::sim
