#include "membership.h"

#include <algorithm>

#include "anti_entropy.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kFillPauseMin = std::chrono::milliseconds(250);  // after the first refusal; then it doubles
constexpr auto kHealAlone = std::chrono::seconds(1);  // without a neighbor there is nothing to spare
constexpr auto kHealPerTarget =
    std::chrono::seconds(1);  // all together dial one absent member about that often
constexpr auto kProbeQuiet = std::chrono::seconds(60);  // a member heard of since then needs no probe
constexpr auto kJustCome = std::chrono::seconds(10);
constexpr std::size_t kFewNeighbors = 3;  // fewer: several dials at once
constexpr std::size_t kDialsFew = 4;
constexpr std::size_t kDialsEnough = 2;
constexpr std::size_t kDialAttempts = 16;  // in one go; some have no address to dial
constexpr std::size_t kTriedMax = 64;
constexpr auto kSilentQuiet =
    std::chrono::seconds(10);  // one that does not answer may have been heard of before
constexpr std::size_t kHeardSlots = 512;

bool is_inbound(const Link& link) {
  return !link.outbound;
}
bool is_regular(const Link& link) {
  return !link.extra_until;
}
/// Nothing is pushed over it, so that nobody misses it.
bool is_spare(const Link& link) {
  return is_regular(link) && !link.in_tree;
}

template <class Wanted>
std::size_t count_links(const Links& links, Wanted wanted) {
  return static_cast<std::size_t>(std::count_if(links.all().begin(), links.all().end(),
                                                [&](const auto& item) { return wanted(item.second); }));
}

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

// Candidates.

void Membership::on_link_up(const LinkUp& up, Turn& turn) {
  Candidate candidate;
  candidate.up = up;
  candidate.deadline = turn.now.monotonic + limits::kCandidateTimeout;
  if (up.outbound) {
    auto dialled = dialling_.find(up.node);
    if (dialled != dialling_.end()) candidate.purpose = dialled->second;
    dialling_.erase(up.node);
  }
  const auto same_side = std::count_if(candidates_.begin(), candidates_.end(), [&](const auto& item) {
    return item.second.up.outbound == up.outbound;
  });
  if (static_cast<std::size_t>(same_side) >= limits::kCandidatesMax) {
    turn.out.push_back(CloseLink{up.link, CloseReason::kDisconnect});
    addresses_.on_lost(up.node, false, false, turn.now.monotonic);
    return;
  }
  if (up.outbound) {
    candidate.asked = true;
    const bool alone = links_.size() == 0;
    NeighborRequest request;
    if (candidate.purpose == Purpose::kProbe) {
      request.priority = NeighborPriority::kProbe;
    } else if (alone) {
      request.priority = NeighborPriority::kHigh;
    } else if (candidate.purpose == Purpose::kHeal) {
      request.priority = NeighborPriority::kMerge;
    } else if (candidate.purpose == Purpose::kRewire ||
               (partial_ && links_.dialled() < parameters_.own_dials_min)) {
      request.priority = NeighborPriority::kBalance;
    }
    request.as_of_ms = AntiEntropy::as_of(turn.now);
    request.root = digest_.root(request.as_of_ms, turn.now.monotonic);
    // Until it has what a member knows it is a newcomer, whoever came to it meanwhile.
    if (!established_ && candidate.purpose != Purpose::kProbe) {
      turn.send(up.link, encode_join());
    } else {
      turn.send(up.link, encode_frame_of(request));
    }
  }
  candidates_.emplace(up.link, std::move(candidate));
}

/// Fewer inbound neighbors than would leave too little room for own dials.
bool Membership::takes_inbound() const {
  const std::size_t inbound =
      count_links(links_, [](const Link& link) { return is_regular(link) && is_inbound(link); });
  return inbound + parameters_.own_dials_min < parameters_.active_view_max;
}

/// So few that others may be, or may soon be, a full mesh.
bool Membership::few_online() const {
  return roster_.counts().online <= parameters_.full_mesh_max();
}

bool Membership::has_room_for_inbound() const {
  if (P2P_PLANTED(ViewOverBound)) return true;
  if (!partial_ || few_online()) return links_.size() < limits::kLinksMax;
  return count_links(links_, is_regular) < parameters_.active_view_max && takes_inbound();
}

