#include "passive_view.h"

#include <algorithm>
#include <cstring>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

std::uint64_t tag_of(const NodeKey& node) {
  std::uint64_t tag = 0;
  std::memcpy(&tag, node.bytes.data(), sizeof tag);
  return tag;
}

}  // namespace

std::size_t PassiveView::place_of(const NodeKey& node) const {
  const std::uint64_t tag = tag_of(node);
  for (std::size_t i = 0; i < tags_.size(); ++i) {
    if (tags_[i] == tag && peers_[i].node == node) return i;
  }
  return peers_.size();
}

template <class Fits>
std::vector<std::size_t> PassiveView::places(Fits fits) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    if (fits(origins_[i])) found.push_back(i);
  }
  return found;
}

/// A liar, and a network full of them, only displaces its own.
std::size_t PassiveView::pick_victim(const Origin& origin, const std::vector<PeerEntry>& expendable) {
  auto from =
      places([&](const Origin& other) { return origin.source != 0 && other.source == origin.source; });
  if (from.size() < std::max<std::size_t>(1, size_max_ / limits::kPassiveSharesOfSource)) {
    from =
        places([&](const Origin& other) { return origin.network != 0 && other.network == origin.network; });
    if (from.size() < std::max<std::size_t>(1, size_max_ / limits::kPassiveSharesOfNetwork))
      from = places([](const Origin&) { return true; });
  }
  for (const PeerEntry& told : expendable) {
    if (std::find(from.begin(), from.end(), place_of(told.node)) != from.end()) return place_of(told.node);
  }
  return from[random_.below(from.size())];
}

void PassiveView::add(const PeerEntry& peer, PeerSource source, const std::vector<PeerEntry>& expendable) {
  if (const std::size_t place = place_of(peer.node); place < peers_.size()) {
    if (!peer.addresses.empty()) peers_[place].addresses = peer.addresses;
    return;
  }
  if (size_max_ == 0) return;
  const Origin origin{source, peer.addresses.empty() ? 0 : network_of(peer.addresses.front())};
  if (peers_.size() >= size_max_ && !P2P_PLANTED(PassiveViewUnbounded)) {
    const std::size_t victim = pick_victim(origin, expendable);
    peers_[victim] = peer;
    tags_[victim] = tag_of(peer.node);
    origins_[victim] = origin;
    return;
  }
  peers_.push_back(peer);
  tags_.push_back(tag_of(peer.node));
  origins_.push_back(origin);
}

void PassiveView::remove(const NodeKey& node) {
  const std::size_t place = place_of(node);
  if (place == peers_.size()) return;
  const auto offset = static_cast<std::ptrdiff_t>(place);
  peers_.erase(peers_.begin() + offset);
  tags_.erase(tags_.begin() + offset);
  origins_.erase(origins_.begin() + offset);
}

PeerSource PassiveView::source_of(const NodeKey& node) const {
  const std::size_t place = place_of(node);
  return place == peers_.size() ? 0 : origins_[place].source;
}

bool PassiveView::contains(const NodeKey& node) const {
  return place_of(node) < peers_.size();
}

std::vector<PeerEntry> PassiveView::sample(std::size_t count) {
  std::vector<std::size_t> places(peers_.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::vector<PeerEntry> drawn;
  drawn.reserve(std::min(count, places.size()));
  for (std::size_t i = 0; i < places.size() && drawn.size() < count; ++i) {
    std::swap(places[i], places[i + random_.below(places.size() - i)]);
    drawn.push_back(peers_[places[i]]);
  }
  return drawn;
}

}  // namespace p2pmesh
