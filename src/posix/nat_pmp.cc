#include "nat_pmp.h"

#include <natpmp.h>

#include <arpa/inet.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"

namespace p2pmesh {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);  // between two looks whether to give up

SocketAddress from_in_addr(in_addr_t address) {
  std::array<std::uint8_t, 4> ip;
  std::memcpy(ip.data(), &address, ip.size());
  return *SocketAddress::from_ip(ip, 0);
}

std::string describe(int code) {
  switch (code) {
    case NATPMP_ERR_NOGATEWAYSUPPORT:
      return "not offered";
    case NATPMP_ERR_NOTAUTHORIZED:
      return "the router refuses it";
    case NATPMP_ERR_NETWORKFAILURE:
      return "the router has no address outside";
    case NATPMP_ERR_OUTOFRESOURCES:
      return "the router has no room for another one";
    case NATPMP_TRYAGAIN:
      return "no answer";
    default:
      return "the router answers with error " + std::to_string(-code);
  }
}

tl::unexpected<Error> fault(int code) {
  return fail(ExitStatus::kUnavailable, "NAT-PMP: " + describe(code));
}

/// One question after the other to one gateway.
class Session {
 public:
  Session(const SocketAddress& gateway, const std::atomic<bool>* given_up) : given_up_(given_up) {
    in_addr_t address = 0;
    std::memcpy(&address, gateway.ip().data(), sizeof(address));
    state_ = initnatpmp(&natpmp_, 1, address);
  }
  ~Session() { closenatpmp(&natpmp_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<natpmpresp_t> ask_address() {
    return ask(NATPMP_RESPTYPE_PUBLICADDRESS, [this] { return sendpublicaddressrequest(&natpmp_); });
  }
  Result<natpmpresp_t> ask_mapping(std::uint16_t inside, std::uint16_t outside, std::uint32_t lease_s) {
    return ask(NATPMP_RESPTYPE_TCPPORTMAPPING, [&] {
      return sendnewportmappingrequest(&natpmp_, NATPMP_PROTOCOL_TCP, inside, outside, lease_s);
    });
  }

 private:
  Result<natpmpresp_t> ask(std::uint16_t type, const std::function<int()>& send) {
    if (state_ != 0) return fault(state_);
    if (const int sent = send(); sent < 0) return fault(sent);
    const Instant deadline = read_clock().monotonic + limits::kRouterPatience;
    while (read_clock().monotonic < deadline && !(given_up_ != nullptr && *given_up_)) {
      wait();
      natpmpresp_t response{};
      const int code = readnatpmpresponseorretry(&natpmp_, &response);
      if (code == NATPMP_TRYAGAIN) continue;
      if (code != 0) return fault(code);
      if (response.type == type) return response;
    }
    return fault(NATPMP_TRYAGAIN);
  }

  /// Until something has come, or the library wants to send once more.
  void wait() {
    timeval left{};
    const bool has_timeout = getnatpmprequesttimeout(&natpmp_, &left) == 0;
    auto timeout = std::chrono::milliseconds(kLook);
    if (has_timeout) {
      const auto wanted = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
      timeout = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(wanted), std::chrono::milliseconds(1),
                           timeout);
    }
    pollfd watched{natpmp_.s, POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(timeout.count()));
  }

  natpmp_t natpmp_{};
  int state_ = 0;
  const std::atomic<bool>* given_up_;
};

}  // namespace

std::optional<SocketAddress> default_gateway() {
  natpmp_t natpmp{};
  const int state = initnatpmp(&natpmp, 0, 0);
  closenatpmp(&natpmp);  // which holds its socket even then
  if (state == NATPMP_ERR_SOCKETERROR || natpmp.gateway == 0) return std::nullopt;
  return from_in_addr(natpmp.gateway);
}

Result<RouterMapping> open_by_nat_pmp(const DefaultRoute& route, const MappingWish& wish,
                                      const std::atomic<bool>& given_up) {
  Session session(route.gateway, &given_up);
  const auto address = session.ask_address();
  if (!address) return tl::unexpected<Error>(address.error());
  const auto mapped = session.ask_mapping(wish.inside_port, wish.outside_port,
                                          static_cast<std::uint32_t>(wish.lease.count()));
  if (!mapped) return tl::unexpected<Error>(mapped.error());
  const auto& told = mapped->pnu.newportmapping;
  if (told.privateport != wish.inside_port || told.lifetime == 0)
    return fail(ExitStatus::kUnavailable, "NAT-PMP: the router answers what was not asked");
  RouterMapping mapping;
  mapping.by = MappingMethod::kNatPmp;
  mapping.route = route;
  mapping.outside = from_in_addr(address->pnu.publicaddress.addr.s_addr).with_port(told.mappedpublicport);
  mapping.inside_port = wish.inside_port;
  mapping.lease = std::chrono::seconds(told.lifetime);
  mapping.epoch = mapped->epoch;
  return mapping;
}

Result<MappingLook> look_by_nat_pmp(const RouterMapping& mapping, const std::atomic<bool>& given_up) {
  const auto address = Session(mapping.route.gateway, &given_up).ask_address();
  if (!address) return tl::unexpected<Error>(address.error());
  return MappingLook{true, from_in_addr(address->pnu.publicaddress.addr.s_addr), address->epoch};
}

Result<void> close_by_nat_pmp(const RouterMapping& mapping) {
  const auto closed = Session(mapping.route.gateway, nullptr).ask_mapping(mapping.inside_port, 0, 0);
  if (!closed) return tl::unexpected<Error>(closed.error());
  return {};
}

}  // namespace p2pmesh
