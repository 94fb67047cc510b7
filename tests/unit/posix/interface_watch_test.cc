#include "p2pmesh/posix/interface_watch.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace p2pmesh;

TEST_CASE("TheLoopbackInterfaceIsListedWithItsAddress") {
  const auto listed = list_interfaces();
  REQUIRE(listed);
  const auto loopback =
      std::find_if(listed->begin(), listed->end(), [](const auto& one) { return one.is_loopback; });
  REQUIRE(loopback != listed->end());
  CHECK(loopback->index != 0);
  CHECK(loopback->name == "lo");
  CHECK(loopback->kind.empty());
  if (!loopback->is_up) return;
  const InterfaceAddress expected{SocketAddress::loopback(0), 8};
  CHECK(std::count(loopback->addresses.begin(), loopback->addresses.end(), expected) == 1);
}

TEST_CASE("InterfacesCanBeWatchedAndNothingIsSaidWhileNothingChanges") {
  auto loop = EventLoop::open();
  REQUIRE(loop);
  int told = 0;
  {
    const auto watch = InterfaceWatch::open(**loop, [&] { ++told; });
    REQUIRE(watch);
    (*loop)->run_once(Duration{});
  }
  CHECK(told == 0);
  (*loop)->run_once(Duration{});
}

TEST_CASE("AScopeIsOfLinkLocalAddressesAlone") {
  CHECK(SocketAddress::from_host("fe80::1", 7)->with_scope(3).scope() == 3);
  CHECK(SocketAddress::from_host("fd00::1", 7)->with_scope(3).scope() == 0);
  CHECK(SocketAddress::from_host("169.254.0.1", 7)->with_scope(3).scope() == 0);
}
