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

void AddressBook::restore(const RestoredPeer& peer, Instant now) {
  if (entries_.size() >= limits::kPeersMax && !entries_.contains(peer.node)) return;
  Entry& entry = entries_[peer.node];
  if (entry.addresses.size() >= limits::kAddressesMax) return;
  entry.addresses.push_back({peer.address, peer.last_success_ms > 0, peer.failures});
  std::stable_sort(entry.addresses.begin(), entry.addresses.end(),
                   [](const Known& a, const Known& b) { return a.proven && !b.proven; });
  entry.due = now;
}

void AddressBook::learn(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out) {
  if (address.port == 0 || address.is_wildcard()) return;
  if (entries_.size() >= limits::kPeersMax && !entries_.contains(node)) return;
  auto [found, is_new] = entries_.try_emplace(node);
  Entry& entry = found->second;
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
  if (is_new) entry.due = now;
  out.push_back(StorePeer{node, address, false, 0});
}

void AddressBook::on_connected(const NodeKey& node, const std::optional<NetAddress>& dialled, Outputs& out) {
  auto found = entries_.find(node);
  if (found == entries_.end()) {
    if (!dialled || entries_.size() >= limits::kPeersMax) return;
    found = entries_.emplace(node, Entry{}).first;
  }
  Entry& entry = found->second;
  entry.due.reset();
  entry.dialling = false;
  entry.next = 0;
  if (!dialled) return;
  std::erase_if(entry.addresses, [&](const Known& known) { return known.address == *dialled; });
  if (entry.addresses.size() >= limits::kAddressesMax) entry.addresses.pop_back();
  entry.addresses.insert(entry.addresses.begin(), {*dialled, true, 0});
  out.push_back(StorePeer{node, *dialled, true, 0});
}

void AddressBook::on_failed(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out) {
  auto found = entries_.find(node);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  for (Known& known : entry.addresses) {
    if (known.address != address) continue;
    if (known.failures < UINT32_MAX) ++known.failures;
    out.push_back(StorePeer{node, address, false, known.failures});
  }
  if (!entry.dialling) return;
  entry.dialling = false;
  ++entry.next;
  if (entry.next < entry.addresses.size()) {
    entry.due = now;
    return;
  }
  entry.next = 0;
  back_off(entry, now);
}

void AddressBook::back_off(Entry& entry, Instant now) {
  constexpr Duration kMin = limits::kRedialBackoffMin;
  constexpr Duration kMax = limits::kRedialBackoffMax;
  entry.backoff = entry.backoff == Duration{} ? kMin : std::min(kMax, entry.backoff * 2);
  // Half of it at random, so that a mesh that lost power does not dial in step.
  const auto half = static_cast<std::uint64_t>(entry.backoff.count() / 2);
  entry.due = now + Duration(static_cast<Duration::rep>(half + random_.below(half + 1)));
}

void AddressBook::on_lost(const NodeKey& node, bool left, bool proven, Instant now) {
  auto found = entries_.find(node);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.dialling = false;
  entry.next = 0;
  if (left) {
    entry.backoff = limits::kRedialBackoffMax;
    entry.due = now + limits::kRedialBackoffMax;
  } else if (proven) {
    entry.backoff = {};
    entry.due = now;
  } else {
    back_off(entry, now);
  }
}

void AddressBook::wake(const NodeKey& node, Instant now, Duration delay) {
  auto found = entries_.find(node);
  if (found == entries_.end() || found->second.dialling) return;
  Entry& entry = found->second;
  entry.backoff = {};
  if (!entry.due || *entry.due > now + delay) entry.due = now + delay;
}

void AddressBook::dial_due(const std::vector<NetAddress>& own, std::size_t room, Instant now, Outputs& out) {
  for (auto& [node, entry] : entries_) {
    if (room == 0) return;
    if (!entry.due || *entry.due > now || entry.dialling) continue;
    while (entry.next < entry.addresses.size() && !is_in_scope(entry.addresses[entry.next].address, own))
      ++entry.next;
    if (entry.next >= entry.addresses.size()) {
      entry.next = 0;
      back_off(entry, now);
      continue;
    }
    entry.dialling = true;
    entry.due.reset();
    out.push_back(Dial{node, entry.addresses[entry.next].address});
    --room;
  }
}

std::optional<Instant> AddressBook::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [node, entry] : entries_) {
    if (entry.due && !entry.dialling && (!next || *entry.due < *next)) next = entry.due;
  }
  return next;
}

}  // namespace p2pmesh
