#include "option_uses.h"

#include <algorithm>

namespace p2pmesh::sim {
namespace {

using Names = std::vector<std::string_view>;

struct OptionUse {
  std::string_view option;
  Names scenarios;
};

/// What is not here all scenarios take.
const std::vector<OptionUse>& option_uses() {
  static const std::vector<OptionUse> table = {
      {"--messages",
       {"flood", "broadcast", "failures", "churn", "crash", "partition_heals", "late_joiner",
        "founder_leaves_first", "constrained_broadcast"}},
      {"--rate",
       {"flood", "broadcast", "failures", "churn", "partition_heals", "late_joiner", "founder_leaves_first",
        "constrained_broadcast", "chaos", "people", "long_chaos"}},
      {"--authors", {"flood", "broadcast"}},
      {"--cold", {"flood", "broadcast"}},
      {"--rounds", {"flood", "broadcast"}},
      {"--fail-percent", {"failures"}},
      {"--silent", {"failures"}},
      {"--no-repair", {"failures"}},
      {"--virtual-s",
       {"flood", "broadcast", "failures", "crash", "partition_heals", "chaos", "people", "long_chaos"}},
      {"--tuned", {"constrained_broadcast"}},
      {"--no-people", {"chaos", "people", "long_chaos"}},
      {"--liars-stay", {"chaos", "people", "long_chaos"}},
  };
  return table;
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool check_uses(const RunOptions& options, const Names& given, std::string& error) {
  static const Names of_sweeps = {"--jobs", "--failures-file", "--seed-wall-s"};
  static const Names of_single_runs = {"--seed", "--histogram", "--fates"};
  const bool sweeps = options.sweep_count > 0;
  for (const std::string_view name : given) {
    if (contains(sweeps ? of_single_runs : of_sweeps, name)) {
      error = std::string(name) + (sweeps ? " says nothing to a sweep" : " needs --sweep");
      return false;
    }
    for (const OptionUse& use : option_uses()) {
      if (use.option != name || contains(use.scenarios, options.scenario)) continue;
      error = "the scenario " + options.scenario + " does not use " + std::string(name);
      return false;
    }
  }
  return true;
}

std::string describe_uses() {
  std::string text;
  for (const OptionUse& use : option_uses()) {
    text += "  " + std::string(use.option) + ":";
    for (const std::string_view scenario : use.scenarios) text += " " + std::string(scenario);
    text += "\n";
  }
  return text;
}

}  // namespace p2pmesh::sim
