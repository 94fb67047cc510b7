// HyParView's passive view: nodes that may become neighbors, bounded, mixed by shuffles.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/membership_messages.h"

namespace p2pmesh {

class PassiveView {
 public:
  PassiveView(std::size_t size_max, Random& random) : size_max_(size_max), random_(random) {}

  /// Adds one, or renews its addresses. A full view gives up one of `expendable` (they were just told to
  /// somebody else), else any one.
  void add(const PeerEntry& peer, const std::vector<PeerEntry>& expendable = {});
  void remove(const NodeKey& node);
  [[nodiscard]] bool contains(const NodeKey& node) const;
  /// Up to `count` different ones at random.
  [[nodiscard]] std::vector<PeerEntry> sample(std::size_t count);
  [[nodiscard]] const std::vector<PeerEntry>& all() const { return peers_; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

 private:
  std::size_t size_max_;
  Random& random_;
  [[nodiscard]] std::size_t place_of(const NodeKey& node) const;

  std::vector<PeerEntry> peers_;
  std::vector<std::uint64_t> tags_;  // a word of each one's key: a search looks at these alone
};

}  // namespace p2pmesh
