#include "chat_view.h"

#include <doctest/doctest.h>

#include <string>

#include "clock_text.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr WallMs kNoon = 1795003200000;  // 2026-11-18T12:00:00Z

template <class Id>
Id id_of(std::uint64_t number) {
  Id id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  return id;
}

const MemberKey kSelf = id_of<MemberKey>(1);
const MemberKey kBob = id_of<MemberKey>(2);
const MemberKey kCarol = id_of<MemberKey>(3);

/// A view that is fed with numbered events of a small mesh.
struct Screen {
  explicit Screen(std::size_t missed_max = 100) : view(missed_max) {
    status.name = status.claimed_name = status.profile = "Alice";
    status.key = kSelf;
    status.address = "127.0.0.1";
    status.port = 55107;
  }

  control::MessageEvent message(const MemberKey& author, const std::string& text) {
    control::MessageEvent event;
    event.cursor = {++row, 0};
    event.message.id.envelope = id_of<EnvelopeId>(row);
    event.message.author = author;
    event.message.name = author == kBob ? "Bob" : author == kCarol ? "Carol" : "Alice";
    event.message.own = author == kSelf;
    event.message.room = "#lobby";
    event.message.text = text;
    event.message.depth = row;
    event.message.wall_ms = kNoon + row;
    return event;
  }
  control::NoticeEvent notice(control::NoticeKind kind, const MemberKey& member, const std::string& name) {
    return {kind, {++row, 0}, member, name, "", kNoon, false};
  }
  void feed(control::Event event) { view.on_event(std::move(event), now); }
  void say(const MemberKey& author, const std::string& text) { feed(message(author, text)); }
  void say_late(const MemberKey& author, const std::string& text, std::uint64_t depth) {
    auto event = message(author, text);
    event.repaired = true;
    event.message.depth = depth;
    feed(event);
  }
  void pass(Duration time) {
    now += time;
    view.on_time(now);
  }
  std::string output() { return view.take_output(); }
  /// Ends the opening and forgets what it printed.
  Screen& opened() {
    view.show_listening(status);
    view.show_here(status, members);
    view.show_missed();
    output();
    return *this;
  }

  ChatView view;
  Instant now{1h};
  std::uint64_t row = 0;
  control::StatusReply status;
  control::MembersReply members;
};

TEST_CASE("the opening of somebody who is alone says how others join") {
  Screen screen;
  screen.view.show_listening(screen.status);
  screen.members.members = {{"Alice", kSelf, true, 0, true, {}}, {"Bob", kBob, false, 0, false, {}}};
  screen.view.show_here(screen.status, screen.members);
  screen.view.show_missed();
  CHECK(screen.output() ==
        ">INFO: Alice at address 127.0.0.1 is listening at 55107.\n"
        ">INFO: Nobody else is here. Others join with: ./p2pchat NAME 127.0.0.1 55107\n"
        ">INFO: This mesh is open: whoever reaches it can join and read.\n"
        ">INFO: Type :q to leave, /help for commands.\n"
        ">INFO: Whom do you want to chat with? /chat NAME, who may be away: Bob.\n");
}

TEST_CASE("what happens between the opening and the first message is not lost") {
  Screen screen;
  screen.view.show_listening(screen.status);
  screen.feed(screen.notice(control::NoticeKind::kJoined, kBob, "Bob"));  // the opening names him
  screen.view.show_here(screen.status, screen.members);
  screen.output();
  screen.feed(screen.notice(control::NoticeKind::kJoined, kCarol, "Carol"));
  control::ModerationEvent act;
  act.verb = "mod";
  act.by = kBob;
  act.by_name = "Bob";
  act.member = kCarol;
  act.name = "Carol";
  screen.feed(act);
  act.room = "#dev";
  screen.feed(act);
  CHECK(screen.output().empty());
  screen.view.show_missed();
  control::RoomsReply rooms;
  rooms.rooms.resize(1);
  rooms.rooms.front().name = "#dev";
  rooms.rooms.front().joined = true;
  screen.view.show_unread(rooms);
  CHECK(screen.output() ==
        ">INFO: Carol joined.\n"
        ">INFO: Bob made Carol a moderator of the mesh.\n"
        ">INFO: Bob made Carol a moderator of #dev.\n");
}

