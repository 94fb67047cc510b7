#include "address_book.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

NetAddress address(std::uint8_t first, std::uint16_t port) {
  NetAddress net;
  net.ip = {first, 0, 0, 1};
  net.port = port;
  return net;
}

NodeKey key(std::uint8_t byte) {
  NodeKey node;
  node.bytes[0] = byte;
  return node;
}

std::vector<Dial> due(AddressBook& book, const std::vector<NetAddress>& own, Instant now) {
  Outputs out;
  book.dial_due(own, now, out);
  std::vector<Dial> dials;
  for (const Output& output : out) {
    if (const auto* dial = std::get_if<Dial>(&output)) dials.push_back(*dial);
  }
  return dials;
}

TEST_CASE("FailedAddressesAreTriedAgainForEverWithGrowingPauses") {
  AddressBook book(1);
  Outputs out;
  Instant now(1s);
  book.learn(key(1), address(127, 5), now);
  Duration last_pause{};
  for (int i = 0; i < 30; ++i) {
    const auto dials = due(book, {address(127, 9)}, now);
    REQUIRE(dials.size() == 1);
    CHECK(due(book, {address(127, 9)}, now).empty());  // one at a time
    book.on_failed(key(1), dials[0].address, now, out);
    REQUIRE(book.next_deadline());
    last_pause = *book.next_deadline() - now;
    CHECK(last_pause <= Duration(limits::kRedialBackoffMax));
    now = *book.next_deadline();
  }
  CHECK(last_pause >= Duration(limits::kRedialBackoffMax) / 2);
}

TEST_CASE("WhoIsAtFaultIsNotDialledForAWhile") {
  AddressBook book(1);
  Outputs out;
  const std::vector<NetAddress> own{address(127, 9)};
  book.learn(key(1), address(127, 5), Instant(1s));
  book.on_fault(key(1), Instant(1s));
  book.on_fault(key(1), Instant(1s));  // 2 s from here
  CHECK(book.is_shut_out(key(1), Instant(2s)));
  for (Instant now(1s); now < Instant(3s); now += 50ms) {
    CHECK(due(book, own, now).empty());
    CHECK_FALSE(book.dial(key(1), {}, own, now, out));
  }
  CHECK_FALSE(book.is_shut_out(key(1), Instant(3s)));
  CHECK(book.dial(key(1), {}, own, Instant(3s), out));
}

TEST_CASE("LoopbackIsDialledOnlyByWhoAdvertisesLoopback") {
  AddressBook book(1);
  Outputs out;
  book.learn(key(1), address(127, 5), Instant(1s));
  CHECK(due(book, {address(10, 9)}, Instant(1s)).empty());
  CHECK(due(book, {address(127, 9)}, Instant(100s)).size() == 1);
}

TEST_CASE("AConnectedNodeIsNotDialledAndALostOneAtOnce") {
  AddressBook book(1);
  Outputs out;
  book.learn(key(1), address(127, 5), Instant(1s));
  book.on_connected(key(1), std::nullopt, out);
  CHECK(due(book, {address(127, 9)}, Instant(100s)).empty());
  book.on_lost(key(1), false, true, Instant(100s));
  CHECK(due(book, {address(127, 9)}, Instant(100s)).size() == 1);
}

TEST_CASE("OneWhoLeftIsTriedRarely") {
  AddressBook book(1);
  Outputs out;
  book.learn(key(1), address(127, 5), Instant(1s));
  book.on_lost(key(1), true, true, Instant(1s));
  CHECK(due(book, {address(127, 9)}, Instant(30s)).empty());
  CHECK(due(book, {address(127, 9)}, Instant(62s)).size() == 1);
}

TEST_CASE("ANodeHasABoundedNumberOfAddressesAndProvenOnesStay") {
  AddressBook book(1);
  Outputs out;
  book.on_connected(key(1), address(127, 1), out);
  for (std::uint16_t port = 2; port < 40; ++port) book.learn(key(1), address(127, port), Instant(1s));
  book.on_lost(key(1), false, true, Instant(1s));
  std::vector<std::uint16_t> tried;
  Instant now(1s);
  for (std::size_t i = 0; i < limits::kAddressesMax; ++i) {
    const auto dials = due(book, {address(127, 9)}, now);
    REQUIRE(dials.size() == 1);
    tried.push_back(dials[0].address.port);
    book.on_failed(key(1), dials[0].address, now, out);
  }
  CHECK(std::find(tried.begin(), tried.end(), 1) != tried.end());
  CHECK(due(book, {address(127, 9)}, now).empty());  // all tried: a pause
}

NodeKey drawn(std::uint8_t first, std::uint32_t number) {
  NodeKey node = key(static_cast<std::uint8_t>(number * 37));
  for (std::size_t i = 1; i <= 4; ++i) node.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (i - 1)));
  node.bytes[5] = first;
  return node;
}

NetAddress public_address(std::uint32_t number) {
  NetAddress net = address(11, 5);
  net.ip[0] = static_cast<std::uint8_t>(11 + number % 100);
  net.ip[1] = static_cast<std::uint8_t>(number / 100);
  return net;
}

