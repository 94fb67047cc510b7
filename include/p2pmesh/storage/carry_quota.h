// How much of the direct messages between others a node keeps for them.
#pragma once

#include <cstdint>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// What is over it goes, the oldest first. Envelopes of or to the local member are none of it.
struct CarryQuota {
  std::uint64_t author_envelopes = limits::kCarriedEnvelopesPerAuthor;
  std::uint64_t author_bytes = limits::kCarriedBytesPerAuthor;
  std::uint64_t bytes = limits::kCarriedBytes;  ///< of all authors; over it the one with most gives
  WallMs kept_ms =
      limits::kCarriedMs;  ///< from when they were written; half of it at least from when they came
};

struct CarriedSum {
  std::uint64_t envelopes = 0;
  std::uint64_t bytes = 0;
};

}  // namespace p2pmesh
