#include "entry_log.h"

#include <algorithm>
#include <deque>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

bool EntryLog::add(const EnvelopePtr& sealed) {
  const MemberKey& author = sealed->envelope.author;
  const auto body = decode_entry_body(sealed->envelope.body);
  if (!body) return false;
  if (entries_.contains(sealed->id)) return true;
  if (body->verb == EntryVerb::kAdmit) promised_.erase(body->member);
  judge_again();
  if (body->verb == EntryVerb::kInvite) {
    const auto earlier = made_by(body->invite, author);
    if (earlier && *earlier < sealed->id) return true;
    if (earlier) drop(*earlier);
  }
  if (is_full(author) && !make_space(author)) return false;
  ++by_author_[author];
  if (body->verb == EntryVerb::kAdmit) of_member_[body->member].insert(sealed->id);
  if (body->verb == EntryVerb::kInvite) invites_[body->invite].made_by[author] = sealed->id;
  if (body->verb == EntryVerb::kCancel) invites_[body->invite].cancelled_by.insert(author);
  entries_.emplace(sealed->id, Entry{sealed, *body});
  return true;
}

std::optional<EnvelopeId> EntryLog::made_by(const InviteKey& invite, const MemberKey& author) const {
  const auto found = invites_.find(invite);
  if (found == invites_.end()) return std::nullopt;
  const auto made = found->second.made_by.find(author);
  return made == found->second.made_by.end() ? std::nullopt : std::optional(made->second);
}

bool EntryLog::is_full(const MemberKey& author) const {
  const auto count = by_author_.find(author);
  return entries_.size() >= limits::kEntriesMax ||
         (count != by_author_.end() && count->second >= limits::kEntriesPerAuthorMax);
}

/// What outsiders have written gives way to what a member writes, as far as was judged last.
bool EntryLog::make_space(const MemberKey& author) {
  const auto count = by_author_.find(author);
  if (count != by_author_.end() && count->second >= limits::kEntriesPerAuthorMax) return false;
  if (!admitted_.contains(author)) return false;
  const auto by_outsider = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return !admitted_.contains(entry.second.envelope->envelope.author);
  });
  if (by_outsider == entries_.end()) return false;
  drop(EnvelopeId(by_outsider->first));
  return true;
}

void EntryLog::drop(const EnvelopeId& id) {
  const auto found = entries_.find(id);
  const Entry entry = std::move(found->second);
  const MemberKey& author = entry.envelope->envelope.author;
  entries_.erase(found);
  const auto count = by_author_.find(author);
  if (--count->second == 0) by_author_.erase(count);
  if (entry.body.verb == EntryVerb::kAdmit) {
    const auto says = of_member_.find(entry.body.member);
    says->second.erase(id);
    if (says->second.empty()) of_member_.erase(says);
  } else {
    Invite& invite = invites_[entry.body.invite];
    entry.body.verb == EntryVerb::kInvite ? invite.made_by.erase(author) : invite.cancelled_by.erase(author);
    if (invite.made_by.empty() && invite.cancelled_by.empty()) invites_.erase(entry.body.invite);
  }
  judge_again();
}

void EntryLog::revoke(const MemberKey& author) {
  revoked_.insert(author);
}

void EntryLog::give_back(const MemberKey& author) {
  revoked_.erase(author);
}

void EntryLog::promise(const MemberKey& member, const InviteKey& invite) {
  promised_[member] = invite;
  used_by_[invite].insert(member);
}

/// Breadth first from the roots over who let in whom; and by which invites.
void EntryLog::judge(WallMs now_ms) {
  if (is_judged_) return;
  is_judged_ = true;
  acts_.judge();
  std::map<MemberKey, std::vector<EnvelopeId>> let_in;
  for (const auto& [id, entry] : entries_) {
    const Envelope& envelope = entry.envelope->envelope;
    if (entry.body.verb == EntryVerb::kAdmit && !acts_.refuses(envelope, now_ms))
      let_in[envelope.author].push_back(id);
  }
  admitted_.clear();
  used_by_.clear();
  for (const MemberKey& root : roots_) reach(root, let_in);
  for (const auto& [author, entries] : let_in) {
    if (!admitted_.contains(author)) continue;
    for (const EnvelopeId& id : entries) {
      const EntryBody& body = entries_.at(id).body;
      used_by_[body.invite].insert(body.member);
    }
  }
  for (const auto& [member, invite] : promised_) used_by_[invite].insert(member);
}

