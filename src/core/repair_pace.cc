#include "repair_pace.h"

#include <algorithm>
#include <chrono>

namespace p2pmesh {

double RepairPace::Bucket::left(Instant now) const {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - since_).count());
  return std::min(size_, left_ + per_second_ * seconds);
}

Duration RepairPace::Bucket::until(double wanted, Instant now) const {
  const double lacks = std::max(0.0, wanted - left(now));
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(lacks / per_second_));
}

void RepairPace::Bucket::charge(std::uint64_t envelopes, Instant now) {
  left_ = std::max(left(now) - static_cast<double>(envelopes), -size_);
  since_ = now;
}

std::uint64_t RepairPace::room(Instant now) const {
  const double have = std::min(all_.left(now), at_once_.left(now));
  return have < static_cast<double>(kPiece) ? 0 : static_cast<std::uint64_t>(have);
}

Instant RepairPace::ready_at(Instant now) const {
  constexpr auto kWanted = static_cast<double>(kPiece);
  return now + std::max(all_.until(kWanted, now), at_once_.until(kWanted, now)) + Duration(1);
}

void RepairPace::charge(std::uint64_t envelopes, Instant now) {
  all_.charge(envelopes, now);
  at_once_.charge(envelopes, now);
}

}  // namespace p2pmesh
