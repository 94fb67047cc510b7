// Reading and writing descriptors without a surprise: sockets, pipes, terminals. No call raises SIGPIPE on a
// socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/result.h"

namespace p2pmesh {

enum class IoStatus : std::uint8_t {
  kOk,          ///< `bytes` were moved, at least one
  kWouldBlock,  ///< try again when the loop says so
  kClosed,      ///< end of input; or the other end is gone (EPIPE, ECONNRESET)
  kFailed,      ///< `error` is the errno
};

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
  int error = 0;
};

/// Reads what is there, at most `buffer`. The buffer must not be empty.
IoResult read_some(int fd, std::span<std::uint8_t> buffer);

/// Shows what is there of a socket's next bytes; they stay.
IoResult peek_some(int fd, std::span<std::uint8_t> buffer);

/// How many bytes a socket has for the reader.
std::size_t unread_bytes(int fd);

/// Writes what fits now.
IoResult write_some(int fd, ByteView bytes);

/// Writes all, waiting as long as it takes. Errors: kUnavailable when the other end is gone, kIo otherwise.
Result<void> write_all(int fd, ByteView bytes);

/// Errors: kIo.
Result<void> set_nonblocking(int fd, bool nonblocking);

bool is_terminal(int fd);

}  // namespace p2pmesh
