// TCP sockets: listening, accepting, connecting. All are nonblocking, close-on-exec, without Nagle's delay.
#pragma once

#include <optional>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// Listens. Port 0 takes any free one; local_address() tells which. An IPv6 listener takes IPv6 alone, except
/// on
/// "::", which takes both families.
/// Errors, each with what to type: kUnavailable (port in use, address not of this machine), kNoPermission
/// (privileged port), kTryAgain (out of descriptors).
Result<UniqueFd> listen_tcp(const SocketAddress& address);

struct AcceptedSocket {
  UniqueFd fd;
  SocketAddress peer;
};

/// The next waiting connection, or nothing. Connections that ended while waiting are skipped.
/// Errors: kTryAgain when out of descriptors; the listener then stays readable, so stop watching it for a
/// while.
Result<std::optional<AcceptedSocket>> accept_tcp(int listener);

/// Starts to connect. The socket turns writable when it is decided; connect_result() then says how.
/// Errors: as connect_result(), when it is decided at once.
Result<UniqueFd> connect_tcp(const SocketAddress& address);

/// How a connect ended. Errors: kUnavailable (refused, unreachable, timed out) with the address and a likely
/// cause.
Result<void> connect_result(int fd, const SocketAddress& address);

/// The pending errno of a socket, cleared by asking; 0 when there is none.
int take_socket_error(int fd);

/// Half-close: the peer reads the end behind what was written; reading goes on.
void shut_down_writing(int fd);

Result<SocketAddress> local_address(int fd);
Result<SocketAddress> peer_address(int fd);

/// Whether this machine has that IP address now; true when that cannot be told.
bool has_address(const SocketAddress& address);

/// The address that packets to the outside would carry: a UDP socket is "connected" to a documentation
/// address and asked for its name; nothing is sent. IPv4 alone; nothing without a default route.
std::optional<SocketAddress> default_route_address();

}  // namespace p2pmesh
