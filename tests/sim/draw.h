// Draws on top of base/random: ranges, chances, a log-normal delay. Integers wherever a result is compared.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "p2pmesh/base/random.h"

namespace p2pmesh::sim {

/// A seed for one purpose, from the world's and a number of that purpose.
inline std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t purpose) {
  Random random(seed ^ (purpose * 0x9e3779b97f4a7c15ULL));
  random.next();
  return random.next();
}

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  std::uint64_t next() { return random_.next(); }
  /// Uniform in [0, bound).
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    if (high <= low) return low;
    return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low) + 1));
  }
  /// True in `ppm` of a million cases; costs nothing for 0.
  bool chance(std::uint32_t ppm) { return ppm != 0 && random_.below(1'000'000) < ppm; }

  /// Log-normal around `median` (sigma 0.7, about that of round trips between hosts of the internet), cut to
  /// the bounds. The normal deviate is a sum of twelve uniform ones.
  std::int64_t log_normal(std::int64_t median, std::int64_t low, std::int64_t high) {
    if (high <= low) return low;
    double z = -6.0;
    for (int i = 0; i < 12; ++i) z += static_cast<double>(random_.next() >> 11) * 0x1p-53;
    const double drawn = static_cast<double>(median) * std::exp2(z * 0.7 * 1.4426950408889634);
    return std::clamp(static_cast<std::int64_t>(drawn), low, high);
  }

 private:
  Random random_;
};

}  // namespace p2pmesh::sim
