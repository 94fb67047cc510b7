// Which options a run would not look at: they are refused, so that nobody takes them for tried.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run_options.h"

namespace p2pmesh::sim {

/// False when the scenario, or a sweep, or a single run does nothing with one of the options `given`; `error`
/// says which.
bool check_uses(const RunOptions& options, const std::vector<std::string_view>& given, std::string& error);

/// One line an option that not all scenarios take.
std::string describe_uses();

}  // namespace p2pmesh::sim
