#include "heard_nodes.h"

#include <algorithm>
#include <string_view>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::array<std::string_view, kBeaconDrops> kDropNames = {
    "malformed", "own", "wrong_interface", "over_budget", "stale", "forged", "full"};
constexpr std::size_t kDialledOfNode = 4;  // its addresses
constexpr auto kClearInterval = std::chrono::seconds(1);
constexpr WallMs kOtherWayMs = 1000;  // that a beacon may come later than one that was sent after it
constexpr auto kSecondHearing = std::chrono::seconds(2);  // of a node whose clock is far off

bool is_fresh(const HeardPlace& place, Instant now) {
  return now - place.heard_at < limits::kHeardKept;
}

bool is_forgotten(const HeardNode& node, Instant now) {
  return now - node.heard_at > limits::kBeaconClock;
}

bool is_right_source(const HeardDatagram& heard, const LanInterface& by) {
  if (heard.source.is_ipv6()) return heard.source.is_link_local() && heard.source.scope() == by.index;
  return is_of_network(by, heard.source.ip());
}

bool is_multicast(const SocketAddress& address) {
  const ByteView ip = address.ip();
  return address.is_ipv6() ? ip[0] == 0xFF : (ip[0] & 0xF0) == 0xE0;
}

}  // namespace

std::vector<HostPort> targets_of(const HeardNode& node, Instant now) {
  std::vector<HostPort> targets;
  for (const HeardPlace& place : node.places) {
    if (!is_fresh(place, now)) continue;
    for (const SocketAddress& address : place.addresses) {
      if (targets.size() < kDialledOfNode) targets.push_back({address.host(), address.port()});
    }
  }
  return targets;
}

const HeardNode* HeardNodes::drop(BeaconDrop why) {
  ++dropped_[static_cast<std::size_t>(why)];
  return nullptr;
}

const HeardNode* HeardNodes::take(ByteView bytes, const HeardDatagram& heard, const LanInterface* by,
                                  const Now& now) {
  const auto node = heard.is_cut ? std::nullopt : peek_beacon_node(bytes);
  if (!node) return drop(BeaconDrop::kMalformed);
  if (*node == self_) return drop(BeaconDrop::kOwn);
  if (by == nullptr || !by->is_used() || !is_multicast(heard.destination) || !is_right_source(heard, *by))
    return drop(BeaconDrop::kWrongInterface);
  const SocketAddress source = heard.source.with_port(0);
  if (!pays(*node, source, now.monotonic)) return drop(BeaconDrop::kOverBudget);
  auto beacon = decode_beacon(bytes);
  if (!beacon) return drop(BeaconDrop::kMalformed);
  if (!is_newer(*beacon, source, by->index, now.monotonic)) return drop(BeaconDrop::kStale);
  if (!verifier_.verify(node->view(), beacon_signing_bytes(bytes), beacon->signature))
    return drop(BeaconDrop::kForged);
  auto found = nodes_.find(*node);
  if (found != nodes_.end() && is_forgotten(found->second, now.monotonic)) {
    nodes_.erase(found);
    found = nodes_.end();
  }
  if (found == nodes_.end()) {
    if (!has_room(source, now.monotonic)) return drop(BeaconDrop::kFull);
    found = nodes_.emplace(*node, HeardNode{}).first;
    const WallMs apart =
        beacon->wall_ms > now.wall_ms ? beacon->wall_ms - now.wall_ms : now.wall_ms - beacon->wall_ms;
    found->second.is_believed =
        std::chrono::milliseconds(std::min<WallMs>(apart, INT32_MAX)) < limits::kBeaconClock;
    found->second.first_at = now.monotonic;
  }
  ++taken_;
  HeardNode& known = found->second;
  known.is_believed = known.is_believed || now.monotonic - known.first_at >= kSecondHearing;
  known.heard_at = now.monotonic;
  const bool was_there = !known.places.empty() && is_fresh(known.places.front(), now.monotonic);
  known.is_newcomer = !beacon->is_farewell() && (!was_there || beacon->is_question());
  if (beacon->is_farewell()) {
    known.places.clear();
  } else {
    note_place(known, *beacon, heard, *by, now.monotonic);
  }
  if (beacon->wall_ms < known.beacon.wall_ms) return &known;
  known.beacon = *std::move(beacon);
  known.meshes = recognise_(known.beacon);
  return &known;
}

/// A node that is known, where it is known, pays out of its own purse: a flood of others leaves it that.
bool HeardNodes::pays(const NodeKey& node, const SocketAddress& source, Instant now) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end()) {
    for (HeardPlace& place : found->second.places) {
      if (place.source != source || !is_fresh(place, now)) continue;
      if (place.budget.left(now) < 1) return false;
      place.budget.take(now);
      return true;
    }
  }
  return pays_as_stranger(source, now);
}

bool HeardNodes::pays_as_stranger(const SocketAddress& source, Instant now) {
  if (now - cleared_at_ >= kClearInterval) {
    cleared_at_ = now;
    std::erase_if(sources_, [&](const auto& one) { return one.second.is_full(now); });
  }
  if (!strangers_) strangers_.emplace(limits::kBeaconsPerSecond, limits::kBeaconsBurst, now);
  auto own = sources_.find(source);
  // Those for whom there is no place are one source together.
  const bool is_told_apart = own != sources_.end() || sources_.size() + 1 < limits::kBeaconSourcesMax;
  if (own == sources_.end()) {
    const TokenBucket whole(limits::kSourceBeaconsPerSecond, limits::kSourceBeaconsBurst, now);
    own = sources_.try_emplace(is_told_apart ? source : SocketAddress(), whole).first;
  }
  if (own->second.left(now) < 1 || strangers_->left(now) < 1) return false;
  own->second.take(now);
  strangers_->take(now);
  return true;
}

