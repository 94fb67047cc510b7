// Being here without being seen, and whom one does not listen to.
#include <algorithm>
#include <utility>

#include "conversations.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

// Who is here unseen says so to each contact in a record that everybody carries: seldom. Who was ended
// without a word is believed here for as long as two of those records may be late.
constexpr auto kHereInterval = std::chrono::minutes(2);
constexpr auto kHereKept = std::chrono::minutes(5);

}  // namespace

void Conversations::hide(bool hidden, Turn& turn) {
  if (hidden_ == hidden) return;
  hidden_ = hidden;
  if (hidden) return tell_of_being_here(turn.now);
  mark_accepted_stale();
  for (auto& [member, record] : std::exchange(unread_standings_, {})) on_standing(record, turn);
  any_stale_ = !people_.empty();  // what was held back
}

void Conversations::leave_unseen() {
  has_left_ = true;
  hurried_ = true;
  mark_accepted_stale();
}

void Conversations::tell_of_being_here(const Now& now) {
  here_count_ = std::max(here_count_ + 1, now.wall_ms);
  here_due_ = now.monotonic + kHereInterval;
  mark_accepted_stale();
}

void Conversations::mark_accepted_stale() {
  for (auto& [member, correspondent] : people_) {
    if (correspondent.mine == Relation::kAccepted) mark_stale(correspondent);
  }
}

void Conversations::on_wake(Turn& turn) {
  if (hidden_ && here_due_ <= turn.now.monotonic) tell_of_being_here(turn.now);
  if (here_ == 0) return;
  for (auto& [member, correspondent] : people_) {
    if (correspondent.here_until != Instant{} && correspondent.here_until <= turn.now.monotonic)
      note_here(member, correspondent, false, turn);
  }
}

void Conversations::note_here(const MemberKey& member, Correspondent& correspondent, bool here, Turn& turn) {
  const bool was_here = correspondent.here_until != Instant{};
  correspondent.here_until = here ? turn.now.monotonic + kHereKept : Instant{};
  if (here == was_here) return;
  here ? ++here_ : --here_;
  const MemberRow* row = roster_.find(member);
  const bool is_seen = row != nullptr && row->presence == Presence::kOnline;
  const NoticeKind kind = here ? NoticeKind::kHidden : NoticeKind::kLeft;
  if (here || !is_seen) turn.out.push_back(PublishNotice{kind, member, roster_.shown_name(member), {}});
}

void Conversations::block(const MemberKey& member, bool blocked, Turn& turn) {
  if (blocked) {
    // Who was told that the member is here, unseen by others, is told that it is not.
    Correspondent* correspondent = find(member);
    if (hidden_ && correspondent != nullptr && correspondent->told.here != 0) {
      leaving_ = member;
      mark_stale(*correspondent);
    }
    blocked_.insert(member);
    return;
  }
  blocked_.erase(member);
  if (Correspondent* correspondent = find(member)) mark_stale(*correspondent);
  if (const auto unread = unread_standings_.find(member); !hidden_ && unread != unread_standings_.end()) {
    const Envelope record = std::move(unread->second);
    unread_standings_.erase(unread);
    on_standing(record, turn);
  }
}

bool Conversations::may_tell(const MemberKey& member, const Correspondent& correspondent) const {
  if (leaving_ == member) return true;
  if (blocked_.contains(member)) return false;
  if (const MemberRow* row = roster_.find(member); row != nullptr && row->revoked) return false;
  return !hidden_ || has_left_ || correspondent.mine == Relation::kAccepted;
}

bool Conversations::is_here(const MemberKey& member) const {
  const Correspondent* correspondent = find(member);
  return correspondent != nullptr && correspondent->here_until != Instant{};
}

}  // namespace p2pmesh
