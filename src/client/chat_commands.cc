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

constexpr Argument kOptionalRoom{ArgumentKind::kRoom, true, ""};
constexpr Argument kOptionalPlace{ArgumentKind::kPlace, true, ""};
constexpr Argument kOptionalNumber{ArgumentKind::kNumber, true, ""};
constexpr Argument kOptionalCommand{ArgumentKind::kCommand, true, ""};
constexpr Argument kKeyFile{ArgumentKind::kKeyFile, true, ""};
constexpr Argument kMember{ArgumentKind::kMember, false, ""};
constexpr Argument kText{ArgumentKind::kText, false, ""};
constexpr Argument kOptionalAddress{ArgumentKind::kMember, true, "ADDRESS"};
constexpr Argument kHost{ArgumentKind::kMember, false, "HOST"};
constexpr Argument kPlaceText{ArgumentKind::kText, true, "HOST PORT"};
constexpr Argument kPortText{ArgumentKind::kText, false, "PORT"};
constexpr Argument kNickText{ArgumentKind::kText, false, "NICK or -"};
constexpr Argument kOptionalText{ArgumentKind::kText, true, ""};
constexpr Argument kLine{ArgumentKind::kText, false, "N|all"};
constexpr Argument kOn{ArgumentKind::kKeyword, false, "on"};
constexpr Argument kOff{ArgumentKind::kKeyword, false, "off"};
constexpr Argument kOptionalMember{ArgumentKind::kMember, true, ""};
constexpr Argument kMore{ArgumentKind::kKeyword, false, "more"};
constexpr Argument kBack{ArgumentKind::kKeyword, false, "back"};

}  // namespace

