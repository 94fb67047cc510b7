// Reads the two clocks of base/time.h. The only place that does; the loop hands the reading down.
#pragma once

#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// Both clocks, read now. Threads: any.
Now read_clock();

}  // namespace p2pmesh
