// HyParView's passive view: nodes that may become neighbors, bounded, mixed by shuffles.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/membership_messages.h"
#include "peer_source.h"

namespace p2pmesh {

class PassiveView {
 public:
  PassiveView(std::size_t size_max, Random& random) : size_max_(size_max), random_(random) {}

  /// Adds one, or renews its addresses. A full view gives up one of `expendable` (they were just told to
  /// somebody else), else any one; but one of the same source, or else network, when that has its share.
  void add(const PeerEntry& peer, PeerSource source = 0, const std::vector<PeerEntry>& expendable = {});
  void remove(const NodeKey& node);
  [[nodiscard]] bool contains(const NodeKey& node) const;
  /// Who told of it; 0 when it is not in the view.
  [[nodiscard]] PeerSource source_of(const NodeKey& node) const;
  /// Up to `count` different ones at random.
  [[nodiscard]] std::vector<PeerEntry> sample(std::size_t count);
  [[nodiscard]] const std::vector<PeerEntry>& all() const { return peers_; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

 private:
  struct Origin {
    PeerSource source = 0;
    Network network = 0;
  };
  [[nodiscard]] std::size_t place_of(const NodeKey& node) const;
  template <class Fits>
  std::vector<std::size_t> places(Fits fits) const;
  std::size_t pick_victim(const Origin& origin, const std::vector<PeerEntry>& expendable);

  std::size_t size_max_;
  Random& random_;

  std::vector<PeerEntry> peers_;
  std::vector<std::uint64_t> tags_;  // a word of each one's key: a search looks at these alone
  std::vector<Origin> origins_;
};

}  // namespace p2pmesh