TEST_CASE("the opening names who is online, sorted") {
  Screen screen;
  screen.members.members = {{"Carol", kCarol, true, 0, false, {}},
                            {"Alice", kSelf, true, 0, true, {}},
                            {"Bob", kBob, true, 0, false, {}}};
  screen.view.show_here(screen.status, screen.members);
  CHECK(screen.output().starts_with(">INFO: Here: Bob, Carol.\n"));
}

TEST_CASE("missed messages are shown once, in transcript order, without the own ones") {
  Screen screen;
  screen.view.show_listening(screen.status);
  screen.output();
  auto second = screen.message(kBob, "second");
  auto first = screen.message(kCarol, "first");
  second.message.depth = 9;
  first.message.depth = 8;
  screen.feed(second);
  screen.feed(first);
  screen.feed(second);
  screen.say(kSelf, "mine");
  screen.feed(screen.notice(control::NoticeKind::kJoined, kBob, "Bob"));
  CHECK(screen.output().empty());
  screen.view.show_missed();
  CHECK(screen.output() ==
        ">INFO: 2 earlier messages:\nCarol: first\nBob: second\n>INFO: End of earlier messages.\n");
  screen.say(kBob, "live");
  CHECK(screen.output() == "Bob: live\n");
}

TEST_CASE("of many missed messages the newest are shown and all are counted") {
  Screen screen(3);
  for (int i = 240; i > 0; --i) {
    auto event = screen.message(kBob, "number " + std::to_string(i));
    event.message.depth = static_cast<std::uint64_t>(i);
    screen.feed(event);
  }
  screen.view.show_missed();
  CHECK(screen.output() ==
        ">INFO: 3 of 240 earlier messages:\nBob: number 238\nBob: number 239\nBob: number 240\n"
        ">INFO: End of earlier messages.\n");
}

TEST_CASE("one missed message is one, none is no block") {
  Screen screen;
  screen.say(kBob, "x");
  screen.view.show_missed();
  CHECK(screen.output() == ">INFO: 1 earlier message:\nBob: x\n>INFO: End of earlier messages.\n");
  Screen nothing;
  nothing.view.show_missed();
  CHECK(nothing.output().empty());
}

TEST_CASE("what this screen sent is not echoed, what another screen sent is") {
  Screen screen;
  screen.opened();
  const auto sent = screen.message(kSelf, "typed here");
  screen.view.on_sent({sent.message.id, 0});
  screen.feed(sent);
  screen.say(kSelf, "typed elsewhere");
  CHECK(screen.output() == "Alice: typed elsewhere\n");
  CHECK(screen.view.shown() == control::Cursor{2, 0});
}

TEST_CASE("foreign text cannot fake a line or drive a terminal") {
  Screen screen;
  screen.opened();
  auto event = screen.message(kBob, "a\n>INFO: Eve joined.\r\n\x1b[2J\u202e");
  event.message.name = "B\nob";
  event.message.room = "#d\x07";
  screen.feed(control::RoomEvent{"#d\x07", true});
  screen.feed(event);
  CHECK(screen.output() == "#d\\x07 B\\nob: a\\n>INFO: Eve joined.\\n\\x1b[2J\\xe2\\x80\\xae\n");
}

TEST_CASE("another room is named, a gap is shown before the message") {
  Screen screen;
  screen.opened();
  auto event = screen.message(kBob, "hello");
  event.message.room = "#dev";
  event.gap = true;
  screen.feed(control::RoomEvent{"#dev", true});
  screen.feed(event);
  CHECK(screen.output() == ">INFO: A message of Bob is missing here.\n#dev Bob: hello\n");
}

TEST_CASE("repaired messages are gathered and sorted") {
  Screen screen;
  screen.opened();
  screen.say_late(kBob, "third", 103);
  screen.pass(200ms);
  screen.say_late(kCarol, "first", 101);
  screen.say_late(kBob, "second", 102);
  CHECK(screen.output().empty());
  CHECK(screen.view.shown() == control::Cursor{});
  REQUIRE(screen.view.next_deadline() == screen.now + 100ms);
  screen.pass(100ms);
  CHECK(screen.output() == ">INFO: 3 messages from before " + format_local_minute(kNoon + 60000) +
                               ":\nCarol: first\nBob: second\nBob: third\n");
  CHECK(screen.view.shown() == control::Cursor{3, 0});
  CHECK_FALSE(screen.view.next_deadline());
}

