#include "room_list.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

/// A profile whose node announces one envelope after the other.
struct Profile {
  void say(const std::string& room, std::uint32_t messages = 1, bool own = false) {
    Envelope envelope;
    envelope.room = room;
    envelope.depth = envelope.wall_ms = ++row;
    rooms.on_messages(envelope, row, messages, own);
  }
  std::uint64_t unread(const std::string& room) const { return rooms.entry(room).unread; }
  void mark(const std::string& room, std::uint64_t until, std::uint64_t after = 0) {
    std::optional<control::Cursor> skipped_until;
    if (after != 0) skipped_until = control::Cursor{after, UINT32_MAX};
    rooms.mark_read(room, {until, UINT32_MAX}, skipped_until);
  }
  /// What another run knows: the settings, and the store's own count of what came after the marks.
  RoomList restarted(const std::vector<RoomCount>& counts) {
    for (auto& change : rooms.take_changes()) kept.push_back(std::move(change));
    RoomList again;
    again.restore(kept);
    again.take_counts(counts);
    return again;
  }

  RoomList rooms;
  RoomList::Settings kept;
  std::uint64_t row = 0;
};

RoomCount count_of(const std::string& room, std::uint64_t messages, std::uint64_t unread,
                   std::uint64_t last_row) {
  const std::uint64_t first_unread_row = unread == 0 ? 0 : last_row - unread + 1;
  return {room, messages, unread, last_row, last_row, last_row, first_unread_row};
}

TEST_CASE("a new profile is in the default room") {
  const RoomList rooms;
  CHECK(rooms.current() == "#lobby");
  CHECK(rooms.list().rooms == std::vector<control::RoomEntry>{{"#lobby", true, true, 0, 0, 0}});
}

TEST_CASE("what others say is unread until it was shown, what oneself says never is") {
  Profile profile;
  profile.say("#dev", 3);
  profile.say("#dev", 5, true);
  profile.say("#lobby");
  CHECK(profile.rooms.entry("#dev") == control::RoomEntry{"#dev", false, false, 3, 8, 2});
  CHECK(profile.unread("#lobby") == 1);
  profile.mark("#dev", 1);
  CHECK(profile.unread("#dev") == 0);
  CHECK(profile.unread("#lobby") == 1);
  profile.mark("#nowhere", 9);
  CHECK(profile.rooms.list().rooms.size() == 2);
}

TEST_CASE("an envelope can be read in part") {
  Profile profile;
  profile.say("#dev", 10);
  profile.rooms.mark_read("#dev", {1, 3}, std::nullopt);
  CHECK(profile.unread("#dev") == 6);
  profile.rooms.mark_read("#dev", {1, 9}, std::nullopt);
  CHECK(profile.unread("#dev") == 0);
}

TEST_CASE("what a screen skipped stays unread while it shows what comes later") {
  Profile profile;
  profile.rooms.join("#dev");
  for (int i = 0; i < 3; ++i) profile.say("#dev");
  // A screen opens at row 3 and shows rows 4 and 5.
  profile.say("#dev");
  profile.say("#dev", 2);
  profile.mark("#dev", 4, 3);
  CHECK(profile.unread("#dev") == 5);
  profile.mark("#dev", 5, 3);
  CHECK(profile.unread("#dev") == 3);
  CHECK(profile.restarted({count_of("#dev", 6, 0, 5)}).entry("#dev").unread == 3);
  CHECK(profile.restarted({count_of("#dev", 9, 3, 8)}).entry("#dev").unread == 6);
  profile.mark("#dev", 5);
  CHECK(profile.unread("#dev") == 0);
  CHECK(profile.restarted({count_of("#dev", 6, 0, 5)}).entry("#dev").unread == 0);
}

TEST_CASE("what came while no screen was there is read by the first that shows it, also after a restart") {
  Profile profile;
  profile.rooms.join("#dev");
  for (int i = 0; i < 3; ++i) profile.say("#lobby");
  profile.mark("#lobby", 3);
  // Two messages in #dev, of which nothing was ever read; a screen shows what came after row 3.
  RoomList again = profile.restarted({count_of("#lobby", 3, 0, 3), count_of("#dev", 2, 2, 5)});
  again.mark_read("#dev", {5, 0}, control::Cursor{3, 0});
  CHECK(again.entry("#dev").unread == 0);
  // One of them came before what the screen shows.
  again = profile.restarted({count_of("#lobby", 3, 0, 3), count_of("#dev", 2, 2, 5)});
  again.mark_read("#dev", {5, 0}, control::Cursor{4, 0});
  CHECK(again.entry("#dev").unread == 2);
}

