#include "chat_view.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

const control::Cursor kBegin{100, 0};

/// A view of a profile in #lobby (current) and #dev, whose replay begins at kBegin.
struct Screen {
  Screen() {
    rooms.rooms = {
        {"#dev", true, false, 3, 9, 0}, {"#lobby", true, true, 2, 9, 0}, {"#ops", false, false, 4, 4, 0}};
    view.set_rooms(rooms, kBegin);
  }
  control::MessageEvent message(const std::string& room, const std::string& text) {
    control::MessageEvent event;
    event.cursor = {++row, 0};
    event.message.id.index = static_cast<std::uint32_t>(row);
    event.message.name = "Bob";
    event.message.room = room;
    event.message.text = text;
    event.message.depth = row;
    return event;
  }
  void say(const std::string& room, const std::string& text) { view.on_event(message(room, text), now); }
  Screen& opened() {
    view.show_missed();
    view.show_unread(rooms);
    view.take_output();
    view.take_read_rooms();
    return *this;
  }
  /// "#dev 104.0 after 101.0, ..."
  std::string marks() {
    std::string text;
    for (const auto& mark : view.take_read_rooms()) {
      text += (text.empty() ? "" : ", ") + *mark.room + " " + control::format_cursor(mark.cursor);
      if (mark.after) text += " after " + control::format_cursor(*mark.after);
    }
    return text;
  }
  std::string output() { return view.take_output(); }

  ChatView view{100};
  control::RoomsReply rooms;
  Instant now{1h};
  std::uint64_t row = 100;
};

TEST_CASE("what was missed in the current room is shown, of the other joined rooms it is counted") {
  Screen screen;
  screen.say("#dev", "in dev");
  screen.say("#lobby", "in the lobby");
  screen.say("#ops", "not joined");
  screen.view.show_missed();
  screen.view.show_unread(screen.rooms);
  CHECK(screen.output() ==
        ">INFO: 1 earlier message:\nBob: in the lobby\n>INFO: End of earlier messages.\n"
        ">INFO: 3 unread in #dev.\n");
  CHECK(screen.marks() == "#lobby 103.0 after 100.0");
  CHECK(screen.marks().empty());
}

TEST_CASE("what comes in another mesh says so, whatever it is") {
  Screen screen;
  screen.opened();
  screen.view.set_mesh_label("Carol");
  screen.say("#lobby", "a >INFO: b");
  screen.say("#dev", "c");
  control::MessageEvent direct = screen.message("", "psst\n>INFO: Eve joined.");
  direct.message.direct.emplace();
  screen.view.on_event(direct, screen.now);
  screen.view.show_info("first");
  screen.view.show_info("second");
  CHECK(screen.output() ==
        "#lobby@Carol Bob: a >INFO: b\n#dev@Carol Bob: c\nBob@Carol (direct): psst\\n>INFO: Eve joined.\n"
        ">INFO: (Carol) first\n>INFO: (Carol) second\n");
  screen.view.set_mesh_label("");
  screen.say("#lobby", "d");
  screen.view.show_info("third");
  CHECK(screen.output() == "Bob: d\n>INFO: third\n");
}

TEST_CASE("joined rooms are shown, others are not, and the current one has nothing in front") {
  Screen screen;
  screen.opened();
  screen.say("#lobby", "a");
  screen.say("#dev", "b");
  screen.say("#ops", "c");
  CHECK(screen.output() == "Bob: a\n#dev Bob: b\n");
  CHECK(screen.view.shown() == control::Cursor{103, 0});
  screen.view.enter_room("#ops");
  CHECK(screen.view.current_room() == "#ops");
  screen.say("#lobby", "d");
  screen.say("#ops", "e");
  screen.view.leave_room("#lobby", "#ops");
  screen.say("#lobby", "f");
  CHECK(screen.output() == "#lobby Bob: d\nBob: e\n");
}

TEST_CASE("a live line marks what this screen showed and not what it skipped") {
  Screen screen;
  screen.say("#dev", "skipped");
  screen.opened();
  screen.say("#dev", "shown");
  CHECK(screen.view.has_read_rooms());
  CHECK(screen.marks() == "#dev 102.0 after 101.0");
  CHECK_FALSE(screen.view.has_read_rooms());
  screen.say("#ops", "not shown");
  CHECK(screen.marks().empty());
  screen.say("#dev", "shown");
  CHECK(screen.marks() == "#dev 104.0 after 101.0");
  screen.view.enter_room("#ops");
  screen.say("#ops", "shown from now on");
  CHECK(screen.marks() == "#ops 105.0 after 104.0");
}

TEST_CASE("the history of a room marks all of it, joined or not, without a new event") {
  Screen screen;
  screen.opened();
  screen.view.note_read("#ops");
  screen.view.note_read("#dev");
  CHECK(screen.marks() == "#dev 100.0, #ops 100.0");
  screen.say("#ops", "not shown");
  CHECK(screen.marks().empty());
}

TEST_CASE("a mark waits for what was gathered before it") {
  Screen screen;
  screen.opened();
  auto late = screen.message("#dev", "late");
  late.repaired = true;
  screen.view.on_event(late, screen.now);
  auto other = screen.message("#dev", "live");
  other.message.author.bytes[0] = 9;
  screen.view.on_event(other, screen.now);
  CHECK(screen.output() == "#dev Bob: live\n");
  CHECK(screen.marks().empty());
  screen.view.flush_late();
  CHECK(screen.marks() == "#dev 102.0 after 100.0");
}

