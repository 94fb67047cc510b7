#include "start_choice.h"

#include <charconv>

#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr int kTries = 3;

}  // namespace

std::string number_choices(const std::string& message, std::size_t choices) {
  std::string out;
  std::size_t line = 0;
  for (std::size_t at = 0; at <= message.size() && line <= choices; ++line) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    const std::string text = format_safe_line(message.substr(at, end - at));
    out += line == 0 ? text : "\n " + std::to_string(line) + text;
    at = end + 1;
  }
  return out;
}

std::size_t parse_choice(const std::string& answer, std::size_t choices) {
  std::size_t number = 0;
  const char* end = answer.data() + answer.size();
  const auto [stop, error] = std::from_chars(answer.data(), end, number);
  return error == std::errc{} && stop == end && number <= choices ? number : 0;
}

Result<std::string> ask_choice(const std::string& message, const std::vector<std::string>& choices) {
  tell_terminal(number_choices(message, choices.size()));
  for (int tries = 0; tries < kTries; ++tries) {
    const auto answer = ask_shown("Which one? A number from 1 to " + std::to_string(choices.size()) + ":");
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (!*answer) return fail(ExitStatus::kOk, "");
    const std::size_t number = parse_choice(std::string((*answer)->view()), choices.size());
    if (number > 0) return choices[number - 1];
  }
  return fail(ExitStatus::kUsage, "None of them was chosen; --find NAME joins the mesh of NAME.");
}

Result<std::string> ask_whose(const std::string& message) {
  tell_terminal(format_safe_line(message));
  std::string why;
  for (int tries = 0; tries < kTries; ++tries) {
    const auto answer = ask_shown("Whose mesh? A name, or an empty line for nobody's:");
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (!*answer) return fail(ExitStatus::kOk, "");
    const auto name = check_name(std::string((*answer)->view()));
    if ((*answer)->view().empty()) return std::string();
    if (name) return *name;
    why = name.error().message;
    tell_terminal(format_safe_line(why));
  }
  return fail(ExitStatus::kUsage, why);
}

}  // namespace p2pmesh
