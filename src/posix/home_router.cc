#include "p2pmesh/posix/home_router.h"

#include <natpmp.h>

#include <sys/socket.h>

#include <cstring>

#include "nat_pmp.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/unique_fd.h"
#include "upnp.h"

namespace p2pmesh {
namespace {

/// Which of our addresses talks to the gateway; nothing is sent.
std::optional<SocketAddress> address_towards(const SocketAddress& gateway) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  sockaddr_storage storage;
  const socklen_t size = gateway.with_port(NATPMP_PORT).to_system(&storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return std::nullopt;
  const auto address = local_address(fd.get());
  if (!address || address->is_unspecified()) return std::nullopt;
  return address->with_port(0);
}

class HomeRouter final : public Router {
 public:
  std::optional<DefaultRoute> route() override {
    const auto gateway = default_gateway();
    if (!gateway) return std::nullopt;
    const auto inside = address_towards(*gateway);
    if (!inside) return std::nullopt;
    return DefaultRoute{*gateway, *inside};
  }
  Result<RouterMapping> open(MappingMethod by, const DefaultRoute& route, const MappingWish& wish) override {
    return by == MappingMethod::kNatPmp ? open_by_nat_pmp(route, wish, given_up_)
                                        : open_by_upnp(route, wish, given_up_);
  }
  Result<MappingLook> look(const RouterMapping& mapping) override {
    return mapping.by == MappingMethod::kNatPmp ? look_by_nat_pmp(mapping, given_up_) : look_by_upnp(mapping);
  }
  Result<void> close(const RouterMapping& mapping) override {
    return mapping.by == MappingMethod::kNatPmp ? close_by_nat_pmp(mapping) : close_by_upnp(mapping);
  }
  void give_up() override { given_up_ = true; }

 private:
  std::atomic<bool> given_up_ = false;
};

}  // namespace

std::unique_ptr<Router> make_home_router() {
  return std::make_unique<HomeRouter>();
}

}  // namespace p2pmesh
