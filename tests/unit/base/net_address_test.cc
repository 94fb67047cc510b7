#include "p2pmesh/base/net_address.h"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace p2pmesh;

namespace {

NetAddress v4(std::initializer_list<std::uint8_t> ip) {
  NetAddress address;
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  return address;
}

NetAddress v6(std::uint8_t first, std::uint8_t second, std::uint8_t last) {
  NetAddress address;
  address.v6 = true;
  address.ip[0] = first;
  address.ip[1] = second;
  address.ip[15] = last;
  return address;
}

}  // namespace

TEST_CASE("all of 127/8 and ::1 alone are the loopback") {
  CHECK(v4({127, 0, 0, 1}).is_loopback());
  CHECK(v4({127, 255, 0, 9}).is_loopback());
  CHECK(v6(0, 0, 1).is_loopback());
  CHECK_FALSE(v4({128, 0, 0, 1}).is_loopback());
  CHECK_FALSE(v6(0, 0, 2).is_loopback());
  CHECK_FALSE(v6(127, 0, 1).is_loopback());
}

TEST_CASE("169.254/16 and fe80::/10 are link-local") {
  CHECK(v4({169, 254, 3, 4}).is_link_local());
  CHECK_FALSE(v4({169, 253, 3, 4}).is_link_local());
  CHECK(v6(0xFE, 0x80, 1).is_link_local());
  CHECK(v6(0xFE, 0xBF, 1).is_link_local());
  CHECK_FALSE(v6(0xFE, 0xC0, 1).is_link_local());
  CHECK_FALSE(v6(0xFC, 0x80, 1).is_link_local());
}

TEST_CASE("the wildcard is all zeros, whatever the port") {
  NetAddress any;
  any.port = 9750;
  CHECK(any.is_wildcard());
  CHECK_FALSE(v4({0, 0, 0, 1}).is_wildcard());
}
