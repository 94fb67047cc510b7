// Going to who has not got what was written to it: those who carried it may have dropped it, and only its
// author still has it then.
#include <algorithm>

#include "conversations.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kLookInterval = std::chrono::seconds(10);  // one of them at a time; guess
constexpr auto kVisitAfter = std::chrono::seconds(30);    // a flood and its repair are through; guess
// Who does not accept what was written never says that it has it. Who has no place free for a visitor at that
// moment soon has, so the first pauses are short.
constexpr auto kPauseMin = kLookInterval;
constexpr auto kPauseMax = std::chrono::hours(24);

}  // namespace

void Conversations::visit_later(Correspondent& correspondent, Instant now) {
  correspondent.visit_at = now + kVisitAfter;
  correspondent.visit_pause = {};
  any_untold_ = true;
}

/// What it has said to have by now is looked for no more.
void Conversations::forget_told(Correspondent& correspondent) {
  for (const ReceivedLog& log : correspondent.theirs.received) {
    const auto untold = correspondent.untold.find(log.epoch);
    if (untold == correspondent.untold.end()) continue;
    if (IntervalSet(log.intervals).missing(1, untold->second).empty()) correspondent.untold.erase(untold);
  }
}

std::optional<MemberKey> Conversations::take_visit(const Links& links, bool has_place, Instant now) {
  if (hidden_ || visit_look_at_ > now || P2P_PLANTED(NobodyVisited)) return std::nullopt;
  visit_look_at_ = now + kLookInterval;
  if (!has_place) return std::nullopt;
  any_untold_ = false;
  for (auto& [member, correspondent] : people_) {
    forget_told(correspondent);
    // Who has declined, too: it may change its mind when the author is gone.
    if (correspondent.untold.empty()) continue;
    any_untold_ = true;
    const MemberRow* row = roster_.find(member);
    if (row == nullptr || !row->facts->well_formed || row->presence != Presence::kOnline) {
      // Whoever comes back is gone to soon, however often that was in vain.
      visit_later(correspondent, now);
      continue;
    }
    if (correspondent.visit_at > now || blocked_.contains(member)) continue;
    if (links.find_node(row->facts->node()) != nullptr) continue;
    correspondent.visit_pause =
        std::clamp<Duration>(2 * correspondent.visit_pause, Duration(kPauseMin), Duration(kPauseMax));
    correspondent.visit_at = now + correspondent.visit_pause;
    return member;
  }
  return std::nullopt;
}

std::uint64_t Conversations::undelivered() const {
  std::uint64_t count = 0;
  for (const auto& [member, correspondent] : people_) {
    if (correspondent.theirs.relation == Relation::kDeclined) continue;
    count += correspondent.written_number;
    for (const ReceivedLog& log : correspondent.theirs.received) {
      if (log.epoch != correspondent.written_epoch) continue;
      std::uint64_t has = 0;
      for (const auto& [first, last] : log.intervals) {
        if (first <= correspondent.written_number)
          has += std::min(last, correspondent.written_number) - first + 1;
      }
      count -= has;
    }
  }
  return count;
}

std::optional<Instant> Conversations::next_visit() const {
  return any_untold_ && !hidden_ ? std::optional(visit_look_at_) : std::nullopt;
}

}  // namespace p2pmesh
