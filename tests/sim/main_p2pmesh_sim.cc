// p2pmesh-sim: one scenario with one seed, or a sweep over many.
#include <cstdio>
#include <exception>

#include "p2pmesh/base/planted.h"
#include "run_options.h"
#include "scenarios/scenario.h"
#include "sweep.h"

/// Read by jemalloc before main(), where the program is linked with it.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always,metadata_thp:always,tcache_max:4096";
}

namespace {

int list_bugs() {
  for (const p2pmesh::PlantedBugName& bug : p2pmesh::kPlantedBugs)
    std::printf("%-26.*s %.*s\n", static_cast<int>(bug.name.size()), bug.name.data(),
                static_cast<int>(bug.what.size()), bug.what.data());
  return 0;
}

/// The options know the name; an ordinary build refuses them before this.
void plant([[maybe_unused]] const std::string& name) {
#ifdef P2PMESH_PLANTED_BUGS
  for (const p2pmesh::PlantedBugName& bug : p2pmesh::kPlantedBugs) {
    if (bug.name == name) p2pmesh::planted_bug = bug.bug;
  }
#endif
}

}  // namespace

int main(int argc, char** argv) {
  using namespace p2pmesh::sim;
  try {
    std::string error;
    const auto options = parse_run_options(argc, argv, error);
    if (!options) {
      std::fprintf(stderr, "p2pmesh-sim: %s\n%s", error.c_str(), usage().c_str());
      return 64;
    }
    if (options->list_bugs) return list_bugs();
    plant(options->bug);
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
