#include "p2pmesh/rendezvous/registry.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/messages.h"
#include "registry_impl.h"

namespace p2pmesh {
namespace {

constexpr auto kSweepInterval = std::chrono::seconds(60);  // for silent links, and what is too old
constexpr std::size_t kSweptAtOnce = 1000;                 // requests; the rest at the next one

std::string words(DenyReason reason) {
  switch (reason) {
    case DenyReason::kNameHeld:
      return "denied_name_held";
    case DenyReason::kStale:
      return "denied_stale";
    case DenyReason::kExpired:
      return "denied_expired";
    case DenyReason::kOverBudget:
      return "denied_over_budget";
    case DenyReason::kFull:
      return "denied_full";
    case DenyReason::kMalformed:
      return "denied_malformed";
    case DenyReason::kNotRegistered:
      return "denied_not_registered";
    case DenyReason::kNameNotAllowed:
      return "denied_name_not_allowed";
    case DenyReason::kUnknown:
      break;
  }
  return "denied_unknown";
}

constexpr const char* kCounted[] = {"registrations",     "look_ups",       "pages",
                                    "asks_taken_in",     "asks_delivered", "asks_expired",
                                    "members_forgotten", "links_refused",  "links_silent"};

}  // namespace

bool RendezvousRegistry::Impl::on_link_up(RendezvousLink link, const NodeKey& node, const NetAddress& remote,
                                          const Now& now) {
  std::size_t& count = links_of_source_[source_of_address(remote)];
  if (count >= settings_.links_per_source) {
    ++counters_["links_refused"];
    return false;
  }
  ++count;
  LinkState& state = links_[link];
  state.id = link;
  state.node = node;
  state.remote = remote;
  state.heard = now.monotonic;
  if (!sweep_at_) sweep_at_ = now.monotonic + kSweepInterval;
  return true;
}

void RendezvousRegistry::Impl::on_link_down(RendezvousLink link, const Now& now) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  for (const MemberKey& member : found->second.members) {
    if (is_here(member, link)) people_.leave_link(member, now.monotonic + settings_.grace, now.wall_ms);
  }
  feed_.forget(link);
  const auto source = links_of_source_.find(source_of_address(found->second.remote));
  if (--source->second == 0) links_of_source_.erase(source);
  links_.erase(found);
}

/// Refused is answered here.
RendezvousRegistry::Impl::Taken RendezvousRegistry::Impl::take(Turn& turn, AskedKind kind,
                                                               RendezvousTicket ticket) {
  const LinkBudget::Answer answer = turn.link.budget.take(kind, settings_, turn.now.monotonic);
  if (answer.verdict == LinkBudget::Verdict::kFarOver) return Taken::kFault;
  if (answer.verdict == LinkBudget::Verdict::kWithin) return Taken::kYes;
  deny(turn, ticket, DenyReason::kOverBudget, answer.retry_ms);
  return Taken::kRefused;
}

/// Of what has no answer.
RendezvousRegistry::Impl::Taken RendezvousRegistry::Impl::take_quietly(Turn& turn) {
  switch (turn.link.budget.take(AskedKind::kOther, settings_, turn.now.monotonic).verdict) {
    case LinkBudget::Verdict::kWithin:
      return Taken::kYes;
    case LinkBudget::Verdict::kOver:
      return Taken::kRefused;
    case LinkBudget::Verdict::kFarOver:
      break;
  }
  return Taken::kFault;
}

void RendezvousRegistry::Impl::deny(Turn& turn, RendezvousTicket ticket, DenyReason reason,
                                    std::uint64_t value) {
  ++denied_[reason];
  send(turn, Denied{ticket, reason, value});
}

void RendezvousRegistry::Impl::keep(RendezvousOutputs& out, std::vector<RendezvousWrite> writes,
                                    std::vector<RendezvousSend> then) {
  writes_waiting_ += writes.size();
  out.push_back(RendezvousKeep{std::move(writes), std::move(then)});
}

