#include "chat_commands.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fake_node.h"

namespace p2pmesh {
namespace {

/// Commands run against a node that answers what the test tells it to.
struct Typing {
  /// Runs a command that asks the node, which answers; returns what is printed.
  template <class Reply>
  std::string run(const std::string& line, const Reply& reply) {
    std::string out;
    answer(
        line, [&](const std::string& id) { control::append_reply(out, id, reply); }, out);
    return view.take_output();
  }
  std::string run_refused(const std::string& line, const control::RpcError& error) {
    std::string out;
    answer(
        line, [&](const std::string& id) { control::append_error(out, id, error); }, out);
    return view.take_output();
  }
  /// Runs a command that asks nothing.
  std::string run(const std::string& line) {
    commands.run(line);
    node.settle();
    CHECK(node.requests.size() == asked);
    return view.take_output();
  }
  template <class Answer>
  void answer(const std::string& line, Answer append, std::string& out) {
    commands.run(line);
    CHECK(commands.unanswered() == 1);
    node.wait([&] { return node.requests.size() > asked; });
    append(node.requests[asked].id);
    asked = node.requests.size();
    REQUIRE(write_all(node.peer.get(), as_bytes(out)));
    node.wait([&] { return commands.unanswered() == 0; });
  }
  template <class Request>
  const Request& last() {
    return std::get<Request>(*node.requests.back().request);
  }

