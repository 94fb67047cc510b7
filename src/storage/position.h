// Where a log envelope stands: in its author's sequence, and in its room's transcript.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// SQLite's numbers are signed; what is beyond them sorts as the greatest.
inline std::int64_t clamp_to_signed(std::uint64_t value) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(value, kMax));
}
inline bool fits_signed(std::uint64_t value) {
  return value >> 63 == 0;
}

struct LogPosition {
  std::int64_t author_no = 0;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const LogPosition&) const = default;
};

struct LogPositionHash {
  std::size_t operator()(const LogPosition& position) const {
    std::uint64_t mixed = static_cast<std::uint64_t>(position.author_no) * 0x9e3779b97f4a7c15ULL;
    for (std::uint64_t word : {position.epoch, position.seq})
      mixed = (mixed ^ word ^ mixed >> 32) * 0xff51afd7ed558ccdULL;
    return static_cast<std::size_t>(mixed ^ mixed >> 32);
  }
};

struct TranscriptKey {
  std::int64_t room_no = 0;
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  EnvelopeId id;
  auto operator<=>(const TranscriptKey&) const = default;
};

}  // namespace p2pmesh