TEST_CASE("joined rooms, the current one and the marks survive a restart") {
  Profile profile;
  CHECK(*profile.rooms.join("#dev"));
  CHECK_FALSE(*profile.rooms.join("#dev"));
  CHECK(*profile.rooms.join("#ops"));
  CHECK(profile.rooms.part("#lobby"));
  profile.say("#ops", 4);
  profile.mark("#ops", 1);
  RoomList again = profile.restarted({count_of("#ops", 4, 0, 1)});
  CHECK(again.current() == "#ops");
  CHECK(again.is_joined("#dev"));
  CHECK_FALSE(again.is_joined("#lobby"));
  CHECK(again.marks().at("#ops") == Cursor{1, UINT32_MAX});
  CHECK(again.list().rooms.size() == 2);
  CHECK(again.take_changes().empty());
}

TEST_CASE("settings that make no sense leave a profile in some room") {
  for (const std::string value : {"", "1", "1 ", "1 x 3", "1 1.0", "1 1.0 ", "1 1.0 3x", "2 1.0 3"}) {
    CAPTURE(value);
    RoomList rooms;
    rooms.restore({{"current_room", "#gone"}, {"room:#dev", value}, {"colour", "red"}});
    CHECK(rooms.current() == "#lobby");
    CHECK_FALSE(rooms.is_joined("#dev"));
  }
  RoomList rooms;
  rooms.restore({{"room:#lobby", "0 0.0 0"}});
  CHECK(rooms.is_joined("#lobby"));
}

TEST_CASE("the default room is the last that can be left") {
  RoomList rooms;
  CHECK_FALSE(rooms.part("#lobby"));
  CHECK_FALSE(rooms.part("#dev"));
  REQUIRE(rooms.join("#dev"));
  REQUIRE(rooms.part("#lobby"));
  CHECK(rooms.current() == "#dev");
  REQUIRE(rooms.part("#dev"));
  CHECK(rooms.current() == "#lobby");
  CHECK(rooms.is_joined("#lobby"));
  CHECK_FALSE(rooms.is_joined("#dev"));
}

TEST_CASE("a room that nobody could type is counted and not listed") {
  Profile profile;
  for (const std::string room : {"", "#", "dev", "#Dev", "#a b", "#\x1b[2J", "#\xff", "#\xe2\x80\xae", "#~x"})
    profile.say(room, 2);
  CHECK(profile.rooms.list().rooms.size() == 1);
  CHECK(profile.rooms.unnameable() == 18);
  profile.rooms.take_counts({count_of("#\x1b[2J", 5, 5, 20), count_of("#dev", 1, 1, 20)});
  CHECK(profile.rooms.list().rooms.size() == 2);
  CHECK(profile.rooms.unnameable() == 23);
  CHECK_FALSE(profile.rooms.join("#\x1b"));
}

TEST_CASE("of too many rooms the silent ones are forgotten, joined ones never") {
  Profile profile;
  REQUIRE(profile.rooms.join("#mine"));
  for (std::size_t i = 0; i < 2 * limits::kRoomsListedMax; ++i) {
    profile.say("#r" + std::to_string(i));
    if (i % 100 == 0) profile.say("#busy");
  }
  const auto listed = profile.rooms.list().rooms;
  CHECK(listed.size() == limits::kRoomsListedMax);
  CHECK(profile.rooms.is_joined("#mine"));
  CHECK(profile.rooms.is_joined("#lobby"));
  CHECK(profile.unread("#busy") == 21);
  CHECK(profile.rooms.forgotten() == limits::kRoomsListedMax + 3);

  std::vector<RoomCount> counts;
  for (std::size_t i = 1; i <= 2 * limits::kRoomsListedMax; ++i)
    counts.push_back(count_of("#c" + std::to_string(i), 1, 1, i));
  RoomList fresh;
  fresh.take_counts(counts);
  CHECK(fresh.list().rooms.size() == limits::kRoomsListedMax);
  CHECK(fresh.entry("#c" + std::to_string(2 * limits::kRoomsListedMax)).messages == 1);
  CHECK(fresh.entry("#c1").messages == 0);
}

TEST_CASE("only so many rooms can be joined") {
  RoomList rooms;
  for (std::size_t i = 1; i < limits::kRoomsJoinedMax; ++i) REQUIRE(rooms.join("#r" + std::to_string(i)));
  CHECK_FALSE(rooms.join("#one-more"));
  CHECK(rooms.join("#r1"));
  REQUIRE(rooms.part("#r1"));
  CHECK(rooms.join("#one-more"));
}