void EntryLog::reach(const MemberKey& root, const std::map<MemberKey, std::vector<EnvelopeId>>& let_in) {
  if (!admitted_.emplace(root, EnvelopeId{}).second) return;
  std::deque<MemberKey> next{root};
  while (!next.empty()) {
    const auto by = let_in.find(next.front());
    next.pop_front();
    if (by == let_in.end()) continue;
    for (const EnvelopeId& id : by->second) {
      const MemberKey& member = entries_.at(id).body.member;
      if (admitted_.emplace(member, id).second) next.push_back(member);
    }
  }
}

bool EntryLog::is_admitted(const MemberKey& member, WallMs now_ms) {
  judge(now_ms);
  return admitted_.contains(member) || promised_.contains(member);
}

bool EntryLog::is_banned(const MemberKey& member, WallMs now_ms) {
  acts_.judge();
  return acts_.is_banned(member, now_ms);
}

std::optional<EntryBody> EntryLog::lost_sponsor(const MemberKey& member) const {
  const auto says = of_member_.find(member);
  if (says == of_member_.end() || promised_.contains(member)) return std::nullopt;
  for (const EnvelopeId& id : says->second) {
    if (!revoked_.contains(entries_.at(id).envelope->envelope.author)) return std::nullopt;
  }
  return entries_.at(*says->second.begin()).body;
}

std::vector<EnvelopePtr> EntryLog::chain_of(const MemberKey& member, WallMs now_ms) {
  judge(now_ms);
  std::vector<EnvelopePtr> chain;
  for (MemberKey at = member; chain.size() < limits::kEntryChainMax;) {
    const auto by = admitted_.find(at);
    if (by == admitted_.end() || by->second.is_zero()) break;
    chain.push_back(entries_.at(by->second).envelope);
    at = chain.back()->envelope.author;
  }
  return chain;
}

InviteView EntryLog::view_of(const Entry& made, const Invite& invite, WallMs now_ms) {
  const Envelope& envelope = made.envelope->envelope;
  const auto used = used_by_.find(made.body.invite);
  InviteView view{
      made.body.invite,     envelope.author,
      made.body.uses,       used == used_by_.end() ? 0 : static_cast<std::uint32_t>(used->second.size()),
      envelope.wall_ms,     made.body.end_ms,
      InviteStanding::kOpen};
  const bool is_good = admitted_.contains(envelope.author) && !revoked_.contains(envelope.author) &&
                       !acts_.refuses(envelope, now_ms) && !is_banned(envelope.author, now_ms);
  if (!is_good)
    view.standing = InviteStanding::kUnknown;
  else if (invite.cancelled_by.contains(envelope.author))
    view.standing = InviteStanding::kCancelled;
  else if (view.end_ms != 0 && view.end_ms <= now_ms)
    view.standing = InviteStanding::kExpired;
  else if (view.uses != 0 && view.used >= view.uses)
    view.standing = InviteStanding::kUsedUp;
  return view;
}

/// Two members may have made one invite known; the better one counts, for each of them may let in whom it
/// likes.
InviteStanding EntryLog::standing_of(const InviteKey& invite, WallMs now_ms) {
  judge(now_ms);
  const auto found = invites_.find(invite);
  InviteStanding best = InviteStanding::kUnknown;
  if (found == invites_.end()) return best;
  for (const auto& [author, id] : found->second.made_by) {
    if (!admitted_.contains(author)) continue;
    const InviteStanding standing = view_of(entries_.at(id), found->second, now_ms).standing;
    if (standing == InviteStanding::kOpen) return standing;
    if (best == InviteStanding::kUnknown) best = standing;
  }
  return best;
}

std::vector<InviteView> EntryLog::invites(WallMs now_ms) {
  judge(now_ms);
  std::vector<InviteView> views;
  for (const auto& [key, invite] : invites_) {
    for (const auto& [author, id] : invite.made_by) views.push_back(view_of(entries_.at(id), invite, now_ms));
  }
  std::stable_sort(views.begin(), views.end(), [](const InviteView& one, const InviteView& other) {
    return one.made_ms < other.made_ms;
  });
  return views;
}

std::size_t EntryLog::open_invites(const MemberKey& author, WallMs now_ms) {
  judge(now_ms);
  std::size_t count = 0;
  for (const auto& [key, invite] : invites_) {
    const auto made = invite.made_by.find(author);
    if (made == invite.made_by.end()) continue;
    if (view_of(entries_.at(made->second), invite, now_ms).standing == InviteStanding::kOpen) ++count;
  }
  return count;
}

}  // namespace p2pmesh
