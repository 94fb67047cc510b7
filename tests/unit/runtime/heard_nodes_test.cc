#include "heard_nodes.h"

#include <doctest/doctest.h>

#include <map>

#include "address.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

/// A lawful signature begins with the first byte of the key. Counts what it is asked.
class CountingVerifier final : public Verifier {
 public:
  bool verify(ByteView key, ByteView, const Signature& signature) const override {
    ++asked;
    return signature[0] == key[0];
  }
  mutable std::uint64_t asked = 0;
};

struct Ear {
  CountingVerifier verifier;
  LanInterface lan{2, "eth0", "", {}};
  LanInterface other{3, "eth1", "", {}};
  HeardNodes heard;
  Now now{Instant{1h}, 1'700'000'000'000};
  std::string source = "10.1.0.7";
  std::string group = "239.255.97.50";

  Ear() : heard(node(200), verifier, [](const Beacon&) { return std::vector<MeshId>{}; }) {
    lan.addresses = {{*SocketAddress::from_host("10.1.0.1", 0), 24},
                     {SocketAddress::from_host("fe80::1", 0)->with_scope(2), 64}};
    other.addresses = {{*SocketAddress::from_host("10.2.0.1", 0), 24}};
  }

  static NodeKey node(std::uint8_t number) {
    NodeKey key;
    key.bytes.fill(number);
    return key;
  }
  Beacon beacon(std::uint8_t number) const {
    Beacon beacon;
    beacon.node = node(number);
    beacon.wall_ms = now.wall_ms;
    beacon.port = 9750;
    beacon.name = "Alice";
    beacon.signature[0] = number;
    return beacon;
  }
  /// As it comes from its author: where it comes from is among what it tells.
  const HeardNode* take(const Beacon& beacon, const LanInterface* by) {
    Beacon told = beacon;
    if (!told.is_farewell()) told.addresses.push_back(to_net(*SocketAddress::from_host(source, 0)));
    return take_bytes(encode_beacon(told), by);
  }
  const HeardNode* take(const Beacon& beacon) { return take(beacon, &lan); }
  const HeardNode* take_bytes(const Bytes& bytes, const LanInterface* by) {
    HeardDatagram datagram;
    datagram.bytes = bytes.size();
    datagram.source = SocketAddress::from_host(source, 9749)->with_scope(2);
    datagram.destination = *SocketAddress::from_host(group, 0);
    datagram.interface = 2;
    return heard.take(bytes, datagram, by, now);
  }
  void pass(Duration time) {
    now.monotonic += time;
    now.wall_ms += static_cast<WallMs>(time / 1ms);
  }
  std::uint64_t dropped(const std::string& why) const {
    for (const auto& [name, count] : heard.counters()) {
      if (name == "lan_dropped_" + why) return count;
    }
    return 0;
  }
};

NetAddress net(std::uint8_t second, std::uint8_t last) {
  NetAddress address;
  address.ip = {10, second, 0, last};
  return address;
}

}  // namespace

TEST_CASE("WhoIsHeardIsListedUntilItIsSilent") {
  Ear ear;
  REQUIRE(ear.take(ear.beacon(1)) != nullptr);
  REQUIRE(ear.heard.fresh(ear.now.monotonic).size() == 1);
  const HeardNode& node = *ear.heard.fresh(ear.now.monotonic).front();
  CHECK(node.beacon.name == "Alice");
  CHECK(node.places.front().interface_name == "eth0");
  CHECK(node.places.front().addresses.front().format() == "10.1.0.7:9750");
  ear.pass(limits::kHeardKept);
  CHECK(ear.heard.fresh(ear.now.monotonic).empty());
}

TEST_CASE("AFarewellAndALostInterfaceEndItAtOnce") {
  Ear ear;
  ear.take(ear.beacon(1));
  ear.take(ear.beacon(2));
  ear.pass(1s);
  Beacon farewell = ear.beacon(1);
  farewell.port = 0;
  farewell.name.clear();
  REQUIRE(ear.take(farewell) != nullptr);
  CHECK(ear.heard.fresh(ear.now.monotonic).size() == 1);
  ear.heard.forget_interface(2);
  CHECK(ear.heard.fresh(ear.now.monotonic).empty());
}