bool RendezvousRegistry::Impl::on_frame(RendezvousLink link, const FrameView& frame, const Now& now,
                                        RendezvousOutputs& out) {
  const auto found = links_.find(link);
  if (found == links_.end()) return false;
  Turn turn{found->second, now, out};
  turn.link.heard = now.monotonic;
  const ByteView payload = frame.payload;
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::kRegister:
      return handle(turn, decode_register(payload), AskedKind::kRegistration, &Impl::on_register);
    case FrameType::kWithdraw:
      return handle(turn, decode_withdraw(payload), AskedKind::kRegistration, &Impl::on_withdraw);
    case FrameType::kLookUp:
      return handle(turn, decode_look_up(payload), AskedKind::kLookUp, &Impl::on_look_up);
    case FrameType::kListPeople:
      return handle(turn, decode_list_people(payload), AskedKind::kPage, &Impl::on_list_people);
    case FrameType::kListMeshes:
      return handle(turn, decode_list_meshes(payload), AskedKind::kPage, &Impl::on_list_meshes);
    case FrameType::kWatch:
      return handle(turn, decode_watch(payload), AskedKind::kOther, &Impl::on_watch);
    case FrameType::kAsk:
      return handle(turn, decode_ask_frame(payload), AskedKind::kAsk, &Impl::on_ask);
    case FrameType::kAsksTaken:
      return handle(turn, decode_asks_taken(payload), AskedKind::kOther, &Impl::on_taken);
    case FrameType::kListAsks:
      return handle(turn, decode_list_asks(payload), AskedKind::kPage, &Impl::on_list_asks);
    case FrameType::kTakeBack:
      return handle(turn, decode_take_back(payload), AskedKind::kOther, &Impl::on_take_back);
    case FrameType::kChangesSeen: {
      const auto seen = decode_changes_seen(payload);
      return seen && feed_.on_seen(link, seen->position) && take_quietly(turn) != Taken::kFault;
    }
    case FrameType::kPing: {
      // A member learns by it that the link is alive. Who asks too often gets no answer.
      const auto ping = decode_ping(payload);
      const Taken taken = take_quietly(turn);
      if (ping && ping->token != 0 && taken == Taken::kYes)
        out.push_back(RendezvousSend{link, std::make_shared<const Bytes>(encode_pong(ping->token))});
      return ping && taken != Taken::kFault;
    }
    case FrameType::kClose:
      return decode_close(payload).has_value();
    default:
      return (frame.type & kSkippableFrameBit) != 0;
  }
}

std::vector<RendezvousLink> RendezvousRegistry::Impl::end_turn(const Now& now, RendezvousOutputs& out) {
  std::vector<RendezvousWrite> writes;
  while (const auto member = people_.find_over(now.monotonic))
    set_offline(*member, people_.find(*member)->seen_ms, writes);
  if (!writes.empty()) keep(out, std::move(writes), {});
  std::vector<RendezvousLink> silent;
  if (sweep_at_ && *sweep_at_ <= now.monotonic) {
    sweep_at_ = now.monotonic + kSweepInterval;
    sweep(now, out);
    for (const auto& [id, link] : links_) {
      if (link.heard + limits::kRendezvousSilence <= now.monotonic) silent.push_back(id);
    }
    counters_["links_silent"] += silent.size();
  }
  feed_.flush(out);
  return silent;
}

/// What is too old goes.
void RendezvousRegistry::Impl::sweep(const Now& now, RendezvousOutputs& out) {
  std::vector<RendezvousWrite> writes;
  counters_["members_forgotten"] += people_.forget_old(now.wall_ms, writes);
  const WallMs oldest = now.wall_ms > limits::kAskKeptMs ? now.wall_ms - limits::kAskKeptMs : 0;
  for (std::size_t swept = 0; swept < kSweptAtOnce; ++swept) {
    const auto id = asks_.find_older(oldest);
    if (!id) break;
    writes.push_back(DroppedAsk{asks_.number_of(*id)});
    asks_.drop(*id);
    ++counters_["asks_expired"];
  }
  if (!writes.empty()) keep(out, std::move(writes), {});
}

