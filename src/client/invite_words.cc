#include "invite_words.h"

#include <charconv>

#include "chat_command.h"
#include "clock_text.h"
#include "moderation_words.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kKeyDigitsShown = 8;

std::string_view take_word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  rest.remove_prefix(begin);
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::string format_end(WallMs end_ms, bool in_utc) {
  if (end_ms == 0) return "for good";
  return "until " + (in_utc ? format_utc(end_ms) : format_local_date(end_ms));
}

}  // namespace

Result<std::uint64_t> parse_uses(std::string_view word) {
  if (word == "any") return 0;
  std::uint64_t uses = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, uses);
  if (error == std::errc{} && stop == end && uses >= 1 && uses <= limits::kMembersMax) return uses;
  return fail(ExitStatus::kUsage, "How many may come in is a number from 1 to " +
                                      std::to_string(limits::kMembersMax) + " or any, not " +
                                      quote_word(std::string(word)) + "; no invite was made.");
}

Result<std::optional<std::uint64_t>> parse_expiry(std::string_view word) {
  if (word == "never") return std::nullopt;
  if (const auto span = parse_span(word)) return span;
  return fail(ExitStatus::kUsage, "How long it is good is a time like 2h or 7d, or never, not " +
                                      quote_word(std::string(word)) + "; no invite was made.");
}

Result<control::MakeLinkRequest> parse_link_words(std::string_view text) {
  control::MakeLinkRequest request;
  request.for_ms = kInviteForMs;
  if (const std::string_view word = take_word(text); !word.empty()) {
    const auto uses = parse_uses(word);
    if (!uses) return tl::unexpected<Error>(uses.error());
    request.uses = *uses;
  }
  if (const std::string_view word = take_word(text); !word.empty()) {
    const auto expiry = parse_expiry(word);
    if (!expiry) return tl::unexpected<Error>(expiry.error());
    request.for_ms = *expiry;
  }
  if (const std::string_view word = take_word(text); !word.empty())
    return fail(ExitStatus::kUsage, quote_word(std::string(word)) + " is too much: /link [USES] [TIME].");
  return request;
}

std::string describe_terms(std::uint64_t uses, WallMs end_ms, bool in_utc) {
  const std::string who = uses == 0   ? "any number of members"
                          : uses == 1 ? "1 member"
                                      : std::to_string(uses) + " members";
  return "for " + who + ", " + format_end(end_ms, in_utc);
}

std::string describe_invite(const control::InviteEntry& invite, bool in_utc) {
  const std::string used = std::to_string(invite.used) +
                           (invite.uses == 0 ? " used" : " of " + std::to_string(invite.uses) + " used");
  return format_safe_line(invite.key.substr(0, kKeyDigitsShown)) + " by " + format_safe_line(invite.by) +
         ": " + format_safe_line(invite.standing) + ", " + used + ", " + format_end(invite.end_ms, in_utc);
}

}  // namespace p2pmesh
