// What the store tells of what acts refuse, and what it is told of locked topics.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// Closed intervals, ascending, not touching.
using Intervals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// Of one epoch of an author what is refused and held all the same.
struct StoredHidden {
  std::uint64_t epoch = 0;
  Intervals intervals;
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest(); of forks the lowest id's
};
struct HiddenOf {
  std::vector<StoredHidden> logs;  ///< by epoch, all that is hidden now
  bool changed = false;            ///< something was hidden or is shown again
  std::uint64_t messages = 0;      ///< in all that is held and not hidden
};
/// Which topics of a room count: those behind this place in its transcript, else the one that is named.
struct StoredTopicLock {
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  EnvelopeId id;
  EnvelopeId topic;  ///< zero: none
  std::optional<std::vector<MemberKey>>
      allowed;  ///< behind that place these authors' alone; nothing: anybody's
};

}  // namespace p2pmesh
