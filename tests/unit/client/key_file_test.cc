#include "key_file.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/files.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

TEST_CASE("a missing file is made once, with a key of its own, for its owner alone") {
  TempDirectory directory;
  const auto made = open_key_file(directory / "k");
  REQUIRE(made);
  CHECK(made->is_new);
  CHECK(made->key != RoomKey{});
  const auto again = open_key_file(directory / "k");
  REQUIRE(again);
  CHECK_FALSE(again->is_new);
  CHECK(again->key == made->key);
  CHECK(open_key_file(directory / "other")->key != made->key);
  struct stat found {};
  REQUIRE(stat((directory / "k").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a key is 64 hexadecimal digits or 32 bytes in base64, and nothing else") {
  TempDirectory directory;
  const std::string path = directory / "k";
  const auto key_in = [&](const std::string& content) {
    REQUIRE(write_file_atomically(path, as_bytes(content)));
    return open_key_file(path);
  };
  RoomKey expected;
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<std::uint8_t>(i * 8);
  const std::string base64 = "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg";
  CHECK(key_in(format_hex(expected))->key == expected);
  for (const std::string end : {"", "\n", "\r\n", "=", "=\n"}) CHECK(key_in(base64 + end)->key == expected);
  for (const std::string& bad :
       {std::string(""), std::string("\n"), base64 + "==", base64.substr(1), base64 + "A", " " + base64,
        base64.substr(0, 42) + "h", base64.substr(0, 42) + "-", format_hex(expected).substr(2),
        format_hex(expected) + "00", "g" + format_hex(expected).substr(1),
        format_hex(expected) + "\n" + base64}) {
    CAPTURE(bad);
    const auto file = key_in(bad);
    REQUIRE_FALSE(file);
    CHECK(file.error().status == ExitStatus::kDamagedInput);
  }
  CHECK(open_key_file(directory.path()).error().status == ExitStatus::kIo);
  CHECK(open_key_file(directory / "none/k").error().status == ExitStatus::kCannotCreate);
}

}  // namespace
}  // namespace p2pmesh
