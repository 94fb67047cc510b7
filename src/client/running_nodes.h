// Which profiles have a node running.
#pragma once

#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/profile_directory.h"

namespace p2pmesh {

struct RunningNode {
  std::string name;
  std::string data_dir;
};

/// Nodes below the profiles' directory that answer, sorted by name.
Result<std::vector<RunningNode>> find_running_nodes(const Environment& environment);

}  // namespace p2pmesh
