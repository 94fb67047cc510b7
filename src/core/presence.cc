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

void PresenceTracker::on_link_up(const NodeKey& node, Turn& turn) {
  for (Member* member : roster_.hosted_by(node)) {
    if (member->body.online) set(*member, Presence::kOnline, settled_, turn);
  }
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
  if (member->key == self_) return member->body.online;
  if (member->presence == Presence::kOnline && !links_.is_alive(member->body.node)) suspect(*member, turn);
  return false;
}

PresenceTracker::ListOutcome PresenceTracker::on_offline_list(const OfflineList& list, Turn& turn) {
  ListOutcome outcome;
  for (const OfflineList::Item& item : list.items) {
    Member* member = roster_.find(item.member);
    if (member == nullptr) {
      if (reported_offline_.size() < limits::kMembersMax)
        reported_offline_[item.member] = {item.epoch, item.version};
      continue;
    }
    if (!covers(item.epoch, item.version, *member) || !member->body.online) continue;
    if (member->key == self_) {
      outcome.refute = true;
      continue;
    }
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
    if (member.presence != Presence::kOffline || !member.body.online) continue;
    if (list.items.size() >= kItemsMax) break;
    list.items.push_back({key, member.epoch, member.version});
  }
  return list;
}

}  // namespace p2pmesh
