#include "peer_source.h"

#include <algorithm>
#include <cstddef>

namespace p2pmesh {
namespace {

constexpr std::uint64_t kOfNeighbor = 1ULL << 63;
constexpr std::uint64_t kOfNetwork = 1ULL << 62;

/// What kind of network, in the top byte, and the first bytes of the address.
Network network(std::uint8_t kind, const std::uint8_t* ip, std::size_t bytes) {
  Network found = 0;
  for (std::size_t i = 0; i < bytes; ++i) found = found << 8 | ip[i];
  return (found & ((1ULL << 56) - 1)) | std::uint64_t{kind} << 56;
}

Network v4_network(const std::uint8_t* ip) {
  if (ip[0] == 127) return 0;
  const bool is_private = ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xF0) == 16) ||
                          (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);
  return is_private ? network(1, ip, 3) : network(2, ip, 2);
}

bool is_mapped_v4(const NetAddress& address) {
  return address.v6 && address.ip[10] == 0xFF && address.ip[11] == 0xFF &&
         std::all_of(address.ip.begin(), address.ip.begin() + 10,
                     [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Network network_of(const NetAddress& address) {
  if (address.is_loopback() || address.is_wildcard()) return 0;
  if (!address.v6) return v4_network(address.ip.data());
  if (is_mapped_v4(address)) return v4_network(address.ip.data() + 12);
  const bool is_private = (address.ip[0] & 0xFE) == 0xFC || address.is_link_local();
  return is_private ? network(3, address.ip.data(), 8) : network(4, address.ip.data(), 4);
}

PeerSource source_of_neighbor(const NodeKey& neighbor) {
  PeerSource source = 0;
  for (std::size_t i = 0; i < 8; ++i) source = source << 8 | neighbor.bytes[i];
  return source >> 1 | kOfNeighbor;
}

PeerSource source_of_network(const NetAddress& remote) {
  const Network network = network_of(remote);
  return network == 0 ? 0 : (network & ~kOfNeighbor) | kOfNetwork;
}

}  // namespace p2pmesh
