// How invites into a closed mesh are asked for, and how they are told.
#pragma once

#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/control/request.h"

namespace p2pmesh {

/// What an invite is good for when nothing is said: one person, a week.
inline constexpr std::uint64_t kInviteForMs = 7ULL * 24 * 3600 * 1000;

/// `3`, `any`. Errors: kUsage.
Result<std::uint64_t> parse_uses(std::string_view word);
/// `2h`, `never`. Errors: kUsage.
Result<std::optional<std::uint64_t>> parse_expiry(std::string_view word);
/// `[USES] [TIME]` as it is typed behind /link. Errors: kUsage.
Result<control::MakeLinkRequest> parse_link_words(std::string_view text);

/// "for 1 member, until 2026-11-29 14:05" or "for any number of members, for good".
std::string describe_terms(std::uint64_t uses, WallMs end_ms, bool in_utc);
/// "1a2b3c4d by Alice: open, 0 of 1 used, until 2026-11-29 14:05"
std::string describe_invite(const control::InviteEntry& invite, bool in_utc);

}  // namespace p2pmesh
