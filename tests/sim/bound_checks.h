// Every bound that the world can see: of the nodes' views, links and tables, and of the send queues.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "violation.h"
#include "world.h"

namespace p2pmesh::sim {

/// What a core counts, by name.
using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

/// Nothing when there is none of that name: whoever looked for it would check nothing.
std::optional<std::uint64_t> find_count(const Counts& counts, std::string_view name);

/// That `node` counts `name`, and to at most `most`; nothing when both hold.
std::optional<Violation> check_count(const Counts& counts, std::string_view name, std::uint64_t most,
                                     std::uint32_t node, SimTime now);

/// Adds what is above its bound now; send queues: ever was.
void check_bounds(const World& world, const std::vector<std::uint32_t>& honest,
                  std::vector<Violation>& found);

}  // namespace p2pmesh::sim
