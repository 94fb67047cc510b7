#include "p2pmesh/posix/multicast.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "errno_text.h"

namespace p2pmesh {
namespace {

constexpr int kReceiveBytes =
    512 * 1024;  // a flood of 10,000 a second for some 20 ms; the system may give less
constexpr int kHops = 1;

template <class Value>
bool set_option(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool set_up(int fd, bool is_ipv6) {
  set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBytes);  // what there is will do
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  // Not of groups that other processes joined, on interfaces that were left out; a kernel before 4.20 tells
  // of them in IPv6.
  set_option(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0);
  if (is_ipv6) {
    return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kHops);
  }
  return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) && set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, kHops);
}

bool change_group(int fd, const SocketAddress& group, std::uint32_t interface, bool joins) {
  group_req request{};
  request.gr_interface = interface;
  group.to_system(&request.gr_group);
  const int level = group.is_ipv6() ? IPPROTO_IPV6 : IPPROTO_IP;
  return set_option(fd, level, joins ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, request) ||
         (joins && errno == EADDRINUSE);
}

/// Room for either family's packet information.
union ControlBuffer {
  cmsghdr aligned;
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo))];
};

template <class PacketInformation>
void append_control(msghdr& message, int level, int type, const PacketInformation& information) {
  message.msg_controllen = CMSG_SPACE(sizeof information);
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof information);
  std::memcpy(CMSG_DATA(control), &information, sizeof information);
}

void read_control(const cmsghdr& control, HeardDatagram& heard) {
  if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_PKTINFO) {
    in_pktinfo information;
    std::memcpy(&information, CMSG_DATA(&control), sizeof information);
    heard.interface = static_cast<std::uint32_t>(information.ipi_ifindex);
    const auto* ip = reinterpret_cast<const std::uint8_t*>(&information.ipi_addr);
    heard.destination = *SocketAddress::from_ip(ByteView(ip, 4), 0);
  } else if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo information;
    std::memcpy(&information, CMSG_DATA(&control), sizeof information);
    heard.interface = information.ipi6_ifindex;
    heard.destination = *SocketAddress::from_ip(ByteView(information.ipi6_addr.s6_addr, 16), 0);
  }
}

}  // namespace

Result<UniqueFd> open_multicast(const SocketAddress& group) {
  UniqueFd fd(::socket(group.is_ipv6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  // A group of one link alone cannot be bound to without an interface.
  const auto at = group.is_ipv6() ? SocketAddress::from_host("::", group.port()) : std::optional(group);
  const socklen_t size = at->to_system(&storage);
  if (fd && set_up(fd.get(), group.is_ipv6()) &&
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0)
    return fd;
  const int error = errno;
  const bool may_pass = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  return fail(may_pass ? ExitStatus::kTryAgain : ExitStatus::kUnavailable,
              "Nothing can be heard at " + group.format() + ": " + errno_text(error) + ".");
}

bool join_group(int fd, const SocketAddress& group, std::uint32_t interface) {
  return change_group(fd, group, interface, true);
}

void leave_group(int fd, const SocketAddress& group, std::uint32_t interface) {
  change_group(fd, group, interface, false);
}

bool send_to_group(int fd, const SocketAddress& group, std::uint32_t interface, const SocketAddress& from,
                   ByteView datagram) {
  sockaddr_storage storage;
  iovec part{const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_name = &storage;
  message.msg_namelen = group.with_scope(interface).to_system(&storage);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ByteView ip = from.ip();
  if (group.is_ipv6()) {
    reinterpret_cast<sockaddr_in6*>(&storage)->sin6_scope_id = interface;
    in6_pktinfo information{};
    information.ipi6_ifindex = interface;
    std::copy(ip.begin(), ip.end(), information.ipi6_addr.s6_addr);
    append_control(message, IPPROTO_IPV6, IPV6_PKTINFO, information);
  } else {
    in_pktinfo information{};
    information.ipi_ifindex = static_cast<int>(interface);
    std::memcpy(&information.ipi_spec_dst, ip.data(), ip.size());
    append_control(message, IPPROTO_IP, IP_PKTINFO, information);
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(datagram.size());
}

std::optional<HeardDatagram> hear_datagram(int fd, std::span<std::uint8_t> buffer) {
  sockaddr_storage storage{};
  iovec part{buffer.data(), buffer.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_name = &storage;
  message.msg_namelen = sizeof storage;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t bytes = ::recvmsg(fd, &message, 0);
  if (bytes < 0) return std::nullopt;
  HeardDatagram heard;
  heard.bytes = static_cast<std::size_t>(bytes);
  heard.is_cut = (message.msg_flags & MSG_TRUNC) != 0;
  if (const auto source = SocketAddress::from_system(reinterpret_cast<const sockaddr*>(&storage)))
    heard.source = *source;
  for (const cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr;
       one = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(one)))
    read_control(*one, heard);
  return heard;
}

}  // namespace p2pmesh
