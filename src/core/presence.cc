#include "presence.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kAskInterval = std::chrono::seconds(5);  // one question about a member's life in that time
constexpr auto kGatherFull =
    std::chrono::milliseconds(50);  // in a full mesh everybody notices at the same time
constexpr auto kScanInterval = std::chrono::milliseconds(500);
constexpr auto kGatherPerMember = std::chrono::microseconds(500);  // 5 s at ten thousand

/// Just this record: a greater version than there is would cover every future one, and could not be refuted.
bool is_of(const MemberFacts& facts, std::uint64_t epoch, std::uint64_t version) {
  return facts.epoch == epoch && facts.version == version;
}

}  // namespace

void PresenceTracker::set(const MemberRow& member, Presence presence, bool told, Turn& turn) {
  const MemberKey key = member.key();
  const Presence before = member.presence;
  roster_.set_suspicion(key, 0);
  if (before == presence) return;
  roster_.set_presence(key, presence, turn.now);
  if (presence != Presence::kOnline) unlinked_.erase(key);
  if (!told || key == self_ || before == Presence::kUnknown) return;
  const auto tell = [&](NoticeKind kind) {
    turn.out.push_back(PublishNotice{kind, key, roster_.shown_name(key), {}});
  };
  if (presence == Presence::kOnline)
    tell(before == Presence::kOffline ? NoticeKind::kBack : NoticeKind::kJoined);
  if (before != Presence::kOnline) return;
  if (presence == Presence::kLeft) tell(NoticeKind::kLeft);
  if (presence == Presence::kOffline) tell(NoticeKind::kOffline);
}

void PresenceTracker::on_record(const MemberKey& key, bool was_known, bool live, Turn& turn) {
  to_say_.erase(key);
  const bool told = settled_ || (live && !was_known);
  // So that a first appearance reads "joined".
  if (!was_known && told) roster_.set_presence(key, Presence::kLeft, turn.now);
  const MemberRow* member = roster_.find(key);
  if (!member->facts->online) return set(*member, Presence::kLeft, told, turn);
  auto reported = reported_offline_.find(key);
  if (reported != reported_offline_.end()) {
    const auto [epoch, version] = reported->second;
    reported_offline_.erase(reported);
    if (is_of(*member->facts, epoch, version) && !links_.is_alive(member->facts->node())) {
      if (!was_known) roster_.set_presence(key, Presence::kUnknown, turn.now);
      return set(*roster_.find(key), Presence::kOffline, told, turn);
    }
  }
  set(*member, Presence::kOnline, told, turn);
}

void PresenceTracker::on_link_up(const NodeKey& node, Turn& turn) {
  for (const MemberKey& key : roster_.hosted_by(node)) {
    const MemberRow* member = roster_.find(key);
    if (!member->facts->online) continue;
    const bool was_gone = member->presence == Presence::kOffline;
    set(*member, Presence::kOnline, settled_, turn);
    if (was_gone) say_aloud(key, true, turn);
  }
}

/// Believed gone unless it says otherwise in time.
void PresenceTracker::suspect(const MemberKey& member, Turn& turn) {
  const Instant due =
      turn.now.monotonic + (partial_ ? parameters_.suspicion_partial : parameters_.suspicion_full);
  const MemberRow* row = roster_.find(member);
  if (row == nullptr || row->suspicion != 0) return;
  if (++last_suspicion_ == 0) ++last_suspicion_;
  roster_.set_suspicion(member, last_suspicion_);
  // Nearly always the end: the time is a constant, until views change their mode.
  const auto place = std::upper_bound(suspicions_.begin(), suspicions_.end(), due,
                                      [](Instant at, const Suspicion& other) { return at < other.due; });
  suspicions_.insert(place, {due, member, last_suspicion_});
}

void PresenceTracker::say_aloud(const MemberKey& member, bool at_once, Turn& turn) {
  const Duration gather =
      partial_ ? parameters_.suspicion_gather : std::min<Duration>(kGatherFull, parameters_.suspicion_gather);
  say_by(member, turn.now.monotonic + (at_once ? Duration{} : random_up_to(gather)));
}

