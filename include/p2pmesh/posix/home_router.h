// The router that a home or an office has to the outside: asks it to send on a TCP port, by NAT-PMP or UPnP.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

enum class MappingMethod { kNatPmp, kUpnp };

/// The way to the outside by IPv4. Both ports are 0.
struct DefaultRoute {
  SocketAddress gateway;
  SocketAddress inside;  ///< ours, as the gateway sees it

  bool operator==(const DefaultRoute&) const = default;
};

struct MappingWish {
  std::uint16_t inside_port = 0;
  std::uint16_t outside_port = 0;  ///< the router may give another one
  std::chrono::seconds lease{};
};

/// What a router says that it does. Nothing in it is checked.
struct RouterMapping {
  MappingMethod by = MappingMethod::kNatPmp;
  DefaultRoute route;
  SocketAddress outside;
  std::uint16_t inside_port = 0;
  std::chrono::seconds lease{};  ///< 0: until it is closed
  std::uint32_t epoch = 0;       ///< NAT-PMP: for how many seconds the router has known its mappings
  std::string control_url;       ///< UPnP
  std::string service_type;      ///< UPnP
};

/// What it says of a mapping later.
struct MappingLook {
  bool is_held = true;
  SocketAddress outside;  ///< without its port
  std::optional<std::uint32_t> epoch;
};

/// Each call may block for seconds, and one to a router that hangs for longer.
/// Threads: one at a time; give_up() any.
class Router {
 public:
  virtual ~Router() = default;
  /// Nothing: no gateway by IPv4.
  virtual std::optional<DefaultRoute> route() = 0;
  /// Errors: kUnavailable, in a few words that name the method.
  virtual Result<RouterMapping> open(MappingMethod by, const DefaultRoute& route,
                                     const MappingWish& wish) = 0;
  /// Errors: as open().
  virtual Result<MappingLook> look(const RouterMapping& mapping) = 0;
  virtual Result<void> close(const RouterMapping& mapping) = 0;
  /// open() and look() end as soon as they can, and fail from now on.
  virtual void give_up() = 0;
};

/// That of the default route. Whoever else answers in its network is not listened to.
std::unique_ptr<Router> make_home_router();

}  // namespace p2pmesh
