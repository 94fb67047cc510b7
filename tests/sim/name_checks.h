// What must hold of names once the world is quiet, and newcomers that want a name which somebody holds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "violation.h"
#include "world.h"

namespace p2pmesh::sim {

/// Who came when everybody knew the holder of the name that it wants.
struct LateClaim {
  std::uint32_t newcomer = kNone;
  std::uint32_t holder = kNone;
};

/// Every node that has started knows this member, and by its own name.
bool is_name_held(const World& world, std::uint32_t holder);

/// Each honest node shows each member by the same name, no two by one name, the founder by its own, and
/// nobody of `late` by the name that it wants.
std::vector<Violation> check_names(const World& world, const std::vector<LateClaim>& late);

}  // namespace p2pmesh::sim
