// The part of secret_input.h that reads files and descriptors.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <cerrno>

#include "errno_text.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {
namespace {

constexpr int kPipeTimeoutMs = 10'000;  // a program that asks its own store of passwords; guess

Result<SecretText> read_to_end(int fd, const std::string& what, bool may_be_empty) {
  SecretText secret;
  std::uint8_t piece[256];
  for (;;) {
    const IoResult part = read_some(fd, piece);
    const bool fits = part.status != IoStatus::kOk || secret.append(ByteView(piece, part.bytes));
    wipe_secret(piece);
    if (!fits) break;
    if (part.status == IoStatus::kClosed) {
      secret.remove_line_end();
      if (secret.view().size() > limits::kPassphraseBytesMax) break;
      if (secret.is_empty() && !may_be_empty)
        return fail(ExitStatus::kUsage, what + " is empty: there is no passphrase in it.");
      return secret;
    }
    pollfd readable{fd, POLLIN, 0};
    if (part.status == IoStatus::kWouldBlock && ::poll(&readable, 1, kPipeTimeoutMs) == 0)
      return fail(ExitStatus::kNoPermission, "Nothing came from " + what + " within 10 s.");
    if (part.status == IoStatus::kFailed) {
      return fail(ExitStatus::kNoPermission, what + " cannot be read: " + errno_text(part.error) + ".");
    }
  }
  return fail(ExitStatus::kUsage, what + " holds more than " + std::to_string(limits::kPassphraseBytesMax) +
                                      " bytes, the longest that a passphrase can be.");
}

}  // namespace

Result<SecretText> read_secret_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    return fail(ExitStatus::kNoPermission, "The passphrase file " + path +
                                               " cannot be read: " + errno_text(errno) +
                                               ". Name one that holds the passphrase, with mode 0600.");
  }
  if (!S_ISREG(found.st_mode) && !S_ISFIFO(found.st_mode))
    return fail(ExitStatus::kNoPermission, "The passphrase file " + path + " is no file. Name another.");
  if ((found.st_mode & 077) != 0) {
    return fail(ExitStatus::kNoPermission,
                "The passphrase file " + path + " is open to others. Type: chmod 600 " + path);
  }
  return read_to_end(fd.get(), "The passphrase file " + path, false);
}

Result<SecretText> read_secret_descriptor(int number) {
  const auto fd = inherited_descriptor(number);
  const std::string what = "Descriptor " + std::to_string(number);
  if (!fd) return fail(ExitStatus::kUsage, what + " is not open: no passphrase can be read from it.");
  return read_to_end(fd->get(), what, true);
}

}  // namespace p2pmesh
