// Who comes and goes often is told rarely: decides which notices about presence are told now, and which
// later.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/outputs.h"

namespace p2pmesh {

/// Of each member two notices within kPresenceWindow are told at once. Further ones are held until its end
/// and become one, or none when the member is then as it was last told.
class PresenceNotices {
 public:
  /// A notice that was held: what happened last, and when.
  struct Held {
    MemberKey member;
    NoticeKind kind = NoticeKind::kJoined;
    WallMs at_ms = 0;
  };

  /// True when the notice is to be told now; else it is held. Notices of other kinds are always told.
  bool on_notice(NoticeKind kind, const MemberKey& member, const Now& now);
  /// Those whose window has ended; each begins another one.
  std::vector<Held> take_due(Instant now);
  /// All, at the end.
  std::vector<Held> take_all();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t windows() const { return windows_.size(); }
  /// Notices that were not told, since others took their place.
  [[nodiscard]] std::uint64_t merged() const { return merged_; }

 private:
  struct Window {
    std::uint32_t told = 0;
    std::uint32_t held = 0;
    bool told_online = false;
    NoticeKind last = NoticeKind::kJoined;
    WallMs last_ms = 0;
  };
  [[nodiscard]] std::optional<Held> close(const MemberKey& member, const Window& window);

  std::map<MemberKey, Window> windows_;
  std::deque<std::pair<Instant, MemberKey>> ends_;  // of each window, soonest first
  std::uint64_t merged_ = 0;
};

}  // namespace p2pmesh
