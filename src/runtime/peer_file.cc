#include "peer_file.h"

#include <sstream>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {
namespace {

constexpr const char* kAnchor = "anchor";

}  // namespace

/// A line: a key, an address, and for an anchor a word that says so. Anchors stand first.
std::vector<RestoredPeer> PeerFile::read() {
  std::vector<RestoredPeer> peers;
  auto content = read_file(path_, limits::kPeerFileBytesMax);
  if (!content || !*content) return peers;
  std::istringstream lines{std::string(as_text(**content))};
  for (std::string line;
       std::getline(lines, line) && peers.size() < limits::kPeersOfFileMax + limits::kAnchorsMax;) {
    std::istringstream words(line);
    std::string key, address, kind;
    words >> key >> address >> kind;
    const auto node = NodeKey::from_hex(key);
    const auto parsed = SocketAddress::parse(address);
    if (!node || !parsed) continue;
    const bool is_anchor = kind == kAnchor && anchors_.size() < limits::kAnchorsMax;
    if (is_anchor) {
      anchors_.push_back({*node, to_net(*parsed)});
    } else {
      proven_[*node] = to_net(*parsed);
    }
    peers.push_back({*node, to_net(*parsed), 1, 0, is_anchor});
  }
  return peers;
}

void PeerFile::note(const NodeKey& node, const NetAddress& address) {
  auto found = proven_.find(node);
  if (found != proven_.end() && found->second == address) return;
  if (found == proven_.end() && proven_.size() >= limits::kPeersOfFileMax) return;
  proven_[node] = address;
  write();
}

void PeerFile::keep_anchors(const std::vector<Anchor>& anchors) {
  anchors_ = anchors;
  write();
}

void PeerFile::write() {
  std::string content;
  for (const Anchor& anchor : anchors_)
    content += anchor.node.hex() + " " + to_socket(anchor.address).format() + " " + kAnchor + "\n";
  for (const auto& [node, address] : proven_)
    content += node.hex() + " " + to_socket(address).format() + "\n";
  // A failure here is no failure of the node: the store has the addresses too.
  (void)write_file_atomically(path_, as_bytes(content));
}

}  // namespace p2pmesh
