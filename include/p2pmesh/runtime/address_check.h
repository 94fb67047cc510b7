// What works of a host and port: looked up, dialled, greeted, and left without having joined.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/posix/resolver.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

/// One address of the host: how long its answer took, or why there was none.
struct CheckedAddress {
  SocketAddress address;
  std::optional<Duration> answered_after;
  Error error{};
};

/// As far as it went; what is missing was not reached, and `error` says why.
struct AddressCheck {
  std::vector<CheckedAddress> addresses;  ///< IPv6 first; none: the host is unknown
  std::optional<std::size_t> greeted;     ///< which of them: the first that answered
  std::optional<std::uint16_t> version;   ///< of the protocol that is spoken there
  Duration greeted_for{};                 ///< from our hello to the answer; with `version`
  std::optional<NodeKey> node;            ///< who answered, as its certificate says
  std::optional<MeshId> mesh;             ///< with a welcome: it is open to everybody
  std::optional<std::uint8_t> refusal;    ///< else: the number of the reason, known here or not
  std::optional<Error> error;
};

/// Asks as a node of a key made up for this, in no mesh, and does not answer the welcome: it joins nothing.
/// Blocks, for 15 s at most.
AddressCheck check_address(const HostPort& place, HostLookup lookup = look_up_host);

}  // namespace p2pmesh
