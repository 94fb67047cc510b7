// Whom to dial: to fill the view, to trade a neighbor, to find the absent and to see whether the silent live.

#include <algorithm>

#include "link_counts.h"
#include "membership.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kHealAlone = std::chrono::seconds(1);  // without a neighbor there is nothing to spare
constexpr auto kHealPerTarget =
    std::chrono::seconds(1);  // all together dial one absent member about that often
constexpr auto kProbeQuiet = std::chrono::seconds(60);  // a member heard of since then needs no probe
constexpr std::size_t kDialsEnough = 2;
constexpr std::size_t kDialAttempts = 16;  // in one go; some have no address to dial
constexpr std::size_t kTriedMax = 64;

}  // namespace

std::size_t Membership::pending(Purpose purpose) const {
  return static_cast<std::size_t>(
      std::count_if(dialling_.begin(), dialling_.end(),
                    [&](const auto& item) { return item.second == purpose; }) +
      std::count_if(candidates_.begin(), candidates_.end(), [&](const auto& item) {
        return item.second.up.outbound && item.second.purpose == purpose;
      }));
}

bool Membership::dial(const PeerEntry& peer, Purpose purpose, const std::vector<NetAddress>& own, Turn& turn,
                      PeerSource source) {
  if (!addresses_.dial(peer.node, peer.addresses, own, turn.now.monotonic, turn.out, source)) return false;
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
  const bool from_anywhere = lacks_own() || random_.below(2) == 0;
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
  const std::size_t tradable = count_links(
      links_, [&](const Link& link) { return is_own(link) && can_trade(link) && !is_steady(link); });
  if (tradable == 0) return;
  const auto peer = random_member();
  if (peer && dial(*peer, Purpose::kRewire, own, turn)) ++counters_.rewires;
}

void Membership::fill(const std::vector<NetAddress>& own, Turn& turn) {
  const std::size_t regular = count_links(links_, is_regular);
  const std::size_t dialled = count_links(links_, is_own);
  std::size_t wanted = regular < parameters_.active_view_max ? parameters_.active_view_max - regular : 0;
  if (dialled < parameters_.own_dials_min) wanted = std::max(wanted, parameters_.own_dials_min - dialled);
  std::size_t room = std::min(wanted, regular < kFewNeighbors ? kDialsFew : kDialsEnough);
  const std::size_t under_way = pending(Purpose::kFill);
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
    if (dial(*peer, Purpose::kFill, own, turn, passive_.source_of(peer->node))) {
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

bool Membership::visit(const MemberFacts& member, Turn& turn) {
  const NodeKey node = member.node();
  const bool is_candidate = std::any_of(candidates_.begin(), candidates_.end(),
                                        [&](const auto& item) { return item.second.up.node == node; });
  if (node == self_ || links_.find_node(node) != nullptr || dialling_.contains(node) || is_candidate)
    return false;
  return dial({node, member.addresses}, Purpose::kHeal, own_addresses_, turn);
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

}  // namespace p2pmesh