TEST_CASE("WhatIsMalformedOrOwnOrFromTheWrongInterfaceCostsNoSignature") {
  Ear ear;
  CHECK(ear.take_bytes(Bytes(100, 7), &ear.lan) == nullptr);
  CHECK(ear.dropped("malformed") == 1);
  CHECK(ear.take(ear.beacon(200)) == nullptr);
  CHECK(ear.dropped("own") == 1);
  CHECK(ear.take(ear.beacon(1), nullptr) == nullptr);
  CHECK(ear.take(ear.beacon(1), &ear.other) == nullptr);
  ear.lan.left_out = "it is a tunnel";
  CHECK(ear.take(ear.beacon(1)) == nullptr);
  ear.lan.left_out.clear();
  ear.group = "10.1.0.1";  // to this machine alone: it may have come from afar
  CHECK(ear.take(ear.beacon(1)) == nullptr);
  ear.group = "ff02::1";
  ear.source = "fd00::7";
  CHECK(ear.take(ear.beacon(1)) == nullptr);
  CHECK(ear.dropped("wrong_interface") == 5);
  CHECK(ear.verifier.asked == 0);
  ear.source = "fe80::7";
  CHECK(ear.take(ear.beacon(1)) != nullptr);
}

TEST_CASE("ForgedAndReplayedBeaconsAreDropped") {
  Ear ear;
  Beacon forged = ear.beacon(1);
  forged.signature[0] = 9;
  CHECK(ear.take(forged) == nullptr);
  CHECK(ear.dropped("forged") == 1);
  const Beacon first = ear.beacon(1);
  CHECK(ear.take(first) != nullptr);
  CHECK(ear.take(first) == nullptr);
  ear.pass(1s);
  CHECK(ear.take(first) == nullptr);
  CHECK(ear.dropped("stale") == 2);
  // Also when the node has long been silent, and until its clock alone tells.
  ear.pass(limits::kBeaconClock - 2s);
  CHECK(ear.take(first) == nullptr);
  ear.pass(1min);
  ear.take(first);
  CHECK(ear.heard.fresh(ear.now.monotonic).empty());
}

TEST_CASE("WhoComesOrAsksIsANewcomer") {
  Ear ear;
  const auto is_newcomer = [&](bool asks) {
    ear.pass(1s);
    Beacon beacon = ear.beacon(1);
    if (!asks) beacon.meshes = {{MeshId{}, 1, "Alice"}};
    const HeardNode* node = ear.take(beacon);
    REQUIRE(node != nullptr);
    return node->is_newcomer;
  };
  CHECK(is_newcomer(false));
  CHECK_FALSE(is_newcomer(false));
  CHECK(is_newcomer(true));
  CHECK_FALSE(is_newcomer(false));
  ear.pass(limits::kHeardKept);
  CHECK(is_newcomer(false));
}

TEST_CASE("TwoWaysOfOneBeaconMayComeInEitherOrder") {
  Ear ear;
  const Beacon first = ear.beacon(1);
  Beacon second = first;
  second.wall_ms += 1;
  second.name = "Alina";
  ear.source = "fe80::7";
  ear.group = "ff02::1";
  REQUIRE(ear.take(second) != nullptr);
  ear.source = "10.1.0.7";
  ear.group = "239.1.1.1";
  REQUIRE(ear.take(first) != nullptr);
  CHECK(ear.heard.find(Ear::node(1))->places.size() == 2);
  CHECK(ear.heard.find(Ear::node(1))->beacon.name == "Alina");
  CHECK(ear.take(first) == nullptr);
  CHECK(ear.take(second) == nullptr);
  // A farewell is the last word.
  Beacon farewell = ear.beacon(1);
  farewell.wall_ms += 5;
  farewell.port = 0;
  farewell.name.clear();
  REQUIRE(ear.take(farewell) != nullptr);
  Beacon late = first;
  late.wall_ms += 4;
  CHECK(ear.take(late) == nullptr);
}

TEST_CASE("WhoseClockIsFarOffIsBelievedWhenItIsHeardAgain") {
  Ear ear;
  Beacon beacon = ear.beacon(1);
  beacon.wall_ms = 5;
  REQUIRE(ear.take(beacon) != nullptr);
  CHECK(ear.heard.fresh(ear.now.monotonic).empty());
  ear.pass(3s);
  beacon.wall_ms = 3005;
  REQUIRE(ear.take(beacon) != nullptr);
  CHECK(ear.heard.fresh(ear.now.monotonic).size() == 1);
}

TEST_CASE("AddressesOfOtherNetworksAreNobodysWord") {
  Ear ear;
  Beacon beacon = ear.beacon(1);
  beacon.addresses = {net(1, 8), net(2, 8)};
  const HeardNode* node = ear.take(beacon);
  REQUIRE(node != nullptr);
  REQUIRE(node->places.front().addresses.size() == 2);
  CHECK(node->places.front().addresses[0].format() == "10.1.0.7:9750");
  CHECK(node->places.front().addresses[1].format() == "10.1.0.8:9750");
}

