#include "membership.h"

#include <algorithm>
#include <utility>

#include "link_counts.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kHeardSlots = 512;

}  // namespace

Membership::Membership(const ProtocolParameters& parameters, const HeldDigest& digest, Links& links,
                       const Roster& roster, AddressBook& addresses, const NodeKey& self, std::uint64_t seed)
    : parameters_(parameters),
      digest_(digest),
      links_(links),
      roster_(roster),
      addresses_(addresses),
      self_(self),
      random_(seed),
      passive_(parameters.passive_view_max, random_),
      heard_(kHeardSlots) {}

void Membership::set_mode() {
  const RosterCounts& counts = roster_.counts();
  const std::size_t online = counts.online + counts.unknown;
  if (online > parameters_.full_mesh_max()) partial_ = true;
  if (online < parameters_.full_mesh_below) partial_ = false;
}

Duration Membership::jittered(Duration interval) {
  const auto fifth = static_cast<std::uint64_t>(interval.count() / 5);
  return interval - Duration(static_cast<Duration::rep>(fifth)) +
         Duration(static_cast<Duration::rep>(random_.below(2 * fifth + 1)));
}

PeerEntry Membership::entry_of(const Link& link) const {
  PeerEntry entry{link.node, link.addresses};
  const bool listed =
      std::find(entry.addresses.begin(), entry.addresses.end(), link.remote) != entry.addresses.end();
  if (link.outbound && !listed) entry.addresses.insert(entry.addresses.begin(), link.remote);
  entry.addresses.resize(std::min(entry.addresses.size(), limits::kAddressesMax));
  return entry;
}

bool Membership::is_known_here(const NodeKey& node) const {
  if (node == self_ || links_.find_node(node) != nullptr || dialling_.contains(node)) return true;
  if (std::find(tried_.begin(), tried_.end(), node) != tried_.end()) return true;
  return std::any_of(candidates_.begin(), candidates_.end(),
                     [&](const auto& item) { return item.second.up.node == node; });
}

std::uint32_t& Membership::heard_slot(const MemberKey& member) {
  std::uint64_t mixed = 0;
  for (std::size_t i = 8; i < 16; ++i) mixed = mixed << 8 | member.bytes[i];
  for (std::size_t i = 0; i < 8; ++i) mixed = (mixed ^ self_.bytes[i]) * 0x9e3779b97f4a7c15ULL;
  return heard_[(mixed >> 32) % heard_.size()];
}

void Membership::note_alive(const MemberKey& member, Instant now) {
  heard_slot(member) = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

// Time.

std::vector<LinkId> Membership::on_wake(const std::vector<NetAddress>& own, bool settled, bool established,
                                        Turn& turn) {
  const Instant now = turn.now.monotonic;
  own_addresses_ = own;
  settled_ = settled;
  established_ = established;
  const bool was_partial = partial_;
  set_mode();
  if (was_partial && !partial_) {
    roster_.for_each([&](const MemberRow& row) {
      if (row.presence != Presence::kOnline || row.facts->node() == self_) return;
      for (const NetAddress& address : row.facts->addresses)
        addresses_.learn(row.facts->node(), address, now);
      addresses_.wake(row.facts->node(), now, Duration{});
    });
  }
  for (auto candidate = candidates_.begin(); candidate != candidates_.end();) {
    if (candidate->second.deadline > now) {
      ++candidate;
      continue;
    }
    turn.out.push_back(CloseLink{candidate->first, CloseReason::kDisconnect});
    addresses_.on_lost(candidate->second.up.node, false, false, now);
    candidate = candidates_.erase(candidate);
  }
  if (shuffle_at_ == Instant{}) {
    // The first of each at a random place of its interval, so that a mesh that starts together is not in
    // step.
    const auto within = [&](Duration interval) {
      return now + Duration(static_cast<Duration::rep>(
                       random_.below(static_cast<std::uint64_t>(interval.count()) + 1)));
    };
    shuffle_at_ = within(parameters_.shuffle_interval);
    heal_at_ = within(parameters_.heal_interval);
    probe_at_ = within(parameters_.probe_interval);
    rewire_at_ = within(parameters_.rewire_interval);
  }
  if (dials_all()) addresses_.dial_due(own, now, turn.out);
  const bool waits = addresses_.waits_for_anchors(now);
  if (std::exchange(waited_for_anchors_, waits) && !waits) fill_at_ = now;
  if (waits) fill_at_ = std::max(fill_at_, addresses_.anchors_until());
  if (partial_ && fill_at_ <= now) fill(own, turn);
  if (partial_ && shuffle_at_ <= now) {
    shuffle_at_ = now + jittered(parameters_.shuffle_interval);
    shuffle(turn);
  }
  if (settled && roster_.counts().offline > 0 && heal_at_ <= now) heal(own, turn);
  if (settled && partial_ && probe_at_ <= now) probe(own, turn);
  if (settled && partial_ && rewire_at_ <= now) rewire(own, turn);

  wants_neighbors_ = count_links(links_, is_regular) < parameters_.active_view_max || lacks_own();
  keep_anchors(turn);
  return trim(now);
}

void Membership::restore_anchor(const Anchor& anchor) {
  if (anchors_.size() < limits::kAnchorsMax) anchors_.push_back(anchor);
}

/// Those that live long now come before those that did; who was one stays until it is displaced.
void Membership::keep_anchors(Turn& turn) {
  std::vector<Anchor> anchors;
  const auto add = [&](const Anchor& anchor) {
    const bool is_there = std::any_of(anchors.begin(), anchors.end(),
                                      [&](const Anchor& other) { return other.node == anchor.node; });
    if (!is_there && anchors.size() < limits::kAnchorsMax) anchors.push_back(anchor);
  };
  for (const Link* link : own_dials()) {
    if (link->up_at + limits::kAnchorAge <= turn.now.monotonic) add({link->node, link->remote});
  }
  for (const Anchor& anchor : anchors_) add(anchor);
  const bool is_same =
      std::equal(anchors.begin(), anchors.end(), anchors_.begin(), anchors_.end(),
                 [](const Anchor& a, const Anchor& b) { return a.node == b.node && a.address == b.address; });
  if (is_same) return;
  anchors_ = anchors;
  turn.out.push_back(StoreAnchors{std::move(anchors)});
}

/// Everybody who is known, as their back-off allows: in a full mesh, and without a neighbor. Of those who
/// have come to a newcomer nobody can help it: they have heard of nobody but through it.
bool Membership::dials_all() const {
  return links_.size() == 0 || (!partial_ && (!established_ || links_.size() < limits::kLinksMax / 2));
}

std::optional<Instant> Membership::next_deadline() const {
  std::optional<Instant> next;
  const auto sooner = [&](Instant at) {
    if (!next || at < *next) next = at;
  };
  for (const auto& [id, candidate] : candidates_) sooner(candidate.deadline);
  if (dials_all()) {
    if (const auto due = addresses_.next_deadline()) sooner(*due);
  }
  if (settled_ && roster_.counts().offline > 0) sooner(heal_at_);
  if (!partial_) return next;
  sooner(shuffle_at_);
  if (settled_) sooner(std::min(probe_at_, rewire_at_));
  if (wants_neighbors_) sooner(fill_at_);
  if (extra_ends_) sooner(*extra_ends_);
  return next;
}

}  // namespace p2pmesh
