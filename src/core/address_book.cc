#include "address_book.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

/// Loopback and link-local addresses mean something else on another machine: only who advertises that scope
/// dials it.
bool is_in_scope(const NetAddress& address, const std::vector<NetAddress>& own) {
  const auto has = [&](auto test) { return std::any_of(own.begin(), own.end(), test); };
  if (address.is_loopback()) return has([](const NetAddress& mine) { return mine.is_loopback(); });
  if (address.is_link_local()) return has([](const NetAddress& mine) { return mine.is_link_local(); });
  return true;
}

}  // namespace

/// Neither connected, nor being dialled, nor proven: it comes again with the next record or shuffle.
bool AddressBook::can_go(const Entry& entry) {
  return !entry.connected && !entry.dialling &&
         std::none_of(entry.addresses.begin(), entry.addresses.end(),
                      [](const Known& known) { return known.proven; });
}

/// The entry, a new one if there is room or something can go for it.
AddressBook::Entry* AddressBook::entry_of(const NodeKey& node, PeerSource source, Network network) {
  auto found = entries_.find(node);
  if (found != entries_.end()) return &found->second;
  if (forbidden_.contains(node)) return nullptr;
  if (entries_.size() >= limits::kPeersMax && !make_space(source, network)) return nullptr;
  Entry& entry = entries_[node];
  put(node, entry, source);
  put_in_network(node, entry, network);
  return &entry;
}

/// Those of the same source or network, when it has its share of a book.
const AddressBook::Nodes* AddressBook::crowd_of(PeerSource source, Network network) const {
  const auto of_source = by_source_.find(source);
  if (of_source != by_source_.end() && of_source->second.size() >= limits::kPeersPerSourceMax)
    return &of_source->second;
  const auto of_network = by_network_.find(network);
  if (of_network != by_network_.end() && of_network->second.size() >= limits::kPeersPerNetworkMax)
    return &of_network->second;
  return nullptr;
}

/// Gives up an entry for one of this source and network: one at random, or the first behind it that can go.
bool AddressBook::make_space(PeerSource source, Network network) {
  constexpr int kLooks = 64;
  NodeKey from;
  for (std::uint8_t& byte : from.bytes) byte = static_cast<std::uint8_t>(random_.next());
  if (const Nodes* crowd = crowd_of(source, network)) {
    auto node = crowd->lower_bound(from);
    for (int i = 0; i < kLooks; ++i, ++node) {
      if (node == crowd->end()) node = crowd->begin();
      const auto found = entries_.find(*node);
      if (!can_go(found->second)) continue;
      forget(found);
      return true;
    }
    return false;
  }
  auto victim = entries_.lower_bound(from);
  for (int i = 0; i < kLooks; ++i, ++victim) {
    if (victim == entries_.end()) victim = entries_.begin();
    if (can_go(victim->second)) break;
  }
  if (victim == entries_.end()) victim = entries_.begin();
  if (victim->second.connected || victim->second.dialling) return false;
  forget(victim);
  return true;
}

void AddressBook::put(const NodeKey& node, Entry& entry, PeerSource source) {
  entry.source = source;
  if (source != 0) by_source_[source].insert(node);
}

void AddressBook::put_in_network(const NodeKey& node, Entry& entry, Network network) {
  if (entry.network != 0 || network == 0) return;
  entry.network = network;
  by_network_[network].insert(node);
}

void AddressBook::forget(Entries::iterator found) {
  const auto take_out = [&](auto& groups, std::uint64_t group) {
    const auto nodes = groups.find(group);
    if (nodes != groups.end() && nodes->second.erase(found->first) > 0 && nodes->second.empty())
      groups.erase(nodes);
  };
  take_out(by_source_, found->second.source);
  take_out(by_network_, found->second.network);
  set_due(found->first, found->second, std::nullopt);
  set_dialling(found->second, false);
  entries_.erase(found);
}

void AddressBook::set_due(const NodeKey& node, Entry& entry, std::optional<Instant> due) {
  if (entry.due) due_.erase({*entry.due, node});
  entry.due = due;
  if (due) due_.emplace(*due, node);
}

