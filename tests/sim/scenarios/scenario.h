// What can be run by name.
#pragma once

#include <string_view>
#include <vector>

#include "../report.h"
#include "../run_options.h"

namespace p2pmesh::sim {

using ScenarioFunction = Report (*)(const RunOptions& options);

struct Scenario {
  const char* name;
  ScenarioFunction run;
};

const std::vector<Scenario>& scenarios();
/// nullptr when there is none of that name.
const Scenario* find_scenario(std::string_view name);

Report run_flood(const RunOptions& options);
Report run_broadcast(const RunOptions& options);
Report run_failures(const RunOptions& options);
Report run_churn(const RunOptions& options);
Report run_crash(const RunOptions& options);
Report run_partition_heals(const RunOptions& options);
Report run_late_joiner(const RunOptions& options);
Report run_founder_leaves_first(const RunOptions& options);
Report run_constrained_broadcast(const RunOptions& options);
Report run_chaos(const RunOptions& options);
Report run_people(const RunOptions& options);
Report run_long_chaos(const RunOptions& options);

}  // namespace p2pmesh::sim