TEST_CASE("one repaired message is an ordinary line") {
  Screen screen;
  screen.opened();
  screen.say_late(kBob, "alone", 7);
  screen.say(kCarol, "live");
  CHECK(screen.output() == "Carol: live\n");
  screen.pass(300ms);
  CHECK(screen.output() == "Bob: alone\n");
}

TEST_CASE("a live message never overtakes what its author wrote before") {
  Screen screen;
  screen.opened();
  screen.say_late(kBob, "before", 7);
  screen.say(kBob, "after");
  CHECK(screen.output() == "Bob: before\nBob: after\n");
}

TEST_CASE("gathered messages are bounded") {
  Screen screen;
  screen.opened();
  for (std::uint64_t i = 0; i < 1000; ++i) screen.say_late(kBob, "x", i);
  CHECK(screen.output().starts_with(">INFO: 1000 messages from before "));
}

TEST_CASE("notices are shown as they come, but replayed ones are not") {
  Screen screen;
  screen.opened();
  using control::NoticeKind;
  for (const NoticeKind kind :
       {NoticeKind::kJoined, NoticeKind::kLeft, NoticeKind::kOffline, NoticeKind::kBack}) {
    screen.feed(screen.notice(kind, kBob, "Bob"));
  }
  auto renamed = screen.notice(NoticeKind::kRenamed, kBob, "Rob");
  renamed.old_name = "Bob";
  screen.feed(renamed);
  CHECK(screen.output() ==
        ">INFO: Bob joined.\n>INFO: Bob left.\n>INFO: Bob is offline.\n>INFO: Bob is back.\n>INFO: Bob is "
        "now Rob.\n");
  renamed.replayed = true;
  screen.feed(renamed);
  screen.feed(screen.notice(NoticeKind::kBack, kSelf, "Alice"));
  CHECK(screen.output().empty());
}

TEST_CASE("after a gap in the subscription the replayed notices are shown, since this screen was there") {
  Screen screen;
  screen.view.expect_replay();
  auto notice = screen.notice(control::NoticeKind::kLeft, kBob, "Bob");
  notice.replayed = true;
  screen.opened();
  screen.feed(notice);
  CHECK(screen.output().empty());
  screen.feed(control::LiveEvent{});
  screen.view.expect_replay();
  CHECK_FALSE(screen.view.is_live());
  screen.feed(notice);
  CHECK(screen.output() == ">INFO: Bob left.\n");
}

TEST_CASE("the own name is told when it is held by another, and when it is free again") {
  Screen screen;
  screen.opened();
  screen.feed(screen.notice(control::NoticeKind::kRenamed, kSelf, "Alice~4f2a"));
  CHECK(screen.output() ==
        ">INFO: Alice is held by another member; you are shown as Alice~4f2a. /nick NAME chooses another "
        "name.\n");
  screen.feed(screen.notice(control::NoticeKind::kRenamed, kSelf, "Alice"));
  CHECK(screen.output() == ">INFO: You are shown as Alice again.\n");

  Screen from_start;
  from_start.status.name = "Alice~4f2a";
  from_start.view.show_listening(from_start.status);
  from_start.output();
  from_start.view.show_here(from_start.status, from_start.members);
  CHECK(from_start.output().find("you are shown as Alice~4f2a.") != std::string::npos);
}

TEST_CASE("another own name is told once, and what it is in the profile of another name") {
  Screen screen;
  screen.opened();
  screen.view.on_own_name("Alicia");
  screen.feed(screen.notice(control::NoticeKind::kRenamed, kSelf, "Alicia"));
  CHECK(screen.output() == ">INFO: You are Alicia now.\n");
  screen.feed(screen.notice(control::NoticeKind::kRenamed, kSelf, "Alicia~4f2a"));
  CHECK(screen.output().starts_with(">INFO: Alicia is held by another member; "));

  Screen from_start;
  from_start.status.name = from_start.status.claimed_name = "Alicia";
  from_start.view.show_listening(from_start.status);
  from_start.view.show_here(from_start.status, from_start.members);
  CHECK(from_start.output().find(">INFO: Alice is Alicia here.\n") != std::string::npos);
}