/// A full book of what sixteen neighbors told.
struct HonestBook {
  HonestBook() {
    for (std::uint32_t i = 0; i < limits::kPeersMax; ++i)
      book.learn(drawn(1, i), public_address(i), Instant(1s),
                 source_of_neighbor(key(static_cast<std::uint8_t>(i % 16))));
  }
  [[nodiscard]] std::size_t left() const {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < limits::kPeersMax; ++i) count += book.contains(drawn(1, i)) ? 1 : 0;
    return count;
  }
  AddressBook book{1};
};

TEST_CASE("OneWhoTellsOfAHundredThousandPeersPushesOutAnEighthOfWhatOthersTold") {
  HonestBook honest;
  for (std::uint32_t i = 0; i < 100'000; ++i)
    honest.book.learn(drawn(2, i), public_address(i * 7), Instant(1s), source_of_neighbor(key(99)));
  CHECK(honest.book.size() == limits::kPeersMax);
  CHECK(honest.left() >= limits::kPeersMax - limits::kPeersPerSourceMax - 1);
  CHECK(honest.left() < limits::kPeersMax);
}

TEST_CASE("ManyKeysFromOneNetworkAreOneSource") {
  HonestBook honest;
  Outputs out;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    NetAddress remote = address(200, 7);
    remote.ip[2] = static_cast<std::uint8_t>(i);
    remote.ip[3] = static_cast<std::uint8_t>(i >> 8);
    honest.book.on_connected(drawn(2, i), std::nullopt, out, source_of_network(remote));
    honest.book.learn(drawn(2, i), public_address(i * 7), Instant(1s), source_of_network(remote));
    honest.book.on_lost(drawn(2, i), false, false, Instant(1s));
  }
  CHECK(honest.left() >= limits::kPeersMax - limits::kPeersPerSourceMax - 1);
}

TEST_CASE("OneNetworkOfPeersHasAQuarterWhoeverTellsOfIt") {
  HonestBook honest;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    NetAddress same = address(200, 7);
    same.ip[2] = static_cast<std::uint8_t>(i);
    honest.book.learn(drawn(2, i), same, Instant(1s), source_of_neighbor(key(static_cast<std::uint8_t>(i))));
  }
  CHECK(honest.left() >= limits::kPeersMax - limits::kPeersPerNetworkMax - 1);
}

TEST_CASE("WhatADialForgetsIsInNoShare") {
  AddressBook book(1);
  Outputs out;
  for (std::uint32_t i = 0; i < 2 * limits::kPeersPerSourceMax; ++i)  // loopback: not in scope
    CHECK_FALSE(book.dial(drawn(2, i), {address(127, 5)}, {address(10, 9)}, Instant(1s), out,
                          source_of_neighbor(key(9))));
  CHECK(book.size() == 0);
}

TEST_CASE("AnchorsAreDialledBeforeAllOthers") {
  AddressBook book(1);
  Outputs out;
  const Instant start(100s);
  for (std::uint8_t i = 1; i <= 9; ++i) book.restore({key(i), address(11, i), 1, 0}, start);
  book.restore({key(5), address(11, 5), 1, 0, true}, start);
  book.restore({key(7), address(11, 7), 1, 0, true}, start);
  const auto first = due(book, {}, start);
  REQUIRE(first.size() == 2);
  CHECK(first[0].node == key(5));
  CHECK(first[1].node == key(7));
  CHECK(due(book, {}, start + 1s).empty());
  CHECK(*book.next_deadline() == start + limits::kAnchorsFirst);
  SUBCASE("until they are there") {
    book.on_connected(key(5), address(11, 5), out);
    CHECK(due(book, {}, start + 1s).empty());
    book.on_connected(key(7), address(11, 7), out);
    CHECK(due(book, {}, start + 1s).size() == 7);
  }
  SUBCASE("or have failed") {
    book.on_failed(key(5), address(11, 5), start, out);
    book.on_failed(key(7), address(11, 7), start, out);
    CHECK(due(book, {}, start).size() == 7);
  }
  SUBCASE("or keep silent") {
    CHECK(due(book, {}, start + limits::kAnchorsFirst).size() == 7);
  }
}

TEST_CASE("TheBookIsBounded") {
  AddressBook book(1);
  Outputs out;
  for (std::size_t i = 0; i < limits::kPeersMax + 100; ++i) {
    NodeKey node;
    node.bytes[0] = static_cast<std::uint8_t>(i);
    node.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    node.bytes[2] = 1;
    book.learn(node, address(127, 5), Instant(1s));
  }
  CHECK(book.size() == limits::kPeersMax);
  Outputs dials;
  book.dial_due({address(127, 9)}, Instant(1s), dials);
  CHECK(dials.size() == limits::kDialsMax);  // under way at once
  CHECK_FALSE(book.next_deadline());         // an answer comes first
}

}  // namespace
}  // namespace p2pmesh
