// Sweeps: what ends a seed, and what is kept of it.
#include "sweep.h"

#include <doctest/doctest.h>

#include <fstream>
#include <vector>

#include "../../temp_directory.h"
#include "quiet_options.h"

namespace p2pmesh::sim {
namespace {

RunOptions one_seed_of(const char* scenario, const std::string& failures_file) {
  RunOptions options = quiet_options();
  options.scenario = scenario;
  options.sweep_first = 1;
  options.sweep_count = 1;
  options.failures_file = failures_file;
  return options;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("ASeedThatTakesTooLongIsEndedAndKeptOnce") {
  const TempDirectory directory;
  // Three virtual years.
  RunOptions options = one_seed_of("partition_heals", directory / "failures");
  options.virtual_s = 1e8;
  options.messages = 100'000;
  options.seed_wall_s = 1;
  CHECK(run_sweep(options) == 1);
  REQUIRE(lines_of(directory / "failures").size() == 1);
  CHECK(lines_of(directory / "failures").front().find("no end within 1 s") != std::string::npos);
  CHECK(run_sweep(options) == 1);
  CHECK(lines_of(directory / "failures").size() == 1);
}

TEST_CASE("AFailuresFileThatCannotBeOpenedIsSaidBeforeAnythingRuns") {
  const TempDirectory directory;
  RunOptions options = one_seed_of("flood", directory / "absent/failures");
  CHECK(run_sweep(options) == 74);
  options.failures_file = directory / "failures";
  CHECK(run_sweep(options) == 0);
  CHECK(lines_of(directory / "failures").empty());
}

}  // namespace p2pmesh::sim
