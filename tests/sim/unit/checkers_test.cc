// A checker that finds nothing wrong in a wrong world proves nothing: each is shown one.
#include <doctest/doctest.h>

#include <algorithm>

#include "checkers.h"
#include "end_checks.h"
#include "quiet_options.h"
#include "stage.h"
#include "still_checks.h"

namespace p2pmesh::sim {
namespace {

/// Three nodes and one text of node 0, and what is needed to tell the checkers of it again.
struct Told {
  Told() : stage(quiet_options(), world_options()) {
    stage.gather(3, kSecond);
    stage.world().say(0, "first");
    stage.world().run_for(2 * kSecond);
    stage.world().say(0, "second");
    stage.world().run_for(2 * kSecond);
    first = stage.world().pool().find(stage.world().pool()[0].envelope->id);
  }
  static WorldOptions world_options() {
    WorldOptions options;
    options.seed = 21;
    return options;
  }
  Announce announce(std::uint32_t entry) {
    Announce announced;
    announced.envelope = stage.world().pool()[entry].envelope;
    announced.row = 1;
    return announced;
  }
  [[nodiscard]] bool found(const std::string& check) {
    const auto& all = stage.checkers().violations();
    return std::any_of(all.begin(), all.end(), [&](const Violation& v) { return v.check == check; });
  }

  Stage stage;
  std::uint32_t first = 0;
};

}  // namespace

TEST_CASE("AQuietHonestWorldHasNoViolation") {
  Told told;
  told.stage.come_to_rest(30 * kSecond, {});
  CHECK(told.stage.checkers().violations().empty());
  CHECK(told.stage.world().pool().size() == 2);
}

TEST_CASE("AMessageShownTwiceIsFound") {
  Told told;
  told.stage.checkers().on_announce(1, 1, told.announce(1), told.stage.world().now());
  CHECK(told.found("G2"));
  CHECK(told.stage.checkers().duplicates_shown() == 1);
}

TEST_CASE("AnOlderMessageShownLiveAfterANewerOneIsFound") {
  Told told;
  told.stage.checkers().on_announce(1, 0, told.announce(0), told.stage.world().now());
  CHECK(told.found("G5 late"));
}

TEST_CASE("AGapWithoutAMarkIsFound") {
  Told told;
  // A node that has seen nothing yet is shown the second one alone.
  const std::uint32_t newcomer = told.stage.world().add_node();
  told.stage.checkers().on_announce(newcomer, 1, told.announce(1), told.stage.world().now());
  CHECK(told.found("G5"));
}

TEST_CASE("AGapMarkWhereNothingIsMissingIsFound") {
  Told told;
  const std::uint32_t newcomer = told.stage.world().add_node();
  Announce second = told.announce(1);
  second.context.gap = true;
  told.stage.checkers().on_announce(newcomer, 0, told.announce(0), told.stage.world().now());
  told.stage.checkers().on_announce(newcomer, 1, second, told.stage.world().now());
  CHECK(told.found("G5 gap"));
}

TEST_CASE("WhatIsShownBeforeItIsOnTheDiskIsFound") {
  Told told;
  const std::uint32_t newcomer = told.stage.world().add_node();
  told.stage.checkers().on_announce(newcomer, 0, told.announce(0), told.stage.world().now());
  CHECK(told.found("G3"));
}

TEST_CASE("ATakenOfWhatNobodyHasCommittedIsFound") {
  Told told;
  told.stage.checkers().on_taken(0, 0);
  CHECK_FALSE(told.found("taken"));
  told.stage.checkers().on_taken(0, kNone);
  CHECK(told.found("taken"));
}

TEST_CASE("AnEnvelopeThatDoesNotFollowTheAuthorsLastOneIsFound") {
  Told told;
  told.stage.checkers().on_written(0, 0, {}, told.stage.world().now());
  CHECK(told.found("depth"));
}

TEST_CASE("AnOutboxThatNobodyHasTakenIsFound") {
  Told told;
  World& world = told.stage.world();
  world.network().add_partition({{1, 0, 0}, false});
  world.say(0, "alone");
  world.run_for(kSecond);
  EndCheckOptions outboxes;
  outboxes.outboxes = true;
  const EndReport end = check_end(world, told.stage.checkers().acknowledged(), outboxes);
  CHECK(std::any_of(end.violations.begin(), end.violations.end(),
                    [](const Violation& v) { return v.check == "outbox"; }));
}

TEST_CASE("AStillWorldPassesTheStillChecks") {
  Told told;
  check_still(told.stage);
  CHECK(told.stage.checkers().violations().empty());
}

TEST_CASE("ABroadcastThatTheNetworkLosesIsFoundByTheStillChecks") {
  Told told;
  FaultOptions faults;
  faults.payload_loss_ppm = 1'000'000;
  told.stage.world().network().set_faults(faults);
  check_still(told.stage);
  CHECK(told.found("broadcast"));
}

TEST_CASE("WhatItsAuthorNeverSignedIsFound") {
  Told told;
  told.stage.checkers().on_store(1, 0, false);
  CHECK(told.found("G1"));
}

TEST_CASE("AnAcknowledgedMessageThatANodeLacksIsFound") {
  Told told;
  World& world = told.stage.world();
  const std::uint32_t late = world.add_node();
  world.network().add_partition({{0, 0, 0, 1}, false});
  world.join(late, 0);
  world.run_for(kSecond);
  const EndReport end = check_end(world, told.stage.checkers().acknowledged(), {});
  CHECK(end.unconverged == 1);
  const auto has = [&](const char* check) {
    return std::any_of(end.violations.begin(), end.violations.end(),
                       [&](const Violation& v) { return v.check == check; });
  };
  CHECK(has("G4"));
  CHECK(has("G6"));
  CHECK(has("G7"));
}

}  // namespace p2pmesh::sim
