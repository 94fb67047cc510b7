#include "entry_log.h"

#include <algorithm>
#include <deque>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

bool EntryLog::add(const EnvelopePtr& sealed) {
  const Envelope& envelope = sealed->envelope;
  const auto body = decode_entry_body(envelope.body);
  if (!body) return false;
  if (entries_.contains(sealed->id)) return true;
  const auto count = by_author_.find(envelope.author);
  if (count != by_author_.end() && count->second >= limits::kEntriesPerAuthorMax) return false;
  if (entries_.size() >= limits::kEntriesMax && !make_space(envelope.author)) return false;
  ++by_author_[envelope.author];
  if (body->verb == EntryVerb::kAdmit) {
    of_member_[body->member].insert(sealed->id);
    invites_[body->invite].used_by.insert(body->member);
    promised_.erase(body->member);
  } else {
    invites_[body->invite].made.insert(sealed->id);
  }
  entries_.emplace(sealed->id, Entry{sealed, *body});
  judge_again();
  return true;
}

/// What outsiders have written gives way to what a member writes, as far as was judged last.
bool EntryLog::make_space(const MemberKey& author) {
  if (!admitted_.contains(author)) return false;
  const auto by_outsider = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return !admitted_.contains(entry.second.envelope->envelope.author);
  });
  if (by_outsider == entries_.end()) return false;
  remove(EnvelopeId(by_outsider->first));
  return true;
}

void EntryLog::remove(const EnvelopeId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const Entry entry = std::move(found->second);
  entries_.erase(found);
  const auto count = by_author_.find(entry.envelope->envelope.author);
  if (--count->second == 0) by_author_.erase(count);
  Invite& invite = invites_[entry.body.invite];
  invite.made.erase(id);
  if (entry.body.verb == EntryVerb::kAdmit) {
    auto& says = of_member_[entry.body.member];
    says.erase(id);
    const bool still = std::any_of(says.begin(), says.end(), [&](const EnvelopeId& other) {
      return entries_.at(other).body.invite == entry.body.invite;
    });
    if (!still) invite.used_by.erase(entry.body.member);
    if (says.empty()) of_member_.erase(entry.body.member);
  }
  if (invite.made.empty() && invite.used_by.empty()) invites_.erase(entry.body.invite);
  judge_again();
}

void EntryLog::revoke(const MemberKey& author) {
  revoked_.insert(author);
}

void EntryLog::promise(const MemberKey& member, const InviteKey& invite) {
  promised_[member] = invite;
  invites_[invite].used_by.insert(member);
}

/// Breadth first from the roots over who let in whom.
void EntryLog::judge(WallMs now_ms) {
  if (is_judged_) return;
  is_judged_ = true;
  std::map<MemberKey, std::vector<EnvelopeId>> let_in;
  for (const auto& [id, entry] : entries_) {
    const Envelope& envelope = entry.envelope->envelope;
    if (entry.body.verb == EntryVerb::kAdmit && !acts_.refuses(envelope, now_ms))
      let_in[envelope.author].push_back(id);
  }
  admitted_.clear();
  for (const MemberKey& root : roots_) reach(root, let_in);
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

std::optional<InviteKey> EntryLog::lost_sponsor(const MemberKey& member) const {
  const auto says = of_member_.find(member);
  if (says == of_member_.end() || promised_.contains(member)) return std::nullopt;
  for (const EnvelopeId& id : says->second) {
    if (!revoked_.contains(entries_.at(id).envelope->envelope.author)) return std::nullopt;
  }
  return entries_.at(*says->second.begin()).body.invite;
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

bool EntryLog::is_banned(const MemberKey& member, WallMs now_ms) {
  const HeldRestriction* restriction = acts_.restriction_on(member, {}, now_ms);
  return restriction != nullptr && restriction->restriction.is_ban;
}

InviteView EntryLog::view_of(const Entry& made, const Invite& invite, WallMs now_ms) {
  const Envelope& envelope = made.envelope->envelope;
  InviteView view{made.body.invite,     envelope.author,
                  made.body.uses,       static_cast<std::uint32_t>(invite.used_by.size()),
                  envelope.wall_ms,     made.body.end_ms,
                  InviteStanding::kOpen};
  const bool is_cancelled = std::any_of(invite.made.begin(), invite.made.end(), [&](const EnvelopeId& id) {
    const Entry& other = entries_.at(id);
    return other.body.verb == EntryVerb::kCancel && other.envelope->envelope.author == envelope.author;
  });
  const bool is_good = is_admitted(envelope.author, now_ms) && !revoked_.contains(envelope.author) &&
                       !acts_.refuses(envelope, now_ms) && !is_banned(envelope.author, now_ms);
  if (!is_good)
    view.standing = InviteStanding::kUnknown;
  else if (is_cancelled)
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
  const auto found = invites_.find(invite);
  InviteStanding best = InviteStanding::kUnknown;
  if (found == invites_.end()) return best;
  for (const EnvelopeId& id : found->second.made) {
    const Entry& made = entries_.at(id);
    if (made.body.verb != EntryVerb::kInvite) continue;
    const InviteStanding standing = view_of(made, found->second, now_ms).standing;
    if (standing == InviteStanding::kOpen) return standing;
    if (best == InviteStanding::kUnknown) best = standing;
  }
  return best;
}

std::vector<InviteView> EntryLog::invites(WallMs now_ms) {
  std::vector<InviteView> views;
  for (const auto& [key, invite] : invites_) {
    for (const EnvelopeId& id : invite.made) {
      const Entry& made = entries_.at(id);
      if (made.body.verb == EntryVerb::kInvite) views.push_back(view_of(made, invite, now_ms));
    }
  }
  std::stable_sort(views.begin(), views.end(), [](const InviteView& one, const InviteView& other) {
    return one.made_ms < other.made_ms;
  });
  return views;
}

std::size_t EntryLog::open_invites(const MemberKey& author, WallMs now_ms) {
  const auto views = invites(now_ms);
  return static_cast<std::size_t>(std::count_if(views.begin(), views.end(), [&](const InviteView& view) {
    return view.by == author && view.standing == InviteStanding::kOpen;
  }));
}

}  // namespace p2pmesh