void PresenceTracker::say_by(const MemberKey& member, Instant due) {
  auto [waiting, is_new] = to_say_.emplace(member, due);
  if (!is_new) waiting->second = std::min(waiting->second, due);
  if (!say_at_ || due < *say_at_) say_at_ = due;
}

Duration PresenceTracker::random_up_to(Duration bound) {
  return Duration(static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(bound.count()) + 1)));
}

void PresenceTracker::on_link_lost(const NodeKey& node, Turn& turn) {
  for (const MemberKey& key : roster_.hosted_by(node)) {
    if (roster_.find(key)->presence != Presence::kOnline || key == self_) continue;
    say_aloud(key, false, turn);
  }
}

void PresenceTracker::on_unreachable(const NodeKey& node, Turn& turn) {
  for (const MemberKey& key : roster_.hosted_by(node)) {
    if (roster_.find(key)->presence != Presence::kOnline || key == self_) continue;
    if (links_.is_alive(node) || !may_ask(key, turn)) continue;
    // After a mass failure everybody meets many who do not answer: gathered for longer the larger the mesh
    // is, they are told in few suspicions, and those that somebody else told meanwhile not at all.
    const Duration gather =
        parameters_.suspicion_gather + kGatherPerMember * static_cast<std::int64_t>(roster_.counts().online);
    if (!to_say_.contains(key)) say_by(key, turn.now.monotonic + gather / 2 + random_up_to(gather / 2));
  }
}

bool PresenceTracker::may_ask(const MemberKey& member, Turn& turn) {
  auto [asked, is_new] = asked_at_.try_emplace(member, turn.now.monotonic);
  if (!is_new && asked->second + kAskInterval > turn.now.monotonic) return false;
  asked->second = turn.now.monotonic;
  return true;
}

void PresenceTracker::on_silence(Turn& turn) {
  for (auto& [id, link] : links_.all()) {
    if (link.suspected || link.heard_at + silence() > turn.now.monotonic) continue;
    link.suspected = true;
    on_link_lost(link.node, turn);
  }
}

bool PresenceTracker::on_suspicion(const SuspectBody& suspicion, Turn& turn) {
  bool refute = false;
  for (const SuspectBody::Item& item : suspicion.items) {
    const MemberRow* member = roster_.find(item.member);
    if (member == nullptr || !member->facts->well_formed || !is_of(*member->facts, item.epoch, item.version))
      continue;
    to_say_.erase(item.member);
    if (item.member == self_) {
      refute = refute || member->facts->online;
      continue;
    }
    if (member->presence == Presence::kOnline && !links_.is_alive(member->facts->node()))
      suspect(item.member, turn);
  }
  return refute;
}

bool PresenceTracker::on_reported_offline(const SuspectBody::Item& item, Turn& turn) {
  const MemberRow* member = roster_.find(item.member);
  const bool known = member != nullptr && member->facts->well_formed;
  if (known && item.member == self_) {
    return member->facts->online && is_of(*member->facts, item.epoch, item.version);
  }
  // Of a record that has not come yet: kept until it does.
  const bool ahead =
      !known || std::tie(item.epoch, item.version) > std::tie(member->facts->epoch, member->facts->version);
  if (ahead) {
    if (reported_offline_.size() < limits::kMembersMax)
      reported_offline_[item.member] = {item.epoch, item.version};
    return false;
  }
  if (!is_of(*member->facts, item.epoch, item.version) || !member->facts->online) return false;
  const bool alive = links_.is_alive(member->facts->node());
  if (!alive && member->presence == Presence::kUnknown) {
    set(*member, Presence::kOffline, settled_, turn);
    return false;
  }
  if (member->presence != Presence::kOnline) return false;
  if (may_ask(item.member, turn)) say_aloud(item.member, alive, turn);
  return false;
}

void PresenceTracker::settle(bool compared, Turn& turn) {
  settled_ = true;
  // With a neighbor who did not list it as gone a member is here. Without one nothing is known, and that is
  // no reason to tell anybody that all others are gone.
  if (!compared || (roster_.counts().unknown == 0 && resolved_)) return;
  resolved_ = true;
  std::vector<MemberKey> unknown;
  roster_.for_each([&](const MemberRow& member) {
    if (member.presence == Presence::kUnknown && member.facts->well_formed) unknown.push_back(member.key());
  });
  for (const MemberKey& key : unknown) {
    const MemberRow& member = *roster_.find(key);
    set(member, member.facts->online ? Presence::kOnline : Presence::kLeft, false, turn);
  }
}

