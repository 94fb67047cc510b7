#include "chat_commands.h"
#include "contact_lines.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "clock_text.h"
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

control::SearchReply found_page(std::uint8_t first, std::uint8_t last, bool more) {
  control::SearchReply page;
  page.more = more;
  for (const control::ChatMessage& message : page_of(first, last, false).messages)
    page.messages.insert(page.messages.begin(), {{message.id.envelope.bytes[31], 0}, message});
  return page;
}

TEST_CASE("what is searched for is told apart from where, by whom and when") {
  Typing typing;
  typing.run("/search in:#Dev from:Bob~4f2a since:2026-11-01 until:2026-11-20T14:05Z  AND \"x\" in:Bob",
             control::SearchReply{});
  const auto request = typing.last<control::SearchRequest>();
  CHECK(request.words == "AND \"x\" in:Bob");
  CHECK(request.room == "#dev");
  CHECK(request.from == "Bob~4f2a");
  CHECK(request.since_ms == parse_local("2026-11-01"));
  CHECK(request.until_ms == 1795183500000);
  CHECK(request.limit == 20);
  CHECK(typing.run("/search in:Bob more", control::SearchReply{}) == ">INFO: No message has these words.\n");
  CHECK(typing.last<control::SearchRequest>().with == "Bob");
  CHECK_FALSE(typing.last<control::SearchRequest>().room);
  CHECK(typing.run("/search \"from:x", control::SearchReply{}) == ">INFO: No message has these words.\n");
  CHECK(typing.last<control::SearchRequest>().words == "\"from:x");
  CHECK(typing.run("/search more words", control::SearchReply{}) == ">INFO: No message has these words.\n");
  CHECK(typing.last<control::SearchRequest>().words == "more words");
}

TEST_CASE("a search that cannot be is told, and asks nothing") {
  Typing typing;
  const std::string no_word = ">INFO: There is no word to search for; a word has letters or digits.\n";
  CHECK(typing.run("/search") == ">INFO: /search needs TEXT.\n>INFO: Usage: /search TEXT, /search more\n");
  CHECK(typing.run("/search \"*\"") == no_word);
  CHECK(typing.run("/search in:#dev") == no_word);
  CHECK(typing.run("/search in: x") == ">INFO: in: needs something right behind the colon.\n");
  CHECK(typing.run("/search in:#dev in:Bob x") == ">INFO: in: is there twice.\n");
  CHECK(typing.run("/search since:tomorrow x") ==
        ">INFO: since: takes a time like 2026-11-20 or 2026-11-20T14:05, not \"tomorrow\".\n");
  CHECK(typing.run("/search until:\x1b x").find("\\x1b") != std::string::npos);
  CHECK(typing.run("/search from:\xff x").find("is not UTF-8.") != std::string::npos);
  CHECK(typing.run("/search \xff") == ">INFO: The words to search for are not UTF-8.\n");
  CHECK(typing.run("/search " + std::string(1025, 'x')).find("more than 1024") != std::string::npos);
  CHECK(typing.run("/search more") == ">INFO: Nothing was searched for yet: /search WORDS\n");
}