TEST_CASE("WhoSaysItAgainFromElsewhereIsNobodysPlace") {
  Ear ear;
  Beacon beacon = ear.beacon(1);
  beacon.addresses = {net(1, 7)};
  const Bytes said = encode_beacon(beacon);
  ear.source = "10.1.0.66";
  const HeardNode* node = ear.take_bytes(said, &ear.lan);
  REQUIRE(node != nullptr);
  REQUIRE(node->places.size() == 1);
  REQUIRE(node->places.front().addresses.size() == 1);
  CHECK(node->places.front().addresses[0].format() == "10.1.0.7:9750");
  // One that tells no address of this network is nowhere.
  Beacon nowhere = ear.beacon(2);
  nowhere.addresses = {net(2, 7)};
  CHECK(ear.take_bytes(encode_beacon(nowhere), &ear.lan) != nullptr);
  CHECK(ear.heard.find(Ear::node(2))->places.empty());
  CHECK(ear.heard.fresh(ear.now.monotonic).size() == 1);
}

TEST_CASE("PlacesOfANodeAreBounded") {
  Ear ear;
  for (std::size_t i = 0; i < limits::kHeardPlacesMax + 2; ++i) {
    ear.source = "10.1.0." + std::to_string(10 + i);
    ear.pass(1s);
    REQUIRE(ear.take(ear.beacon(1)) != nullptr);
  }
  CHECK(ear.heard.find(Ear::node(1))->places.size() == limits::kHeardPlacesMax);
}

TEST_CASE("OneSourceSpendsItsOwnBudget") {
  Ear ear;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    Beacon forged = ear.beacon(static_cast<std::uint8_t>(i % 100));
    forged.signature[0] = 255;
    ear.take(forged);
  }
  CHECK(ear.verifier.asked == limits::kSourceBeaconsBurst);
  CHECK(ear.dropped("over_budget") == 10'000 - limits::kSourceBeaconsBurst);
  ear.source = "10.1.0.8";
  CHECK(ear.take(ear.beacon(1)) != nullptr);
}

TEST_CASE("ManySourcesSpendTheBudgetOfStrangersAndWhoIsKnownHasItsOwn") {
  Ear ear;
  ear.source = "10.1.0.250";
  REQUIRE(ear.take(ear.beacon(150)) != nullptr);
  const std::uint64_t before = ear.verifier.asked;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    ear.source = "10.1.0." + std::to_string(1 + i % 240);
    Beacon forged = ear.beacon(static_cast<std::uint8_t>(i % 100));
    forged.signature[0] = 255;
    ear.take(forged);
  }
  CHECK(ear.verifier.asked - before <= limits::kBeaconsBurst);
  ear.source = "10.1.0.250";
  ear.now.wall_ms += 1;
  CHECK(ear.take(ear.beacon(150)) != nullptr);
  // And that one's is bounded too, though its name is on all of them.
  const std::uint64_t known = ear.verifier.asked;
  for (int i = 0; i < 1000; ++i) {
    ear.now.wall_ms += 1;
    Beacon forged = ear.beacon(150);
    forged.signature[0] = 255;
    ear.take(forged);
  }
  CHECK(ear.verifier.asked - known <= limits::kNodeBeaconsBurst);
}

TEST_CASE("SourcesAndNodesAreBounded") {
  Ear ear;
  ear.lan.addresses.front().prefix = 8;
  std::uint32_t number = 0;
  const auto newcomer = [&] {
    Beacon beacon = ear.beacon(1);
    for (int i = 0; i < 4; ++i) beacon.node.bytes[28 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    ear.source = "10." + std::to_string(number >> 13) + "." + std::to_string(number >> 5 & 255) + ".9";
    ++number;
    return beacon;
  };
  while (number < limits::kHeardMax + 100) {
    if (number % 500 == 0) ear.pass(1s);
    ear.take(newcomer());
  }
  CHECK(ear.heard.size() == limits::kHeardMax);
  CHECK(ear.heard.sources() <= limits::kBeaconSourcesMax);
  CHECK(ear.dropped("full") > 0);
  // Those that are silent make room.
  ear.pass(limits::kHeardKept);
  CHECK(ear.take(newcomer()) != nullptr);
  CHECK(ear.heard.size() == limits::kHeardMax);
}

TEST_CASE("OneAddressIsOfSoManyNodes") {
  Ear ear;
  std::size_t taken = 0;
  for (std::uint8_t i = 0; i < 60; ++i) taken += ear.take(ear.beacon(i)) != nullptr ? 1 : 0;
  CHECK(taken == limits::kHeardPerSourceMax);
}

TEST_CASE("SourcesBeyondTheBoundAreOneTogether") {
  Ear ear;
  ear.lan.addresses.front().prefix = 8;
  for (std::size_t i = 0; i < 4 * limits::kBeaconSourcesMax; ++i) {
    ear.source = "10.9." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250);
    Beacon forged = ear.beacon(1);
    forged.signature[0] = 255;
    ear.take(forged);
  }
  CHECK(ear.heard.sources() <= limits::kBeaconSourcesMax);
}
