// Unix-domain stream sockets, also for paths longer than a socket address holds, and who is at the other end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// Listens at `path` (0600), nonblocking and close-on-exec. A socket file left there is replaced, so hold the
/// directory's lock; any other kind of file is not. The caller removes the file in the end.
/// Errors: kCannotCreate (directory missing or unwritable), kUnavailable (something else is there).
Result<UniqueFd> listen_local(const std::string& path);

/// Connects, nonblocking and close-on-exec. Errors: kUnavailable (nobody listens there), kNoPermission,
/// kTryAgain (its queue is full).
Result<UniqueFd> connect_local(const std::string& path);

/// The next waiting connection, or nothing. Errors: kTryAgain when out of descriptors, as for accept_tcp().
Result<std::optional<UniqueFd>> accept_local(int listener);

struct PeerCredentials {
  std::int64_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// Who was at the other end when the connection was made; the kernel vouches for it.
Result<PeerCredentials> peer_credentials(int fd);

/// This process's effective user.
std::uint32_t own_uid();

}  // namespace p2pmesh
