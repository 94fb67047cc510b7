#include "p2pmesh/text/name.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

void check_refused(const std::string& name, const std::string& because) {
  const auto result = check_name(name);
  CAPTURE(format_safe_line(name));
  REQUIRE_FALSE(result);
  CHECK(result.error().status == ExitStatus::kUsage);
  CAPTURE(result.error().message);
  CHECK(result.error().message.find(because) != std::string::npos);
}

TEST_CASE("letters, digits, marks and the ten signs make a name") {
  for (const char* name :
       {"Alice", "a", "Åsa", "李雷", "o-_.[]{}|^`1", "_x", "[a]", "Zo\u00eb9", "नमस्ते", "`", "ß"}) {
    CAPTURE(name);
    const auto result = check_name(name);
    REQUIRE(result);
    CHECK(*result == name);
  }
}

TEST_CASE("a name is returned in its composed form") {
  CHECK(*check_name("Zoe\u0308") == "Zo\u00eb");
}

TEST_CASE("a bad name is refused with its reason") {
  check_refused("", "is empty");
  check_refused("-a", "begins with '-'");
  check_refused(".a", "begins with '.'");
  check_refused("1a", "begins with a digit");
  check_refused("\u0663a", "begins with a digit");
  check_refused("\u0301a", "begins with a mark");
  check_refused("a b", "contains a space");
  check_refused("a~1", "contains '~'");
  check_refused("a\nb", "contains '\\n'");
  check_refused("a\x1b[1m", "contains '\\x1b'");
  check_refused("a/b", "contains '/'");
  check_refused("a\u00a0b", "which is no letter");
  check_refused("a\u202e", "which is no letter");
  check_refused("a\xff", "is not UTF-8");
  check_refused("\u3164", "which is no letter");  // a letter that shows nothing
  check_refused(std::string("a\0b", 3), "contains '\\x00'");
  check_refused("x'; DROP TABLE members; --", "contains '''");
}

TEST_CASE("a name is bounded in columns and in bytes") {
  CHECK(check_name(std::string(32, 'a')));
  check_refused(std::string(33, 'a'), "33 columns wide");
  std::string wide;
  for (int i = 0; i < 16; ++i) wide += "世";
  CHECK(check_name(wide));
  check_refused(wide + "世", "34 columns wide");
  std::string marks = "a";
  for (int i = 0; i < 31; ++i) marks += "\u0300\u0316";
  check_refused(marks, "bytes, more than 64");
  check_refused(std::string(1 << 20, 'a'), "1048576 bytes");
}

TEST_CASE("a refused name is quoted safely and shortened") {
  const auto result = check_name("\x1b]0;" + std::string(300, 'x'));
  REQUIRE_FALSE(result);
  CHECK(result.error().message.find('\x1b') == std::string::npos);
  CHECK(result.error().message.size() < 300);
}

TEST_CASE("names that differ in case or composition have one key") {
  CHECK(name_key("Alice") == name_key("aLICE"));
  CHECK(name_key("Zo\u00eb") == name_key("ZOE\u0308"));
  CHECK(name_key("STRASSE") == name_key("straße"));
  CHECK(name_key("Σίσυφος") == name_key("ΣΊΣΥΦΟΣ"));
  CHECK(name_key("Alice") != name_key("Alicf"));
  CHECK(name_key("\xff").empty());
}

TEST_CASE("a key is its own key") {
  for (const char* name : {"Alice", "straße", "\u1fb3\u0301", "ǰ\u0323", "\u0390", "İ"}) {
    CHECK(name_key(name_key(name)) == name_key(name));
  }
}

TEST_CASE("a room is # and a folded name that may begin with a digit") {
  CHECK(*check_room("#Lobby") == "#lobby");
  CHECK(*check_room("#2026") == "#2026");
  for (const char* room : {"", "lobby", "#", "##a", "#a b", "#-a", "#\xff", "#a\n"}) {
    CAPTURE(room);
    const auto result = check_room(room);
    REQUIRE_FALSE(result);
    CHECK(result.error().status == ExitStatus::kUsage);
  }
  CHECK_FALSE(check_room("#" + std::string(33, 'a')));
}

TEST_CASE("a label names a private room, a suffix the public one beside it") {
  CHECK(check_room_label("#Board") == "#board");
  CHECK(check_room_label("#Board~1a2b3c4d") == "#board~1a2b3c4d");
  CHECK(check_room_label("#Board~public") == "#board~public");
  for (const std::string bad :
       {"", "board", "#~public", "#a~1", "#board~1A2B3C4D", "#a b~1a2b3c4d", "#\x1b~1a2b3c4d",
        "#\xff~1a2b3c4d", "#~1a2b3c4d", "#a~1a2b3c4d~1a2b3c4d", "#a~public~public"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_room_label(bad));
  }
  const std::string wide =
      "#\u4e00\u4e01\u4e02\u4e03\u4e04\u4e05\u4e06\u4e07\u4e08\u4e09\u4e0a\u4e0b\u4e0c\u4e0d\u4e0e\u4e0f";
  CHECK(check_room_label(wide + "~1a2b3c4d"));  // 49 bytes and 9
  CHECK_FALSE(check_room("#board~1a2b3c4d"));
}

}  // namespace
}  // namespace p2pmesh