std::optional<Instant> RendezvousRegistry::Impl::next_deadline() const {
  std::optional<Instant> next = people_.next_deadline();
  if (sweep_at_ && (!next || *sweep_at_ < *next)) next = sweep_at_;
  if (feed_.has_more()) next = Instant{};
  return next;
}

void RendezvousRegistry::Impl::restore(RendezvousState state, const Now& now) {
  for (const KeptMember& kept : state.members) {
    const auto registration = decode_registration(kept.registration);
    if (registration && registration->member == kept.member) people_.restore(kept, *registration);
  }
  for (const KeptName& kept : state.names) people_.restore(kept);
  for (const KeptAsk& kept : state.asks) {
    if (asks_.find(kept.id) != nullptr) continue;
    asks_.restore(kept.number, {kept.id, kept.asker, kept.recipient, kept.since_ms, kept.delivered});
  }
  sweep_at_ = now.monotonic;
}

RendezvousStatus RendezvousRegistry::Impl::status() const {
  return {people_.size(), people_.online(), asks_.waiting(), feed_.watchers(), links_.size()};
}

RendezvousRegistry::Numbers RendezvousRegistry::Impl::counters() const {
  Numbers numbers;
  for (const char* name : kCounted) {
    const auto found = counters_.find(name);
    numbers.emplace_back(name, found == counters_.end() ? 0 : found->second);
  }
  for (std::uint8_t reason = static_cast<std::uint8_t>(DenyReason::kNameHeld);
       reason <= static_cast<std::uint8_t>(DenyReason::kUnknown); ++reason) {
    const auto found = denied_.find(static_cast<DenyReason>(reason));
    numbers.emplace_back(words(static_cast<DenyReason>(reason)), found == denied_.end() ? 0 : found->second);
  }
  numbers.emplace_back("watchers_missed_changes", feed_.missed());
  return numbers;
}

RendezvousRegistry::Numbers RendezvousRegistry::Impl::uses() const {
  std::size_t crowd = 0;
  for (const auto& [source, count] : links_of_source_) crowd = std::max(crowd, count);
  return {{"rendezvous_members_max", people_.size()}, {"rendezvous_bytes_max", people_.bytes()},
          {"rendezvous_meshes_max", meshes_.size()},  {"rendezvous_changes_max", feed_.remembered()},
          {"rendezvous_links_per_source", crowd},     {"rendezvous_sources_max", names_.sources()},
          {"rendezvous_writes_max", writes_waiting_}, {"asks_max", asks_.size()}};
}

RendezvousRegistry::RendezvousRegistry(const NodeKey& self, const Verifier& verifier,
                                       const RendezvousSettings& settings)
    : impl_(std::make_unique<Impl>(self, verifier, settings)) {}
RendezvousRegistry::~RendezvousRegistry() = default;

void RendezvousRegistry::restore(RendezvousState state, const Now& now) {
  impl_->restore(std::move(state), now);
}
bool RendezvousRegistry::on_link_up(RendezvousLink link, const NodeKey& node, const NetAddress& remote,
                                    const Now& now) {
  return impl_->on_link_up(link, node, remote, now);
}
void RendezvousRegistry::on_link_down(RendezvousLink link, const Now& now) {
  impl_->on_link_down(link, now);
}
bool RendezvousRegistry::on_frame(RendezvousLink link, const FrameView& frame, const Now& now,
                                  RendezvousOutputs& out) {
  return impl_->on_frame(link, frame, now, out);
}
std::vector<RendezvousLink> RendezvousRegistry::end_turn(const Now& now, RendezvousOutputs& out) {
  return impl_->end_turn(now, out);
}
std::optional<Instant> RendezvousRegistry::next_deadline() const {
  return impl_->next_deadline();
}
void RendezvousRegistry::set_writes_waiting(std::size_t rows) {
  impl_->set_writes_waiting(rows);
}
RendezvousStatus RendezvousRegistry::status() const {
  return impl_->status();
}
RendezvousRegistry::Numbers RendezvousRegistry::counters() const {
  return impl_->counters();
}
RendezvousRegistry::Numbers RendezvousRegistry::uses() const {
  return impl_->uses();
}

}  // namespace p2pmesh
