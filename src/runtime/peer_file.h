// A few proven addresses beside the store, so that a node whose database was lost finds its neighbors again;
// and the anchors, which are dialled first at a start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/core/outputs.h"

namespace p2pmesh {

class PeerFile {
 public:
  explicit PeerFile(std::string path) : path_(std::move(path)) {}
  /// What the file says; lines that are no peers are skipped.
  std::vector<RestoredPeer> read();
  /// Remembers that a node was reached there; written at once when it is new.
  void note(const NodeKey& node, const NetAddress& address);
  /// Replaces the anchors; written at once.
  void keep_anchors(const std::vector<Anchor>& anchors);

 private:
  void write();
  std::string path_;
  std::map<NodeKey, NetAddress> proven_;
  std::vector<Anchor> anchors_;
};

}  // namespace p2pmesh
