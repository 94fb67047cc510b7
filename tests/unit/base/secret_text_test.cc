#include "p2pmesh/base/secret_text.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

TEST_CASE("one line end is taken off, and no more") {
  for (const auto& [given, kept] : {std::pair("a\n", "a"),
                                    {"a\r\n", "a"},
                                    {"a\n\n", "a\n"},
                                    {"a", "a"},
                                    {" a ", " a "},
                                    {"\n", ""},
                                    {"a\r", "a\r"},
                                    {"", ""}}) {
    SecretText secret{std::string_view(given)};
    secret.remove_line_end();
    CHECK(secret.view() == kept);
  }
}

TEST_CASE("what does not fit is not taken, and nothing is lost by it") {
  SecretText secret(std::string(limits::kPassphraseBytesMax, 'x'));
  CHECK_FALSE(secret.append(as_bytes("yyy")));
  CHECK(secret.append(as_bytes("\r\n")));
  CHECK_FALSE(secret.append(as_bytes("z")));
  secret.remove_line_end();
  CHECK(secret.view() == std::string(limits::kPassphraseBytesMax, 'x'));
}

TEST_CASE("a move leaves nothing behind and no copy") {
  SecretText one("correct horse");
  const char* place = one.view().data();
  SecretText other(std::move(one));
  CHECK(other.view().data() == place);
  CHECK(one.is_empty());
  CHECK(one.append(as_bytes("again")));
  SecretText third("x");
  third = std::move(other);
  CHECK(third.view() == "correct horse");
}

TEST_CASE("what is wiped is zero") {
  std::array<std::uint8_t, 4> bytes = {1, 2, 3, 4};
  wipe_secret(bytes);
  CHECK(bytes == std::array<std::uint8_t, 4>{});
  wipe_secret({});
}

}  // namespace
}  // namespace p2pmesh