void PresenceTracker::on_alone(Turn& turn) {
  std::vector<MemberKey> online;
  roster_.for_each([&](const MemberRow& member) {
    if (member.presence == Presence::kOnline && member.key() != self_ && member.suspicion == 0 &&
        !to_say_.contains(member.key()))
      online.push_back(member.key());
  });
  for (const MemberKey& key : online) set(*roster_.find(key), Presence::kUnknown, false, turn);
}

/// Only a link or a refutation shows that a member lives. One that is shown as online without a link of our
/// own, in a mesh where everybody has one to everybody, is asked for aloud: who is gone is then told as such,
/// whatever was missed.
void PresenceTracker::on_unlinked(Turn& turn) {
  if (!settled_ || partial_) return unlinked_.clear();
  if (scanned_at_ + kScanInterval > turn.now.monotonic) return;
  scanned_at_ = turn.now.monotonic;
  roster_.for_each([&](const MemberRow& member) {
    if (member.presence != Presence::kOnline || member.key() == self_) return;
    auto [found, is_new] = unlinked_.try_emplace(member.key(), Unlinked{{}, limits::kUnlinkedCheckFirst});
    Unlinked& check = found->second;
    if (links_.is_alive(member.facts->node())) {
      check.check_at = {};
    } else if (check.check_at == Instant{}) {
      check.check_at = turn.now.monotonic + check.interval;
    } else if (check.check_at <= turn.now.monotonic) {
      // Who answers without being linked, behind a router for instance, is asked ever more rarely.
      check.interval = std::min<Duration>(check.interval * 2, limits::kUnlinkedCheckLast);
      check.check_at = turn.now.monotonic + check.interval;
      say_aloud(member.key(), true, turn);
    }
  });
}

void PresenceTracker::on_wake(Turn& turn) {
  while (!suspicions_.empty() && suspicions_.front().due <= turn.now.monotonic) {
    const Suspicion over = suspicions_.front();
    suspicions_.pop_front();
    const MemberRow* member = roster_.find(over.member);
    if (member == nullptr || member->suspicion != over.number) continue;
    roster_.set_suspicion(over.member, 0);
    member = roster_.find(over.member);
    if (P2P_PLANTED(OfflineNeverTold)) continue;
    if (member->presence == Presence::kOnline && !links_.is_alive(member->facts->node()))
      set(*member, Presence::kOffline, settled_, turn);
  }
  if (asked_at_.size() > limits::kAskedMembersMax) {
    std::erase_if(asked_at_,
                  [&](const auto& item) { return item.second + kAskInterval <= turn.now.monotonic; });
  }
}

std::vector<SuspectBody> PresenceTracker::take_suspicions(Turn& turn) {
  std::vector<SuspectBody> bodies;
  if (!say_at_ || *say_at_ > turn.now.monotonic) return bodies;
  // The soonest may have been taken back meanwhile.
  say_at_.reset();
  for (const auto& [key, at] : to_say_) {
    if (!say_at_ || at < *say_at_) say_at_ = at;
  }
  if (!say_at_ || *say_at_ > turn.now.monotonic) return bodies;
  // All that wait go along: one suspicion instead of several.
  for (const auto& [key, at] : to_say_) {
    const MemberRow* member = roster_.find(key);
    if (member == nullptr) continue;
    const MemberFactsPtr facts = member->facts;
    if (!links_.is_alive(facts->node())) suspect(key, turn);
    if (links_.size() == 0) continue;
    if (bodies.empty() || bodies.back().items.size() >= limits::kSuspectsMax) bodies.emplace_back();
    bodies.back().items.push_back({key, facts->epoch, facts->version});
  }
  to_say_.clear();
  say_at_.reset();
  return bodies;
}

std::optional<Instant> PresenceTracker::next_deadline() const {
  std::optional<Instant> next;
  const auto sooner = [&](Instant at) {
    if (!next || at < *next) next = at;
  };
  if (!suspicions_.empty()) sooner(suspicions_.front().due);
  if (say_at_) sooner(*say_at_);
  return next;
}

}  // namespace p2pmesh
