#include "chat_command.h"

#include <algorithm>
#include <charconv>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/nearest_word.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kKeyFileOption = "--key-file";
constexpr std::size_t kQuotedBytesMax = 64;

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::string format_argument(const Argument& argument) {
  if (!argument.keyword.empty()) return std::string(argument.keyword);
  switch (argument.kind) {
    case ArgumentKind::kRoom:
      return "#ROOM";
    case ArgumentKind::kNumber:
      return "N";
    case ArgumentKind::kCommand:
      return "COMMAND";
    case ArgumentKind::kKeyword:
      return std::string(argument.keyword);
    case ArgumentKind::kMember:
      return "NAME";
    case ArgumentKind::kPlace:
      return "#ROOM or NAME";
    case ArgumentKind::kKeyFile:
      return "--key-file FILE";
    case ArgumentKind::kText:
      return "TEXT";
  }
  return "";
}

/// An optional argument is taken as left out when the word can only be a later one: a number is no room.
bool may_be(const Argument& argument, std::string_view word) {
  const bool is_numeric = std::string_view("+-0123456789").find(word.front()) != std::string_view::npos;
  return (argument.kind != ArgumentKind::kRoom && argument.kind != ArgumentKind::kPlace) || !is_numeric;
}

Result<std::size_t> parse_number(std::string_view word) {
  std::size_t number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{} || stop != end || number == 0 || number > limits::kHistoryLinesMax) {
    return fail(ExitStatus::kUsage, quote_word(word) + " is no number from 1 to " +
                                        std::to_string(limits::kHistoryLinesMax) + ".");
  }
  return number;
}

Result<void> take(const Argument& argument, std::string_view word, CommandArguments& arguments) {
  const bool is_member = argument.kind == ArgumentKind::kPlace && !word.starts_with('#');
  switch (is_member ? ArgumentKind::kMember : argument.kind) {
    case ArgumentKind::kPlace:
    case ArgumentKind::kRoom: {
      auto room = check_room_label(word);
      if (!room) return tl::unexpected<Error>(room.error());
      arguments.room = *std::move(room);
      return {};
    }
    case ArgumentKind::kNumber: {
      const auto number = parse_number(word);
      if (!number) return tl::unexpected<Error>(number.error());
      arguments.number = *number;
      return {};
    }
    case ArgumentKind::kCommand:
      arguments.command = std::string(word);
      return {};
    case ArgumentKind::kKeyword:
      arguments.keyword = argument.keyword;
      return {};
    case ArgumentKind::kMember:
      arguments.member = std::string(word);
      return {};
    case ArgumentKind::kKeyFile:
      arguments.key_file = std::string(word.substr(0, word.find_last_not_of(" \t") + 1));
      return {};
    case ArgumentKind::kText:
      arguments.text = std::string(word);
      return {};
  }
  return {};
}

/// From this word of the line to its end.
std::string_view rest_from(std::string_view text, std::string_view word) {
  return text.substr(static_cast<std::size_t>(word.data() - text.data()));
}

/// The form whose keyword the first word is, else the one without a keyword. Where a text may stand in place
/// of the keyword, more words than the form has make a text.
const CommandForm& choose_form(const std::vector<CommandForm>& forms,
                               const std::vector<std::string_view>& words) {
  for (const CommandForm& form : forms) {
    const bool has_keyword = !form.empty() && form.front().kind == ArgumentKind::kKeyword;
    const bool may_be_text = !forms.back().empty() && forms.back().front().kind == ArgumentKind::kText;
    if (may_be_text && words.size() > form.size()) continue;
    if (has_keyword && !words.empty() && words.front() == form.front().keyword) return form;
  }
  return forms.back();
}

std::string_view without_slash(std::string_view name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

}  // namespace

std::string format_usage(const CommandText& command) {
  std::string usage;
  // The plain form first, as it is read.
  for (auto form = command.forms.rbegin(); form != command.forms.rend(); ++form) {
    if (!usage.empty()) usage += ", ";
    usage += command.name;
    for (const Argument& argument : *form) {
      const std::string text = format_argument(argument);
      usage += argument.optional ? " [" + text + "]" : " " + text;
    }
  }
  return usage;
}

Result<CommandArguments> parse_arguments(const CommandText& command, std::string_view text) {
  const std::vector<std::string_view> words = split_words(text);
  const CommandForm& form = choose_form(command.forms, words);
  CommandArguments arguments;
  arguments.name = command.name;
  std::size_t next = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const Argument& argument = form[i];
    if (next == words.size()) {
      if (argument.optional) continue;
      return fail(ExitStatus::kUsage,
                  std::string(command.name) + " needs " + format_argument(argument) + ".");
    }
    const bool is_last = i + 1 == form.size();
    if (argument.optional && !is_last && !may_be(argument, words[next])) continue;
    const bool is_file = argument.kind == ArgumentKind::kKeyFile;
    if (is_file && words[next] != kKeyFileOption) continue;
    if (is_file && ++next == words.size()) return fail(ExitStatus::kUsage, "--key-file needs FILE.");
    const bool is_text = is_file || argument.kind == ArgumentKind::kText;
    const std::string_view word = is_text ? rest_from(text, words[next]) : words[next];
    if (auto taken = take(argument, word, arguments); !taken) return tl::unexpected<Error>(taken.error());
    next = is_text ? words.size() : next + 1;
  }
  if (next < words.size()) {
    return fail(ExitStatus::kUsage,
                quote_word(words[next]) +
                    (form.empty() ? " is too much: " + std::string(command.name) + " stands alone."
                                  : " is one word too many."));
  }
  return arguments;
}

std::optional<std::string_view> find_nearest(std::string_view word,
                                             const std::vector<std::string_view>& candidates) {
  std::string typed(without_slash(word));
  for (char& letter : typed) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  std::vector<std::string_view> names;
  for (const std::string_view candidate : candidates) names.push_back(without_slash(candidate));
  const auto nearest = find_nearest_word(typed, names);
  return nearest ? std::optional(candidates[*nearest]) : std::nullopt;
}

std::string quote_word(std::string_view word) {
  return "\"" + format_safe_line(word.substr(0, kQuotedBytesMax)) +
         (word.size() > kQuotedBytesMax ? "...\"" : "\"");
}

}  // namespace p2pmesh
