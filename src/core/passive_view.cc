#include "passive_view.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/planted.h"

namespace p2pmesh {

void PassiveView::add(const PeerEntry& peer, const std::vector<PeerEntry>& expendable) {
  for (PeerEntry& known : peers_) {
    if (known.node != peer.node) continue;
    if (!peer.addresses.empty()) known.addresses = peer.addresses;
    return;
  }
  if (size_max_ == 0) return;
  if (peers_.size() >= size_max_ && !P2P_PLANTED(PassiveViewUnbounded)) {
    auto victim = std::find_if(peers_.begin(), peers_.end(), [&](const PeerEntry& known) {
      return std::any_of(expendable.begin(), expendable.end(),
                         [&](const PeerEntry& told) { return told.node == known.node; });
    });
    if (victim == peers_.end())
      victim = peers_.begin() + static_cast<std::ptrdiff_t>(random_.below(peers_.size()));
    peers_.erase(victim);
  }
  peers_.push_back(peer);
}

void PassiveView::remove(const NodeKey& node) {
  std::erase_if(peers_, [&](const PeerEntry& known) { return known.node == node; });
}

bool PassiveView::contains(const NodeKey& node) const {
  return std::any_of(peers_.begin(), peers_.end(),
                     [&](const PeerEntry& known) { return known.node == node; });
}

std::vector<PeerEntry> PassiveView::sample(std::size_t count) {
  std::vector<std::size_t> places(peers_.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::vector<PeerEntry> drawn;
  for (std::size_t i = 0; i < places.size() && drawn.size() < count; ++i) {
    std::swap(places[i], places[i + random_.below(places.size() - i)]);
    drawn.push_back(peers_[places[i]]);
  }
  return drawn;
}

}  // namespace p2pmesh
