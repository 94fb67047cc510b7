// Links that are up and not yet granted: who asks, who is granted, who has to go for it.

#include <algorithm>

#include "anti_entropy.h"
#include "link_counts.h"
#include "membership.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kJustCome = std::chrono::seconds(10);
constexpr auto kSilentQuiet =
    std::chrono::seconds(10);  // one that does not answer may have been heard of before

}  // namespace

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
    close_candidate(up, turn);
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
    } else if (candidate.purpose == Purpose::kRewire) {
      request.priority = NeighborPriority::kTrade;
    } else if (partial_ && lacks_own() && candidate.purpose != Purpose::kTold) {
      request.priority = NeighborPriority::kBalance;
    }
    request.as_of_ms = AntiEntropy::as_of(turn.now);
    request.root = digest_.root(request.as_of_ms, turn.now.monotonic);
    // Until it has what a member knows it is a newcomer, whoever came to it meanwhile. One foot in the door
    // is enough: a join is never refused, and many newcomers would put each other out again and again.
    const bool joins = !established_ && (!partial_ || links_.dialled() == 0);
    if (joins && candidate.purpose != Purpose::kProbe) {
      turn.send(up.link, encode_join());
    } else {
      turn.send(up.link, encode_frame_of(request));
    }
  }
  candidates_.emplace(up.link, std::move(candidate));
}

void Membership::close_candidate(const LinkUp& up, Turn& turn) {
  turn.out.push_back(CloseLink{up.link, CloseReason::kDisconnect});
  addresses_.on_lost(up.node, false, false, turn.now.monotonic);
}

/// Fewer neighbors by others' choice than would leave too little room for own dials.
bool Membership::takes_inbound() const {
  return count_links(links_, is_others) + parameters_.own_dials_min < parameters_.active_view_max;
}

/// The oldest first.
std::vector<const Link*> Membership::own_dials() const {
  std::vector<const Link*> own;
  for (const auto& [id, link] : links_.all()) {
    if (is_own(link)) own.push_back(&link);
  }
  std::stable_sort(own.begin(), own.end(), [](const Link* a, const Link* b) { return a->up_at < b->up_at; });
  return own;
}

bool Membership::lacks_own() const {
  return count_links(links_, is_own) < parameters_.own_dials_min;
}

bool Membership::can_lose_own() const {
  return count_links(links_, is_own) > parameters_.own_dials_min;
}

/// The oldest own dials are given up for nobody: else whoever makes this node trade neighbors often enough
/// would have them all replaced. One of those that there have to be is traded, so that a mesh mixes.
bool Membership::is_steady(const Link& link) const {
  if (!is_own(link)) return false;
  const auto older = count_links(links_, [&](const Link& other) {
    return is_own(other) && (other.up_at < link.up_at || (other.up_at == link.up_at && other.id < link.id));
  });
  return older + 1 < parameters_.own_dials_min;
}

/// So few that others may be, or may soon be, a full mesh.
bool Membership::few_online() const {
  return roster_.counts().online <= parameters_.full_mesh_max();
}

bool Membership::has_room_for_inbound() const {
  if (P2P_PLANTED(ViewOverBound)) return true;
  if (!partial_ || few_online()) {
    // A newcomer keeps room for the one through whom it came, who may have died before telling it anything.
    const std::size_t kept = established_ ? 0 : parameters_.own_dials_min;
    return links_.size() + kept < limits::kLinksMax;
  }
  return count_links(links_, is_regular) < parameters_.active_view_max && takes_inbound();
}

/// A neighbor that has to go: of those that `fits` one outside the broadcast tree, else any one.
template <class Fits>
std::optional<LinkId> Membership::pick_victim(Instant now, Fits fits) {
  std::vector<LinkId> fit;
  std::vector<LinkId> spare;
  for (const auto& [id, link] : links_.all()) {
    if (!is_regular(link) || !fits(link) || is_steady(link)) continue;
    fit.push_back(id);
    // Nor one that has only just come: it may know nobody else yet.
    if (is_spare(link) && link.up_at + kJustCome <= now) spare.push_back(id);
  }
  const std::vector<LinkId>& from = spare.empty() ? fit : spare;
  if (from.empty()) return std::nullopt;
  return from[random_.below(from.size())];
}

/// For one that neither end needs nothing is given up that others get their payloads over: all who are behind
/// that link would be without a way until the tree has grown anew.
bool Membership::can_trade(const Link& link) const {
  return is_spare(link) || !parameters_.plumtree;
}

bool Membership::has_room_for_extra() const {
  return count_links(links_, [](const Link& link) { return !is_regular(link); }) < parameters_.merge_links;
}

/// Of those beside the view the oldest that has done what it came for: who waits for its place has not.
std::optional<LinkId> Membership::pick_extra(Instant now) const {
  const Link* oldest = nullptr;
  for (const auto& [id, link] : links_.all()) {
    if (is_regular(link) || !link.compared || link.differs || link.up_at + kJustCome > now) continue;
    if (oldest == nullptr || link.up_at < oldest->up_at) oldest = &link;
  }
  return oldest != nullptr ? std::optional(oldest->id) : std::nullopt;
}