/// A neighbor that has to go: of those that `fits` one outside the broadcast tree, else any one.
template <class Fits>
std::optional<LinkId> Membership::pick_victim(Instant now, Fits fits) {
  std::vector<LinkId> fit;
  std::vector<LinkId> spare;
  for (const auto& [id, link] : links_.all()) {
    if (!is_regular(link) || !fits(link)) continue;
    fit.push_back(id);
    // Nor one that has only just come: it may know nobody else yet.
    if (is_spare(link) && link.up_at + kJustCome <= now) spare.push_back(id);
  }
  const std::vector<LinkId>& from = spare.empty() ? fit : spare;
  if (from.empty()) return std::nullopt;
  return from[random_.below(from.size())];
}

std::size_t Membership::extras() const {
  return count_links(links_, [](const Link& link) { return !is_regular(link); });
}

/// The dialler asks; without a request it joins.
Membership::Outcome Membership::decide(Candidate& candidate, const std::optional<NeighborRequest>& request,
                                       Turn& turn) {
  Outcome outcome;
  std::optional<NeighborPriority> priority;
  if (request) priority = request->priority;
  // A probe from somebody who knows other things comes from another part of the mesh, or shows that this one
  // is cut off.
  if (partial_ && priority == NeighborPriority::kProbe &&
      request->root != digest_.root(request->as_of_ms, turn.now.monotonic)) {
    priority = NeighborPriority::kMerge;
  }
  outcome.alive = candidate.up.node;
  const bool again = links_.find_node(candidate.up.node) != nullptr;
  const bool room = again || has_room_for_inbound();
  bool granted = room;
  if (priority == NeighborPriority::kProbe || (!partial_ && !room)) {
    granted = false;
  } else if (priority == NeighborPriority::kMerge && !room) {
    granted = outcome.beside = extras() < parameters_.merge_links;
  } else if ((!priority || priority == NeighborPriority::kHigh || P2P_PLANTED(NeighborAlwaysGranted)) &&
             !room) {
    granted = true;
    const bool inbound_only = !takes_inbound() || links_.dialled() <= parameters_.own_dials_min;
    outcome.evicted =
        pick_victim(turn.now.monotonic, [&](const Link& link) { return !inbound_only || is_inbound(link); });
  } else if (priority == NeighborPriority::kBalance && !room && takes_inbound()) {
    outcome.evicted = pick_victim(turn.now.monotonic, [](const Link& link) { return !is_inbound(link); });
    granted = outcome.evicted.has_value();
  }
  turn.send(candidate.up.link, encode_frame_of(NeighborReply{granted}));
  if (!granted) {
    ++counters_.declined;
    // The dialler closes; a link that it leaves open ends with the candidate's deadline.
    return outcome;
  }
  ++counters_.granted;
  outcome.joined = !priority && !again;
  if (outcome.joined) ++counters_.joins;
  outcome.granted = std::move(candidate.up);
  return outcome;
}

