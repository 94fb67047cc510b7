// Which interfaces lead to a local network: real ones, no tunnels, no bridges of containers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/interface_watch.h"

namespace p2pmesh {

struct LanInterface {
  std::uint32_t index = 0;
  std::string name;
  std::string left_out;                          ///< why; empty: it is used
  std::vector<InterfaceAddress> addresses = {};  ///< where this node is reached there
  [[nodiscard]] bool is_used() const { return left_out.empty(); }
  bool operator==(const LanInterface&) const = default;
};

/// `listen`: where this node listens; only such addresses count. `forced`: names of interfaces that are used
/// whatever they are. Loopback is not among the result.
std::vector<LanInterface> choose_lan_interfaces(const std::vector<NetworkInterface>& all,
                                                const SocketAddress& listen,
                                                const std::vector<std::string>& forced);

/// Whether this IP address, 4 or 16 bytes, is of the network at that interface.
bool is_of_network(const LanInterface& interface, ByteView ip);

/// Whether packets from a local address go nowhere: no interface has it that is up, and has had its carrier
/// until a moment ago. `patient`: those without carrier count as well.
bool is_lost_address(const std::vector<NetworkInterface>& all, const SocketAddress& local, bool patient);

}  // namespace p2pmesh
