// What a command of p2pchat looks like, and how the words of a line are matched with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

enum class ArgumentKind {
  kRoom,     ///< a room's name, checked
  kNumber,   ///< from 1 to kHistoryLinesMax
  kCommand,  ///< a command's name, its slash or not
  kKeyword,  ///< the word of the argument itself
  kMember,   ///< a member as it is shown, or its key; the node knows whether there is one
  kPlace,    ///< a room with its #, or a member
  kKeyFile,  ///< `--key-file` and the rest of the line, which names a file; the last one
  kText,     ///< the rest of the line as it stands; the last one
};

struct Argument {
  ArgumentKind kind = ArgumentKind::kRoom;
  bool optional = true;
  std::string_view keyword;  ///< of kKeyword; of others what the usage calls it, unless empty
};

/// One way to write a command: what follows its name, in order.
using CommandForm = std::vector<Argument>;

/// What was typed behind a command's name; what was left out is nothing.
struct CommandArguments {
  std::string_view name;  ///< of the command, as in CommandText
  std::optional<std::string> room;
  std::optional<std::size_t> number;
  std::optional<std::string> command;
  std::optional<std::string> member;
  std::optional<std::string> key_file;
  std::string text;          ///< empty when left out
  std::string_view keyword;  ///< of the form that matched
};

struct CommandText {
  std::string_view name;                  ///< "/join"
  std::vector<std::string_view> aliases;  ///< that do the same
  std::vector<CommandForm> forms;         ///< those with a keyword first
  std::string_view help;                  ///< one line, without a full stop
  std::string_view more;                  ///< a few sentences
};

/// "/history [#ROOM] [N], /history back [N]".
std::string format_usage(const CommandText& command);

/// Matches the words after the name. Errors: kUsage with a sentence about what is wrong.
Result<CommandArguments> parse_arguments(const CommandText& command, std::string_view words);

/// The candidate that `word` is most likely meant to be, as find_nearest_word() says, whatever the case and
/// the slash in front.
std::optional<std::string_view> find_nearest(std::string_view word,
                                             const std::vector<std::string_view>& candidates);

/// A word of the user as it is quoted: safe and of bounded length.
std::string quote_word(std::string_view word);

}  // namespace p2pmesh