TEST_CASE("beyond the rows told apart the count stays right, and a mark behind them changes nothing") {
  Profile profile;
  const std::uint64_t many = 3 * limits::kUnreadRowsMax;
  for (std::uint64_t i = 0; i < many; ++i) profile.say("#dev", 2);
  CHECK(profile.unread("#dev") == 2 * many);
  profile.mark("#dev", 5);
  CHECK(profile.unread("#dev") == 2 * many);
  profile.mark("#dev", many - 10, 1);  // row 1 was skipped, but it is no longer told apart
  CHECK(profile.unread("#dev") >= 2 * 11);
  profile.mark("#dev", many);
  CHECK(profile.unread("#dev") == 0);
}

TEST_CASE("a topic lists its room, and is news once") {
  Profile profile;
  StoredTopic topic{"#dev", "about", {}, 5, 1, {}};
  topic.id.bytes[0] = 1;
  CHECK(profile.rooms.set_topic("#dev", topic));
  CHECK_FALSE(profile.rooms.set_topic("#dev", topic));
  REQUIRE(profile.rooms.entry("#dev").topic);
  CHECK(profile.rooms.entry("#dev").topic->text == "about");
  CHECK(profile.rooms.list().rooms.size() == 2);
  CHECK(profile.rooms.room_of_topic(topic.id) == "#dev");
  CHECK(profile.rooms.room_of_topic({}).empty());
  StoredTopic cleared = topic;
  cleared.text.clear();
  cleared.id.bytes[0] = 2;
  CHECK(profile.rooms.set_topic("#dev", cleared));
  CHECK_FALSE(profile.rooms.entry("#dev").topic);
  CHECK(profile.rooms.list().rooms.size() == 1);
  CHECK_FALSE(profile.rooms.set_topic("#no such", topic));
  CHECK(profile.rooms.set_topic("#lobby", topic));
  CHECK(profile.rooms.set_topic("#lobby", std::nullopt));
  CHECK_FALSE(profile.rooms.entry("#lobby").topic);
}

TEST_CASE("what is opened later counts as what comes does, before or after the mark") {
  const std::string board = "#board~1a2b3c4d";
  Profile profile;
  profile.rooms.on_sealed(board);
  CHECK(profile.rooms.entry(board).is_private);
  CHECK_FALSE(profile.rooms.entry(board).has_key);
  CHECK(profile.rooms.list().rooms.size() == 2);
  profile.rooms.add_key(board);
  REQUIRE(profile.rooms.join(board));
  profile.row = 100;
  profile.say(board);  // live, before the earlier ones are opened
  profile.rooms.on_opened(board, {10, 3, {}, 10, 10}, false);
  profile.rooms.on_opened(board, {20, 2, {}, 20, 20}, true);
  profile.rooms.on_opened(board, {30, 1, {}, 30, 30}, false);
  CHECK(profile.unread(board) == 5);
  CHECK(profile.rooms.entry(board).messages == 7);
  CHECK(profile.rooms.entry(board).has_key);
  CHECK(profile.rooms.entry(board).newest_ms == 101);
  profile.mark(board, 101, 100);  // shown live alone
  CHECK(profile.unread(board) == 4);
  profile.rooms.on_opened(board, {40, 1, {}, 40, 40}, false);  // before the mark
  CHECK(profile.unread(board) == 5);
  RoomList again = profile.restarted({count_of(board, 8, 0, 101)});
  CHECK(again.entry(board).unread == 5);
  profile.mark(board, 101);
  CHECK(profile.unread(board) == 0);
}

TEST_CASE("a name finds its private room, the joined one first") {
  const std::string one = "#board~00000001";
  const std::string other = "#board~00000002";
  Profile profile;
  profile.rooms.on_sealed(one);
  CHECK(profile.rooms.private_rooms("#board").empty());
  profile.rooms.add_key(one);
  profile.rooms.add_key(other);
  CHECK(profile.rooms.private_rooms("#board") == std::vector<std::string>{one, other});
  REQUIRE(profile.rooms.join(other));
  CHECK(profile.rooms.private_rooms("#board") == std::vector<std::string>{other});
  REQUIRE(profile.rooms.part(other));
  CHECK(profile.rooms.entry(other).has_key);
  CHECK(profile.rooms.private_rooms("#boar").empty());
}

TEST_CASE("a flood of private rooms takes no place from those whose key is held") {
  Profile profile;
  profile.rooms.add_key("#board~00000001");
  for (std::size_t i = 0; i < 2 * limits::kRoomsListedMax; ++i)
    profile.rooms.on_sealed("#x" + std::to_string(i) + "~0000000a");
  CHECK(profile.rooms.list().rooms.size() <= limits::kRoomsListedMax);
  CHECK(profile.rooms.entry("#board~00000001").has_key);
  profile.rooms.on_sealed("#a b~0000000a");
  CHECK(profile.rooms.list().rooms.size() <= limits::kRoomsListedMax);
}

}  // namespace
}  // namespace p2pmesh