TEST_CASE("a block of history is one piece, and what it held is not shown a second time") {
  Screen screen;
  screen.opened();
  auto waiting = screen.message("#dev", "waiting");
  waiting.repaired = true;
  screen.view.on_event(waiting, screen.now);
  const auto listed = screen.message("#dev", "listed before its event");
  screen.view.show_history("of #dev", {waiting.message, listed.message}, true);
  screen.view.on_event(listed, screen.now);
  screen.say("#dev", "new");
  CHECK(screen.output() ==
        "#dev Bob: waiting\n>INFO: 2 messages of #dev:\n#dev Bob: waiting\n"
        "#dev Bob: listed before its event\n>INFO: End of messages; /history back shows earlier ones.\n"
        "#dev Bob: new\n");
  screen.view.show_history("of #dev", {listed.message}, false);
  CHECK(screen.output() ==
        ">INFO: 1 message of #dev:\n#dev Bob: listed before its event\n"
        ">INFO: End of messages; there are no earlier ones.\n");
}

TEST_CASE("another screen's rooms are followed, and who is in one that was left is told where he is") {
  Screen screen;
  screen.opened();
  screen.view.on_event(control::RoomEvent{"#ops", true}, screen.now);
  screen.say("#ops", "heard");
  CHECK(screen.output() == "#ops Bob: heard\n");
  screen.view.enter_room("#dev");
  screen.view.on_event(control::RoomEvent{"#ops", false}, screen.now);
  CHECK(screen.output().empty());
  screen.view.on_event(control::RoomEvent{"#dev", false}, screen.now);
  CHECK(screen.output() == ">INFO: Another screen left #dev; you are in #lobby now.\n");
  CHECK(screen.view.current_room() == "#lobby");
  screen.view.follow_rooms({{{"#dev", true, false, 0, 0, 0}, {"#lobby", false, false, 0, 1, 0}}});
  CHECK(screen.output() == ">INFO: Another screen left #lobby; you are in #dev now.\n");
  screen.view.follow_rooms({{{"#lobby", true, false, 0, 0, 0}}});
  CHECK(screen.output() == ">INFO: Another screen left #dev; you are in #lobby now.\n");
  screen.view.follow_rooms({{{"#lobby", true, false, 0, 0, 0}}});
  CHECK(screen.output().empty());
  // What oneself left is known already when its event comes.
  screen.view.enter_room("#ops");
  screen.view.leave_room("#lobby", "#ops");
  screen.view.on_event(control::RoomEvent{"#lobby", false}, screen.now);
  CHECK(screen.output().empty());
}

TEST_CASE("a topic is told where it is set by others in a joined room") {
  Screen screen;
  screen.rooms.rooms[1].topic = control::TopicFacts{"old", {}, "Bob", 0};
  const auto set = [&](const std::string& room, const std::string& text) {
    control::TopicEvent event{room, {}, {text, {}, "Bob", 5}};
    screen.view.on_event(event, screen.now);
    return screen.output();
  };
  CHECK(set("#lobby", "too early").empty());
  screen.view.show_missed();
  screen.view.show_unread(screen.rooms);
  CHECK(screen.output().starts_with(">INFO: Topic of #lobby: old (Bob, 19"));  // before the counts
  CHECK(set("#dev", "a\x1b") == ">INFO: Bob set the topic of #dev: a\\x1b\n");
  CHECK(set("#lobby", "") == ">INFO: Bob cleared the topic of #lobby.\n");
  CHECK(set("#ops", "not joined").empty());
  screen.view.on_sent({});
  CHECK(set("#lobby", "by this screen").empty());
  screen.view.show_rooms(screen.rooms);
  CHECK(screen.output().find("#lobby, current, 2 unread, 9 messages. Topic: old\n") != std::string::npos);
}

TEST_CASE("private rooms, invitations and what can be read now are told by name") {
  Screen screen;
  const std::string board = "#board~1a2b3c4d";
  screen.rooms.rooms.push_back({board, true, false, 1, 2, 0, {}, true, true, {}});
  screen.rooms.rooms.push_back({"#x~1a2b3c4d", false, false, 0, 0, 0, {}, true, false, {}});
  screen.rooms.rooms.push_back({"#y~1a2b3c4d", false, false, 0, 0, 0, {}, true, false, "Bo\x1b"});
  screen.view.show_missed();
  screen.view.show_unread(screen.rooms);
  CHECK(screen.output() ==
        ">INFO: Bo\\x1b invites you to #y. /join #y to enter.\n>INFO: 3 unread in #dev.\n"
        ">INFO: 1 unread in #board.\n");
  screen.say(board, "hello");
  CHECK(screen.output() == "#board Bob: hello\n");
  screen.view.on_event(control::RoomOpenedEvent{board, 12}, screen.now);
  CHECK(screen.output() == ">INFO: 12 earlier messages of #board can be read now.\n");
  screen.view.on_event(control::RoomOpenedEvent{"#x~1a2b3c4d", 12}, screen.now);
  CHECK(screen.output().empty());
  screen.view.on_event(control::InvitationEvent{"#dev~1a2b3c4d", {}, "Bob"}, screen.now);
  CHECK(screen.output() == ">INFO: Bob invites you to #dev. /join #dev~1a2b3c4d to enter.\n");
  screen.view.show_rooms(screen.rooms);
  const std::string listed = screen.output();
  CHECK(listed.find(">INFO: #board, private, joined, 1 unread, 2 messages.\n") != std::string::npos);
  CHECK(listed.find(">INFO: #x~1a2b3c4d, private, no key here.\n") != std::string::npos);
  CHECK(listed.find(">INFO: #y~1a2b3c4d, private, Bo\\x1b invites you: /join #y to enter.\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace p2pmesh
