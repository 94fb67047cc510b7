// Port mappings by NAT-PMP, RFC 6886. Each call blocks for kRouterPatience at most.
#pragma once

#include <atomic>
#include <optional>

#include "p2pmesh/posix/home_router.h"

namespace p2pmesh {

/// Of the default route by IPv4.
std::optional<SocketAddress> default_gateway();

Result<RouterMapping> open_by_nat_pmp(const DefaultRoute& route, const MappingWish& wish,
                                      const std::atomic<bool>& given_up);
Result<MappingLook> look_by_nat_pmp(const RouterMapping& mapping, const std::atomic<bool>& given_up);
Result<void> close_by_nat_pmp(const RouterMapping& mapping);

}  // namespace p2pmesh