Membership::Outcome Membership::on_candidate_frame(const FrameReceived& frame, Turn& turn) {
  Outcome outcome;
  auto found = candidates_.find(frame.link);
  if (found == candidates_.end()) return outcome;
  Candidate& candidate = found->second;
  switch (frame.type) {
    case FrameType::kClose:
      return outcome;  // LinkDown follows
    case FrameType::kJoin:
    case FrameType::kNeighbor: {
      const bool join = frame.type == FrameType::kJoin;
      const auto request = decode_neighbor_request(frame.payload);
      if (candidate.asked || (join ? !frame.payload.empty() : !request)) break;
      candidate.asked = true;
      outcome = decide(candidate, join ? std::nullopt : request, turn);
      if (outcome.granted) candidates_.erase(found);
      return outcome;
    }
    case FrameType::kNeighborReply: {
      const auto reply = decode_neighbor_reply(frame.payload);
      if (!candidate.up.outbound || !reply) break;
      outcome.alive = candidate.up.node;
      const Purpose purpose = candidate.purpose;
      const LinkUp up = std::move(candidate.up);
      candidates_.erase(found);
      if (reply->granted) {
        const bool full = partial_ && count_links(links_, is_regular) >= parameters_.active_view_max;
        if (purpose == Purpose::kHeal || purpose == Purpose::kProbe) {
          ++counters_.merges;
          outcome.beside = full;
          if (full && extras() >= parameters_.merge_links) {
            turn.out.push_back(CloseLink{up.link, CloseReason::kDisconnect});
            addresses_.on_lost(up.node, false, false, turn.now.monotonic);
            return outcome;
          }
        } else if (full && purpose == Purpose::kRewire) {
          outcome.evicted = pick_victim(turn.now.monotonic, [](const Link& link) { return link.outbound; });
        } else if (full && links_.find_node(up.node) == nullptr) {
          const bool inbound_only = links_.dialled() <= parameters_.own_dials_min;
          outcome.evicted = pick_victim(turn.now.monotonic,
                                        [&](const Link& link) { return !inbound_only || is_inbound(link); });
        }
        passive_.remove(up.node);
        fill_pause_ = {};
        outcome.granted = up;
        return outcome;
      }
      turn.out.push_back(CloseLink{up.link, CloseReason::kDisconnect});
      addresses_.on_lost(up.node, false, false, turn.now.monotonic);
      if (purpose == Purpose::kProbe || purpose == Purpose::kRewire) return outcome;
      passive_.add(PeerEntry{up.node, up.addresses});
      fill_pause_ =
          std::min(std::max<Duration>(fill_pause_ * 2, kFillPauseMin), parameters_.shuffle_interval);
      fill_at_ = turn.now.monotonic + (links_.size() < kFewNeighbors ? Duration{} : jittered(fill_pause_));
      return outcome;
    }
    default:
      break;
  }
  outcome.faulty = true;
  addresses_.on_lost(candidate.up.node, false, false, turn.now.monotonic);
  candidates_.erase(found);
  return outcome;
}

void Membership::on_candidate_down(LinkId link, Turn& turn) {
  auto found = candidates_.find(link);
  if (found == candidates_.end()) return;
  addresses_.on_lost(found->second.up.node, false, false, turn.now.monotonic);
  candidates_.erase(found);
  fill_at_ = turn.now.monotonic;
}

std::optional<NodeKey> Membership::on_dial_failed(const DialFailed& failed, Turn& turn) {
  const bool more = addresses_.on_failed(failed.node, failed.address, turn.now.monotonic, turn.out);
  auto found = dialling_.find(failed.node);
  if (found == dialling_.end()) return std::nullopt;
  const Purpose purpose = found->second;
  if (more && addresses_.dial(failed.node, {}, own_addresses_, turn.now.monotonic, turn.out))
    return std::nullopt;
  dialling_.erase(found);
  passive_.remove(failed.node);
  if (purpose == Purpose::kFill) fill_at_ = turn.now.monotonic;
  if (purpose == Purpose::kHeal) return std::nullopt;
  if (links_.size() == 0) return std::nullopt;  // the fault is more likely here
  const std::uint32_t heard = heard_slot(MemberKey{failed.node.bytes});
  const auto quiet_since = turn.now.monotonic - kSilentQuiet;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(quiet_since.time_since_epoch()).count();
  return static_cast<std::int64_t>(heard) <= seconds || heard == 0 ? std::optional(failed.node)
                                                                   : std::nullopt;
}

// Walks.

Link* Membership::random_neighbor(LinkId except) {
  std::vector<Link*> others;
  for (auto& [id, link] : links_.all()) {
    if (id != except) others.push_back(&link);
  }
  return others.empty() ? nullptr : others[random_.below(others.size())];
}

void Membership::pass_on(const Link& newcomer, Turn& turn) {
  if (P2P_PLANTED(JoinNotPassedOn)) return;
  if (!partial_) return;  // everybody hears of it by its record, and links to it
  const ForwardJoin join{entry_of(newcomer), parameters_.active_walk};
  for (const auto& [id, link] : links_.all()) {
    if (id == newcomer.id) continue;
    turn.send(id, encode_frame_of(join));
    ++counters_.forward_joins;
  }
}