/// What was said before is not believed again, so a beacon that somebody has kept is of no use. One that goes
/// out by several ways may come in another order. Of a node that was not heard for long its clock decides.
bool HeardNodes::is_newer(const Beacon& beacon, const SocketAddress& source, std::uint32_t interface,
                          Instant now) const {
  const auto found = nodes_.find(beacon.node);
  if (found == nodes_.end() || is_forgotten(found->second, now)) return true;
  const HeardNode& known = found->second;
  if (beacon.wall_ms > known.beacon.wall_ms) return true;
  const bool is_known_way =
      std::any_of(known.places.begin(), known.places.end(), [&](const HeardPlace& place) {
        return place.interface == interface && place.source == source && place.wall_ms >= beacon.wall_ms;
      });
  return !known.beacon.is_farewell() && !is_known_way && beacon.wall_ms < known.beacon.wall_ms &&
         known.beacon.wall_ms - beacon.wall_ms < kOtherWayMs;
}

bool HeardNodes::has_room(const SocketAddress& source, Instant now) {
  std::size_t of_source = 0;
  auto oldest = nodes_.end();
  for (auto one = nodes_.begin(); one != nodes_.end(); ++one) {
    const auto& places = one->second.places;
    const bool is_there = std::any_of(places.begin(), places.end(), [&](const HeardPlace& place) {
      return is_fresh(place, now) && place.source == source;
    });
    of_source += is_there ? 1 : 0;
    if (oldest == nodes_.end() || one->second.heard_at < oldest->second.heard_at) oldest = one;
  }
  if (of_source >= limits::kHeardPerSourceMax) return false;
  if (nodes_.size() < limits::kHeardMax) return true;
  if (now - oldest->second.heard_at < limits::kHeardKept) return false;
  nodes_.erase(oldest);
  return true;
}

/// Addresses that are not of the network that the beacon came by are nobody's word.
void HeardNodes::note_place(HeardNode& node, const Beacon& beacon, const HeardDatagram& heard,
                            const LanInterface& by, Instant now) {
  const SocketAddress source = heard.source.with_port(0);
  const TokenBucket purse(limits::kNodeBeaconsPerSecond, limits::kNodeBeaconsBurst, now);
  HeardPlace place{by.index, by.name, source, {}, now, beacon.wall_ms, purse};
  for (const NetAddress& told : beacon.addresses) {
    const ByteView ip = ByteView(told.ip).first(told.v6 ? 16 : 4);
    const auto address = SocketAddress::from_ip(ip, beacon.port);
    if (!address || told.v6 != source.is_ipv6() || !is_of_network(by, ip)) continue;
    const SocketAddress scoped = address->with_scope(by.index);
    if (std::find(place.addresses.begin(), place.addresses.end(), scoped) == place.addresses.end())
      place.addresses.push_back(scoped);
  }
  if (place.addresses.empty()) return;
  // Where it came from is not signed: it counts when it is among those, and is the likeliest then.
  const auto from = std::find(place.addresses.begin(), place.addresses.end(),
                              source.with_port(beacon.port).with_scope(by.index));
  if (from != place.addresses.end()) std::rotate(place.addresses.begin(), from, from + 1);
  const auto known = std::find_if(node.places.begin(), node.places.end(), [&](const HeardPlace& other) {
    return other.interface == by.index && other.source == source;
  });
  if (known != node.places.end()) {
    place.budget = known->budget;
    node.places.erase(known);
  }
  node.places.insert(node.places.begin(), std::move(place));
  if (node.places.size() > limits::kHeardPlacesMax) node.places.pop_back();
}

void HeardNodes::forget_interface(std::uint32_t interface) {
  for (auto& [key, node] : nodes_)
    std::erase_if(node.places, [&](const HeardPlace& place) { return place.interface == interface; });
}

std::vector<const HeardNode*> HeardNodes::fresh(Instant now) const {
  std::vector<const HeardNode*> found;
  for (const auto& [key, node] : nodes_) {
    if (node.is_believed && !node.places.empty() && is_fresh(node.places.front(), now))
      found.push_back(&node);
  }
  return found;
}

const HeardNode* HeardNodes::find(const NodeKey& node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::string HeardNodes::describe_faults() const {
  std::string text;
  const auto add = [&](BeaconDrop why, const char* words) {
    const std::uint64_t count = dropped_[static_cast<std::size_t>(why)];
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + words;
  };
  add(BeaconDrop::kMalformed, "malformed");
  add(BeaconDrop::kWrongInterface, "from an address that is not of the network they came by");
  add(BeaconDrop::kForged, "with a wrong signature");
  add(BeaconDrop::kOverBudget, "more than are looked at");
  add(BeaconDrop::kStale, "said before");
  add(BeaconDrop::kFull, "of more nodes than are remembered");
  return text;
}

std::vector<std::pair<std::string, std::uint64_t>> HeardNodes::counters() const {
  std::vector<std::pair<std::string, std::uint64_t>> listed = {{"lan_taken", taken_}};
  for (std::size_t i = 0; i < kBeaconDrops; ++i)
    listed.emplace_back("lan_dropped_" + std::string(kDropNames[i]), dropped_[i]);
  return listed;
}

}  // namespace p2pmesh
