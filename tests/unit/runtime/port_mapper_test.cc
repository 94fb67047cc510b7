// When a router is asked, and what of its answers is believed.
#include "port_mapper.h"

#include <doctest/doctest.h>

#include "fake_router.h"
#include "p2pmesh/base/limits.h"

using namespace std::chrono_literals;

namespace p2pmesh {
namespace {

using Phase = MappingState::Phase;
constexpr auto kPmp = MappingMethod::kNatPmp;
constexpr auto kUpnp = MappingMethod::kUpnp;

struct Fixture {
  explicit Fixture(const std::string& listen = "0.0.0.0:9750")
      : mapper(
            router, *SocketAddress::parse(listen), [this] { return now; }, 7) {}
  /// Steps whenever it is due, until the time is over.
  void run(Duration span) {
    const Instant end = now.monotonic + span;
    Instant next = mapper.step();
    while (next <= end) {
      REQUIRE(++steps < 100'000);
      pass(next - now.monotonic);
      next = mapper.step();
    }
    pass(end - now.monotonic);
  }
  void pass(Duration span) {
    now.monotonic += span;
    now.wall_ms += static_cast<WallMs>(span / 1ms);
    // A router's clock goes on as ours does.
    spare += span;
    router.epoch += static_cast<std::uint32_t>(spare / 1s);
    spare %= Duration(1s);
  }
  bool says(const std::string& words) const { return mapper.state().why.find(words) != std::string::npos; }

  Now now{Instant(1h), 1'000'000};
  Duration spare{};
  int steps = 0;
  FakeRouter router;
  PortMapper mapper;
};

TEST_CASE("NatPmpIsAskedFirstAndUpnpWhenItIsNotOffered") {
  Fixture first;
  first.router.offers = {{kPmp, "203.0.113.5:9750"}, {kUpnp, "203.0.113.5:9750"}};
  CHECK(first.mapper.state().phase == Phase::kAsking);
  first.mapper.step();
  CHECK(first.router.opened == std::vector{kPmp});
  CHECK(first.router.wishes[0].inside_port == 9750);
  CHECK(first.router.wishes[0].outside_port == 9750);
  CHECK(first.router.wishes[0].lease == 3600s);
  CHECK(first.mapper.state() == MappingState{Phase::kOpen, *SocketAddress::parse("203.0.113.5:9750"), kPmp,
                                             first.now.wall_ms + 3'600'000, ""});
  Fixture second;
  second.router.offers = {{kUpnp, "203.0.113.5:20001"}};
  second.mapper.step();
  CHECK(second.router.opened == std::vector{kPmp, kUpnp});
  CHECK(second.mapper.state().by == kUpnp);
  CHECK(second.mapper.state().outside.port() == 20001);
}

TEST_CASE("AMappingIsRenewedAtHalfOfItsLeaseWithThePortThatItHas") {
  Fixture node;
  node.router.offers = {{kPmp, "203.0.113.5:4711"}};
  node.run(1799s);
  CHECK(node.router.opened.size() == 1);
  node.run(2s);
  REQUIRE(node.router.opened.size() == 2);
  CHECK(node.router.wishes[1].inside_port == 9750);
  CHECK(node.router.wishes[1].outside_port == 4711);
  // What grants next to nothing, or for ever, is not asked all the time, nor never.
  node.router.lease = 1s;
  node.run(1h);
  CHECK(node.router.opened.size() > 10);
  CHECK(node.router.opened.size() < 370);
  CHECK(node.mapper.state().phase == Phase::kFailed);
  CHECK(node.says("let it go"));
  node.router.lease = std::chrono::seconds(UINT32_MAX);
  node.run(1h);
  const std::size_t before = node.router.opened.size();
  node.run(10h);
  CHECK(node.router.opened.size() - before == 20);
}

TEST_CASE("ARouterThatLiesAboutTheOutsideIsRefusedWithAWord") {
  for (const char* lie : {"0.0.0.0:9750", "0.1.2.3:9750", "127.0.0.1:9750", "224.0.0.251:9750",
                          "239.1.1.1:9750", "255.255.255.255:9750", "169.254.1.1:9750"}) {
    CAPTURE(lie);
    Fixture node;
    node.router.offers = {{kPmp, lie}};
    node.mapper.step();
    CHECK(node.mapper.state().phase == Phase::kFailed);
    CHECK(node.says("which nobody can dial"));
    CHECK(node.says("by hand"));
    CHECK(node.router.closed == std::vector<std::string>{lie});
  }
  Fixture port;
  port.router.offers = {{kPmp, "203.0.113.5:0"}};
  port.mapper.step();
  CHECK(port.says("port 0, which nobody can dial"));
  Fixture own;
  own.router.offers = {{kPmp, "192.168.7.20:9750"}};
  own.mapper.step();
  CHECK(own.says("the one that this machine has inside"));
  // The other way may be an honest one.
  Fixture other;
  other.router.offers = {{kPmp, "0.0.0.0:9750"}, {kUpnp, "203.0.113.5:9750"}};
  other.mapper.step();
  CHECK(other.mapper.state().phase == Phase::kOpen);
  CHECK(other.mapper.state().by == kUpnp);
}

TEST_CASE("APrivateAddressOutsideIsTakenAndSaid") {
  Fixture node;
  node.router.offers = {{kPmp, "100.64.1.1:9750"}};
  node.run(2min);
  CHECK(node.mapper.state().phase == Phase::kOpen);
  CHECK(node.says("another router beyond"));
}

TEST_CASE("WhereNobodyAnswersItIsTriedLessAndLessOften") {
  Fixture node;
  node.mapper.step();
  CHECK(node.mapper.state().phase == Phase::kFailed);
  CHECK(node.mapper.state().why ==
        "the router at 192.168.7.1 does not offer port mapping (NAT-PMP: no answer; UPnP: no answer); "
        "forward TCP "
        "port 9750 to this machine by hand, or join through a member that can be reached");
  node.run(10s);
  CHECK(node.router.opened.size() >= 4);
  node.run(2h);
  const std::size_t before = node.router.opened.size();
  node.run(100min);
  const std::size_t asked = (node.router.opened.size() - before) / 2;
  CHECK(asked >= 9);  // each ten minutes, or a quarter less
  CHECK(asked <= 14);
  // Two do not keep step.
  PortMapper other(
      node.router, *SocketAddress::parse("0.0.0.0:9750"), [&] { return node.now; }, 8);
  PortMapper third(
      node.router, *SocketAddress::parse("0.0.0.0:9750"), [&] { return node.now; }, 9);
  CHECK(other.step() != third.step());
}

TEST_CASE("AnotherNetworkIsAskedAtOnce") {
  Fixture node;
  node.run(2h);
  node.router.offers = {{kPmp, "203.0.113.5:9750"}};
  node.router.way->gateway = *SocketAddress::from_host("192.168.8.1", 0);
  node.run(limits::kMappingWatch);
  CHECK(node.mapper.state().phase == Phase::kOpen);
  node.router.offers[kPmp] = "203.0.113.6:9750";
  node.router.way->inside = *SocketAddress::from_host("192.168.8.44", 0);
  node.run(limits::kMappingWatch);
  CHECK(node.mapper.state().outside.host() == "203.0.113.6");
  node.router.way.reset();
  node.run(limits::kMappingWatch);
  CHECK(node.mapper.state().phase == Phase::kFailed);
  CHECK(node.says("no router to the outside"));
}

TEST_CASE("ARouterThatHasForgottenIsAskedAtOnce") {
  Fixture node;
  node.router.offers = {{kPmp, "203.0.113.5:9750"}};
  node.run(10min);
  CHECK(node.router.opened.size() == 1);
  CHECK(node.router.looks == 20);
  node.router.epoch = 3;  // it was started again
  node.run(limits::kMappingCheck);
  CHECK(node.router.opened.size() == 2);
  node.router.offers[kPmp] = "203.0.113.77:9750";
  node.run(limits::kMappingCheck);
  CHECK(node.router.opened.size() == 3);
  CHECK(node.mapper.state().outside.host() == "203.0.113.77");
  node.router.is_held = false;
  node.run(limits::kMappingCheck);
  CHECK(node.router.opened.size() == 4);
}

TEST_CASE("ARouterThatIsSilentForAWhileIsSaidAndItsMappingHoldsUntilItsEnd") {
  Fixture node;
  node.router.offers = {{kPmp, "203.0.113.5:9750"}};
  node.run(1min);
  node.router.is_silent = true;
  node.run(limits::kMappingCheck);
  CHECK(node.mapper.state().phase == Phase::kOpen);
  CHECK(node.says("does not answer any more"));
  node.router.is_silent = false;
  node.run(limits::kMappingCheck);
  CHECK(node.mapper.state().why.empty());
  node.router.is_silent = true;
  node.router.offers.clear();
  node.run(30min);
  CHECK(node.mapper.state().phase == Phase::kOpen);
  CHECK(node.says("did not renew it"));
  node.run(30min);
  CHECK(node.mapper.state().phase == Phase::kFailed);
}

TEST_CASE("WhenOthersDoNotReachItItIsAskedAgainButNotAllTheTime") {
  Fixture node;
  node.router.offers = {{kPmp, "203.0.113.5:9750"}};
  node.mapper.step();
  for (int i = 0; i < 10; ++i) {
    node.mapper.ask_again();
    node.run(1s);
  }
  CHECK(node.router.opened.size() == 2);
  node.run(1min);
  node.mapper.ask_again();
  node.mapper.step();
  CHECK(node.router.opened.size() == 3);
}

TEST_CASE("WhatListensWhereNoRouterSendsIsToldSo") {
  for (const auto& [listen, word] :
       {std::pair("127.0.0.1:9750", "this machine alone"), std::pair("[2001:db8::1]:9750", "IPv4 alone"),
        std::pair("192.168.7.21:9750", "would send to 192.168.7.20")}) {
    Fixture node(listen);
    node.router.offers = {{kPmp, "203.0.113.5:9750"}};
    node.mapper.step();
    CHECK(node.router.opened.empty());
    CHECK(node.mapper.state().phase == Phase::kFailed);
    CHECK(node.says(word));
  }
  for (const char* listen : {"[::]:9750", "192.168.7.20:9750"}) {
    Fixture node(listen);
    node.router.offers = {{kPmp, "203.0.113.5:9750"}};
    node.mapper.step();
    CHECK(node.mapper.state().phase == Phase::kOpen);
  }
}

TEST_CASE("WhoLeavesTakesBackWhatItHas") {
  Fixture node;
  node.mapper.step();
  node.mapper.end();
  CHECK(node.router.closed.empty());
  Fixture open;
  open.router.offers = {{kUpnp, "203.0.113.5:9750"}};
  open.mapper.step();
  // Nor is a port left open that was given up for another.
  open.router.offers = {{kUpnp, "203.0.113.5:20002"}};
  open.router.is_held = false;
  open.run(limits::kMappingCheck);
  CHECK(open.router.closed == std::vector<std::string>{"203.0.113.5:9750"});
  open.mapper.end();
  CHECK(open.router.closed.back() == "203.0.113.5:20002");
  CHECK(open.mapper.state().phase == Phase::kOff);
}

}  // namespace
}  // namespace p2pmesh
