// Many seeds of one scenario in parallel; the failing ones are kept.
#pragma once

#include "run_options.h"

namespace p2pmesh::sim {

/// Forks options.jobs workers, prints failing seeds with their replay commands and writes those to
/// options.failures_file. Returns the exit status: 1 if any failed.
int run_sweep(const RunOptions& options);

}  // namespace p2pmesh::sim