const std::vector<ChatCommands::Command>& ChatCommands::table() {
  static const std::vector<Command> kTable = {
      {{"/help",
        {},
        {{kOptionalCommand}},
        "the commands, or one of them",
        "Lists the commands, or explains the one that is named, with its slash or without."},
       &ChatCommands::help},
      {{"/rooms",
        {},
        {{}},
        "the rooms: joined or not, unread, messages",
        "Lists the rooms that are joined or have messages. Unread is what others said and no screen has "
        "shown."},
       &ChatCommands::rooms},
      {{"/join",
        {},
        {{kOptionalRoom, kKeyFile}},
        "joins a room, where lines go from then on",
        "A room is there as soon as somebody has joined it or spoken in it. What is typed goes to the "
        "current "
        "room; messages of the other joined rooms are shown with their room in front, and of rooms that are "
        "not joined nothing is shown. Without a room: says which is current. With --key-file it is a private "
        "room, which only those can read who hold the key in the file; if there is no file, one with a new "
        "key "
        "is made."},
       &ChatCommands::join},
      {{"/part",
        {},
        {{kOptionalRoom}},
        "leaves a room, or the current one",
        "Its messages are not shown any more, but they are still kept. #lobby can be left while another room "
        "is joined."},
       &ChatCommands::part},
      {{"/invite",
        {},
        {{kMember}},
        "gives the key of the current private room to a member",
        "To one who has accepted to talk with you. It can read what was said there before, too, and no key "
        "can "
        "be taken back."},
       &ChatCommands::invite},
      {{"/topic",
        {},
        {{kOptionalText}},
        "what the room is about: shows it, or sets it",
        "Of the current room. Everybody sees the same one: the last that was set. /topic - clears it."},
       &ChatCommands::topic},
      {{"/history",
        {},
        {{kBack, kOptionalNumber}, {kOptionalPlace, kOptionalNumber}},
        "the newest messages of a room or with somebody, or earlier ones",
        "Prints the newest N messages (20) of a room, joined or not, or of what was exchanged with a member, "
        "or of where lines go now. A room counts as read then. /history back prints the N (20) before those "
        "that were printed last."},
       &ChatCommands::history},
      {{"/search",
        {},
        {{kMore}, {kText}},
        "the newest messages with all these words, or earlier ones",
        "In every room and conversation; a word counts whole, without case and accents, and no sign means "
        "anything. In front of the words: in:#dev or in:Bob, from:Bob, since:2026-11-01, "
        "until:2026-11-20T14:05. /search more prints the ones before those that were printed last."},
       &ChatCommands::search},
      {{"/msg",
        {},
        {{kMember, kText}},
        "writes to one member alone",
        "Sealed: nobody else can read it or tell to whom it is. The first message to somebody asks to talk, "
        "and is shown when the other one accepts. Who is away gets it later."},
       &ChatCommands::message},
      {{"/chat",
        {},
        {{kMember, kOptionalText}},
        "opens a conversation: lines go to this member alone",
        "Until /close. The other one is told that it is open. With a text: says that too."},
       &ChatCommands::chat},
      {{"/close", {}, {{}}, "closes the conversation; lines go to the room again", "The other one is told."},
       &ChatCommands::close},
      {{"/disconnect", {}, {{}}, "as /close", "Says so when no conversation is open."},
       &ChatCommands::disconnect},
      {{"/exit",
        {},
        {{}},
        "closes the conversation, or leaves when none is open",
        "As /close in a conversation, as /quit in a room."},
       &ChatCommands::exit},
      {{"/request",
        {},
        {{kMember}},
        "asks somebody to talk, without a text",
        "The other one is asked when it is there, and you are told what it answers."},
       &ChatCommands::request},
      {{"/accept",
        {},
        {{kMember}},
        "talks with somebody who asked",
        "Shows what was written to you meanwhile. Whom you have declined you can still accept."},
       &ChatCommands::accept},
      {{"/decline",
        {},
        {{kMember}},
        "does not talk with somebody who asked",
        "The other one is told. What it wrote and goes on writing is kept, unseen, in case you accept "
        "later."},
       &ChatCommands::decline},
      {{"/contacts",
        {},
        {{}},
        "those you talk with, and those who want to",
        "Those you have written to, or who have written to you, and how things stand."},
       &ChatCommands::contacts},
      {{"/add",
        {},
        {{kMember, kPlaceText}},
        "notes where somebody is to be found",
        "Under a member's name, or one that nobody has yet: then who is there is looked for at once, and "
        "again when you name it and at the next start."},
       &ChatCommands::add},
      {{"/connect",
        {},
        {{kHost, kPortText}},
        "finds out who is at an address, and opens a conversation",
        "A number from 1 to 65535 behind the first word makes it a host in /msg and /chat too, unless a "
        "member "
        "has that name."},
       &ChatCommands::connect},
      {{"/alias",
        {},
        {{kMember, kNickText}},
        "another name for a member, for you alone",
        "It can be typed wherever a member is named. /alias NAME - removes it."},
       &ChatCommands::alias},
      {{"/forget",
        {},
        {{kMember}},
        "drops a contact and what is noted of it",
        "What was said stays in /history. The other one is not told; what it writes from now on asks anew."},
       &ChatCommands::forget},
      {{"/ignore",
        {},
        {{kOptionalMember}},
        "keeps what a member writes, and does not show it",
        "By key, so that another name does not help; the member is not told. Without a name: lists whom you "
        "ignore."},
       &ChatCommands::ignore},
      {{"/unignore",
        {},
        {{kMember}},
        "shows what a member writes again",
        "/history has what came meanwhile."},
       &ChatCommands::unignore},
      {{"/block",
        {},
        {{kOptionalMember}},
        "as /ignore, and does not open what a member writes to you",
        "Its direct messages and requests stay sealed; the member is not told. What it writes in rooms is "
        "kept "
        "and passed on as everybody's. Without a name: lists whom you block."},
       &ChatCommands::block},
      {{"/unblock",
        {},
        {{kMember}},
        "takes /block back",
        "What the member wrote to you meanwhile is opened now."},
       &ChatCommands::unblock},
      {{"/discover",
        {},
        {{kOn}, {kOff}, {}},
        "whether others see that you are here",
        "Off: you appear offline to all but contacts. You still read the rooms and pass on what others "
        "write, "
        "but nothing that is written to you is opened, and what you write waits until /discover on. It stays "
        "so over restarts."},
       &ChatCommands::discover},
      {{"/receipts",
        {},
        {{kOn}, {kOff}, {}},
        "whether those you talk with are told what you have read",
        "Off until you say otherwise."},
       &ChatCommands::receipts},
      {{"/pending",
        {},
        {{}},
        "what you wrote and no neighbor has taken yet",
        "Lines with a number can be taken back with /cancel; \"written\" ones are envelopes already."},
       &ChatCommands::pending},
      {{"/cancel",
        {},
        {{kLine}},
        "takes back a line that waits, by its number, or all of them",
        "/cancel 17 or /cancel all; see /pending."},
       &ChatCommands::cancel},
      {{"/sent",
        {},
        {{kOptionalPlace, kOptionalNumber}},
        "what became of what you wrote",
        "The newest N (20) of your messages in a room or to a member, or where lines go now. In a room: "
        "pending, or sent with the number of neighbors that have taken it. To a member: pending, sent, "
        "delivered when its node has it and it wants to talk, read when it lets you know."},
       &ChatCommands::sent},
      {{"/nick",
        {},
        {{kMember}},
        "another name for you",
        "A neighbor sees whether it is free; until then you keep the one you have. What you said before is "
        "shown under the new name too."},
       &ChatCommands::nick},
      {{"/who",
        {},
        {{kOptionalAddress}},
        "all members, and since when they are online or offline",
        "Lists everybody who ever joined the mesh, or those who are or were last at an address such as "
        "10.0.0.7 "
        "or 10.0.0.7:9750."},
       &ChatCommands::who},
      {{"/quit",
        {"/logout", ":q"},
        {{}},
        "leaves",
        "Ends this screen. A node that a screen started leaves the mesh with its last screen."},
       &ChatCommands::quit},
  };
  return kTable;
}

ChatCommands::ChatCommands(NodeConnection& node, ChatView& view, Complain complain)
    : node_(node),
      view_(view),
      complain_(std::move(complain)),
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

void ChatCommands::ask(const control::Request& request, std::function<void(const control::Reply&)> done) {
  ++unanswered_;
  node_.request(
      request, [this, done = std::move(done)](const tl::expected<control::Reply, control::RpcError>& reply) {
        --unanswered_;
        ++answered_;
        if (reply) return done(*reply);
        const std::string why = format_safe_line(reply.error().message);
        const ExitStatus status = control::to_error(reply.error()).status;
        const bool is_users_fault = status == ExitStatus::kUsage || status == ExitStatus::kTryAgain ||
                                    status == ExitStatus::kCannotCreate || status == ExitStatus::kProtocol;
        if (is_users_fault) return view_.show_info(why);
        complain_("The node could not do it: " + why);
      });
}

}  // namespace p2pmesh
