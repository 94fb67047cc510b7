// Who told of a peer, and in which network it is said to be: what one liar, or one network, can fill is
// bounded.
#pragma once

#include <cstdint>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"

namespace p2pmesh {

/// IPv4 by 16 bits, IPv6 by 32: what one owner holds. Private ranges by 24, IPv6's by 64: a site has few such
/// networks, and who is in one is in all of them. 0: loopback, which nobody else can use, or no address.
using Network = std::uint64_t;
Network network_of(const NetAddress& address);

/// 0: this node itself; it chose the peer, knows it from the disk or has its signed record.
using PeerSource = std::uint64_t;
/// A neighbor told of it.
PeerSource source_of_neighbor(const NodeKey& neighbor);
/// It came by itself, from there: of keys there are as many as one likes, of networks not.
PeerSource source_of_network(const NetAddress& remote);

}  // namespace p2pmesh
