#include "p2pmesh/posix/clock.h"

#include <chrono>

namespace p2pmesh {

Now read_clock() {
  using std::chrono::duration_cast;
  const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto wall_ms = duration_cast<std::chrono::milliseconds>(wall).count();
  // A clock set before 1970 counts as 1970.
  return {Instant(duration_cast<Duration>(monotonic)), wall_ms > 0 ? static_cast<WallMs>(wall_ms) : 0};
}

}  // namespace p2pmesh
