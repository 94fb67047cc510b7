// p2pmesh-sim: one scenario with one seed, or a sweep over many.
#include <cstdio>
#include <exception>

#include "run_options.h"
#include "scenarios/scenario.h"
#include "sweep.h"

int main(int argc, char** argv) {
  using namespace p2pmesh::sim;
  try {
    std::string error;
    const auto options = parse_run_options(argc, argv, error);
    if (!options) {
      std::fprintf(stderr, "p2pmesh-sim: %s\n%s", error.c_str(), usage().c_str());
      return 64;
    }
    if (options->sweep_count > 0) return run_sweep(*options);
    const Report report = find_scenario(options->scenario)->run(*options);
    std::fputs(describe_violations(report, *options).c_str(), stderr);
    std::printf("%s\n", to_json(report).c_str());
    return report.violations.empty() ? 0 : 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "p2pmesh-sim: %s\n", failure.what());
    return 70;
  }
}
