#include "scenario.h"

namespace p2pmesh::sim {

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> table = {
      {"flood", run_flood},
      {"broadcast", run_broadcast},
      {"failures", run_failures},
      {"churn", run_churn},
      {"crash", run_crash},
      {"partition_heals", run_partition_heals},
      {"late_joiner", run_late_joiner},
      {"founder_leaves_first", run_founder_leaves_first},
      {"constrained_broadcast", run_constrained_broadcast},
      {"chaos", run_chaos},
      {"people", run_people},
      {"long_chaos", run_long_chaos},
  };
  return table;
}

const Scenario* find_scenario(std::string_view name) {
  for (const Scenario& scenario : scenarios()) {
    if (name == scenario.name) return &scenario;
  }
  return nullptr;
}

}  // namespace p2pmesh::sim
