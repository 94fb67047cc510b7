#include "p2pmesh/base/bytes.h"

#include <doctest/doctest.h>

using namespace p2pmesh;

TEST_CASE("hex is two lower-case digits a byte") {
  CHECK(format_hex(Bytes{0x00, 0x0f, 0xa5, 0xff}) == "000fa5ff");
  CHECK(format_hex({}).empty());
}

TEST_CASE("every byte comes back from its hex, in either case") {
  for (int value = 0; value < 256; ++value) {
    const Bytes byte{static_cast<std::uint8_t>(value)};
    std::string text = format_hex(byte);
    CHECK(parse_hex(text) == byte);
    for (char& c : text) c = static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
    CHECK(parse_hex(text) == byte);
  }
  CHECK(parse_hex("") == Bytes{});
}

TEST_CASE("an odd number of digits and foreign characters are no hex") {
  for (const char* text :
       {"0", "abc", "0g", "g0", " 0", "0x", "00 ", "-1", "0\n", "/0", ":0", "@0", "`0", "G0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_hex(text));
  }
  CHECK_FALSE(parse_hex(std::string_view("0\0", 2)));
}
