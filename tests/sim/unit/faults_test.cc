// A fault that does nothing proves nothing: each is seen to do what it is for, and not to happen without.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "quiet_options.h"
#include "stage.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kDelay = 50 * kMillisecond;
constexpr SimTime kCommit = kMillisecond;
constexpr SimTime kUsual = kDelay + 2 * kCommit;  // from the text to the payload at the neighbor

/// One way in the network takes kDelay, a commit kCommit, and nothing else happens.
FaultOptions no_faults() {
  FaultOptions faults;
  faults.delay_min = faults.delay_median = faults.delay_max = kDelay;
  faults.jitter_max = 0;
  faults.commit_min = faults.commit_max = kCommit;
  return faults;
}

/// Live payloads, by node and in their order, and how long each was under way.
class Arrivals final : public Observer {
 public:
  explicit Arrivals(const World& world) : world_(world) {}
  void on_written(std::uint32_t, std::uint32_t entry, const std::vector<std::uint64_t>&,
                  SimTime now) override {
    written_[entry] = now;
  }
  void on_envelope(std::uint32_t node, std::uint32_t, std::uint32_t entry, Verdict, bool live, std::uint16_t,
                   bool) override {
    if (!live || !written_.contains(entry)) return;
    at[node].push_back(entry);
    longest = std::max(longest, world_.now() - written_[entry]);
  }
  void on_rows_lost(std::uint32_t, const std::vector<std::uint32_t>& entries) override {
    rows_lost += entries.size();
  }
  [[nodiscard]] bool is_in_order(std::uint32_t node) {
    return std::is_sorted(at[node].begin(), at[node].end());
  }

  std::map<std::uint32_t, std::vector<std::uint32_t>> at;
  SimTime longest = 0;
  std::size_t rows_lost = 0;

 private:
  const World& world_;
  std::map<std::uint32_t, SimTime> written_;
};

struct Faulty {
  explicit Faulty(std::uint32_t nodes = 2, const FaultOptions& faults = no_faults())
      : stage(quiet_options(), world_options(faults)), world(stage.world()), arrivals(world) {
    stage.gather(nodes, kSecond);
    world.add_observer(&arrivals);
  }
  static WorldOptions world_options(const FaultOptions& faults) {
    WorldOptions options;
    options.seed = 31;
    options.faults = faults;
    return options;
  }
  const NetworkCounters& counters() const { return world.network().counters(); }
  void say(std::uint32_t author, int count, SimTime step = 10 * kMillisecond) {
    for (int i = 0; i < count; ++i) {
      world.say(author, "text");
      world.run_for(step);
    }
  }
  /// Node 0 says 40 texts while the network has these faults.
  void say_under(const FaultOptions& faults) {
    world.network().set_faults(faults);
    say(0, 40);
    world.run_for(10 * kSecond);
  }
  std::size_t count_at(std::uint32_t node) { return arrivals.at[node].size(); }

  Stage stage;
  World& world;
  Arrivals arrivals;
};

}  // namespace

TEST_CASE("WithoutFaultsEachPayloadComesOnceInOrderAndInTime") {
  Faulty faulty;
  faulty.say_under(no_faults());
  CHECK(faulty.count_at(1) == 40);
  CHECK(faulty.arrivals.is_in_order(1));
  CHECK(faulty.arrivals.longest <= kUsual);
  const NetworkCounters& counters = faulty.counters();
  CHECK(counters.frames_lost + counters.frames_duplicated + counters.frames_reordered == 0);
  CHECK(counters.frames_tailed + counters.clogs + counters.frames_stalled == 0);
}

TEST_CASE("LossLosesFrames") {
  for (auto fault : {&FaultOptions::loss_ppm, &FaultOptions::payload_loss_ppm}) {
    Faulty faulty;
    FaultOptions faults = no_faults();
    faults.*fault = 1'000'000;
    faulty.say_under(faults);
    CHECK(faulty.count_at(1) == 0);
    CHECK(faulty.counters().frames_lost >= 40);
  }
}

TEST_CASE("DuplicationSendsTwice") {
  Faulty faulty;
  FaultOptions faults = no_faults();
  faults.duplication_ppm = 1'000'000;
  faulty.say_under(faults);
  CHECK(faulty.count_at(1) == 80);
  CHECK(faulty.counters().frames_duplicated >= 40);
}

TEST_CASE("ReorderingLetsFramesOvertake") {
  Faulty faulty;
  FaultOptions faults = no_faults();
  faults.reordering_ppm = 500'000;
  faulty.say_under(faults);
  CHECK(faulty.count_at(1) == 40);
  CHECK_FALSE(faulty.arrivals.is_in_order(1));
  CHECK(faulty.arrivals.longest <= kUsual + faults.reordering_max);
  CHECK(faulty.counters().frames_reordered >= 10);
}

TEST_CASE("ATailMakesFramesLateAndThoseBehindThemWait") {
  Faulty faulty;
  FaultOptions faults = no_faults();
  faults.tail_ppm = 100'000;
  faulty.say_under(faults);
  CHECK(faulty.count_at(1) == 40);
  CHECK(faulty.arrivals.is_in_order(1));
  CHECK(faulty.arrivals.longest > kUsual + faults.tail_max / 4);
  CHECK(faulty.counters().frames_tailed > 0);
}

TEST_CASE("AClogHoldsUpOneDirectionThenAllComesInOrder") {
  Faulty faulty;
  FaultOptions faults = no_faults();
  faults.clog_ppm = 100'000;
  faulty.say_under(faults);
  CHECK(faulty.count_at(1) == 40);
  CHECK(faulty.arrivals.is_in_order(1));
  CHECK(faulty.arrivals.longest > kUsual + faults.clog_max / 4);
  CHECK(faulty.counters().clogs > 0);
}

