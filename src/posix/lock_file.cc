// LockFile of files.h: flock(2), which the kernel drops when the holder ends in whatever way.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "errno_text.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {
namespace {

// " (process 123)", or nothing while the holder has not written it yet.
std::string holder_of(int fd) {
  char text[32];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  std::string digits;
  for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i) digits += text[i];
  return digits.empty() ? "" : " (process " + digits + ")";
}

}  // namespace

Result<LockFile> LockFile::acquire(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) {
    const bool unwritable =
        errno == EACCES || errno == EPERM || errno == EROFS || errno == ENOENT || errno == ENOTDIR;
    return fail(unwritable ? ExitStatus::kCannotCreate : ExitStatus::kIo,
                "The lock " + path + " cannot be made: " + errno_text(errno) +
                    ". Choose another directory with --data-dir DIR.");
  }
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK)
      return fail(ExitStatus::kIo, "The lock " + path + " cannot be taken: " + errno_text(errno) + ".");
    return fail(ExitStatus::kTryAgain,
                "Another node" + holder_of(fd.get()) + " is using " + path +
                    ". End it first, or choose another directory with --data-dir DIR.");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail(ExitStatus::kIo,
                "The lock " + path + " cannot be written: " + errno_text(errno) + ". Is the disk full?");
  }
  return LockFile(fd.release());
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace p2pmesh
