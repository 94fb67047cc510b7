#include "p2pmesh/text/safe_text.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

using namespace std::string_literals;

TEST_CASE("ordinary text and backslashes stay as they are") {
  CHECK(format_safe_line("Grüße, 世界 \\n \U0001F600") == "Grüße, 世界 \\n \U0001F600");
  CHECK(format_safe_line("").empty());
  CHECK(format_safe_line("\xc2\xa0") == "\xc2\xa0");  // the first one after C1
}

TEST_CASE("line breaks become one visible escape") {
  CHECK(format_safe_line("a\nb") == "a\\nb");
  CHECK(format_safe_line("a\r\nb") == "a\\nb");
  CHECK(format_safe_line("a\rb\r") == "a\\x0db\\x0d");
  CHECK(format_safe_line("\r\r\n\n") == "\\x0d\\n\\n");
}

TEST_CASE("controls of every kind become the hex of their bytes") {
  CHECK(format_safe_line("\x1b[31m\x07\t\x7f"s + "\0"s) == "\\x1b[31m\\x07\\x09\\x7f\\x00");
  CHECK(format_safe_line("\xc2\x80\xc2\x9f") == "\\xc2\\x80\\xc2\\x9f");
  CHECK(format_safe_line("\u061c\u200e\u200f") == "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f");
  CHECK(format_safe_line("\u2028\u2029") == "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  CHECK(format_safe_line("\u202a\u202e") == "\\xe2\\x80\\xaa\\xe2\\x80\\xae");
  CHECK(format_safe_line("\u2066\u2069") == "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
  CHECK(format_safe_line("\u2027\u202f\u2065\u206a\u200d") == "\u2027\u202f\u2065\u206a\u200d");
}

TEST_CASE("every byte that is not well-formed UTF-8 is escaped alone") {
  CHECK(format_safe_line("a\xff z") == "a\\xff z");
  CHECK(format_safe_line("\xc0\x80") == "\\xc0\\x80");           // overlong
  CHECK(format_safe_line("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
  CHECK(format_safe_line("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(format_safe_line("\xe4\xb8") == "\\xe4\\xb8");  // cut off
  CHECK(format_safe_line("\xe4\xb8\x96\xb8") == "世\\xb8");
}

TEST_CASE("no byte string leaves a raw control byte") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      for (const std::string& safe : {format_safe_line(text), format_export_text(text)}) {
        REQUIRE(is_well_formed(safe));
        for (const char byte : safe) REQUIRE((static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f'));
      }
      REQUIRE(parse_export_text(format_export_text(text)) == text);
    }
  }
}

TEST_CASE("the export form names tab, line feed and backslash and can be read back") {
  const std::string text = "a\tb\nc\\n\r\n\x01 ü \u202e\xff";
  CHECK(format_export_text(text) == "a\\tb\\nc\\\\n\\x0d\\n\\x01 ü \\xe2\\x80\\xae\\xff");
  CHECK(parse_export_text(format_export_text(text)) == text);
  for (const char* broken : {"\\", "\\x", "\\x1", "\\xg0", "\\q", "a\\"})
    CHECK_FALSE(parse_export_text(broken));
}

TEST_CASE("columns count wide letters twice and marks not at all") {
  CHECK(display_columns("abc") == 3);
  CHECK(display_columns("世界") == 4);
  CHECK(display_columns("e\u0301") == 1);
  CHECK(display_columns("\xff\xfe") == 2);
}

TEST_CASE("ill-formed text is told from well-formed") {
  CHECK(is_well_formed("Grüße \U0010FFFF"));
  CHECK_FALSE(is_well_formed("\xed\xbf\xbf"));
  CHECK_FALSE(is_well_formed("abc\xc3"));
}

}  // namespace
}  // namespace p2pmesh
