// Many seeds of one scenario in parallel; the failing ones are kept.
#pragma once

#include "run_options.h"

namespace p2pmesh::sim {

/// Forks options.jobs workers, prints failing seeds with their replay commands and writes those to
/// options.failures_file, unless they are there. A seed that takes longer than options.seed_wall_s is ended
/// and has failed. Returns the exit status: 1 if any failed, 74 when workers or the file cannot be had.
int run_sweep(const RunOptions& options);

}  // namespace p2pmesh::sim