void AddressBook::set_dialling(Entry& entry, bool dialling) {
  if (entry.dialling == dialling) return;
  entry.dialling = dialling;
  dialling ? ++dialling_ : --dialling_;
}

void AddressBook::restore(const RestoredPeer& peer, Instant now) {
  if (entries_.size() >= limits::kPeersMax && !entries_.contains(peer.node)) return;
  if (forbidden_.contains(peer.node)) return;
  Entry& entry = entries_[peer.node];
  if (peer.anchor && anchors_.size() < limits::kAnchorsMax) {
    anchors_.insert(peer.node);
    anchors_until_ = now + limits::kAnchorsFirst;
  }
  const bool is_first = anchors_.contains(peer.node);
  set_due(peer.node, entry, is_first ? Instant{} : now);
  std::erase_if(entry.addresses, [&](const Known& known) { return known.address == peer.address; });
  if (entry.addresses.size() >= limits::kAddressesMax) return;
  entry.addresses.push_back({peer.address, peer.last_success_ms > 0, peer.failures});
  std::stable_sort(entry.addresses.begin(), entry.addresses.end(),
                   [](const Known& a, const Known& b) { return a.proven && !b.proven; });
  put_in_network(peer.node, entry, network_of(peer.address));
}

void AddressBook::add_address(Entry& entry, const NetAddress& address) {
  if (address.port == 0 || address.is_wildcard()) return;
  auto same = std::find_if(entry.addresses.begin(), entry.addresses.end(),
                           [&](const Known& known) { return known.address == address; });
  if (same != entry.addresses.end()) return;
  if (entry.addresses.size() >= limits::kAddressesMax) {
    auto unproven = std::find_if(entry.addresses.begin(), entry.addresses.end(),
                                 [](const Known& known) { return !known.proven; });
    entry.addresses.erase(unproven == entry.addresses.end() ? entry.addresses.begin() : unproven);
  }
  // What was said last is tried first: an old address is the likelier one to be stale.
  entry.addresses.insert(entry.addresses.begin(), {address, false, 0});
  entry.next = 0;
}

void AddressBook::learn(const NodeKey& node, const NetAddress& address, Instant now, PeerSource source) {
  if (address.port == 0 || address.is_wildcard()) return;
  const bool is_new = !entries_.contains(node);
  Entry* entry = entry_of(node, source, network_of(address));
  if (entry == nullptr) return;
  put_in_network(node, *entry, network_of(address));
  add_address(*entry, address);
  if (is_new) set_due(node, *entry, now);
}

void AddressBook::on_connected(const NodeKey& node, const std::optional<NetAddress>& dialled, Outputs& out,
                               PeerSource source) {
  anchors_.erase(node);
  Entry* entry = entry_of(node, source, dialled ? network_of(*dialled) : 0);
  if (entry == nullptr) return;
  set_due(node, *entry, std::nullopt);
  set_dialling(*entry, false);
  entry->connected = true;
  entry->next = 0;
  if (!dialled) return;
  std::erase_if(entry->addresses, [&](const Known& known) { return known.address == *dialled; });
  if (entry->addresses.size() >= limits::kAddressesMax) entry->addresses.pop_back();
  entry->addresses.insert(entry->addresses.begin(), {*dialled, true, 0});
  out.push_back(StorePeer{node, *dialled, true, 0});
}

bool AddressBook::on_failed(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out) {
  auto found = entries_.find(node);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  for (Known& known : entry.addresses) {
    if (known.address != address) continue;
    if (known.failures < UINT32_MAX) ++known.failures;
    // Kept on disk where it once answered; one that never did stands in its member's record.
    if (known.proven) out.push_back(StorePeer{node, address, false, known.failures});
  }
  if (!entry.dialling) return false;
  set_dialling(entry, false);
  if (entry.connected) return false;
  ++entry.next;
  if (entry.next < entry.addresses.size()) {
    set_due(node, entry, now);
    return true;
  }
  entry.next = 0;
  anchors_.erase(node);
  back_off(node, entry, now);
  return false;
}

