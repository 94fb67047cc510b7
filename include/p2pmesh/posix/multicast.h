// UDP multicast that never leaves a link: one socket a family, groups joined by interface.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// A nonblocking socket for a group and its port, which other processes may hear too. It hears what is sent
/// to the group on interfaces that join_group() was called for, and sends one hop far. Errors: kUnavailable,
/// kTryAgain.
Result<UniqueFd> open_multicast(const SocketAddress& group);

/// False when the interface has gone, or takes no more groups.
bool join_group(int fd, const SocketAddress& group, std::uint32_t interface);
void leave_group(int fd, const SocketAddress& group, std::uint32_t interface);

/// `from`: an address of that interface, without a port. False when it could not be sent.
bool send_to_group(int fd, const SocketAddress& group, std::uint32_t interface, const SocketAddress& from,
                   ByteView datagram);

struct HeardDatagram {
  std::size_t bytes = 0;        ///< of the buffer
  bool is_cut = false;          ///< it was longer than the buffer
  SocketAddress source;         ///< as it claims to be
  SocketAddress destination;    ///< without a port
  std::uint32_t interface = 0;  ///< that it came by
};
/// The next datagram, or nothing.
std::optional<HeardDatagram> hear_datagram(int fd, std::span<std::uint8_t> buffer);

}  // namespace p2pmesh
