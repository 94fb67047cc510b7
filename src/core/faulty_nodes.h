// Whose links were closed as faulty, and for how long they are left alone: longer with each further fault.
#pragma once

#include <cstddef>
#include <map>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// By the key that proved itself on the link: never by that of an author, who is not there to blame.
class FaultyNodes {
 public:
  /// Came over its link: what no honest node sends.
  void note(const NodeKey& node, Instant now);
  /// Neither dialled nor let in.
  [[nodiscard]] bool is_shut_out(const NodeKey& node, Instant now) const;
  [[nodiscard]] std::size_t size() const { return faults_.size(); }

 private:
  struct Fault {
    Instant until{};
    Duration pause{};
  };
  void make_space(Instant now);

  std::map<NodeKey, Fault> faults_;  // at most kFaultyNodesMax
};

}  // namespace p2pmesh