  FakeNode node;
  ChatView view{100};
  std::vector<std::string> complaints;
  ChatCommands commands{*node.connection, view,
                        [this](std::string_view said) { complaints.emplace_back(said); }};
  std::size_t asked = 0;
};

const control::RoomEntry kDev{"#dev", true, true, 0, 12, 1795003200000};

TEST_CASE("every command is listed, explained by name or alias, and has a help of one line") {
  Typing typing;
  const std::string list = typing.run("/help");
  for (const std::string name : {"help", "rooms", "join", "part", "history", "who", "quit", "logout"}) {
    CAPTURE(name);
    CHECK(list.find("/" + name) != std::string::npos);
    const std::string one = typing.run("/help " + name);
    CHECK(one == typing.run("/help /" + name));
    CHECK(one.find("Unknown") == std::string::npos);
    CHECK(std::count(one.begin(), one.end(), '\n') == 2);
  }
  CHECK(typing.run("/help :q") == typing.run("/help quit"));
  CHECK(typing.run("/help jion") ==
        ">INFO: There is no command jion. Did you mean /join? Type /help for commands.\n");
}

TEST_CASE("an unknown command is quoted safely and the nearest is suggested") {
  Typing typing;
  CHECK(typing.run("/jion #dev") ==
        ">INFO: Unknown command /jion. Did you mean /join? Type /help for commands.\n");
  CHECK(typing.run("/foo") == ">INFO: Unknown command /foo. Type /help for commands.\n");
  CHECK(typing.run("/") == ">INFO: Unknown command /. Type /help for commands.\n");
  CHECK(typing.run("/\x1b[2J" + std::string(100, 'x')) ==
        ">INFO: Unknown command /\\x1b[2J" + std::string(59, 'x') + ".... Type /help for commands.\n");
}

TEST_CASE("a room is entered when the node has joined it, and lines say what is there") {
  Typing typing;
  CHECK(typing.run("/join") == ">INFO: You are in #lobby.\n");
  CHECK(typing.run("/join #new", control::RoomReply{{"#new", true, true, 0, 0, 0}}) ==
        ">INFO: You are the first in #new.\n");
  CHECK(typing.last<control::JoinRoomRequest>().room == "#new");
  CHECK(typing.view.current_room() == "#new");
  control::RoomEntry unread = kDev;
  unread.unread = 2;
  const std::string said = typing.run("/join #Dev", control::RoomReply{unread});
  CHECK(said.starts_with(">INFO: You are in #dev now; 12 messages, the newest 2026-11-1"));
  CHECK(said.ends_with(".\n>INFO: 2 unread in #dev.\n"));
  CHECK(typing.run_refused("/join #x", {control::RpcErrorCode::kApplication, "no more",
                                        ExitStatus::kTryAgain}) == ">INFO: no more\n");
  CHECK(typing.view.current_room() == "#dev");
}

TEST_CASE("leaving a room goes where the node says, and a refusal changes nothing") {
  Typing typing;
  typing.run("/join #dev", control::RoomReply{kDev});
  CHECK(typing.run_refused("/part #x", {control::RpcErrorCode::kApplication, "You are not in #x.",
                                        ExitStatus::kUsage}) == ">INFO: You are not in #x.\n");
  CHECK(typing.view.current_room() == "#dev");
  CHECK(typing.run("/part #lobby", control::RoomReply{kDev}) == ">INFO: You left #lobby.\n");
  CHECK(typing.run("/part", control::RoomReply{{"#lobby", true, true, 0, 0, 0}}) ==
        ">INFO: You left #dev; you are in #lobby now.\n");
  CHECK(typing.last<control::PartRoomRequest>().room == "#dev");
}

TEST_CASE("rooms are listed with this screen's current one") {
  Typing typing;
  typing.run("/join #dev", control::RoomReply{kDev});
  const control::RoomsReply rooms{
      {{"#dev", true, false, 0, 12, 0}, {"#lobby", true, true, 1, 1, 0}, {"#x\x1b", false, false, 4, 4, 0}}};
  CHECK(typing.run("/rooms", rooms) ==
        ">INFO: 3 rooms:\n>INFO: #dev, current, 0 unread, 12 messages.\n"
        ">INFO: #lobby, joined, 1 unread, 1 message.\n>INFO: #x\\x1b, not joined, 4 unread, 4 messages.\n");
}

control::ListReply page_of(std::uint8_t first, std::uint8_t last, bool more) {
  control::ListReply page;
  page.more = more;
  for (std::uint8_t i = first; i <= last; ++i) {
    control::ChatMessage message;
    message.id.envelope.bytes[31] = i;
    message.name = "Bob";
    message.room = "#lobby";
    message.text = std::to_string(i);
    page.messages.push_back(std::move(message));
  }
  return page;
}

TEST_CASE("history goes back page by page from what was shown last") {
  Typing typing;
  CHECK(typing.run("/history back") == ">INFO: Nothing to go back from: type /history first.\n");
  CHECK(typing.run("/history 2", page_of(8, 9, true)) ==
        ">INFO: 2 messages of #lobby:\nBob: 8\nBob: 9\n"
        ">INFO: End of messages; /history back shows earlier ones.\n");
  CHECK(typing.last<control::ListRequest>().limit == 2);
  CHECK_FALSE(typing.last<control::ListRequest>().before);
  CHECK(typing.run("/history back", page_of(1, 7, false)).find("there are no earlier ones") !=
        std::string::npos);
  CHECK(typing.last<control::ListRequest>().limit == 20);
  CHECK(typing.last<control::ListRequest>().before == page_of(8, 8, false).messages.front().id);
  CHECK(typing.run("/history back") == ">INFO: There are no earlier messages of #lobby.\n");
}

TEST_CASE("a history that comes in several pages is printed in one piece") {
  Typing typing;
  typing.commands.run("/history 5");
  const std::vector<control::ListReply> pages = {page_of(8, 9, true), page_of(7, 7, true),
                                                 page_of(5, 6, true)};
  for (std::size_t i = 0; i < pages.size(); ++i) {
    typing.node.wait([&] { return typing.node.requests.size() == i + 1; });
    CHECK(typing.view.take_output().empty());
    std::string out;
    control::append_reply(out, typing.node.requests[i].id, pages[i]);
    REQUIRE(write_all(typing.node.peer.get(), as_bytes(out)));
  }
  typing.node.wait([&] { return typing.commands.unanswered() == 0; });
  CHECK(typing.view.take_output().starts_with(
      ">INFO: 5 messages of #lobby:\nBob: 5\nBob: 6\nBob: 7\nBob: 8\nBob: 9\n>INFO: End"));
  CHECK(typing.last<control::ListRequest>().limit == 2);
}

TEST_CASE("a room without messages is told from one that is not there") {
  Typing typing;
  CHECK(typing.run("/history", control::ListReply{}) == ">INFO: There are no messages in #lobby.\n");
  CHECK(typing.run("/history #nowhere", control::ListReply{}) ==
        ">INFO: Nobody has said anything in #nowhere. /rooms lists those with messages.\n");
}

TEST_CASE("a node that fails is complained about") {
  Typing typing;
  CHECK(
      typing.run_refused("/who", {control::RpcErrorCode::kApplication, "disk\x1b", ExitStatus::kIo}).empty());
  CHECK(typing.complaints == std::vector<std::string>{"The node could not do it: disk\\x1b"});
}

}  // namespace
}  // namespace p2pmesh
