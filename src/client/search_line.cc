#include "search_line.h"

#include <algorithm>
#include <array>
#include <utility>

#include "chat_command.h"
#include "clock_text.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/text/search_words.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kBlanks = " \t";

Result<void> take_time(std::string_view option, std::string_view value, std::optional<WallMs>& time) {
  time = parse_local(value);
  if (time) return {};
  return fail(ExitStatus::kUsage, std::string(option) +
                                      " takes a time like 2026-11-20 or 2026-11-20T14:05, not " +
                                      quote_word(value) + ".");
}

Result<void> take_place(std::string_view value, control::SearchRequest& request) {
  if (!value.starts_with('#')) {
    request.with = std::string(value);
    return {};
  }
  auto room = check_room_label(value);
  if (!room) return tl::unexpected<Error>(room.error());
  request.room = *std::move(room);
  return {};
}

}  // namespace

Result<control::SearchRequest> parse_search_line(std::string_view line) {
  constexpr std::array<std::string_view, 4> kOptions = {"in:", "from:", "since:", "until:"};
  std::array<bool, kOptions.size()> given{};
  control::SearchRequest request;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    const auto option = std::find_if(kOptions.begin(), kOptions.end(),
                                     [&](std::string_view name) { return word.starts_with(name); });
    if (option == kOptions.end()) break;
    const auto which = static_cast<std::size_t>(option - kOptions.begin());
    if (std::exchange(given[which], true))
      return fail(ExitStatus::kUsage, std::string(*option) + " is there twice.");
    const std::string_view value = word.substr(option->size());
    if (value.empty())
      return fail(ExitStatus::kUsage, std::string(*option) + " needs something right behind the colon.");
    if (!is_well_formed(value)) return fail(ExitStatus::kUsage, quote_word(value) + " is not UTF-8.");
    Result<void> taken;
    if (*option == "in:") taken = take_place(value, request);
    if (*option == "from:") request.from = std::string(value);
    if (*option == "since:") taken = take_time(*option, value, request.since_ms);
    if (*option == "until:") taken = take_time(*option, value, request.until_ms);
    if (!taken) return tl::unexpected<Error>(taken.error());
    line.remove_prefix(word.size());
  }
  request.words = std::string(line);
  if (auto checked = check_search_words(request.words); !checked)
    return tl::unexpected<Error>(checked.error());
  return request;
}

Result<void> check_search_words(const std::string& words) {
  if (!is_well_formed(words)) return fail(ExitStatus::kUsage, "The words to search for are not UTF-8.");
  if (search_words(words).empty())
    return fail(ExitStatus::kUsage, "There is no word to search for; a word has letters or digits.");
  if (words.size() <= limits::kSearchQueryBytesMax) return {};
  return fail(ExitStatus::kUsage, "The words to search for have " + std::to_string(words.size()) +
                                      " bytes, more than " + std::to_string(limits::kSearchQueryBytesMax) +
                                      ".");
}

}  // namespace p2pmesh