void AddressBook::back_off(const NodeKey& node, Entry& entry, Instant now) {
  constexpr Duration kMin = limits::kRedialBackoffMin;
  constexpr Duration kMax = limits::kRedialBackoffMax;
  entry.backoff = entry.backoff == Duration{} ? kMin : std::min(kMax, entry.backoff * 2);
  // Half of it at random, so that a mesh that lost power does not dial in step.
  const auto half = static_cast<std::uint64_t>(entry.backoff.count() / 2);
  set_due(node, entry, now + Duration(static_cast<Duration::rep>(half + random_.below(half + 1))));
}

void AddressBook::on_lost(const NodeKey& node, bool left, bool proven, Instant now) {
  auto found = entries_.find(node);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  set_dialling(entry, false);
  entry.connected = false;
  entry.next = 0;
  if (left) {
    entry.backoff = limits::kRedialBackoffMax;
    set_due(node, entry, now + limits::kRedialBackoffMax);
  } else if (proven) {
    entry.backoff = {};
    set_due(node, entry, now);
  } else {
    back_off(node, entry, now);
  }
}

void AddressBook::forbid(const NodeKey& node) {
  forbidden_.insert(node);
  anchors_.erase(node);
  if (const auto found = entries_.find(node); found != entries_.end()) forget(found);
}

void AddressBook::wake(const NodeKey& node, Instant now, Duration delay) {
  auto found = entries_.find(node);
  if (found == entries_.end() || found->second.dialling || found->second.connected) return;
  Entry& entry = found->second;
  entry.backoff = {};
  if (!entry.due || *entry.due > now + delay) set_due(node, entry, now + delay);
}

/// Dials the next address that is in scope; false when there is none.
bool AddressBook::try_next(const NodeKey& node, Entry& entry, const std::vector<NetAddress>& own, Instant now,
                           Outputs& out) {
  while (entry.next < entry.addresses.size() && !is_in_scope(entry.addresses[entry.next].address, own))
    ++entry.next;
  if (entry.next >= entry.addresses.size() || shut_out_.contains(node) || is_shut_out(node, now))
    return false;
  set_dialling(entry, true);
  set_due(node, entry, std::nullopt);
  out.push_back(Dial{node, entry.addresses[entry.next].address});
  return true;
}

void AddressBook::dial_due(const std::vector<NetAddress>& own, Instant now, Outputs& out) {
  while (dialling_ < limits::kDialsMax && !due_.empty() && due_.begin()->first <= now) {
    const NodeKey node = due_.begin()->second;
    if (waits_for_anchors(now) && !anchors_.contains(node)) return;
    Entry& entry = entries_.at(node);
    if (!try_next(node, entry, own, now, out)) {
      anchors_.erase(node);
      entry.next = 0;
      back_off(node, entry, now);
    }
  }
}

bool AddressBook::dial(const NodeKey& node, const std::vector<NetAddress>& addresses,
                       const std::vector<NetAddress>& own, Instant now, Outputs& out, PeerSource source) {
  const bool is_new = !entries_.contains(node);
  Entry* entry = entry_of(node, source, addresses.empty() ? 0 : network_of(addresses.front()));
  if (entry == nullptr || entry->dialling || entry->connected || dialling_ >= limits::kDialsMax) return false;
  for (const NetAddress& address : addresses) add_address(*entry, address);
  if (entry->next >= entry->addresses.size()) entry->next = 0;
  if (try_next(node, *entry, own, now, out)) return true;
  entry->next = 0;
  if (is_new) {
    forget(entries_.find(node));
  } else {
    back_off(node, *entry, now);
  }
  return false;
}

bool AddressBook::is_dialling(const NodeKey& node) const {
  auto found = entries_.find(node);
  return found != entries_.end() && found->second.dialling;
}

std::optional<Instant> AddressBook::next_deadline() const {
  // With too many under way the next answer is waited for.
  if (due_.empty() || dialling_ >= limits::kDialsMax) return std::nullopt;
  const bool waits = !anchors_.empty() && !anchors_.contains(due_.begin()->second);
  return waits ? std::max(due_.begin()->first, anchors_until_) : due_.begin()->first;
}

}  // namespace p2pmesh
