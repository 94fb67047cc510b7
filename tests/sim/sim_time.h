// The simulator's own time and its translation to the clocks that a node reads.
#pragma once

#include <cstdint>

#include "p2pmesh/base/time.h"

namespace p2pmesh::sim {

/// Microseconds since the world began.
using SimTime = std::int64_t;

inline constexpr SimTime kMillisecond = 1000;
inline constexpr SimTime kSecond = 1000 * kMillisecond;

/// What one node's clocks show: a monotonic clock with a rate of its own, a wall clock that may be years off.
class VirtualClock {
 public:
  VirtualClock() = default;
  VirtualClock(std::int64_t rate_ppm, std::int64_t wall_offset_ms)
      : rate_ppm_(rate_ppm), wall_offset_ms_(wall_offset_ms) {}

  [[nodiscard]] Now at(SimTime time) const {
    const std::int64_t local = local_us(time);
    Now now;
    now.monotonic = Instant(Duration(kBootUs + local));
    now.wall_ms = static_cast<WallMs>(kWallStartMs + wall_offset_ms_ + local / 1000);
    return now;
  }

  void set_wall_offset(std::int64_t offset_ms) { wall_offset_ms_ = offset_ms; }

  /// The first moment at which the monotonic clock shows `deadline` or later.
  [[nodiscard]] SimTime when(Instant deadline) const {
    const std::int64_t local = deadline.time_since_epoch().count() - kBootUs;
    if (rate_ppm_ == 0) return local;
    SimTime time = local - local / (1'000'000 + rate_ppm_) * rate_ppm_ -
                   local % (1'000'000 + rate_ppm_) * rate_ppm_ / (1'000'000 + rate_ppm_);
    while (local_us(time) < local) ++time;
    return time;
  }

 private:
  static constexpr std::int64_t kBootUs = 3600 * 1'000'000LL;  // the machine has run for an hour
  static constexpr std::int64_t kWallStartMs = 1'700'000'000'000;

  [[nodiscard]] std::int64_t local_us(SimTime time) const {
    return time + time / 1'000'000 * rate_ppm_ + time % 1'000'000 * rate_ppm_ / 1'000'000;
  }

  std::int64_t rate_ppm_ = 0;
  std::int64_t wall_offset_ms_ = 0;
};

}  // namespace p2pmesh::sim
