#include "p2pmesh/posix/unique_fd.h"

#include <unistd.h>

namespace p2pmesh {

void UniqueFd::reset(int fd) {
  // Linux frees the number even when close() is interrupted, so it is never tried twice.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace p2pmesh
