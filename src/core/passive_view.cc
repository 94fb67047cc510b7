#include "passive_view.h"

#include <algorithm>
#include <cstring>

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

void PassiveView::add(const PeerEntry& peer, const std::vector<PeerEntry>& expendable) {
  if (const std::size_t place = place_of(peer.node); place < peers_.size()) {
    if (!peer.addresses.empty()) peers_[place].addresses = peer.addresses;
    return;
  }
  if (size_max_ == 0) return;
  if (peers_.size() >= size_max_ && !P2P_PLANTED(PassiveViewUnbounded)) {
    std::size_t victim = peers_.size();
    for (const PeerEntry& told : expendable) victim = std::min(victim, place_of(told.node));
    if (victim == peers_.size()) victim = random_.below(peers_.size());
    peers_[victim] = peer;
    tags_[victim] = tag_of(peer.node);
    return;
  }
  peers_.push_back(peer);
  tags_.push_back(tag_of(peer.node));
}

void PassiveView::remove(const NodeKey& node) {
  const std::size_t place = place_of(node);
  if (place == peers_.size()) return;
  peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(place));
  tags_.erase(tags_.begin() + static_cast<std::ptrdiff_t>(place));
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
