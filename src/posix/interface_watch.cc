#include "p2pmesh/posix/interface_watch.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "errno_text.h"

namespace p2pmesh {
namespace {

constexpr int kReadsMax = 64;              // of a turn; what is left is read in the next one
constexpr int kDumpTries = 5;              // of a list that changes meanwhile
constexpr int kDumpReadsMax = 4096;        // of one list: the kernel ends it long before
constexpr timeval kDumpPatience = {1, 0};  // the kernel answers at once

tl::unexpected<Error> netlink_error(int error) {
  const bool may_pass = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  return fail(may_pass ? ExitStatus::kTryAgain : ExitStatus::kIo,
              "The network interfaces cannot be listed: " + errno_text(error) + ".");
}

Result<UniqueFd> open_netlink(std::uint32_t groups, int flags) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
  if (!fd) return netlink_error(errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return netlink_error(errno);
  return fd;
}

/// The attributes behind a message's fixed part: those of lower number than `kCount`.
template <std::size_t kCount>
std::array<const rtattr*, kCount> read_attributes(const rtattr* first, std::size_t bytes) {
  std::array<const rtattr*, kCount> found{};
  auto left = static_cast<int>(bytes);
  for (const rtattr* one = first; RTA_OK(one, left); one = RTA_NEXT(one, left)) {
    const auto type = static_cast<std::size_t>(one->rta_type & NLA_TYPE_MASK);
    if (type < kCount) found[type] = one;
  }
  return found;
}

std::string text_of(const rtattr* attribute) {
  if (attribute == nullptr) return {};
  const char* text = static_cast<const char*>(RTA_DATA(attribute));
  return {text, ::strnlen(text, RTA_PAYLOAD(attribute))};
}

std::uint32_t number_of(const rtattr* attribute, std::uint32_t otherwise) {
  std::uint32_t number = otherwise;
  if (attribute != nullptr && RTA_PAYLOAD(attribute) >= sizeof number)
    std::memcpy(&number, RTA_DATA(attribute), sizeof number);
  return number;
}

std::string kind_of(const rtattr* information) {
  if (information == nullptr) return {};
  const auto nested = read_attributes<IFLA_INFO_KIND + 1>(static_cast<const rtattr*>(RTA_DATA(information)),
                                                          RTA_PAYLOAD(information));
  return text_of(nested[IFLA_INFO_KIND]);
}

using Interfaces = std::map<std::uint32_t, NetworkInterface>;

void take_link(const nlmsghdr* message, Interfaces& interfaces) {
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  const auto attributes = read_attributes<IFLA_LINKINFO + 1>(IFLA_RTA(link), IFLA_PAYLOAD(message));
  NetworkInterface& one = interfaces[static_cast<std::uint32_t>(link->ifi_index)];
  one.index = static_cast<std::uint32_t>(link->ifi_index);
  one.name = text_of(attributes[IFLA_IFNAME]);
  one.kind = kind_of(attributes[IFLA_LINKINFO]);
  one.master = number_of(attributes[IFLA_MASTER], 0);
  one.is_up = (link->ifi_flags & IFF_UP) != 0;
  one.has_carrier = (link->ifi_flags & IFF_RUNNING) != 0;
  one.has_multicast = (link->ifi_flags & IFF_MULTICAST) != 0;
  one.is_loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
  one.is_point_to_point = (link->ifi_flags & IFF_POINTOPOINT) != 0;
}

void take_address(const nlmsghdr* message, Interfaces& interfaces) {
  const auto* header = static_cast<const ifaddrmsg*>(NLMSG_DATA(message));
  const auto attributes = read_attributes<IFA_FLAGS + 1>(IFA_RTA(header), IFA_PAYLOAD(message));
  const std::uint32_t flags = number_of(attributes[IFA_FLAGS], header->ifa_flags);
  const auto found = interfaces.find(header->ifa_index);
  if (found == interfaces.end() || (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) return;
  // On a link of two ends the one is "local" and the other the "address"; else they are the same.
  const rtattr* ip = attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
  if (ip == nullptr) return;
  const auto address =
      SocketAddress::from_ip(ByteView(static_cast<const std::uint8_t*>(RTA_DATA(ip)), RTA_PAYLOAD(ip)), 0);
  if (address)
    found->second.addresses.push_back({address->with_scope(header->ifa_index), header->ifa_prefixlen});
}

/// Asks for a list and hands each message of it on. Errors: EINTR when it changed meanwhile, or an errno.
int dump(std::uint16_t what, Interfaces& interfaces) {
  auto fd = open_netlink(0, 0);
  if (!fd) return ENOBUFS;
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &kDumpPatience, sizeof kDumpPatience);
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
  request.header.nlmsg_type = what;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.rtgen_family = AF_UNSPEC;
  if (::send(fd->get(), &request, request.header.nlmsg_len, 0) < 0) return errno;
  bool was_interrupted = false;
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
  for (int reads = 0; reads < kDumpReadsMax; ++reads) {
    const ssize_t got = ::recv(fd->get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    auto left = static_cast<unsigned>(got);
    for (const auto* one = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(one, left);
         one = NLMSG_NEXT(one, left)) {
      was_interrupted = was_interrupted || (one->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (one->nlmsg_type == NLMSG_DONE) return was_interrupted ? EINTR : 0;
      if (one->nlmsg_type == NLMSG_ERROR) return EIO;
      if (one->nlmsg_type == RTM_NEWLINK) take_link(one, interfaces);
      if (one->nlmsg_type == RTM_NEWADDR) take_address(one, interfaces);
    }
  }
  return EIO;
}

}  // namespace

Result<std::vector<NetworkInterface>> list_interfaces() {
  Interfaces interfaces;
  int error = EINTR;
  for (int tries = 0; tries < kDumpTries && error == EINTR; ++tries) {
    interfaces.clear();
    error = dump(RTM_GETLINK, interfaces);
    if (error == 0) error = dump(RTM_GETADDR, interfaces);
  }
  if (error != 0) return netlink_error(error);
  std::vector<NetworkInterface> listed;
  for (auto& [index, one] : interfaces) listed.push_back(std::move(one));
  return listed;
}

Result<std::unique_ptr<InterfaceWatch>> InterfaceWatch::open(EventLoop& loop, std::function<void()> changed) {
  auto fd = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK);
  if (!fd) return tl::unexpected<Error>(fd.error());
  std::unique_ptr<InterfaceWatch> watch(new InterfaceWatch(loop, std::move(*fd), std::move(changed)));
  InterfaceWatch& self = *watch;
  if (auto added = loop.add(self.fd_.get(), kReadable, [&self](Ready) { self.on_ready(); }); !added)
    return tl::unexpected<Error>(added.error());
  return watch;
}

InterfaceWatch::~InterfaceWatch() {
  loop_.remove(fd_.get());
}

/// What it says is not looked at: the list is read anew, so nothing that was lost is missed.
void InterfaceWatch::on_ready() {
  std::array<char, 16 * 1024> buffer;
  bool has_changed = false;
  for (int reads = 0; reads < kReadsMax; ++reads) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno != ENOBUFS && errno != EINTR) break;
    has_changed = true;
  }
  if (has_changed) changed_();
}

}  // namespace p2pmesh
