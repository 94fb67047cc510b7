// Of a host with several addresses the one that answers first is joined, however silent the others are.
#include "address_race.h"

#include <doctest/doctest.h>

using namespace p2pmesh;
using namespace std::chrono_literals;

#include "p2pmesh/base/limits.h"

namespace {

SocketAddress at(const std::string& host) {
  return *SocketAddress::from_host(host, 9750);
}

std::vector<SocketAddress> all(const std::vector<std::string>& hosts) {
  std::vector<SocketAddress> addresses;
  for (const std::string& host : hosts) addresses.push_back(at(host));
  return addresses;
}

const Error kRefused{ExitStatus::kUnavailable, "refused"};
const Instant kStart = Instant(1h);

}  // namespace

TEST_CASE("IPv6ComesFirstAndTheFamiliesTakeTurns") {
  CHECK(interleave_families(all({"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"})) ==
        all({"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "10.0.0.3"}));
  CHECK(interleave_families(all({"10.0.0.2", "10.0.0.1"})) == all({"10.0.0.2", "10.0.0.1"}));
  CHECK(interleave_families({}).empty());
}

TEST_CASE("OfVeryManyAddressesTheFirstOnesRace") {
  std::vector<std::string> hosts;
  for (int i = 1; i <= 100; ++i) hosts.push_back("10.0.0." + std::to_string(i));
  CHECK(interleave_families(all(hosts)).size() == limits::kRacingAddressesMax);
}

TEST_CASE("TheNextAddressIsBegunWhenTheLastOneHasBeenSilentForAMoment") {
  AddressRace race(all({"10.0.0.1", "fd00::1"}));
  CHECK_FALSE(race.next_deadline());
  CHECK(race.next(kStart) == at("fd00::1"));
  CHECK_FALSE(race.next(kStart));
  CHECK(race.next_deadline() == kStart + 250ms);
  CHECK_FALSE(race.next(kStart + 249ms));
  CHECK(race.next(kStart + 250ms) == at("10.0.0.1"));
  CHECK_FALSE(race.next_deadline());
  CHECK_FALSE(race.next(kStart + 10s));
  CHECK_FALSE(race.is_lost());
}

TEST_CASE("TheNextAddressIsBegunAtOnceWhenOneFails") {
  AddressRace race(all({"fd00::1", "10.0.0.1", "10.0.0.2"}));
  REQUIRE(race.next(kStart));
  race.on_failed(kRefused, kStart + 3ms);
  CHECK(race.next(kStart + 3ms) == at("10.0.0.1"));
  CHECK_FALSE(race.next(kStart + 3ms));
  CHECK(race.next_deadline() == kStart + 253ms);
  race.on_failed(kRefused, kStart + 4ms);
  CHECK_FALSE(race.is_lost());
  REQUIRE(race.next(kStart + 4ms) == at("10.0.0.2"));
  race.on_failed(kRefused, kStart + 5ms);
  CHECK(race.is_lost());
}

TEST_CASE("WhatTellsMostIsSaidInTheEnd") {
  const Error no_way{ExitStatus::kUnavailable, "no way there"};
  const Error silent{ExitStatus::kUnavailable, "silent"};
  const Error closed{ExitStatus::kNoPermission, "closed"};
  AddressRace race(all({"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}));
  REQUIRE(race.next(kStart));
  race.on_failed(no_way, kStart);
  CHECK(race.error()->message == "no way there");
  REQUIRE(race.next(kStart));
  race.on_failed(kRefused, kStart + 1ms);
  CHECK(race.error()->message == "refused");
  REQUIRE(race.next(kStart + 1ms));
  race.on_failed(closed, kStart + 2ms);
  CHECK(race.error()->message == "closed");
  REQUIRE(race.next(kStart + 2ms));
  race.on_failed(silent, kStart + 5s);
  CHECK(race.error()->message == "closed");
  CHECK(race.is_lost());
}

TEST_CASE("WithoutAnAddressTheRaceIsLostAndNothingIsSaid") {
  AddressRace race;
  CHECK(race.is_empty());
  CHECK(race.is_lost());
  CHECK_FALSE(race.error());
  CHECK_FALSE(race.next(kStart));
}
