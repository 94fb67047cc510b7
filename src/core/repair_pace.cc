#include "repair_pace.h"

#include <algorithm>
#include <chrono>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

/// What of it has not been earned again.
double RepairPace::left_of(const Spent& spent, Instant now) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - spent.since).count());
  return std::max(0.0, spent.envelopes - static_cast<double>(limits::kAuthorEnvelopesPerSecond) * seconds);
}

std::uint64_t RepairPace::room_for(const MemberKey& author, Instant now) const {
  const auto found = spent_.find(author);
  if (found == spent_.end()) return limits::kAuthorEnvelopesBurst;
  const double left = left_of(found->second, now);
  const auto room =
      static_cast<std::uint64_t>(std::max(0.0, static_cast<double>(limits::kAuthorEnvelopesBurst) - left));
  return found->second.is_long && left > 0 ? std::min(room, kPiece) : room;
}

void RepairPace::charge(const MemberKey& author, std::uint64_t envelopes, Instant now) {
  if (spent_.size() >= limits::kAuthorsMax) forget_paid(now);
  Spent& spent = spent_.try_emplace(author, Spent{0, now}).first->second;
  constexpr auto kAllButOne = static_cast<double>(limits::kAuthorEnvelopesBurst - kPiece);
  const double left = left_of(spent, now);
  spent.is_long = spent.is_long && left > 0;
  // What was not asked for meanwhile is not saved up.
  spent.envelopes = (spent.is_long ? std::max(left, kAllButOne) : left) + static_cast<double>(envelopes);
  spent.is_long = spent.is_long || spent.envelopes > kAllButOne;
  spent.since = now;
}

/// When nobody has paid, all start anew, as in ingress.
void RepairPace::forget_paid(Instant now) {
  std::erase_if(spent_, [&](const auto& item) { return left_of(item.second, now) <= 0; });
  if (spent_.size() >= limits::kAuthorsMax) spent_.clear();
}

}  // namespace p2pmesh
