// Going to who has not got what was written to it: those who carried it may have dropped it, and only its
// author still has it then.
#include <algorithm>

#include "conversations.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kLookInterval = std::chrono::seconds(10);  // one of them at a time; guess
// Who does not accept what was written never says that it has it.
constexpr auto kPauseMin = std::chrono::minutes(1);
constexpr auto kPauseMax = std::chrono::hours(24);

}  // namespace

/// Something was written to it that it has not said to have.
bool Conversations::is_lacking(Correspondent& correspondent) {
  bool lacks = correspondent.written_number > 0;
  for (const ReceivedLog& log : correspondent.theirs.received) {
    const IntervalSet numbers(log.intervals);
    const auto has_all = [&](std::uint64_t last) { return numbers.missing(1, last).empty(); };
    if (lacks && log.epoch == correspondent.written_epoch) lacks = !has_all(correspondent.written_number);
    const auto before = correspondent.untold.find(log.epoch);
    if (before != correspondent.untold.end() && has_all(before->second)) correspondent.untold.erase(before);
  }
  return lacks || !correspondent.untold.empty();
}

std::optional<MemberKey> Conversations::take_visit(const Links& links, Instant now) {
  if (hidden_ || visit_look_at_ > now || P2P_PLANTED(NobodyVisited)) return std::nullopt;
  visit_look_at_ = now + kLookInterval;
  any_lacking_ = false;
  for (auto& [member, correspondent] : people_) {
    // Who has declined, too: it may change its mind when the author is gone.
    if (!is_lacking(correspondent)) continue;
    any_lacking_ = true;
    const bool is_due = correspondent.visit_at <= now || correspondent.visit_pause == Duration{};
    if (!is_due || blocked_.contains(member)) continue;
    const MemberRow* row = roster_.find(member);
    const bool is_there = row != nullptr && row->facts->well_formed && row->presence == Presence::kOnline;
    // Whoever comes back is gone to soon, however often that was in vain.
    if (!is_there) correspondent.visit_pause = {};
    if (!is_there || links.find_node(row->facts->node()) != nullptr) continue;
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
  return any_lacking_ && !hidden_ ? std::optional(visit_look_at_) : std::nullopt;
}

}  // namespace p2pmesh
