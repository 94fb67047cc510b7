// Between the two forms of an address: the system's (posix) and the one that travels (base).
#pragma once

#include <algorithm>
#include <optional>

#include "p2pmesh/base/net_address.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

inline NetAddress to_net(const SocketAddress& address) {
  NetAddress net;
  net.v6 = address.is_ipv6();
  const ByteView ip = address.ip();
  std::copy(ip.begin(), ip.end(), net.ip.begin());
  net.port = address.port();
  return net;
}

inline SocketAddress to_socket(const NetAddress& net) {
  auto address = SocketAddress::from_ip(ByteView(net.ip).first(net.v6 ? 16 : 4), net.port);
  return address ? *address : SocketAddress();
}

}  // namespace p2pmesh
