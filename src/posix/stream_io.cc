#include "p2pmesh/posix/stream_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "errno_text.h"

namespace p2pmesh {
namespace {

IoResult from_errno(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return {IoStatus::kWouldBlock, 0, 0};
  if (error == EPIPE || error == ECONNRESET) return {IoStatus::kClosed, 0, error};
  return {IoStatus::kFailed, 0, error};
}

}  // namespace

IoResult read_some(int fd, std::span<std::uint8_t> buffer) {
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) return {IoStatus::kOk, static_cast<std::size_t>(count), 0};
    if (count == 0) return {IoStatus::kClosed, 0, 0};
    if (errno != EINTR) return from_errno(errno);
  }
}

IoResult peek_some(int fd, std::span<std::uint8_t> buffer) {
  for (;;) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_PEEK);
    if (count > 0) return {IoStatus::kOk, static_cast<std::size_t>(count), 0};
    if (count == 0) return {IoStatus::kClosed, 0, 0};
    if (errno != EINTR) return from_errno(errno);
  }
}

std::size_t unread_bytes(int fd) {
  int count = 0;
  return ::ioctl(fd, FIONREAD, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

IoResult write_some(int fd, ByteView bytes) {
  if (bytes.empty()) return {};
  for (;;) {
    ssize_t written = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK) written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) return {IoStatus::kOk, static_cast<std::size_t>(written), 0};
    if (errno != EINTR) return from_errno(errno);
  }
}

Result<void> write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const IoResult result = write_some(fd, bytes);
    switch (result.status) {
      case IoStatus::kOk:
        bytes = bytes.subspan(result.bytes);
        break;
      case IoStatus::kWouldBlock: {
        pollfd wait{fd, POLLOUT, 0};
        ::poll(&wait, 1, -1);
        break;
      }
      case IoStatus::kClosed:
        return fail(ExitStatus::kUnavailable, "The output is closed: nobody reads it any more.");
      case IoStatus::kFailed:
        return fail(ExitStatus::kIo, "The output cannot be written: " + errno_text(result.error) + ".");
    }
  }
  return {};
}

Result<void> set_nonblocking(int fd, bool nonblocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) {
    const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (wanted == flags || ::fcntl(fd, F_SETFL, wanted) == 0) return {};
  }
  return fail(ExitStatus::kIo, "A descriptor's mode cannot be changed: " + errno_text(errno) + ".");
}

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

}  // namespace p2pmesh