bool Membership::can_visit(Instant now) const {
  const bool full = partial_ && count_links(links_, is_regular) >= parameters_.active_view_max;
  return !full || has_room_for_extra() || pick_extra(now);
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
    if (!has_room_for_extra()) outcome.evicted = pick_extra(turn.now.monotonic);
    granted = outcome.beside = has_room_for_extra() || outcome.evicted;
  } else if ((!priority || priority == NeighborPriority::kHigh || P2P_PLANTED(NeighborAlwaysGranted)) &&
             !room) {
    granted = true;
    const bool others_only = !takes_inbound() || !can_lose_own();
    outcome.evicted =
        pick_victim(turn.now.monotonic, [&](const Link& link) { return !others_only || is_others(link); });
  } else if (!room && (priority == NeighborPriority::kBalance || priority == NeighborPriority::kTrade)) {
    // What was only told of takes a place at both ends: else there would be too few for own dials.
    const auto is_placed = takes_inbound() ? is_own : is_told;
    outcome.evicted = pick_victim(turn.now.monotonic, [&](const Link& link) {
      return is_placed(link) && (priority == NeighborPriority::kBalance || can_trade(link));
    });
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
          if (full && !has_room_for_extra()) outcome.evicted = pick_extra(turn.now.monotonic);
          if (full && !has_room_for_extra() && !outcome.evicted) {
            close_candidate(up, turn);
            return outcome;
          }
        } else if (full && purpose == Purpose::kRewire && links_.find_node(up.node) == nullptr) {
          outcome.evicted = pick_victim(turn.now.monotonic,
                                        [&](const Link& link) { return is_own(link) && can_trade(link); });
          outcome.beside = !outcome.evicted && has_room_for_extra();
          if (!outcome.evicted && !outcome.beside) {
            close_candidate(up, turn);
            return outcome;
          }
        } else if (full && links_.find_node(up.node) == nullptr) {
          const bool others_only =
              purpose == Purpose::kTold ? !takes_inbound() || !can_lose_own() : !can_lose_own();
          outcome.evicted = pick_victim(turn.now.monotonic,
                                        [&](const Link& link) { return !others_only || is_others(link); });
        }
        passive_.remove(up.node);
        fill_pause_ = {};
        outcome.granted = up;
        outcome.chosen = purpose != Purpose::kTold;
        return outcome;
      }
      close_candidate(up, turn);
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
  outcome.faulty = candidate.up.node;
  addresses_.on_lost(candidate.up.node, false, false, turn.now.monotonic);
  candidates_.erase(found);
  return outcome;
}

std::optional<NodeKey> Membership::candidate_node(LinkId link) const {
  const auto found = candidates_.find(link);
  return found == candidates_.end() ? std::nullopt : std::optional(found->second.up.node);
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
  if (purpose == Purpose::kFill) fill_at_ = turn.now.monotonic;  // told: it was not looked for
  if (purpose == Purpose::kHeal) return std::nullopt;
  if (links_.size() == 0) return std::nullopt;  // the fault is more likely here
  const std::uint32_t heard = heard_slot(MemberKey{failed.node.bytes});
  const auto quiet_since = turn.now.monotonic - kSilentQuiet;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(quiet_since.time_since_epoch()).count();
  return static_cast<std::int64_t>(heard) <= seconds || heard == 0 ? std::optional(failed.node)
                                                                   : std::nullopt;
}

/// The neighbors that a view over its bounds has to give up.
std::vector<LinkId> Membership::trim(Instant now) {
  std::vector<LinkId> victims;
  if (!partial_ || P2P_PLANTED(ViewOverBound)) return victims;
  std::vector<LinkId> regular;
  std::vector<LinkId> others;
  extra_ends_.reset();
  for (auto& [id, link] : links_.all()) {
    if (link.extra_until && *link.extra_until <= now) link.extra_until.reset();
    if (link.extra_until && (!extra_ends_ || *link.extra_until < *extra_ends_))
      extra_ends_ = link.extra_until;
    if (!is_regular(link)) continue;
    regular.push_back(id);
    if (is_others(link)) others.push_back(id);
  }
  const auto evict = [&](std::vector<LinkId>& from) {
    const LinkId victim = *pick_victim(
        now, [&](const Link& link) { return std::find(from.begin(), from.end(), link.id) != from.end(); });
    std::erase(regular, victim);
    std::erase(others, victim);
    victims.push_back(victim);
  };
  // Among few everybody is linked to everybody, whoever dialled; one that is sent away would only come back.
  while (!few_online() && others.size() + parameters_.own_dials_min > parameters_.active_view_max &&
         !others.empty())
    evict(others);
  while (regular.size() > parameters_.active_view_max) {
    const bool few_own = regular.size() - others.size() <= parameters_.own_dials_min;
    evict(few_own && !others.empty() ? others : regular);
  }
  return victims;
}

}  // namespace p2pmesh
