// Where a discovery server is, as somebody types it.
#pragma once

#include <cstdint>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

inline constexpr std::uint16_t kRendezvousPort = 7070;

/// As parse_host_port(), or a host alone, which is then at kRendezvousPort. Errors: kUsage with a sentence.
Result<HostPort> parse_rendezvous_place(std::string_view text);

}  // namespace p2pmesh
