#include "moderation_words.h"

#include <charconv>

#include "chat_command.h"
#include "clock_text.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::uint64_t kLongestMs = 100ULL * 365 * 24 * 3600 * 1000;

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return word;
}

}  // namespace

std::optional<std::uint64_t> parse_span(std::string_view word) {
  if (word.size() < 2) return std::nullopt;
  std::uint64_t unit_ms = 0;
  switch (word.back()) {
    case 's':
      unit_ms = 1000;
      break;
    case 'm':
      unit_ms = 60'000;
      break;
    case 'h':
      unit_ms = 3'600'000;
      break;
    case 'd':
      unit_ms = 86'400'000;
      break;
    case 'w':
      unit_ms = 604'800'000;
      break;
    default:
      return std::nullopt;
  }
  std::uint64_t count = 0;
  const char* end = word.data() + word.size() - 1;
  const auto [stop, error] = std::from_chars(word.data(), end, count);
  if (error != std::errc{} || stop != end || count == 0 || count > kLongestMs / unit_ms) return std::nullopt;
  return count * unit_ms;
}

Result<ModerationWords> parse_moderation(std::string_view text, bool takes_time) {
  ModerationWords words;
  std::string_view rest = text;
  if (std::string_view after = rest; take_word(after) == "mesh") {
    words.mesh = true;
    rest = after;
  }
  if (std::string_view after = rest; takes_time) {
    const std::string_view word = take_word(after);
    words.for_ms = parse_span(word);
    if (words.for_ms) rest = after;
    // A time that was mistyped must not become the reason of a ban for good.
    if (!words.for_ms && !word.empty() && word.front() >= '0' && word.front() <= '9')
      return fail(ExitStatus::kUsage, quote_word(word) +
                                          " is no time, like 30m, 2h or 7d (a reason begins with no "
                                          "digit); nothing was done.");
  }
  words.reason = std::string(rest.substr(0, rest.find_last_not_of(" \t") + 1));
  if (!is_well_formed(words.reason))
    return fail(ExitStatus::kUsage, "The reason is not UTF-8; nothing was done.");
  if (words.reason.size() <= limits::kActReasonBytesMax) return words;
  return fail(ExitStatus::kUsage, "The reason has " + std::to_string(words.reason.size()) +
                                      " bytes, more than " + std::to_string(limits::kActReasonBytesMax) +
                                      "; nothing was done.");
}

std::string describe_act(const control::ModerationEvent& event, const std::string& room) {
  const std::string name = event.self ? "you" : format_safe_line(event.name);
  const std::string place = room.empty() ? "the mesh" : format_safe_line(room);
  std::string line = format_safe_line(event.by_name);
  if (event.verb == "mod") {
    line += " made " + name + " a moderator of " + place;
  } else if (event.verb == "unmod") {
    line += " dismissed " + name + " as a moderator of " + place;
  } else if (event.verb == "kick") {
    line += " kicked " + name + " from " + place;
  } else if (event.verb == "ban") {
    line += " banned " + name + " from " + place;
  } else if (event.verb == "unban") {
    line += " lifted the ban of " + name + " from " + place;
  } else if (event.verb == "silence") {
    line += " silenced " + name + " in " + place;
  } else if (event.verb == "unsilence") {
    line += " let " + name + " speak in " + place + " again";
  } else {
    line += event.verb == "lock" ? " locked the topic of " : " unlocked the topic of ";
    line += place;
  }
  if (event.end_ms != 0) line += " until " + format_local_date(event.end_ms);
  return line + (event.reason.empty() ? "." : ": " + format_safe_line(event.reason));
}

std::string describe_restriction(const control::RestrictionEntry& entry, bool in_utc) {
  std::string line = format_safe_line(entry.name) + (entry.ban ? ": banned by " : ": silenced by ") +
                     format_safe_line(entry.by);
  if (entry.end_ms != 0)
    line += " until " + (in_utc ? format_utc(entry.end_ms) : format_local_date(entry.end_ms));
  return line + (entry.reason.empty() ? "." : ": " + format_safe_line(entry.reason));
}

}  // namespace p2pmesh
