#include "presence.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr auto kAskInterval = std::chrono::seconds(5);  // one question about a member's life in that time

bool covers(std::uint64_t epoch, std::uint64_t version, const Member& member) {
  return std::tie(epoch, version) >= std::tie(member.epoch, member.version);
}

}  // namespace

void PresenceTracker::set(Member& member, Presence presence, bool told, Turn& turn) {
  member.suspected_until.reset();
  const Presence before = member.presence;
  if (before == presence) return;
  member.presence = presence;
  member.presence_since_ms = presence == Presence::kOffline ? turn.now.wall_ms : member.body.since_ms;
  if (!told || member.key == self_ || before == Presence::kUnknown) return;
  const auto tell = [&](NoticeKind kind) {
    turn.out.push_back(PublishNotice{kind, member.key, member.shown_name, {}});
  };
  if (presence == Presence::kOnline)
    tell(before == Presence::kOffline ? NoticeKind::kBack : NoticeKind::kJoined);
  if (before != Presence::kOnline) return;
  if (presence == Presence::kLeft) tell(NoticeKind::kLeft);
  if (presence == Presence::kOffline) tell(NoticeKind::kOffline);
}

void PresenceTracker::on_record(Member& member, bool was_known, bool live, Turn& turn) {
  const bool told = settled_ || (live && !was_known);
  if (!was_known && told) member.presence = Presence::kLeft;  // so that a first appearance reads "joined"
  if (!member.body.online) return set(member, Presence::kLeft, told, turn);
  auto reported = reported_offline_.find(member.key);
  if (reported != reported_offline_.end()) {
    const auto [epoch, version] = reported->second;
    reported_offline_.erase(reported);
    if (covers(epoch, version, member) && !links_.is_alive(member.body.node)) {
      if (!was_known) member.presence = Presence::kUnknown;
      return set(member, Presence::kOffline, told, turn);
    }
  }
  set(member, Presence::kOnline, told, turn);
}

std::vector<Member*> PresenceTracker::on_link_up(const NodeKey& node, Turn& turn) {
  std::vector<Member*> back;
  for (Member* member : roster_.hosted_by(node)) {
    if (!member->body.online) continue;
    if (member->presence == Presence::kOffline) back.push_back(member);
    set(*member, Presence::kOnline, settled_, turn);
  }
  return back;
}

void PresenceTracker::suspect(Member& member, Turn& turn) {
  if (!member.suspected_until) member.suspected_until = turn.now.monotonic + limits::kSuspicionTimeout;
}

std::vector<Member*> PresenceTracker::on_link_lost(const NodeKey& node, Turn& turn) {
  std::vector<Member*> suspects;
  for (Member* member : roster_.hosted_by(node)) {
    if (member->presence != Presence::kOnline || member->key == self_) continue;
    suspect(*member, turn);
    suspects.push_back(member);
  }
  return suspects;
}

std::vector<Member*> PresenceTracker::on_silence(Turn& turn) {
  std::vector<Member*> suspects;
  for (auto& [id, link] : links_.all()) {
    if (link.suspected || link.heard_at + limits::kSilenceBeforeSuspicion > turn.now.monotonic) continue;
    link.suspected = true;
    for (Member* member : on_link_lost(link.node, turn)) suspects.push_back(member);
  }
  return suspects;
}

bool PresenceTracker::on_suspicion(const SuspectBody& suspicion, Turn& turn) {
  Member* member = roster_.find(suspicion.member);
  if (member == nullptr || !covers(suspicion.epoch, suspicion.version, *member)) return false;
  // A greater version than there is would cover every future one.
  if (member->key == self_)
    return member->body.online && suspicion.epoch == member->epoch && suspicion.version == member->version;
  if (member->presence == Presence::kOnline && !links_.is_alive(member->body.node)) suspect(*member, turn);
  return false;
}

