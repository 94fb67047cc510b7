// What the simulator's unit tests run with.
#pragma once

#include "run_options.h"

namespace p2pmesh::sim {

/// Without a line on stderr now and then.
inline RunOptions quiet_options() {
  RunOptions options;
  options.progress = false;
  return options;
}

}  // namespace p2pmesh::sim
