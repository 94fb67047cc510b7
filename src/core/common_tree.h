// The tree that all nodes agree on: breadth first from the member with the smallest key that is online. Each
// node tells its neighbors how far from that root it is, and takes the nearest one as its way there.
#pragma once

#include <cstdint>
#include <optional>

#include "flat_map.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// Every way leads to a node that is nearer to the root, so the ways of all are a tree: each node has its own
/// one and those of the neighbors that chose it, and every other link is spare.
class CommonTree {
 public:
  /// `kept`: what a neighbor said counts for so long.
  explicit CommonTree(Duration kept) : kept_(kept) {}

  /// `root`: the smallest key online; `is_self`: it is this node's.
  void set_root(const MemberKey& root, bool is_self);
  /// A neighbor's heartbeat. `place`: nothing when it has none; `rtt`: of the link, if it was measured.
  void on_place(LinkId link, const std::optional<TreePlace>& place, std::optional<Duration> rtt, Instant now);
  /// The neighbor asked for the link, or wants it no more, and told so before its next heartbeat.
  void on_chosen(LinkId link, bool chosen);
  void on_link_down(LinkId link) { neighbors_.erase(link); }
  /// Something was missing that the way should have brought. The second time it is avoided for a while.
  void on_way_failed(Instant now);
  /// Takes the neighbor over which the root is nearest as the way there.
  void choose(Instant now);
  void clear();

  /// This node is the root, or has a way there.
  [[nodiscard]] bool is_attached() const { return is_root_ || way_ != 0; }
  [[nodiscard]] LinkId way() const { return way_; }
  /// What the neighbor is to be told; nothing: the way is not known.
  [[nodiscard]] std::optional<TreePlace> place_for(LinkId link, Instant now) const;
  /// Both ends have their ways over other links.
  [[nodiscard]] bool is_spare(LinkId link, Instant now) const;

 private:
  struct Neighbor {
    TreePlace place;
    Instant said_at{};
    Instant root_said_at{};  // which is what it knows it from
    Instant failed_at{};
    Instant doubted_until{};
    unsigned over = 0;  // the root's distance over it
    bool chose_this = false;
  };
  [[nodiscard]] bool is_known(const Neighbor& neighbor, Instant now) const;

  Duration kept_;
  FlatMap<LinkId, Neighbor> neighbors_;
  std::uint16_t root_ = 0;
  bool is_root_ = false;
  LinkId way_ = 0;
  unsigned distance_ = kTreeDistanceMax;  // of this node, as of when it was last attached
  Instant loose_until_{};                 // without a way, after it was lost
};

}  // namespace p2pmesh
