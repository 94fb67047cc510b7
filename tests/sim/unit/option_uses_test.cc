// Options that a run would not look at.
#include "option_uses.h"

#include <doctest/doctest.h>

#include "scenarios/scenario.h"

namespace p2pmesh::sim {
namespace {

/// Empty when the options are taken.
std::string error_of(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "p2pmesh-sim");
  std::string error;
  const auto options = parse_run_options(static_cast<int>(arguments.size()), arguments.data(), error);
  CHECK(options.has_value() == error.empty());
  return error;
}

}  // namespace

TEST_CASE("AnOptionThatTheScenarioDoesNotUseIsRefused") {
  CHECK(error_of({"--scenario", "broadcast", "--fail-percent", "80"}) ==
        "the scenario broadcast does not use --fail-percent");
  // Wherever the scenario is named.
  CHECK(error_of({"--fail-percent", "80", "--scenario", "failures"}).empty());
  CHECK_FALSE(error_of({"--fail-percent", "80"}).empty());
  CHECK_FALSE(error_of({"--scenario", "chaos", "--messages", "5"}).empty());
  CHECK_FALSE(error_of({"--scenario", "failures", "--authors", "random"}).empty());
  CHECK_FALSE(error_of({"--scenario", "failures", "--tuned", "cost"}).empty());
  CHECK_FALSE(error_of({"--scenario", "churn", "--virtual-s", "5"}).empty());
  CHECK_FALSE(error_of({"--scenario", "flood", "--no-people"}).empty());
  CHECK_FALSE(error_of({"--scenario", "crash", "--rate", "5"}).empty());
  CHECK_FALSE(error_of({"--scenario", "churn", "--liars-stay"}).empty());
}

TEST_CASE("WhatConcernsEveryRunIsTakenByAllScenarios") {
  for (const Scenario& scenario : scenarios()) {
    CAPTURE(scenario.name);
    CHECK(error_of({"--scenario", scenario.name, "--nodes", "9", "--seed", "3", "--json", "--quiet",
                    "--real-crypto", "--histogram", "--fates"})
              .empty());
    CHECK(error_of({"--scenario", scenario.name, "--sweep", "1:9", "--jobs", "3", "--failures-file", "f",
                    "--seed-wall-s", "60"})
              .empty());
  }
}

TEST_CASE("WhatASweepOrASingleRunDoesNotUseIsRefused") {
  CHECK(error_of({"--jobs", "2"}) == "--jobs needs --sweep");
  CHECK_FALSE(error_of({"--failures-file", "f"}).empty());
  CHECK_FALSE(error_of({"--seed-wall-s", "60"}).empty());
  CHECK_FALSE(error_of({"--sweep", "1:9", "--seed", "3"}).empty());
  CHECK_FALSE(error_of({"--sweep", "1:9", "--fates"}).empty());
}

}  // namespace p2pmesh::sim
