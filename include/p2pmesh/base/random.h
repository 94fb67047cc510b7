// Seedable random numbers for jitter and choices; never for keys or nonces (crypto/ draws those).
#pragma once

#include <cstdint>

namespace p2pmesh {

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, so a seed decides everything.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound); 0 for bound 0. The bias of the multiply is below 2^-32 for bounds below 2^32.
  __extension__ using Wide = unsigned __int128;
  std::uint64_t below(std::uint64_t bound) {
    return bound == 0 ? 0 : static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace p2pmesh
