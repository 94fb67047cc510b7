// Wall-clock times as people read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// "2026-11-20T14:05:09.123Z". What lies beyond the year 9999 is shown as its last millisecond.
std::string format_utc(WallMs wall_ms);

/// Takes what format_utc() writes, and the same cut after the seconds, the minutes or the day, with or
/// without the Z; nothing on anything else.
std::optional<WallMs> parse_utc(std::string_view text);

/// The same in local time, but in UTC with a Z behind a time of the day.
std::optional<WallMs> parse_local(std::string_view text);

/// "14:05" in local time.
std::string format_local_minute(WallMs wall_ms);

/// "2026-11-20 14:05" in local time.
std::string format_local_date(WallMs wall_ms);

/// The beginning of the minute after the one that `wall_ms` lies in.
WallMs next_minute(WallMs wall_ms);

}  // namespace p2pmesh
