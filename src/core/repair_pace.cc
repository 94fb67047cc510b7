#include "repair_pace.h"

#include <algorithm>
#include <chrono>

namespace p2pmesh {

double RepairPace::left(Instant now) const {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - since_).count());
  return std::min(static_cast<double>(kBurst), left_ + static_cast<double>(kPerSecond) * seconds);
}

std::uint64_t RepairPace::room(Instant now) const {
  const double have = left(now);
  return have < static_cast<double>(kPiece) ? 0 : static_cast<std::uint64_t>(have);
}

Instant RepairPace::ready_at(Instant now) const {
  const double lacks = std::max(0.0, static_cast<double>(kPiece) - left(now));
  const auto wait = std::chrono::duration<double>(lacks / static_cast<double>(kPerSecond));
  return now + std::chrono::ceil<Duration>(wait) + Duration(1);
}

void RepairPace::charge(std::uint64_t envelopes, Instant now) {
  left_ = left(now) - static_cast<double>(envelopes);
  since_ = now;
}

}  // namespace p2pmesh