void Membership::on_forward_join(const Link& from, const ForwardJoin& join, Turn& turn) {
  if (join.newcomer.node == self_ || !partial_) return;
  const std::uint8_t hops = std::min(join.hops_left, parameters_.active_walk);
  if (hops == parameters_.passive_walk && links_.find_node(join.newcomer.node) == nullptr)
    passive_.add(join.newcomer);
  Link* next = hops > 0 ? random_neighbor(from.id) : nullptr;
  if (next == nullptr || links_.size() <= 1) {
    // Not on anybody's word without a bound: a newcomer finds others too.
    if (!is_known_here(join.newcomer.node) && pending() < kDialsFew)
      dial(join.newcomer, Purpose::kFill, own_addresses_, turn);
    return;
  }
  const auto left = static_cast<std::uint8_t>(P2P_PLANTED(WalkNeverEnds) ? hops : hops - 1);
  turn.send(next->id, encode_frame_of(ForwardJoin{join.newcomer, left}));
  ++counters_.forward_joins;
}

void Membership::shuffle(Turn& turn) {
  Link* first = random_neighbor(0);
  if (first == nullptr) return;
  ++counters_.shuffles;
  Shuffle shuffle;
  shuffle.origin = self_;
  shuffle.id = next_shuffle_++;
  shuffle.hops_left = parameters_.shuffle_walk;
  shuffle.peers.push_back({self_, own_addresses_});
  std::vector<const Link*> neighbors;
  for (const auto& [id, link] : links_.all()) {
    if (id != first->id) neighbors.push_back(&link);
  }
  for (std::size_t i = 0; i < neighbors.size() && i < parameters_.shuffle_active; ++i) {
    std::swap(neighbors[i], neighbors[i + random_.below(neighbors.size() - i)]);
    shuffle.peers.push_back(entry_of(*neighbors[i]));
  }
  for (PeerEntry& peer : passive_.sample(parameters_.shuffle_passive))
    shuffle.peers.push_back(std::move(peer));
  shuffle.peers.resize(std::min(shuffle.peers.size(), limits::kShufflePeersMax));
  told_ = shuffle.peers;
  turn.send(first->id, encode_frame_of(shuffle));
}

void Membership::on_shuffle(const Link& from, const Shuffle& shuffle, Turn& turn) {
  const std::uint8_t hops = std::min(shuffle.hops_left, parameters_.shuffle_walk);
  Link* next = hops > 1 ? random_neighbor(from.id) : nullptr;
  if (next != nullptr && shuffle.origin != self_) {
    if (routes_.size() >= limits::kShuffleRoutesMax) routes_.pop_front();
    routes_.push_back({{shuffle.origin, shuffle.id}, from.id});
    Shuffle onward = shuffle;
    onward.hops_left = static_cast<std::uint8_t>(hops - 1);
    turn.send(next->id, encode_frame_of(onward));
    return;
  }
  if (shuffle.origin == self_) return;  // came back without an end
  ShuffleReply reply{shuffle.origin, shuffle.id, passive_.sample(shuffle.peers.size())};
  turn.send(from.id, encode_frame_of(reply));
  learn(shuffle.peers, reply.peers);
}

void Membership::on_shuffle_reply(const ShuffleReply& reply, Turn& turn) {
  if (reply.origin == self_) {
    learn(reply.peers, told_);
    return;
  }
  const auto wanted = std::make_pair(reply.origin, reply.id);
  auto route =
      std::find_if(routes_.rbegin(), routes_.rend(), [&](const auto& item) { return item.first == wanted; });
  if (route == routes_.rend()) return;
  const LinkId back = route->second;
  routes_.erase(std::next(route).base());
  if (links_.find(back) != nullptr) turn.send(back, encode_frame_of(reply));
}

void Membership::learn(const std::vector<PeerEntry>& peers, const std::vector<PeerEntry>& expendable) {
  for (const PeerEntry& peer : peers) {
    if (peer.node == self_ || peer.addresses.empty() || links_.find_node(peer.node) != nullptr) continue;
    passive_.add(peer, expendable);
  }
}

