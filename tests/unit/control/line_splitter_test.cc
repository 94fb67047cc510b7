#include "p2pmesh/control/line_splitter.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "p2pmesh/control/chat_message.h"

namespace p2pmesh::control {
namespace {

std::vector<std::string> take_all(LineSplitter& splitter) {
  std::vector<std::string> lines;
  while (const auto line = splitter.next()) lines.emplace_back(*line);
  return lines;
}

TEST_CASE("the split points of the reads do not show") {
  const std::string stream = "one\n\ntwo\r\nthree and more\nrest";
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    LineSplitter splitter(16);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      splitter.push(std::string_view(stream).substr(at, size));
      for (auto& line : take_all(splitter)) lines.push_back(std::move(line));
    }
    CHECK(lines == std::vector<std::string>{"one", "", "two\r", "three and more"});
    CHECK(splitter.buffered_bytes() == 4);
    CHECK_FALSE(splitter.too_long());
  }
}

TEST_CASE("a line at the bound passes, one over it fails after those before it") {
  LineSplitter splitter(4);
  splitter.push("1234\n12345\n1\n");
  CHECK(splitter.next() == "1234");
  CHECK_FALSE(splitter.next());
  CHECK(splitter.too_long());
  splitter.push("x\n");
  CHECK_FALSE(splitter.next());
  CHECK(splitter.buffered_bytes() == 0);
}

TEST_CASE("an endless line is refused without waiting for its end") {
  LineSplitter splitter(1000);
  std::size_t pushed = 0;
  while (!splitter.too_long() && pushed < 100000) {
    splitter.push(std::string(100, 'x'));
    pushed += 100;
    CHECK_FALSE(splitter.next());
  }
  CHECK(pushed == 1100);
}

TEST_CASE("cursors and message ids are read as strictly as they are written") {
  CHECK(parse_cursor("0.0") == Cursor{});
  CHECK(parse_cursor("18446744073709551615.4294967295") == Cursor{UINT64_MAX, UINT32_MAX});
  CHECK(format_cursor({12, 3}) == "12.3");
  for (const char* bad : {"", ".", "1.", ".1", "1", "01.0", "1.00", "+1.0", "-1.0", " 1.0", "1.0 ", "1.0.0",
                          "1.4294967296", "18446744073709551616.0", "0x1.0"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_cursor(bad));
  }
  const std::string hex(64, 'a');
  const auto id = parse_message_id(hex + ".7");
  REQUIRE(id);
  CHECK(id->index == 7);
  CHECK(format_message_id(*id) == hex + ".7");
  for (const std::string& bad :
       {hex, hex + ".", hex + ".x", hex.substr(1) + ".0", hex + "a.0", "g" + hex.substr(1) + ".0"}) {
    CHECK_FALSE(parse_message_id(bad));
  }
}

}  // namespace
}  // namespace p2pmesh::control
