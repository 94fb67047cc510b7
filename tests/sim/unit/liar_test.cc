// A liar may do what a member can do, and no more.
#include "liar.h"

#include <doctest/doctest.h>

#include <set>

#include "quiet_options.h"
#include "stage.h"

namespace p2pmesh::sim {
namespace {

constexpr std::uint32_t kHonest = 0;
constexpr std::uint32_t kLiar = 1;
constexpr std::uint32_t kCutOff = 2;

/// What comes to the honest node from the liar.
class Replayed final : public Observer {
 public:
  void on_envelope(std::uint32_t node, std::uint32_t from, std::uint32_t entry, Verdict, bool, std::uint16_t,
                   bool) override {
    if (node == kHonest && from == kLiar && entry != kNone) entries.insert(entry);
  }
  std::set<std::uint32_t> entries;
};

}  // namespace

TEST_CASE("ALiarReplaysWhatHasComeToItAndNotWhatNobodyHasSent") {
  WorldOptions options;
  options.seed = 3655;
  Stage stage(quiet_options(), options);
  World& world = stage.world();
  stage.gather(3, kSecond);
  world.say(kHonest, "for all");
  world.run_for(2 * kSecond);
  world.network().add_partition({{0, 0, 1}, false});
  world.say(kCutOff, "kept at home");
  REQUIRE(world.pool().size() == 2);
  Replayed replayed;
  world.add_observer(&replayed);
  world.make_liar(kLiar, Lie::kReplay);
  world.run_for(20 * kSecond);
  world.remove_observer(&replayed);
  CHECK(replayed.entries == std::set<std::uint32_t>{0});
}

}  // namespace p2pmesh::sim
