// The two clocks: a monotonic one for deadlines and timeouts, the wall clock for what people read.
// Nothing here reads a clock: posix/clock.h does, once a loop turn, and hands `Now` down.
#pragma once

#include <chrono>
#include <cstdint>

namespace p2pmesh {

using Duration = std::chrono::microseconds;

/// Tag of the monotonic clock; has no now() on purpose.
struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  static constexpr bool is_steady = true;
};
using Instant = std::chrono::time_point<MonotonicClock, Duration>;

/// Milliseconds since 1970-01-01 UTC, as the local wall clock claims.
using WallMs = std::uint64_t;

/// One reading of both clocks; taken once a loop turn and passed down.
struct Now {
  Instant monotonic{};
  WallMs wall_ms = 0;
};

}  // namespace p2pmesh
