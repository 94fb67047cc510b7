#include "room_names.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

const std::string kOne = "#board~00000001";
const std::string kOther = "#board~00000002";

TEST_CASE("a joined private room is called by its name where that leaves no doubt") {
  CHECK(short_room(kOne, {kOne}) == "#board");
  CHECK(short_room("#board", {kOne}) == "#board~public");
  CHECK(short_room(kOther, {kOne}) == kOther);
  CHECK(short_room(kOne, {kOne, kOther}) == kOne);
  CHECK(short_room(kOne, {kOne, "#board"}) == kOne);
  CHECK(short_room("#board", {kOne, "#board"}) == "#board");
  CHECK(short_room(kOne, {"#dev"}) == kOne);
  CHECK(short_room("#dev", {kOne}) == "#dev");
}

TEST_CASE("what is printed can be typed") {
  const std::set<std::string> several[] = {
      {}, {kOne}, {kOther}, {kOne, kOther}, {"#board"}, {"#board", kOne}, {"#board", kOne, kOther}};
  for (const auto& joined : several) {
    for (const std::string& room : joined) CHECK(room_called(short_room(room, joined), joined) == room);
  }
  CHECK(room_called("#board~public", {kOne}) == "#board~public");  // the node knows
  CHECK(room_called("#board~public", {kOne, "#board"}) == "#board");
}

TEST_CASE("an invitation is followed by the name, or by the whole label when that is taken") {
  CHECK(room_to_join(kOne, {"#lobby"}) == "#board");
  CHECK(room_to_join(kOne, {"#board"}) == kOne);
  CHECK(room_to_join(kOne, {kOther}) == kOne);
}

}  // namespace
}  // namespace p2pmesh
