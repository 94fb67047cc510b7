// What a node tells of the invites into its closed mesh.
#pragma once

#include <cstdint>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

enum class InviteStanding : std::uint8_t {
  kOpen,
  kUnknown,  ///< nobody of the mesh made it, or who did is banned
  kCancelled,
  kExpired,
  kUsedUp,
};

struct InviteView {
  InviteKey key;
  MemberKey by;
  std::uint32_t uses = 0;  ///< 0: any number
  std::uint32_t used = 0;
  WallMs made_ms = 0;
  WallMs end_ms = 0;  ///< 0: for good
  InviteStanding standing = InviteStanding::kOpen;
};

}  // namespace p2pmesh
