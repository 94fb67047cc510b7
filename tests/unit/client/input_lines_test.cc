#include "input_lines.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace p2pmesh {
namespace {

std::vector<InputLine> read_in_pieces(const std::string& input, std::size_t piece, std::size_t bytes_max) {
  InputLines lines(bytes_max);
  std::vector<InputLine> found;
  const auto take = [&] {
    while (auto line = lines.next()) found.push_back(*std::move(line));
  };
  for (std::size_t at = 0; at < input.size(); at += piece) {
    lines.push(std::string_view(input).substr(at, piece));
    take();
  }
  lines.finish();
  take();
  return found;
}

TEST_CASE("lines are the same whatever the pieces they come in") {
  const std::string input("one\n\ntwo\r\nth\rree\r\r\nn\0l\nlast", 27);
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    const auto lines = read_in_pieces(input, piece, 100);
    REQUIRE(lines.size() == 6);
    CHECK(lines[0].text == "one");
    CHECK(lines[1].text.empty());
    CHECK(lines[1].bytes == 0);
    CHECK(lines[2].text == "two");
    CHECK(lines[3].text == "th\rree\r");
    CHECK(lines[4].text == std::string("n\0l", 3));
    CHECK(lines[5].text == "last");
    for (std::size_t i = 0; i < lines.size(); ++i) CHECK(lines[i].number == i + 1);
  }
}

TEST_CASE("a line at the bound is read, a longer one is counted and skipped") {
  const std::string input = "12345\n123456\n12345\r\n123456\r\n" + std::string(1000, 'x') + "\n" +
                            std::string(1000, 'y') + "\r\nok\n" + std::string(77, 'z');
  for (std::size_t piece = 1; piece <= input.size(); piece += 3) {
    const auto lines = read_in_pieces(input, piece, 5);
    REQUIRE(lines.size() == 8);
    const std::size_t sizes[] = {5, 6, 5, 6, 1000, 1000, 2, 77};
    for (std::size_t i = 0; i < lines.size(); ++i) {
      CAPTURE(piece);
      CAPTURE(i);
      CHECK(lines[i].bytes == sizes[i]);
      CHECK(lines[i].too_long == (sizes[i] > 5));
      CHECK(lines[i].text.size() == (sizes[i] > 5 ? 0 : sizes[i]));
    }
  }
}

TEST_CASE("a last line keeps its carriage return, and an empty input has no line") {
  CHECK(read_in_pieces("a\r", 1, 10).at(0).text == "a\r");
  CHECK(read_in_pieces("", 1, 10).empty());
  CHECK(read_in_pieces("a\n", 1, 10).size() == 1);
}

}  // namespace
}  // namespace p2pmesh