TEST_CASE("what was found is listed with date, place and name, and gone through page by page") {
  Typing typing;
  control::SearchReply page = found_page(1, 3, true);
  page.messages[0].message.text = "a\nb\x1b";
  page.messages[1].message.direct.emplace().name = "Carol\u202e";
  page.messages[1].message.room.clear();
  page.messages.resize(2);
  page.more = false;
  const std::string said = typing.run("/search b", page);
  CHECK(said.starts_with(">INFO: 2 messages, the newest first:\n>INFO: 19"));
  CHECK(said.find(" #lobby Bob: a\\nb\\x1b\n") != std::string::npos);
  CHECK(said.find(" with Carol\\xe2\\x80\\xae Bob: 2\n") != std::string::npos);
  CHECK(typing.run("/search more") == ">INFO: There are no earlier messages with these words.\n");

  CHECK(typing.run("/search b", found_page(21, 40, true))
            .ends_with(">INFO: There are earlier ones: /search more\n"));
  const std::string rest = typing.run("/search more", found_page(20, 20, false));
  CHECK(rest.starts_with(">INFO: 1 earlier message:\n"));
  CHECK(rest.find("earlier ones") == std::string::npos);
  CHECK(typing.last<control::SearchRequest>().before == control::Cursor{21, 0});
  CHECK(typing.last<control::SearchRequest>().words == "b");
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

TEST_CASE("what waits is listed by number and is not part of the history") {
  Typing typing;
  typing.node.pending.lines = {{0, "#lobby", "", "an envelope", 1795003200000},
                               {17, "#lobby", "", "wait\x1b", 1795003200000},
                               {18, "", "Bob", "", 1795003200000}};
  const std::string listed = typing.run("/pending");
  CHECK(listed.starts_with(">INFO: 3 lines that no neighbor has taken:\n>INFO: written to #lobby, "));
  CHECK(listed.find(": wait\\x1b\n") != std::string::npos);
  CHECK(listed.find(">INFO: 18 to Bob, ") != std::string::npos);
  CHECK(listed.find(": (asks to talk)\n") != std::string::npos);
  const std::string history = typing.run("/history", control::ListReply{});
  CHECK(history.starts_with(">INFO: There are no messages in #lobby.\n>INFO: Not sent yet: 17 to #lobby, "));
  CHECK(std::count(history.begin(), history.end(), '\n') == 2);
  typing.node.pending.lines.clear();
  CHECK(typing.run("/pending") == ">INFO: Nothing waits to be sent.\n");
}

TEST_CASE("a line is taken back by its number, or all are") {
  Typing typing;
  CHECK(typing.run("/cancel 17", control::CancelReply{1}) == ">INFO: 1 line taken back.\n");
  CHECK(typing.last<control::CancelRequest>().number == 17);
  CHECK(typing.run("/cancel all", control::CancelReply{3}) == ">INFO: 3 lines taken back.\n");
  CHECK_FALSE(typing.last<control::CancelRequest>().number);
  for (const char* wrong :
       {"/cancel 0", "/cancel -1", "/cancel 1x", "/cancel everything", "/cancel 99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK(typing.run(wrong).starts_with(">INFO: /cancel takes the number of a line"));
  }
  CHECK(typing.run("/cancel").find("Usage: /cancel") != std::string::npos);
}

TEST_CASE("being seen and telling what was read are asked for and changed") {
  Typing typing;
  control::StatusReply status;
  status.discoverable = false;
  CHECK(typing.run("/discover", status).starts_with(">INFO: You appear offline to all but contacts."));
  CHECK(typing.run("/discover on", control::EmptyReply{}) == ">INFO: Others see that you are here.\n");
  CHECK(typing.last<control::DiscoverRequest>().on);
  CHECK(typing.run("/discover off", control::EmptyReply{}).starts_with(">INFO: You appear offline"));
  CHECK_FALSE(typing.last<control::DiscoverRequest>().on);
  CHECK(typing.run("/discover maybe").find("Usage: /discover") != std::string::npos);
  CHECK(typing.run("/receipts", status).starts_with(">INFO: Nobody is told"));
  CHECK(typing.run("/receipts on", control::EmptyReply{}).starts_with(">INFO: Those you talk with are told"));
  CHECK(typing.last<control::ReceiptsRequest>().on);
}

TEST_CASE("whom not to hear is noted, listed and taken back") {
  Typing typing;
  const control::MemberReply bob{MemberKey{}, "Bob\x1b~4f2a"};
  CHECK(typing.run("/ignore Bob", bob).starts_with(">INFO: What Bob\\x1b~4f2a writes is kept and not shown"));
  CHECK(typing.last<control::PersonRequest>().ignored == true);
  CHECK_FALSE(typing.last<control::PersonRequest>().blocked);
  CHECK(typing.run("/unblock Bob", bob).find("can write to you again") != std::string::npos);
  CHECK(typing.last<control::PersonRequest>().blocked == false);
  control::ContactsReply contacts;
  contacts.contacts.resize(2);
  contacts.contacts[0].name = "Bob";
  contacts.contacts[0].ignored = true;
  contacts.contacts[1].name = "Carol";
  CHECK(typing.run("/ignore", contacts) == ">INFO: You ignore: Bob.\n");
  CHECK(typing.run("/block", contacts) == ">INFO: You block nobody.\n");
  CHECK(typing.run("/unignore").find("Usage: /unignore") != std::string::npos);
}

TEST_CASE("what became of one's own messages is told before their texts") {
  Typing typing;
  control::ListReply listed;
  const auto add = [&](bool own, const std::string& text, std::optional<std::uint64_t> taken) {
    control::ChatMessage message;
    message.own = own;
    message.text = text;
    message.taken = taken;
    listed.messages.push_back(message);
  };
  add(true, "one", 2);
  add(false, "not mine", std::nullopt);
  add(true, "two\n>INFO: sent (9): fake", 0);
  CHECK(typing.run("/sent", listed) == ">INFO: sent (2): one\n>INFO: pending: two\\n>INFO: sent (9): fake\n");
  CHECK(typing.run("/sent 1", listed).starts_with(">INFO: pending: two"));
  listed.messages = {};
  CHECK(typing.run("/sent Bob", listed) == ">INFO: You have said nothing here lately.\n");
  CHECK(typing.last<control::ListRequest>().with == "Bob");
}

TEST_CASE("a topic is shown, set and cleared, and quoted safely") {
  Typing typing;
  const control::TopicFacts topic{"a\nb \x1b[2J", {}, "Bob\u202e", 1795003200000};
  CHECK(typing.run("/topic", control::TopicReply{"#lobby", topic})
            .starts_with(">INFO: Topic of #lobby: a\\nb \\x1b[2J (Bob\\xe2\\x80\\xae, 2026-11-1"));
  CHECK(typing.run("/topic", control::TopicReply{"#lobby", {}}) == ">INFO: #lobby has no topic.\n");
  CHECK(typing.last<control::GetTopicRequest>().room == "#lobby");
  CHECK(typing.run("/topic  what  we do", control::SendReply{}) ==
        ">INFO: You set the topic of #lobby: what  we do\n");
  CHECK(typing.last<control::SetTopicRequest>().text == "what  we do");
  CHECK(typing.run("/topic -", control::SendReply{}) == ">INFO: You cleared the topic of #lobby.\n");
  CHECK(typing.last<control::SetTopicRequest>().text.empty());
  CHECK(typing.run("/topic " + std::string(513, 'x')) ==
        ">INFO: That has 513 bytes, more than 512; it was not set.\n");
  CHECK(typing.run("/topic \xff") == ">INFO: That is not UTF-8; it was not set.\n");
}

TEST_CASE("a private room is called by its name, joined with a key, and left without losing it") {
  Typing typing;
  control::RoomEntry board{"#board~1a2b3c4d", true, true, 0, 0, 0, {}, true, true, {}};
  const std::string file = typing.node.directory + "/a key";
  const std::string said = typing.run("/join #board --key-file " + file, control::RoomReply{board});
  CHECK(said == ">INFO: A new key is in " + file + ": whoever has it can read the room.\n" +
                    ">INFO: You are in #board (private) now.\n");
  REQUIRE(typing.last<control::JoinRoomRequest>().key);
  CHECK(typing.view.current_room() == "#board~1a2b3c4d");
  CHECK(typing.run("/join") == ">INFO: You are in #board.\n");
  CHECK(typing.run("/invite Bob", control::SendReply{}) == ">INFO: You have invited Bob to #board.\n");
  CHECK(typing.last<control::InviteRequest>().room == "#board~1a2b3c4d");
  CHECK(typing.run("/join #board --key-file") ==
        ">INFO: --key-file needs FILE.\n>INFO: Usage: /join [#ROOM] [--key-file FILE]\n");
  CHECK(typing.run("/join --key-file " + file) ==
        ">INFO: Which room is it? Type /join #ROOM --key-file FILE\n");
  CHECK(typing.run("/part #board", control::RoomReply{{"#lobby", true, true, 0, 0, 0}}) ==
        ">INFO: You left #board; you are in #lobby now.\n"
        ">INFO: Its key is kept: /join #board needs no file.\n");
  CHECK(typing.last<control::PartRoomRequest>().room == "#board~1a2b3c4d");
}

TEST_CASE("a host and a port lead to a member, and a member's name wins") {
  Typing typing;
  const control::MemberReply bob{MemberKey{}, "Bob\x1b"};
  typing.commands.run("/connect [::1] 9750");
  typing.node.wait([&] { return typing.node.requests.size() == 1; });
  std::string out;
  control::append_reply(out, typing.node.requests[0].id, bob);
  REQUIRE(write_all(typing.node.peer.get(), as_bytes(out)));
  typing.node.wait([&] { return typing.node.requests.size() == 2; });
  CHECK(typing.view.take_output() == ">INFO: Bob\\x1b is at [::1]:9750.\n");
  CHECK(typing.last<control::ConversationRequest>().with == MemberKey{}.hex());
  CHECK(typing.last<control::ConversationRequest>().open);
  const auto& connect = std::get<control::ConnectRequest>(*typing.node.requests[0].request);
  CHECK(connect.host == "::1");
  CHECK(connect.port == 9750);
}

TEST_CASE("a number behind a name is a text when the name is known") {
  Typing typing;
  typing.commands.run("/msg Bob 42 is the answer");
  typing.node.wait([&] { return typing.node.requests.size() == 1; });
  CHECK(typing.last<control::FindRequest>().member == "Bob");
  std::string out;
  control::append_reply(out, typing.node.requests[0].id, control::FindReply{true});
  REQUIRE(write_all(typing.node.peer.get(), as_bytes(out)));
  typing.node.wait([&] { return typing.node.requests.size() == 2; });
  CHECK(typing.last<control::SendRequest>().to == "Bob");
  CHECK(typing.last<control::SendRequest>().text == "42 is the answer");
}

TEST_CASE("members are looked up by where they are") {
  Typing typing;
  control::MembersReply members;
  members.members.resize(3);
  members.members[0].name = "Alice";
  members.members[0].addresses = {"10.0.0.7:9750", "[::1]:9750"};
  members.members[1].name = "Bob";
  members.members[1].addresses = {"10.0.0.7:9751", "nonsense"};
  members.members[2].name = "Carol";
  const auto listed = [&](const std::string& address) {
    const std::string out = typing.run("/who " + address, members);
    std::string names;
    for (const auto& member : members.members) {
      if (out.find(">INFO: " + member.name + " is ") != std::string::npos) names += member.name[0];
    }
    return names;
  };
  CHECK(listed("") == "ABC");
  CHECK(listed("10.0.0.7") == "AB");
  CHECK(listed("10.0.0.7:9751") == "B");
  CHECK(listed("::1") == "A");
  CHECK(listed("[::1]:9750") == "A");
  CHECK(listed("10.0.0.70").empty());
  CHECK(typing.run("/who 10.0.0.8", members) ==
        ">INFO: No member is known to be or have been at 10.0.0.8.\n");
  CHECK(typing.run("/who Bob\x1b", members).starts_with(">INFO: \"Bob\\x1b\" is no address"));
}

TEST_CASE("who is not reached is told with the reason") {
  Typing typing;
  const control::RpcError silent{control::RpcErrorCode::kApplication, "no answer\x1b",
                                 ExitStatus::kUnavailable};
  CHECK(typing.run_refused("/connect a\x1b 1", silent) ==
        ">INFO: Nobody was reached at a\\x1b:1: no answer\\x1b.\n");
  CHECK(typing.complaints.empty());
  CHECK(typing.run("/connect localhost 65536").starts_with(">INFO: /connect takes a host and a port"));
  CHECK(typing.run("/connect localhost 1 2").starts_with(">INFO: /connect takes a host and a port"));
  CHECK(typing.run("/connect localhost") ==
        ">INFO: /connect needs PORT.\n>INFO: Usage: /connect HOST PORT\n");
}

TEST_CASE("a place is noted, another name given, and both are forgotten") {
  Typing typing;
  CHECK(typing.run("/add Zoe").starts_with(">INFO: Where is \"Zoe\"? Type /add NAME HOST PORT"));
  CHECK(typing.run("/add Zoe h x").starts_with(">INFO: /add takes a name, a host and a port"));
  CHECK(typing.run("/add Zoe h 9750", control::AddReply{std::nullopt, "Zoe", "", "why\x1b"}) ==
        ">INFO: Zoe is noted at h:9750, but nobody was found there: why\\x1b. It is tried again when you "
        "name Zoe, and at the next start.\n");
  CHECK(typing.last<control::AddRequest>().host == "h");
  CHECK(typing.run("/add Zoe h 9750", control::AddReply{MemberKey{}, "Bob", "Zoe", ""}) ==
        ">INFO: At h:9750 is Bob: noted, and Zoe is another name for Bob here.\n");
  const control::MemberReply bob{MemberKey{}, "Bob"};
  CHECK(typing.run("/alias Bob Buddy", bob) == ">INFO: Buddy is Bob here, for you alone.\n");
  CHECK(typing.last<control::PersonRequest>().alias == "Buddy");
  CHECK(typing.run("/alias Bob -", bob) == ">INFO: Bob has no other name here any more.\n");
  CHECK(typing.last<control::PersonRequest>().alias == "");
  CHECK(typing.run("/forget Zoe", control::ForgetReply{"Zoe", false}) ==
        ">INFO: What was noted of Zoe is forgotten.\n");
  CHECK(typing.run("/forget Bob", control::ForgetReply{"Bob", true})
            .starts_with(">INFO: You have forgotten Bob:"));
}

TEST_CASE("another name is asked for, and told when it is there") {
  Typing typing;
  typing.view.show_missed();
  CHECK(typing.run("/nick Rob", control::NameReply{"Rob", true}) == ">INFO: You are Rob now.\n");
  CHECK(typing.last<control::NameRequest>().name == "Rob");
  CHECK(typing.run("/nick Rob", control::NameReply{"Rob", false}) == ">INFO: You are Rob already.\n");
  const Error taken{ExitStatus::kCannotCreate, "Tom is taken by another member; you are still Rob."};
  CHECK(typing.run_refused("/nick Tom", control::application_error(taken)) ==
        ">INFO: Tom is taken by another member; you are still Rob.\n");
  CHECK(typing.complaints.empty());
  CHECK(typing.run("/nick") == ">INFO: /nick needs NAME.\n>INFO: Usage: /nick NAME\n");
}

TEST_CASE("a sentence of somebody else's ends once") {
  CHECK(end_sentence("no answer") == "no answer.");
  CHECK(end_sentence("Check HOST and PORT.") == "Check HOST and PORT.");
  CHECK(end_sentence("\x1b") == "\\x1b.");
}

}  // namespace
}  // namespace p2pmesh
