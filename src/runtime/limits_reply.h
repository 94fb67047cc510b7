// The answer to who asks for the bounds: each with what sets it and how far it is used.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/control/reply.h"
#include "p2pmesh/runtime/node_host.h"

namespace p2pmesh {

using LimitUses = std::vector<std::pair<std::string, std::uint64_t>>;

/// Every constant of base/limits.h, as the settings have it.
control::LimitsReply list_limits(const std::vector<HostSetting>& settings);
/// By the constants' names in words; what has no row is left out.
void fill_uses(control::LimitsReply& reply, const LimitUses& uses);

}  // namespace p2pmesh
