// What is measured, and how it is printed.
#include "metrics.h"

#include <doctest/doctest.h>

#include "quiet_options.h"
#include "report.h"
#include "stage.h"

namespace p2pmesh::sim {
namespace {

/// Three nodes and the first envelope of node 0, told to metrics that have seen nothing of it.
struct Measured {
  Measured() : stage(quiet_options(), {}), metrics(stage.world()) {
    stage.gather(3, kSecond);
    now = stage.world().now();
    metrics.start();
    metrics.on_text(0, 1, now);
    metrics.on_written(0, 0, {1}, now);
  }
  void announce(std::uint32_t node, SimTime after = kMillisecond) {
    metrics.on_announce(node, 0, Announce{}, now + after);
  }
  [[nodiscard]] double reliability() const {
    Report report;
    measure(report, metrics, RunOptions{});
    return report.reliability;
  }

  Stage stage;
  Metrics metrics;
  SimTime now = 0;
};

std::string printed(double reliability) {
  Report report;
  report.reliability = reliability;
  const std::string json = to_json(report);
  const std::size_t at = json.find("\"reliability\": ") + 15;
  return json.substr(at, json.find(',', at) - at);
}

}  // namespace

TEST_CASE("ADeliveryCountsWhereItWasExpectedAndOnce") {
  Measured measured;
  REQUIRE(measured.metrics.messages().front().expected == 2);
  measured.announce(1);
  measured.announce(1);  // after a crash
  const std::uint32_t newcomer = measured.stage.world().add_node();
  measured.announce(newcomer);
  measured.announce(0);  // the author
  CHECK(measured.metrics.messages().front().deliveries == 1);
  CHECK(measured.reliability() == 0.5);
  measured.announce(2);
  CHECK(measured.reliability() == 1);
}

TEST_CASE("WhoHasLeftOrLiesIsNotExpected") {
  Measured measured;
  World& world = measured.stage.world();
  const auto expected = [&] {
    measured.metrics.on_text(0, 2, measured.now);
    measured.metrics.on_written(0, 0, {2}, measured.now);
    return measured.metrics.messages().back().expected;
  };
  CHECK(expected() == 2);
  world.leave(2);
  CHECK(world.is_running(2));
  CHECK(expected() == 1);
  world.make_liar(1, Lie::kSilent);
  CHECK(expected() == 0);
}

TEST_CASE("ADeliveryBehindTheDeadlineDoesNotCount") {
  Measured measured;
  measured.metrics.set_deadline(kSecond);
  measured.announce(1, kSecond);
  measured.announce(2, kSecond + 1);
  CHECK(measured.metrics.messages().front().deliveries == 1);
}

TEST_CASE("OneIsSaidOfAllAlone") {
  CHECK(printed(1) == "1");
  CHECK(printed(0) == "0");
  CHECK(printed(0.5) == "0.5");
  CHECK(printed(0.999706123) == "0.999706");
  CHECK(printed(0.9999996) == "0.9999996");
  CHECK(printed(1 - 1e-12).substr(0, 5) == "0.999");
}

TEST_CASE("WhatTheNetworkDidIsInTheReport") {
  Measured measured;
  Report report = measured.stage.report();
  CHECK(report.network.links_up > 0);
  report.network.clogs = 4711;
  const std::string json = to_json(report);
  CHECK(json.find("\"clogs\": 4711") != std::string::npos);
  for (const char* key :
       {"dials", "dials_failed", "links_up", "resets", "frames_lost", "frames_duplicated", "frames_reordered",
        "frames_tailed", "frames_stalled", "live_dropped", "queues_overfull", "queue_bytes_greatest"}) {
    CAPTURE(key);
    CHECK(json.find("\"" + std::string(key) + "\": ") != std::string::npos);
  }
}

}  // namespace p2pmesh::sim
