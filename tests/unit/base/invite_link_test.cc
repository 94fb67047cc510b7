#include "p2pmesh/base/invite_link.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

InviteLink link() {
  InviteLink link;
  link.addresses = {"127.0.0.1:9750", "[::1]:9751"};
  link.mesh.bytes.fill(0xAB);
  link.secret.fill(0x01);
  return link;
}

TEST_CASE("ALinkComesBackAsItWas") {
  const std::string text = format_invite_link(link());
  CHECK(text.starts_with("p2pmesh://127.0.0.1:9750,[::1]:9751/abab"));
  const auto read = parse_invite_link(text);
  REQUIRE(read);
  CHECK(read->addresses == link().addresses);
  CHECK(read->mesh == link().mesh);
  CHECK(read->secret == link().secret);
}

TEST_CASE("ALinkThatIsNotWholeIsNone") {
  const std::string text = format_invite_link(link());
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_invite_link(std::string_view(text).substr(0, length)));
  }
  CHECK_FALSE(parse_invite_link(text + "0"));
  CHECK_FALSE(parse_invite_link(text + "/"));
  CHECK_FALSE(parse_invite_link("http" + text.substr(7)));
  InviteLink other = link();
  other.addresses = {};
  CHECK_FALSE(parse_invite_link(format_invite_link(other)));
  other.addresses = {"a:1", "", "b:1"};
  CHECK_FALSE(parse_invite_link(format_invite_link(other)));
  other.addresses.assign(limits::kAddressesMax + 1, "a:1");
  CHECK_FALSE(parse_invite_link(format_invite_link(other)));
  other = link();
  other.mesh = {};
  CHECK_FALSE(parse_invite_link(format_invite_link(other)));
}

TEST_CASE("WhatWasMeantAsALinkIsToldFromAHost") {
  CHECK(is_invite_link("p2pmesh://x"));
  CHECK_FALSE(is_invite_link("p2pmesh"));
  CHECK_FALSE(is_invite_link("host.example"));
}

}  // namespace
}  // namespace p2pmesh
