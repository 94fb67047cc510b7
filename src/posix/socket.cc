#include "p2pmesh/posix/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "errno_text.h"

namespace p2pmesh {
namespace {

constexpr int kBacklog =
    128;  // the kernel's own cap (net.core.somaxconn) is higher; bursts of joins are smaller

bool is_out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

tl::unexpected<Error> out_of_descriptors(int error) {
  return fail(ExitStatus::kTryAgain, "No further socket can be opened: " + errno_text(error) +
                                         ". Raise the limit of open files (ulimit -n), or try again.");
}

Result<UniqueFd> open_tcp(const SocketAddress& address) {
  UniqueFd fd(
      ::socket(address.is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) return fd;
  if (is_out_of_descriptors(errno)) return out_of_descriptors(errno);
  return fail(ExitStatus::kUnavailable,
              "This system has no sockets for " + address.host() + ": " + errno_text(errno) + ".");
}

void set_option(int fd, int level, int option, int value) {
  // These options are known to every Linux that runs epoll; without one the socket still works.
  ::setsockopt(fd, level, option, &value, sizeof value);
}

tl::unexpected<Error> listen_error(const SocketAddress& address, int error) {
  const std::string port = std::to_string(address.port());
  const std::string any_port = "--listen " + address.with_port(0).format();
  switch (error) {
    case EADDRINUSE:
      return fail(ExitStatus::kUnavailable, "Port " + port + " is in use at " + address.host() +
                                                ", perhaps by another node. Type " + any_port +
                                                " to take any free port, or end the other program.");
    case EACCES:
    case EPERM:
      return fail(ExitStatus::kNoPermission,
                  "Port " + port + " is privileged: ports below 1024 are for root. Type " + any_port +
                      " to take any free port, or choose one above 1023.");
    case EADDRNOTAVAIL:
      return fail(ExitStatus::kUnavailable, address.host() +
                                                " is not an address of this machine. Type --listen " +
                                                (address.is_ipv6() ? "[::1]:" : "127.0.0.1:") + port +
                                                ", or one of the addresses that \"ip address\" shows.");
    default:
      if (is_out_of_descriptors(error)) return out_of_descriptors(error);
      return fail(ExitStatus::kUnavailable, "Cannot listen at " + address.format() + ": " +
                                                errno_text(error) + ". Type " + any_port + ".");
  }
}

tl::unexpected<Error> connect_error(const SocketAddress& address, int error) {
  const std::string where = address.format();
  switch (error) {
    case ECONNREFUSED:
      return fail(ExitStatus::kUnavailable,
                  where + " refused the connection: nobody listens at that port. Check HOST and PORT.");
    case ETIMEDOUT:
      return fail(ExitStatus::kUnavailable,
                  where + " did not answer. Check HOST and PORT, and any firewall between.");
    case ENETUNREACH:
    case EHOSTUNREACH:
      return fail(ExitStatus::kUnavailable,
                  where + " cannot be reached: " + errno_text(error) + ". Check HOST and the network.");
    case EACCES:
    case EPERM:
      return fail(ExitStatus::kNoPermission,
                  "This machine does not allow a connection to " + where + ". Check its firewall, and HOST.");
    default:
      if (is_out_of_descriptors(error)) return out_of_descriptors(error);
      return fail(ExitStatus::kUnavailable, "Cannot connect to " + where + ": " + errno_text(error) + ".");
  }
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);
Result<SocketAddress> ask_name(int fd, NameCall call, const char* what) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  const int error = call(fd, name, &size) == 0 ? 0 : errno;
  const auto address = error == 0 ? SocketAddress::from_system(name) : std::nullopt;
  if (address) return *address;
  return fail(ExitStatus::kIo, std::string("The ") + what + " address of a socket is not known: " +
                                   (error != 0 ? errno_text(error) : std::string("not an internet socket")) +
                                   ".");
}

}  // namespace

Result<UniqueFd> listen_tcp(const SocketAddress& address) {
  auto fd = open_tcp(address);
  if (!fd) return fd;
  set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1);  // a restart need not wait for the old links' TIME_WAIT
  if (address.is_ipv6()) set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, address.is_unspecified() ? 0 : 1);
  sockaddr_storage storage;
  const socklen_t size = address.to_system(&storage);
  if (::bind(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return listen_error(address, errno);
  if (::listen(fd->get(), kBacklog) != 0) return listen_error(address, errno);
  return fd;
}

Result<std::optional<AcceptedSocket>> accept_tcp(int listener) {
  for (;;) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    UniqueFd fd(
        ::accept4(listener, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
      const auto peer = SocketAddress::from_system(reinterpret_cast<const sockaddr*>(&storage));
      if (!peer) continue;
      return AcceptedSocket{std::move(fd), *peer};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (is_out_of_descriptors(errno)) return out_of_descriptors(errno);
    if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP || errno == EFAULT) {
      return fail(ExitStatus::kIo, "Connections cannot be accepted: " + errno_text(errno) + ".");
    }
    // accept(2): the network errors of a connection that ended while it waited are passed on here; take the
    // next.
  }
}

Result<UniqueFd> connect_tcp(const SocketAddress& address) {
  auto fd = open_tcp(address);
  if (!fd) return fd;
  set_option(fd->get(), IPPROTO_TCP, TCP_NODELAY, 1);
  sockaddr_storage storage;
  const socklen_t size = address.to_system(&storage);
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) return fd;
  if (errno == EINPROGRESS || errno == EINTR) return fd;
  return connect_error(address, errno);
}

Result<void> connect_result(int fd, const SocketAddress& address) {
  const int error = take_socket_error(fd);
  if (error != 0) return connect_error(address, error);
  return {};
}

int take_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void shut_down_writing(int fd) {
  ::shutdown(fd, SHUT_WR);
}

Result<SocketAddress> local_address(int fd) {
  return ask_name(fd, ::getsockname, "local");
}
Result<SocketAddress> peer_address(int fd) {
  return ask_name(fd, ::getpeername, "peer's");
}

bool has_address(const SocketAddress& address) {
  UniqueFd fd(::socket(address.is_ipv6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return true;
  sockaddr_storage storage;
  const socklen_t size = address.with_port(0).to_system(&storage);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 || errno != EADDRNOTAVAIL;
}

std::optional<SocketAddress> default_route_address() {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  static constexpr std::uint8_t kDocumentation[4] = {192, 0, 2, 1};  // TEST-NET-1, RFC 5737
  sockaddr_storage storage;
  const socklen_t size = SocketAddress::from_ip(kDocumentation, 9)->to_system(&storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return std::nullopt;
  const auto address = local_address(fd.get());
  if (!address || address->is_unspecified()) return std::nullopt;
  return address->with_port(0);
}

}  // namespace p2pmesh
