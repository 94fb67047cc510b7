// How acts are typed, and how they are told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/event.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// What may follow a member's name: `[mesh] [TIME] [REASON]`.
struct ModerationWords {
  bool mesh = false;
  std::optional<std::uint64_t> for_ms;
  std::string reason;
};

/// 30s, 30m, 2h, 7d, 4w; nothing when it is none, or over 100 years.
std::optional<std::uint64_t> parse_span(std::string_view word);

/// `takes_time`: else a span is the first word of the reason. Errors: kUsage.
Result<ModerationWords> parse_moderation(std::string_view text, bool takes_time);

/// "Alice banned Bob from #dev until 2026-11-22 14:05: spam." `room` as it is shown.
std::string describe_act(const control::ModerationEvent& event, const std::string& room);

/// "Bob: banned by Alice until 2026-11-22 14:05: spam." `in_utc`: as p2pmeshctl shows times.
std::string describe_restriction(const control::RestrictionEntry& entry, bool in_utc);

}  // namespace p2pmesh
