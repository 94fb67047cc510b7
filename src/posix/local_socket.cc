#include "p2pmesh/posix/local_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "errno_text.h"

namespace p2pmesh {
namespace {

constexpr int kBacklog = 64;  // screens and scripts of one user; limits::kControlClientsMax

// A path as a socket address. A longer one goes through the directory's descriptor, which must stay open
// until the call that uses the address has returned.
struct LocalAddress {
  sockaddr_un system{};
  UniqueFd directory;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&system); }
};

Result<LocalAddress> make_address(const std::string& path, ExitStatus status) {
  LocalAddress address;
  address.system.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.system.sun_path) {
    const auto slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    address.directory.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.directory)
      return fail(status, "The directory " + directory + " cannot be used: " + errno_text(errno) + ".");
    name = "/proc/self/fd/" + std::to_string(address.directory.get()) + "/" +
           (slash == std::string::npos ? path : path.substr(slash + 1));
  }
  if (name.empty() || name.size() >= sizeof address.system.sun_path || name.find('\0') != std::string::npos) {
    return fail(status, "The socket's name is too long: " + path + ". Choose another with --data-dir DIR.");
  }
  std::memcpy(address.system.sun_path, name.c_str(), name.size() + 1);
  return address;
}

Result<UniqueFd> open_local() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) return fd;
  return fail(ExitStatus::kTryAgain, "No further socket can be opened: " + errno_text(errno) +
                                         ". Raise the limit of open files (ulimit -n), or try again.");
}

}  // namespace

Result<UniqueFd> listen_local(const std::string& path) {
  auto address = make_address(path, ExitStatus::kCannotCreate);
  if (!address) return tl::unexpected<Error>(address.error());
  auto fd = open_local();
  if (!fd) return fd;
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) {
      return fail(ExitStatus::kUnavailable, path +
                                                " is there and is no socket. Move it away, or choose another "
                                                "directory with --data-dir DIR.");
    }
    ::unlink(path.c_str());
  }
  // bind(2) gives the file the socket's own mode less the umask, so it is never open to others, not for a
  // moment.
  ::fchmod(fd->get(), 0600);
  if (::bind(fd->get(), address->get(), sizeof address->system) != 0) {
    return fail(ExitStatus::kCannotCreate, "The socket " + path + " cannot be made: " + errno_text(errno) +
                                               ". Choose another directory with --data-dir DIR.");
  }
  if (::listen(fd->get(), kBacklog) != 0) {
    return fail(ExitStatus::kCannotCreate, "Cannot listen at " + path + ": " + errno_text(errno) + ".");
  }
  return fd;
}

Result<UniqueFd> connect_local(const std::string& path) {
  auto address = make_address(path, ExitStatus::kUnavailable);
  if (!address) return tl::unexpected<Error>(address.error());
  auto fd = open_local();
  if (!fd) return fd;
  if (::connect(fd->get(), address->get(), sizeof address->system) == 0) return fd;
  switch (errno) {
    case EACCES:
    case EPERM:
      return fail(ExitStatus::kNoPermission, path + " belongs to another user.");
    case EAGAIN:
      return fail(ExitStatus::kTryAgain, "The node at " + path + " is busy. Try again.");
    default:
      return fail(ExitStatus::kUnavailable, "No node answers at " + path + ": " + errno_text(errno) + ".");
  }
}

Result<std::optional<UniqueFd>> accept_local(int listener) {
  for (;;) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return std::optional<UniqueFd>(std::move(fd));
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    return fail(ExitStatus::kTryAgain, "A control connection cannot be accepted: " + errno_text(errno) + ".");
  }
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail(ExitStatus::kNoPermission,
                "The other end of a control connection is not known: " + errno_text(errno) + ".");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

std::uint32_t own_uid() {
  return ::geteuid();
}

}  // namespace p2pmesh