TEST_CASE("JitterAndTheDelayOfALinkAreSeen") {
  Faulty faulty;
  FaultOptions faults = no_faults();
  faults.jitter_max = 200 * kMillisecond;
  faulty.say_under(faults);
  CHECK(faulty.count_at(1) == 40);
  CHECK(faulty.arrivals.longest > kUsual + 50 * kMillisecond);
  CHECK(faulty.arrivals.longest <= kUsual + faults.jitter_max);
}

TEST_CASE("AHalfHearsNothingOfTheOtherOne") {
  Faulty faulty(4);
  faulty.world.network().add_partition({{0, 0, 1, 1}, false});
  faulty.say(0, 5);
  faulty.say(3, 5);
  faulty.world.run_for(3 * kSecond);
  CHECK(faulty.count_at(1) == 5);
  CHECK(faulty.count_at(2) == 5);
  CHECK(faulty.count_at(0) + faulty.count_at(3) == 0);
  CHECK(faulty.counters().frames_stalled > 0);
}

TEST_CASE("AOneWayCutLosesWhatSideZeroSendsAlone") {
  Faulty faulty;
  const std::uint32_t place = faulty.world.network().add_partition({{0, 1}, true});
  faulty.say(0, 5);
  faulty.say(1, 5);
  faulty.world.run_for(2 * kSecond);
  CHECK(faulty.count_at(1) == 0);
  CHECK(faulty.count_at(0) == 5);
  CHECK(faulty.counters().frames_stalled > 0);
  faulty.world.network().remove_partition(place);
  faulty.world.run_for(10 * kSecond);
  CHECK(faulty.count_at(1) == 5);
}

TEST_CASE("OverABridgeTheHalvesHearOfEachOther") {
  const auto said_under = [](std::vector<std::uint8_t> sides) {
    Faulty faulty(3);
    faulty.world.network().add_partition({std::move(sides), false});
    CHECK(faulty.world.network().is_blocked(0, 1));
    faulty.say(0, 1);
    faulty.world.run_for(20 * kSecond);
    CHECK(faulty.counters().frames_stalled > 0);
    return faulty.world.node(1).disk.rows().size();
  };
  CHECK(said_under({0, 1, 2}) == 1);
  CHECK(said_under({0, 1, 1}) == 0);
  CHECK(said_under({0, 1, 0}) == 0);
}

TEST_CASE("AFlappingLinkPassesNothingWhileItIsCutAndEverythingInTheEnd") {
  Faulty faulty;
  for (int flap = 0; flap < 10; ++flap) {
    const std::size_t before = faulty.count_at(1);
    const std::uint32_t place = faulty.world.network().add_partition({{0, 1}, false});
    faulty.say(0, 4, kDelay);
    CHECK(faulty.count_at(1) == before);
    faulty.world.network().remove_partition(place);
    faulty.world.run_for(600 * kMillisecond);
    CHECK(faulty.count_at(1) == before + 4);
  }
  CHECK(faulty.arrivals.is_in_order(1));
  CHECK(faulty.counters().frames_stalled >= 20);
  CHECK(faulty.counters().queue_bytes_greatest > 0);
}

TEST_CASE("AKillResetsLinksAndAPowerCutTakesWhatWasNotSynced") {
  for (const bool power : {false, true}) {
    CAPTURE(power);
    Faulty faulty;
    faulty.say(0, 5);
    faulty.world.run_for(100 * kMillisecond);
    REQUIRE(faulty.count_at(1) == 5);
    power ? faulty.world.cut_power(1) : faulty.world.kill(1);
    faulty.world.run_for(kSecond);
    CHECK((faulty.counters().resets > 0) == !power);
    CHECK((faulty.arrivals.rows_lost > 0) == power);
  }
}

TEST_CASE("CommitsTakeAsLongAsTheySay") {
  FaultOptions slow = no_faults();
  slow.commit_min = slow.commit_max = 400 * kMillisecond;
  Faulty faulty(2, slow);
  faulty.world.say(0, "text");
  faulty.world.run_for(350 * kMillisecond);
  CHECK(faulty.stage.checkers().acknowledged().count() == 0);
  faulty.world.run_for(100 * kMillisecond);
  CHECK(faulty.stage.checkers().acknowledged().count() == 1);
}

TEST_CASE("ClocksAreOffAndDriftAndAreSetAnew") {
  FaultOptions faults = no_faults();
  faults.wall_off_ppm = faults.wall_step_ppm = 1'000'000;
  faults.wall_off_max_ms = 3'600'000;
  faults.drift_max_ppm = 500;
  for (const bool is_faulty : {false, true}) {
    CAPTURE(is_faulty);
    World world(Faulty::world_options(is_faulty ? faults : no_faults()));
    for (int i = 0; i < 2; ++i) world.add_node();
    const auto wall = [&](std::uint32_t number) { return world.node(number).clock.at(0).wall_ms; };
    const auto elapsed = [&](std::uint32_t number) {
      const VirtualClock& clock = world.node(number).clock;
      return clock.at(1000 * kSecond).monotonic - clock.at(0).monotonic;
    };
    CHECK((wall(0) != wall(1)) == is_faulty);
    CHECK((elapsed(0) != elapsed(1)) == is_faulty);
    world.open(0);
    world.run_for(kSecond);
    const WallMs before = wall(0);
    world.kill(0);
    world.restart(0);
    CHECK((wall(0) != before) == is_faulty);
  }
}

}  // namespace p2pmesh::sim
