#include "chat_command.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

const CommandText kHistory{"/history",
                           {},
                           {{{ArgumentKind::kKeyword, false, "back"}, {ArgumentKind::kNumber, true, ""}},
                            {{ArgumentKind::kRoom, true, ""}, {ArgumentKind::kNumber, true, ""}}},
                           "",
                           ""};
const CommandText kEnter{"/enter", {}, {{{ArgumentKind::kRoom, false, ""}}}, "", ""};
const CommandText kAlone{"/alone", {}, {{}}, "", ""};

std::string fault_of(const CommandText& command, const std::string& words) {
  const auto arguments = parse_arguments(command, words);
  return arguments ? "" : arguments.error().message;
}

TEST_CASE("the usage names every form, the plain one first") {
  CHECK(format_usage(kHistory) == "/history [#ROOM] [N], /history back [N]");
  CHECK(format_usage(kEnter) == "/enter #ROOM");
  CHECK(format_usage(kAlone) == "/alone");
}

TEST_CASE("what is optional may be left out, and the rest keeps its type") {
  const auto both = parse_arguments(kHistory, "  #Dev \t 7 ");
  REQUIRE(both);
  CHECK(both->room == "#dev");
  CHECK(both->number == 7);
  const auto number = parse_arguments(kHistory, " 1000");
  REQUIRE(number);
  CHECK_FALSE(number->room);
  CHECK(number->number == 1000);
  const auto nothing = parse_arguments(kHistory, "");
  REQUIRE(nothing);
  CHECK_FALSE(nothing->room);
  CHECK_FALSE(nothing->number);
  CHECK(nothing->keyword.empty());
  const auto back = parse_arguments(kHistory, " back 3");
  REQUIRE(back);
  CHECK(back->keyword == "back");
  CHECK(back->number == 3);
}

TEST_CASE("wrong arguments are told, not guessed") {
  CHECK(fault_of(kHistory, " 0") == "\"0\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " 1001") == "\"1001\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " -1") == "\"-1\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " 99999999999999999999") ==
        "\"99999999999999999999\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " #dev x") == "\"x\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " back #dev") == "\"#dev\" is no number from 1 to 1000.");
  CHECK(fault_of(kHistory, " #dev 5 5") == "\"5\" is one word too many.");
  CHECK(fault_of(kHistory, " dev").find("does not begin with #") != std::string::npos);
  CHECK(fault_of(kEnter, "  ") == "/enter needs #ROOM.");
  CHECK(fault_of(kEnter, " 5").find("does not begin with #") != std::string::npos);
  CHECK(fault_of(kEnter, " #a\x1b[2J").find("\\x1b") != std::string::npos);
  CHECK(fault_of(kAlone, " now") == "\"now\" is too much: /alone stands alone.");
  CHECK(fault_of(kAlone, " \xff\x1b" + std::string(100, 'x')) ==
        "\"\\xff\\x1b" + std::string(62, 'x') + "...\" is too much: /alone stands alone.");
}

TEST_CASE("a command that was meant is found by its beginning or two slips of the finger") {
  const std::vector<std::string_view> names = {"/help", "/join", "/part", "/history", "/who", "/quit"};
  const auto nearest = [&](std::string_view word) {
    return std::string(find_nearest(word, names).value_or("nothing"));
  };
  CHECK(nearest("/jion") == "/join");
  CHECK(nearest("/JOIN") == "/join");
  CHECK(nearest("/j") == "/join");
  CHECK(nearest("/hist") == "/history");
  CHECK(nearest("/hsitroy") == "/history");
  CHECK(nearest("/qit") == "/quit");
  CHECK(nearest("/hwo") == "/who");
  CHECK(nearest("/foo") == "nothing");
  CHECK(nearest("/msg") == "nothing");
  CHECK(nearest("/") == "nothing");
  CHECK(nearest("/" + std::string(8000, 'h')) == "nothing");
}

}  // namespace
}  // namespace p2pmesh
