#include "reachability.h"

#include <algorithm>
#include <utility>

#include "address.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

bool is_same_ip(NetAddress one, const NetAddress& other) {
  one.port = other.port;
  return one == other;
}

/// What is on this machine says nothing of outside.
bool is_outside(const NetAddress& remote, const NetAddress& local) {
  return !remote.is_loopback() && !is_same_ip(remote, local);
}

std::string format_net(NetAddress address, std::uint16_t port) {
  address.port = port;
  return to_socket(address).format();
}

}  // namespace

void Reachability::on_link_up(const LinkUp& up, Instant now) {
  std::erase_if(links_, [this](const auto& entry) { return !actions_.is_open(entry.first); });
  if (!is_outside(up.remote, up.local)) return;
  links_[up.link] = Link{up.node, up.outbound, up.remote, up.observed, {}, 0};
  if (up.outbound && !is_held_ && !is_same_ip(up.observed, asked_for_)) ask_at_ = now;
  ask_due(now);
}

void Reachability::set_outside(const std::optional<NetAddress>& outside, Instant now) {
  const bool was_held = std::exchange(is_held_, false);
  if (outside == outside_ && !was_held) return;
  // What was found of another address, or port, says nothing of this one.
  if (outside != outside_) told_.reset();
  if (outside != outside_)
    for (auto& [id, link] : links_) link.asked_at.reset();
  outside_ = outside;
  ask_at_ = now;
  ask_due(now);
}

/// Behind the router it is another one, as who is outside sees it.
std::uint16_t Reachability::port_at(NetAddress observed) const {
  return outside_ && is_same_ip(observed, *outside_) ? outside_->port : listen_.port;
}

Reachability::Link* Reachability::next_to_ask(Instant now) {
  if (listen_.is_loopback()) return nullptr;
  // The newest one comes from the address that this node has now.
  for (auto entry = links_.rbegin(); entry != links_.rend(); ++entry) {
    Link& link = entry->second;
    const bool is_free = !link.asked_at || *link.asked_at + limits::kReachInterval <= now;
    if (link.outbound && is_free && actions_.is_open(entry->first)) return &link;
  }
  return nullptr;
}

void Reachability::ask_due(Instant now) {
  if (now < ask_at_) return;
  Link* next = next_to_ask(now);
  if (next == nullptr) return;
  is_held_ = false;
  next->asked_at = now;
  next->asked_port = port_at(next->observed);
  asked_for_ = next->observed;
  ask_at_ = now + limits::kReachPatience;
  const auto found =
      std::find_if(links_.begin(), links_.end(), [next](const auto& entry) { return &entry.second == next; });
  actions_.send(found->first, encode_frame_of(ReachAsk{next->asked_port}));
}

std::optional<Instant> Reachability::next_deadline() const {
  if (listen_.is_loopback()) return std::nullopt;
  std::optional<Instant> next;
  for (const auto& [id, link] : links_) {
    if (!link.outbound || !actions_.is_open(id)) continue;
    const Instant due = link.asked_at ? std::max(ask_at_, *link.asked_at + limits::kReachInterval) : ask_at_;
    if (!next || due < *next) next = due;
  }
  return next;
}

std::optional<bool> Reachability::on_frame(LinkId link, const FrameView& frame, Instant now) {
  if (frame.type == kReachAskType) {
    const auto ask = decode_reach_ask(frame.payload);
    if (ask) serve(link, *ask, now);
    return ask.has_value();
  }
  if (frame.type == kReachToldType) {
    const auto told = decode_reach_told(frame.payload);
    const auto found = links_.find(link);
    if (told && found != links_.end()) take_answer(found->second, *told, now);
    return told.has_value();
  }
  return std::nullopt;
}

/// The address is where the link comes from: nobody is made to dial a third party. Each node once in a while.
void Reachability::serve(LinkId link, const ReachAsk& ask, Instant now) {
  const auto found = links_.find(link);
  if (found == links_.end() || found->second.outbound || dials_ >= limits::kReachDialsMax) return;
  std::erase_if(served_, [&](const auto& entry) { return entry.second + limits::kReachInterval <= now; });
  if (served_.size() >= limits::kReachAskersMax || !served_.emplace(found->second.node, now).second) return;
  NetAddress address = found->second.remote;
  address.port = ask.port;
  ++dials_;
  actions_.probe(found->second.node, address, [this, link, port = ask.port](Reach reach) {
    --dials_;
    if (links_.contains(link)) actions_.send(link, encode_frame_of(ReachTold{port, reach}));
  });
}

void Reachability::take_answer(const Link& link, const ReachTold& told, Instant now) {
  if (!link.outbound || !link.asked_at || told.port != link.asked_port) return;
  ask_at_ = now + limits::kReachInterval;
  const std::string who = "the neighbor at " + to_socket(link.remote).format();
  const std::string where = format_net(link.observed, link.asked_port);
  if (told.reach != Reach::kReached) actions_.not_reached();
  switch (told.reach) {
    case Reach::kReached:
      told_ = ReachState{"yes", who + " has dialled " + where};
      return;
    case Reach::kRefused:
      told_ = ReachState{"no", who + " was refused at " + where + "; a router or firewall may be in between"};
      return;
    case Reach::kSilent:
      told_ =
          ReachState{"no", who + " got no answer from " + where + "; a router or firewall may be in between"};
      return;
    case Reach::kOtherNode:
      told_ = ReachState{"no", who + " found somebody else at " + where + "; a router may be in between"};
      return;
  }
}

ReachState Reachability::state() const {
  if (listen_.is_loopback())
    return {"no", "it listens at " + to_socket(listen_).format() + ", which this machine alone can dial"};
  for (const auto& [id, link] : links_) {
    if (!link.outbound && actions_.is_open(id))
      return {"yes", "a neighbor has dialled it from " + to_socket(link.remote).format()};
  }
  return told_.value_or(ReachState{"unknown", "no neighbor elsewhere has tried yet"});
}

}  // namespace p2pmesh