void Membership::on_neighbor_lost(const Link& link, bool on_purpose, Turn& turn) {
  if (on_purpose) passive_.add(entry_of(link));
  fill_at_ = turn.now.monotonic;
  fill_pause_ = {};
  tried_.clear();
}

// Time.

std::size_t Membership::pending() const {
  return static_cast<std::size_t>(
      std::count_if(dialling_.begin(), dialling_.end(),
                    [](const auto& item) { return item.second == Purpose::kFill; }) +
      std::count_if(candidates_.begin(), candidates_.end(), [](const auto& item) {
        return item.second.up.outbound && item.second.purpose == Purpose::kFill;
      }));
}

bool Membership::dial(const PeerEntry& peer, Purpose purpose, const std::vector<NetAddress>& own,
                      Turn& turn) {
  if (!addresses_.dial(peer.node, peer.addresses, own, turn.now.monotonic, turn.out)) return false;
  dialling_[peer.node] = purpose;
  return true;
}

/// Any member that is here and no neighbor. Everybody knows everybody, so this is uniform over the mesh,
/// where a passive view is only as mixed as its shuffles.
std::optional<PeerEntry> Membership::random_member() {
  const MemberRow* row = roster_.pick(random_, [&](const MemberRow& member) {
    const bool here = member.presence == Presence::kOnline ||
                      (member.presence == Presence::kUnknown && member.facts->online);
    return here && member.facts->well_formed && !is_known_here(member.facts->node());
  });
  if (row == nullptr) return std::nullopt;
  return PeerEntry{row->facts->node(), row->facts->addresses};
}

std::optional<PeerEntry> Membership::next_candidate() {
  std::vector<const PeerEntry*> fresh;
  for (const PeerEntry& peer : passive_.all()) {
    if (!is_known_here(peer.node)) fresh.push_back(&peer);
  }
  // The own dials hold the mesh together; the rest may come from the neighborhood.
  const bool from_anywhere = links_.dialled() < parameters_.own_dials_min || random_.below(2) == 0;
  if (from_anywhere || fresh.empty()) {
    if (auto peer = random_member()) return peer;
  }
  if (fresh.empty()) return std::nullopt;
  return *fresh[random_.below(fresh.size())];
}

/// Trades a neighbor for a random member now and then, so that a mesh that grew in clusters becomes one
/// random graph.
void Membership::rewire(const std::vector<NetAddress>& own, Turn& turn) {
  rewire_at_ = turn.now.monotonic + jittered(parameters_.rewire_interval);
  const RosterCounts& counts = roster_.counts();
  const bool full = count_links(links_, is_regular) >= parameters_.active_view_max;
  if (!full || counts.online <= 2 * parameters_.active_view_max) return;
  const bool can_trade =
      count_links(links_, [](const Link& link) { return is_spare(link) && link.outbound; }) > 0;
  if (!can_trade) return;
  const auto peer = random_member();
  if (peer && dial(*peer, Purpose::kRewire, own, turn)) ++counters_.rewires;
}

void Membership::fill(const std::vector<NetAddress>& own, Turn& turn) {
  const std::size_t regular = count_links(links_, is_regular);
  const std::size_t dialled = links_.dialled();
  std::size_t wanted = regular < parameters_.active_view_max ? parameters_.active_view_max - regular : 0;
  if (dialled < parameters_.own_dials_min) wanted = std::max(wanted, parameters_.own_dials_min - dialled);
  std::size_t room = std::min(wanted, regular < kFewNeighbors ? kDialsFew : kDialsEnough);
  const std::size_t under_way = pending();
  room = room > under_way ? room - under_way : 0;
  for (std::size_t attempts = 0; room > 0 && attempts < kDialAttempts; ++attempts) {
    const auto peer = next_candidate();
    if (!peer) {
      tried_.clear();
      fill_pause_ =
          std::min(std::max<Duration>(fill_pause_ * 2, kFillPauseMin), parameters_.shuffle_interval);
      fill_at_ = turn.now.monotonic + jittered(fill_pause_);
      return;
    }
    if (tried_.size() >= kTriedMax) tried_.erase(tried_.begin());
    tried_.push_back(peer->node);
    if (dial(*peer, Purpose::kFill, own, turn)) {
      --room;
    } else if (!addresses_.is_dialling(peer->node)) {
      passive_.remove(peer->node);
    }
  }
  // Each answer brings the next round forward; this one is for answers that never come.
  fill_at_ = turn.now.monotonic + jittered(parameters_.shuffle_interval);
}

