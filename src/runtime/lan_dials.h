// Whom of those heard on the local network a node dials: members of its meshes that it has lost, or that a
// mesh has split off. Never many at once, and each less and less often while it does not answer.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// A mesh that the node is in, and who of it was heard and has no link.
struct LanNeed {
  MeshId mesh;
  bool is_alone = false;              ///< without any neighbor
  std::vector<NodeKey> unlinked;      ///< heard
  std::vector<NodeKey> seen_offline;  ///< of those, whom the roster does not show online
};

struct LanDial {
  MeshId mesh;
  NodeKey node;
};

class LanDials {
 public:
  LanDials(const NodeKey& self, std::uint64_t seed) : self_(self), random_(seed) {}

  /// What is to be dialled now; each is ended by on_ended().
  std::vector<LanDial> choose(const std::vector<LanNeed>& needs, Instant now);
  void on_ended(const NodeKey& node, Instant now);
  /// The network is another one: who did not answer may now.
  void forget_failures();
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  struct Try {
    bool is_under_way = false;
    Instant not_before{};
    Duration pause{};
  };
  [[nodiscard]] bool may_dial(const NodeKey& node, Instant now);

  NodeKey self_;
  Random random_;
  std::map<NodeKey, Try> tries_;
  std::size_t under_way_ = 0;
};

}  // namespace p2pmesh
