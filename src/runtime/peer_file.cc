#include "peer_file.h"

#include <sstream>

#include "address.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kPeersKept = 64;  // any one of them leads to all others
constexpr std::size_t kFileBytesMax = 64 * 1024;

}  // namespace

std::vector<RestoredPeer> PeerFile::read() {
  std::vector<RestoredPeer> peers;
  auto content = read_file(path_, kFileBytesMax);
  if (!content || !*content) return peers;
  std::istringstream lines{std::string(as_text(**content))};
  std::string key;
  std::string address;
  while (lines >> key >> address && peers.size() < kPeersKept) {
    const auto node = NodeKey::from_hex(key);
    const auto parsed = SocketAddress::parse(address);
    if (!node || !parsed) continue;
    proven_[*node] = to_net(*parsed);
    peers.push_back({*node, to_net(*parsed), 1, 0});
  }
  return peers;
}

void PeerFile::note(const NodeKey& node, const NetAddress& address) {
  auto found = proven_.find(node);
  if (found != proven_.end() && found->second == address) return;
  if (found == proven_.end() && proven_.size() >= kPeersKept) return;
  proven_[node] = address;
  write();
}

void PeerFile::write() {
  std::string content;
  for (const auto& [node, address] : proven_)
    content += node.hex() + " " + to_socket(address).format() + "\n";
  // Only a convenience: the store has the addresses too, so a failure here is no failure of the node.
  (void)write_file_atomically(path_, as_bytes(content));
}

}  // namespace p2pmesh