void Membership::heal(const std::vector<NetAddress>& own, Turn& turn) {
  const RosterCounts& counts = roster_.counts();
  const bool alone = links_.size() == 0;
  const auto share =
      kHealPerTarget * static_cast<std::int64_t>(counts.online / std::max<std::size_t>(1, counts.offline));
  heal_at_ = turn.now.monotonic +
             jittered(alone ? Duration(kHealAlone) : std::max<Duration>(parameters_.heal_interval, share));
  const MemberRow* row = roster_.pick(random_, [&](const MemberRow& member) {
    return member.presence == Presence::kOffline && member.facts->well_formed &&
           !is_known_here(member.facts->node());
  });
  if (row == nullptr || P2P_PLANTED(HealNeverDials)) return;
  if (dial({row->facts->node(), row->facts->addresses}, Purpose::kHeal, own, turn)) ++counters_.heals;
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

void Membership::probe(const std::vector<NetAddress>& own, Turn& turn) {
  probe_at_ = turn.now.monotonic + jittered(parameters_.probe_interval);
  const auto quiet =
      std::chrono::duration_cast<std::chrono::seconds>((turn.now.monotonic - kProbeQuiet).time_since_epoch())
          .count();
  const MemberRow* row = roster_.pick(random_, [&](const MemberRow& member) {
    return member.presence == Presence::kOnline && member.facts->well_formed &&
           static_cast<std::int64_t>(heard_slot(member.key())) <= quiet &&
           !is_known_here(member.facts->node());
  });
  if (row == nullptr) return;
  if (dial({row->facts->node(), row->facts->addresses}, Purpose::kProbe, own, turn)) ++counters_.probes;
}

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
  if (partial_ && fill_at_ <= now) fill(own, turn);
  if (partial_ && shuffle_at_ <= now) {
    shuffle_at_ = now + jittered(parameters_.shuffle_interval);
    shuffle(turn);
  }
  if (settled && roster_.counts().offline > 0 && heal_at_ <= now) heal(own, turn);
  if (settled && partial_ && probe_at_ <= now) probe(own, turn);
  if (settled && partial_ && rewire_at_ <= now) rewire(own, turn);

  std::vector<LinkId> victims;
  wants_neighbors_ = count_links(links_, is_regular) < parameters_.active_view_max ||
                     links_.dialled() < parameters_.own_dials_min;
  if (!partial_ || P2P_PLANTED(ViewOverBound)) return victims;
  std::vector<LinkId> regular;
  std::vector<LinkId> inbound;
  extra_ends_.reset();
  for (auto& [id, link] : links_.all()) {
    if (link.extra_until && *link.extra_until <= now) link.extra_until.reset();
    if (link.extra_until && (!extra_ends_ || *link.extra_until < *extra_ends_))
      extra_ends_ = link.extra_until;
    if (!is_regular(link)) continue;
    regular.push_back(id);
    if (is_inbound(link)) inbound.push_back(id);
  }
  const auto evict = [&](std::vector<LinkId>& from) {
    const std::size_t place = random_.below(from.size());
    const LinkId victim = from[place];
    std::erase(regular, victim);
    std::erase(inbound, victim);
    victims.push_back(victim);
  };
  while (inbound.size() + parameters_.own_dials_min > parameters_.active_view_max && !inbound.empty())
    evict(inbound);
  while (regular.size() > parameters_.active_view_max) {
    const bool few_own = regular.size() - inbound.size() <= parameters_.own_dials_min;
    evict(few_own && !inbound.empty() ? inbound : regular);
  }
  return victims;
}

/// Everybody who is known, as their back-off allows: in a full mesh, and without a neighbor.
bool Membership::dials_all() const {
  return links_.size() == 0 || (!partial_ && links_.size() < limits::kLinksMax / 2);
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
