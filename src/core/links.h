// The neighbors of this node, HyParView's active view: one link each, its heartbeats, and which of two
// crossing ones stays.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "flat_map.h"
#include "frame_budget.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"

namespace p2pmesh {

struct Link {
  LinkId id = 0;
  NodeKey node;
  bool outbound = false;
  bool chosen = false;  ///< dialled from here, and not because somebody else said so
  NetAddress remote;
  std::vector<NetAddress> addresses;  ///< where the peer says it listens
  std::vector<Head> heads_given;
  std::vector<Head> heads_received;
  Instant up_at{};
  Instant heard_at{};
  Instant next_ping{};
  std::uint32_t pings = 0;
  std::optional<Duration> rtt;  ///< smoothed
  bool root_known = false;
  bool differs = false;          ///< the peer's last digest was another than this node's
  std::uint64_t gone_asked = 0;  // HeldIndex::gone_count() when it was last asked for what others dropped
  bool compared = false;         ///< an anti-entropy session over it has ended, or the roots were equal
  bool suspected = false;        ///< silent for too long
  bool in_tree = true;           ///< the broadcast pushes over it; as of the last look
  bool disconnected = false;     ///< the peer said that it closes this link on purpose
  std::optional<Instant> extra_until;     ///< beyond the view, between two components that found each other
  std::vector<EnvelopeId> taken_waiting;  ///< to be told at the end of the turn, or gathered
  FrameBudget budget;                     ///< of what the peer sends

  /// One more round trip was measured. Smoothed with TCP's gain (RFC 6298, section 2): the ways of the tree
  /// are chosen by it, and each slow frame would else move branches.
  void note_rtt(Duration measured) { rtt = rtt ? (*rtt * 7 + measured) / 8 : measured; }
};

/// Pointers to links end with every addition and removal.
class Links {
 public:
  /// Adds a link. When another one to the same node exists, the id of the one that has to go is returned; it
  /// may be the new one.
  std::optional<LinkId> add(const LinkUp& up, const NodeKey& self, Instant now);
  void remove(LinkId id);

  [[nodiscard]] const Link* find(LinkId id) const;
  [[nodiscard]] Link* find(LinkId id) { return const_cast<Link*>(std::as_const(*this).find(id)); }
  [[nodiscard]] const Link* find_node(const NodeKey& node) const;
  [[nodiscard]] Link* find_node(const NodeKey& node) {
    return const_cast<Link*>(std::as_const(*this).find_node(node));
  }
  /// Linked and heard lately.
  [[nodiscard]] bool is_alive(const NodeKey& node) const;
  [[nodiscard]] FlatMap<LinkId, Link>& all() { return links_; }
  [[nodiscard]] const FlatMap<LinkId, Link>& all() const { return links_; }
  [[nodiscard]] std::size_t size() const { return links_.size(); }
  [[nodiscard]] std::size_t dialled() const;
  /// Asks for the cache lines that a search will touch.
  void prefetch() const {
    if (ids_.empty()) return;
    __builtin_prefetch(ids_.data());
    for (const auto& item : links_) {
      __builtin_prefetch(&item);
      __builtin_prefetch(&item.second.heard_at);
    }
  }

 private:
  void put(LinkId id, Link link);
  void drop(FlatMap<LinkId, Link>::iterator place);

  FlatMap<LinkId, Link> links_;
  std::vector<LinkId> ids_;  // as in `links_`, so that a search does not touch every link
  FlatMap<NodeKey, LinkId> by_node_;
};

}  // namespace p2pmesh