PresenceTracker::ListOutcome PresenceTracker::on_offline_list(const OfflineList& list, Turn& turn) {
  ListOutcome outcome;
  for (const OfflineList::Item& item : list.items) {
    Member* member = roster_.find(item.member);
    if (member != nullptr && member->key == self_) {
      const bool now = item.epoch == member->epoch && item.version == member->version;
      outcome.refute = outcome.refute || (now && member->body.online);
      continue;
    }
    // Of a record that has not come yet: kept until it does.
    const bool ahead =
        member == nullptr || std::tie(item.epoch, item.version) > std::tie(member->epoch, member->version);
    if (ahead) {
      if (reported_offline_.size() < limits::kMembersMax)
        reported_offline_[item.member] = {item.epoch, item.version};
      continue;
    }
    if (!covers(item.epoch, item.version, *member) || !member->body.online) continue;
    const bool alive = links_.is_alive(member->body.node);
    if (!alive && member->presence == Presence::kUnknown) {
      set(*member, Presence::kOffline, settled_, turn);
      continue;
    }
    if (member->presence != Presence::kOnline) continue;
    if (!alive) suspect(*member, turn);
    Instant& asked = asked_at_[member->key];
    if (asked != Instant{} && asked + kAskInterval > turn.now.monotonic) continue;
    asked = turn.now.monotonic;
    outcome.ask.push_back(member);
  }
  return outcome;
}

void PresenceTracker::settle(Turn& turn) {
  if (settled_) return;
  for (auto& [key, member] : roster_.members()) {
    if (member.presence != Presence::kUnknown) continue;
    const bool here = member.body.online && links_.size() > 0;
    // With a neighbor who did not list it as gone a member is here; without one nobody is.
    set(member,
        !member.body.online ? Presence::kLeft
        : here              ? Presence::kOnline
                            : Presence::kOffline,
        false, turn);
  }
  settled_ = true;
}

/// Only a link or a refutation shows that a member lives. One that is shown as online without a link of our
/// own, in a mesh where everybody has one to everybody, is asked for aloud: who is gone is then told as such,
/// whatever was missed.
std::vector<Member*> PresenceTracker::on_unlinked(Turn& turn) {
  std::vector<Member*> suspects;
  if (!settled_) return suspects;
  for (auto& [key, member] : roster_.members()) {
    if (key == self_ || member.presence != Presence::kOnline || links_.is_alive(member.body.node)) {
      member.unlinked_check_at.reset();
      if (member.presence != Presence::kOnline) member.unlinked_interval = limits::kUnlinkedCheckFirst;
      continue;
    }
    if (!member.unlinked_check_at) {
      member.unlinked_check_at = turn.now.monotonic + member.unlinked_interval;
    } else if (*member.unlinked_check_at <= turn.now.monotonic) {
      // Who answers without being linked, behind a router for instance, is asked ever more rarely.
      member.unlinked_interval = std::min<Duration>(member.unlinked_interval * 2, limits::kUnlinkedCheckLast);
      member.unlinked_check_at = turn.now.monotonic + member.unlinked_interval;
      suspect(member, turn);
      suspects.push_back(&member);
    }
  }
  return suspects;
}

void PresenceTracker::on_wake(Turn& turn) {
  for (auto& [key, member] : roster_.members()) {
    if (!member.suspected_until || *member.suspected_until > turn.now.monotonic) continue;
    member.suspected_until.reset();
    if (member.presence == Presence::kOnline && !links_.is_alive(member.body.node)) {
      set(member, Presence::kOffline, settled_, turn);
    }
  }
}

std::optional<Instant> PresenceTracker::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [key, member] : roster_.members()) {
    if (member.suspected_until && (!next || *member.suspected_until < *next)) next = member.suspected_until;
    if (member.unlinked_check_at && (!next || *member.unlinked_check_at < *next))
      next = member.unlinked_check_at;
  }
  for (const auto& [id, link] : links_.all()) {
    if (link.suspected) continue;
    const Instant silent = link.heard_at + limits::kSilenceBeforeSuspicion;
    if (!next || silent < *next) next = silent;
  }
  return next;
}

OfflineList PresenceTracker::offline_list() const {
  constexpr std::size_t kItemsMax = (limits::kFrameBytesMax - 16) / 48;
  OfflineList list;
  for (const auto& [key, member] : roster_.members()) {
    // The suspected too: whoever joins in that moment would else never hear of it.
    const bool gone = member.presence == Presence::kOffline || member.suspected_until.has_value();
    if (!gone || !member.body.online) continue;
    if (list.items.size() >= kItemsMax) break;
    list.items.push_back({key, member.epoch, member.version});
  }
  return list;
}

}  // namespace p2pmesh
