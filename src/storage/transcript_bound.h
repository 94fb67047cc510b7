// One end of a range of a transcript, inclusive, as SQLite compares it.
#pragma once

#include <cstdint>
#include <limits>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/storage/mesh_store.h"
#include "position.h"

namespace p2pmesh {

struct TranscriptBound {
  std::int64_t depth = 0;
  std::int64_t wall_ms = 0;
  Bytes id;

  static TranscriptBound lowest() { return {}; }
  static TranscriptBound highest() {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    return {kMax, kMax, Bytes(EnvelopeId::kSize + 1, 0xff)};
  }
  static TranscriptBound of(const TranscriptPosition& position) {
    TranscriptBound bound = highest();
    if (!fits_signed(position.depth)) return bound;
    bound.depth = clamp_to_signed(position.depth);
    if (!fits_signed(position.wall_ms)) return bound;
    bound.wall_ms = clamp_to_signed(position.wall_ms);
    bound.id.assign(position.id.bytes.begin(), position.id.bytes.end());
    return bound;
  }
};

}  // namespace p2pmesh
