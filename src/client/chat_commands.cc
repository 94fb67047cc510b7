#include "chat_commands.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"
#include "search_line.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kHistoryDefault = 20;  // a screenful
constexpr std::size_t kUnknownBytesMax = 64;

}  // namespace

ChatCommands::ChatCommands(NodeConnection& node, ChatView& view, Complain complain, Switch switch_to)
    : node_(node),
      view_(view),
      complain_(std::move(complain)),
      switch_to_(std::move(switch_to)),
      history_(view, [this](const auto& request, auto done) { ask(request, std::move(done)); }),
      search_(view, [this](const auto& request, auto done) { ask(request, std::move(done)); }) {}

const ChatCommands::Command* ChatCommands::find(std::string_view name) {
  for (const Command& command : table()) {
    const auto& aliases = command.text.aliases;
    if (command.text.name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end())
      return &command;
  }
  return nullptr;
}

bool ChatCommands::is_command(std::string_view line) {
  if (line.starts_with('/')) return !line.starts_with("//");
  return find(line) != nullptr;
}

void ChatCommands::run(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view name = line.substr(0, end);
  const Command* command = find(name);
  if (command == nullptr) return show_unknown("Unknown command ", name);
  const auto arguments = parse_arguments(command->text, line.substr(end));
  if (arguments) return (this->*command->run)(*arguments);
  view_.show_info(arguments.error().message);
  view_.show_info("Usage: " + format_usage(command->text));
}

void ChatCommands::show_unknown(std::string_view start, std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : table()) {
    names.push_back(command.text.name);
    for (const std::string_view alias : command.text.aliases) {
      if (alias.starts_with('/')) names.push_back(alias);
    }
  }
  std::string sentence(start);
  sentence += format_safe_line(word.substr(0, kUnknownBytesMax));
  if (word.size() > kUnknownBytesMax) sentence += "...";
  sentence += ".";
  if (const auto nearest = find_nearest(word, names))
    sentence += " Did you mean " + std::string(*nearest) + "?";
  view_.show_info(sentence + " Type /help for commands.");
}

void ChatCommands::quit(const CommandArguments&) {
  has_quit_ = true;
}

void ChatCommands::help(const CommandArguments& arguments) {
  if (arguments.command) {
    const Command* command = find(*arguments.command);
    if (command == nullptr) command = find("/" + *arguments.command);
    if (command == nullptr) return show_unknown("There is no command ", *arguments.command);
    return explain(command->text);
  }
  view_.show_info("Every line is sent to " + view_.shown_room(view_.current_room()) +
                  ", but those that begin with / are commands:");
  std::size_t widest = 0;
  std::vector<std::pair<std::string, std::string_view>> lines;
  for (const Command& command : table()) {
    std::string usage = format_usage(command.text);
    for (const std::string_view alias : command.text.aliases) usage += ", " + std::string(alias);
    widest = std::max(widest, usage.size());
    lines.emplace_back(std::move(usage), command.text.help);
  }
  lines.emplace_back("//...", "sends a line that begins with one slash");
  for (auto& [usage, help] : lines) {
    usage.resize(std::max(widest, usage.size()) + 2, ' ');
    view_.show_info(usage + std::string(help));
  }
}

void ChatCommands::explain(const CommandText& command) {
  std::string aliases;
  for (const std::string_view alias : command.aliases) aliases += ", " + std::string(alias);
  view_.show_info(format_usage(command) + aliases + ": " + std::string(command.help) + ".");
  view_.show_info(command.more);
}

void ChatCommands::who(const CommandArguments& arguments) {
  ask(control::MembersRequest{}, [this, address = arguments.member](const control::Reply& reply) {
    const auto* members = std::get_if<control::MembersReply>(&reply);
    if (members == nullptr) return;
    if (!address) return view_.show_who(*members);
    const auto found = find_at(*members, *address);
    if (!found) return view_.show_info(found.error().message);
    if (found->members.empty())
      return view_.show_info("No member is known to be or have been at " + format_safe_line(*address) + ".");
    view_.show_who(*found);
  });
}

void ChatCommands::history(const CommandArguments& arguments) {
  const std::size_t count = arguments.number.value_or(kHistoryDefault);
  if (!arguments.keyword.empty()) return history_.show_earlier(count);
  const bool is_open = talks_with_ && !arguments.room;
  const auto member = arguments.member || !is_open ? arguments.member : std::optional(talks_with_->name);
  history_.show_newest(arguments.room.value_or(view_.current_room()), member, count);
}

void ChatCommands::search(const CommandArguments& arguments) {
  if (!arguments.keyword.empty()) return search_.show_more();
  auto request = parse_search_line(arguments.text);
  if (!request) return view_.show_info(request.error().message);
  if (request->room) request->room = view_.room_called(*request->room);
  search_.show_newest(*std::move(request));
}

bool ChatCommands::is_quit(std::string_view line) {
  const Command* command = is_command(line) ? find(line.substr(0, line.find_first_of(" \t"))) : nullptr;
  return command != nullptr && command->run == &ChatCommands::quit;
}

void ChatCommands::ask(const control::Request& request, std::function<void(const control::Reply&)> done) {
  const std::size_t is_search = std::holds_alternative<control::AddRequest>(request) ||
                                        std::holds_alternative<control::EnterMeshRequest>(request) ||
                                        std::holds_alternative<control::AskRequest>(request) ||
                                        std::holds_alternative<control::ConversationRequest>(request)
                                    ? 1
                                    : 0;
  ++unanswered_;
  searching_ += is_search;
  node_.request(request, [this, is_search, done = std::move(done)](
                             const tl::expected<control::Reply, control::RpcError>& reply) {
    --unanswered_;
    searching_ -= is_search;
    ++answered_;
    if (reply) return done(*reply);
    const std::string why = format_safe_line(reply.error().message);
    const ExitStatus status = control::to_error(reply.error()).status;
    const bool is_users_fault = status == ExitStatus::kUsage || status == ExitStatus::kTryAgain ||
                                status == ExitStatus::kCannotCreate || status == ExitStatus::kProtocol ||
                                status == ExitStatus::kNoPermission || status == ExitStatus::kUnknownHost ||
                                (is_search != 0 && status == ExitStatus::kUnavailable);
    if (is_users_fault) return view_.show_info(why);
    complain_("The node could not do it: " + why);
  });
}

}  // namespace p2pmesh
