#include "people_list.h"

#include <doctest/doctest.h>

#include <map>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

MemberKey key_of(std::uint16_t number) {
  MemberKey key;
  key.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  key.bytes[1] = static_cast<std::uint8_t>(number);
  return key;
}

/// As the store keeps them: the last of each key.
PeopleList::Settings kept_of(const PeopleList::Settings& changes) {
  std::map<std::string, std::string> kept;
  for (const auto& [key, value] : changes) kept[key] = value;
  return {kept.begin(), kept.end()};
}

TEST_CASE("an alias is found whatever the capitals, and is gone when it is taken away") {
  PeopleList people;
  REQUIRE(people.note_alias(key_of(1), "Buddy"));
  CHECK(people.find_alias("bUDDY") == key_of(1));
  CHECK_FALSE(people.find_alias("Bud"));
  CHECK_FALSE(people.find_alias(""));
  REQUIRE(people.note(key_of(1), true, std::nullopt));
  CHECK(people.find(key_of(1))->alias == "Buddy");
  REQUIRE(people.note_alias(key_of(1), ""));
  CHECK_FALSE(people.find_alias("Buddy"));
  CHECK(people.is_ignored(key_of(1)));
  REQUIRE(people.note(key_of(1), false, std::nullopt));
  CHECK(people.find(key_of(1)) == nullptr);
}

TEST_CASE("places without a member survive, and a dropped one does not come back") {
  PeopleList people;
  REQUIRE(people.add_place({"Zoe", "localhost", 1}));
  REQUIRE(people.add_place({"zoe", "::1", 65535}));
  REQUIRE(people.add_place({"Tom", "10.0.0.7", 9750}));
  people.keep_shown(key_of(3), 77);
  people.drop_place("TOM");
  people.drop_place("nobody");
  const auto kept = kept_of(people.take_changes());
  PeopleList restored;
  restored.restore({}, kept);
  REQUIRE(restored.places().size() == 1);
  const NotedPlace* zoe = restored.find_place("ZOE");
  REQUIRE(zoe != nullptr);
  CHECK(zoe->name == "zoe");
  CHECK(zoe->format() == "[::1]:65535");
  CHECK(restored.shown_until(key_of(3)) == 77);
  CHECK(restored.shown_until(key_of(4)) == 0);
  CHECK(restored.take_changes().empty());
}

TEST_CASE("no more places and people are noted than may be") {
  PeopleList people;
  for (std::size_t i = 0; i < limits::kPlacesMax; ++i)
    REQUIRE(people.add_place({"n" + std::to_string(i), "h", 1}));
  CHECK_FALSE(people.add_place({"one-more", "h", 1}));
  CHECK(people.add_place({"N5", "h", 2}));
  people.drop_place("n7");
  CHECK(people.add_place({"one-more", "h", 1}));
  for (std::size_t i = 0; i < limits::kPeopleMax; ++i)
    REQUIRE(people.note_place(key_of(static_cast<std::uint16_t>(i)), "h", 1));
  CHECK_FALSE(people.note_alias(key_of(65535), "x"));
  CHECK(people.find(key_of(65535)) == nullptr);
  CHECK(people.note_alias(key_of(5), "x"));
}

TEST_CASE("settings that are none of a person's are skipped") {
  PeopleList people;
  people.restore({}, {{"place:x", "x"},
                      {"place:y", "y nowhere"},
                      {"shown_until:zz", "1"},
                      {"shown_until:", "x"},
                      {"read_with:", "5"},
                      {"rooms", "a b:1"}});
  CHECK(people.places().empty());
  CHECK(people.marks().empty());
}

TEST_CASE("of too many unread messages of one member the oldest are counted no more") {
  PeopleList people;
  people.on_direct(key_of(2), 1, 3);
  for (std::uint64_t row = 1; row <= limits::kUnreadDirectsMax; ++row) people.on_direct(key_of(1), row, 1);
  CHECK(people.unread_of(key_of(1)) == limits::kUnreadDirectsMax);
  people.on_direct(key_of(1), limits::kUnreadDirectsMax + 1, 1);
  CHECK(people.unread_of(key_of(1)) == limits::kUnreadDirectsMax);
  REQUIRE(people.mark_read(key_of(1), 1));  // which is not among them
  CHECK(people.unread_of(key_of(1)) == limits::kUnreadDirectsMax);
  REQUIRE(people.mark_read(key_of(1), 2));
  CHECK(people.unread_of(key_of(1)) == limits::kUnreadDirectsMax - 1);
  // One envelope with more messages than that.
  people.on_direct(key_of(1), limits::kUnreadDirectsMax + 2, 2 * limits::kUnreadDirectsMax);
  CHECK(people.unread_of(key_of(1)) == limits::kUnreadDirectsMax);
  CHECK(people.unread_of(key_of(2)) == 3);
}

}  // namespace
}  // namespace p2pmesh
