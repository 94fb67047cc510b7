// Port mappings by UPnP IGD, of the gateway alone: whatever else in the network says to be a router is not
// asked.
#pragma once

#include <atomic>

#include "p2pmesh/posix/home_router.h"

namespace p2pmesh {

Result<RouterMapping> open_by_upnp(const DefaultRoute& route, const MappingWish& wish,
                                   const std::atomic<bool>& given_up);
Result<MappingLook> look_by_upnp(const RouterMapping& mapping);
Result<void> close_by_upnp(const RouterMapping& mapping);

/// Whether an URL leads to this host, by its number. Exposed for testing.
bool leads_to(std::string_view url, const SocketAddress& host);

}  // namespace p2pmesh