TEST_CASE("a doubtful name is told with its notice, and once before its direct messages") {
  Screen screen;
  screen.opened();
  auto joined = screen.notice(control::NoticeKind::kJoined, kBob, "B\u00f6b");
  joined.doubt.looks_like = "Bob\x1b";
  screen.feed(joined);
  CHECK(screen.output() ==
        ">INFO: B\u00f6b joined. Careful: the name looks like Bob\\x1b, who is another member.\n");
  joined.doubt.looks_like = "Alice";
  screen.feed(joined);
  CHECK(screen.output() == ">INFO: B\u00f6b joined. Careful: the name looks like yours.\n");
  joined.doubt = {std::nullopt, true};
  screen.feed(joined);
  CHECK(screen.output() == ">INFO: B\u00f6b joined. Careful: the name mixes letters of several scripts.\n");
  auto message = screen.message(kBob, "hello");
  message.message.room.clear();
  message.message.direct = control::DirectFacts{kBob, "Bob", std::nullopt, {"Carol", false}};
  screen.feed(message);
  CHECK(screen.output() ==
        ">INFO: Bob writes to you. Careful: the name looks like Carol, who is another member.\n"
        "Bob (direct): hello\n");
  message.message.id.index = 1;
  screen.feed(message);
  CHECK(screen.output() == "Bob (direct): hello\n");
}

TEST_CASE("a contact's name that has gone to another key is told loudly, then and at the start") {
  const std::string line =
      ">INFO: Careful: Bob is now another member (key 0000...), not the Bob you talked with, who is "
      "Bob~9c1d.\n";
  Screen screen;
  screen.opened();
  auto taken = screen.notice(control::NoticeKind::kTakenOver, kCarol, "Bob");
  taken.old_name = "Bob~9c1d";
  screen.feed(taken);
  CHECK(screen.output() == line);
  control::ContactEntry contact;
  contact.name = "Bob~9c1d";
  contact.taken_over = control::ContactEntry::Successor{"Bob", kCarol};
  screen.view.show_requests({{contact}});
  CHECK(screen.output() == line);
}

TEST_CASE("a revoked key is told once, also when that was while the screen opened or was not there") {
  Screen screen;
  screen.view.show_listening(screen.status);
  auto missed = screen.notice(control::NoticeKind::kRevoked, kBob, "Bob");
  missed.replayed = true;
  screen.feed(missed);
  screen.feed(screen.notice(control::NoticeKind::kRevoked, kCarol, "Carol"));
  screen.view.show_here(screen.status, screen.members);
  screen.output();
  screen.view.show_missed();
  CHECK(screen.output() == ">INFO: Bob's key was revoked.\n>INFO: Carol's key was revoked.\n");
  screen.feed(screen.notice(control::NoticeKind::kRevoked, kBob, "Bob"));
  CHECK(screen.output() == ">INFO: Bob's key was revoked.\n");
  screen.feed(screen.notice(control::NoticeKind::kRevoked, kSelf, "Alice"));
  CHECK(screen.output() == ">INFO: Your key was revoked: nobody takes anything from it any more.\n");
}

TEST_CASE("what was listed as history is not shown a second time") {
  Screen screen(0);
  screen.say(kBob, "long ago");
  screen.view.begin_listing();
  const auto early = screen.message(kBob, "early");
  const auto late = screen.message(kBob, "late");
  const auto fresh = screen.message(kBob, "fresh");
  screen.feed(early);
  screen.feed(screen.notice(control::NoticeKind::kJoined, kCarol, "Carol"));
  screen.feed(fresh);
  CHECK(screen.output().empty());
  screen.view.show_listed({early.message, late.message});
  screen.view.end_listing(screen.now);
  screen.feed(late);
  CHECK(screen.output() == "Bob: early\nBob: late\n>INFO: Carol joined.\nBob: fresh\n");
}

TEST_CASE("trouble with the disk is told") {
  Screen screen;
  screen.opened();
  screen.feed(control::StorageEvent{"disk full"});
  screen.feed(control::StorageEvent{"ok"});
  CHECK(screen.output() ==
        ">INFO: The node cannot store messages: disk full\n>INFO: The node stores messages again.\n");
}

TEST_CASE("live and synced are remembered") {
  Screen screen;
  CHECK_FALSE(screen.view.is_live());
  screen.feed(control::LiveEvent{});
  CHECK(screen.view.is_live());
  CHECK_FALSE(screen.view.is_synced());
  screen.feed(control::SyncedEvent{});
  CHECK(screen.view.is_synced());
}

}  // namespace
}  // namespace p2pmesh
