#include "passive_view.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

constexpr std::size_t kSize = 48;

PeerEntry peer(std::uint8_t group, std::uint32_t number) {
  PeerEntry entry;
  for (std::size_t i = 0; i < 4; ++i) entry.node.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  entry.node.bytes[4] = group;
  NetAddress address;
  address.ip = {static_cast<std::uint8_t>(11 + number % 50), static_cast<std::uint8_t>(number / 50), 1,
                group};
  address.port = 5;
  entry.addresses.push_back(address);
  return entry;
}

PeerSource source(std::uint8_t byte) {
  NodeKey node;
  node.bytes[0] = byte;
  return source_of_neighbor(node);
}

/// Full of what eight neighbors told.
struct Fixture {
  Fixture() {
    for (std::uint32_t i = 0; i < kSize; ++i) view.add(peer(1, i), source(static_cast<std::uint8_t>(i % 8)));
  }
  [[nodiscard]] std::size_t honest() const {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < kSize; ++i) count += view.contains(peer(1, i).node) ? 1 : 0;
    return count;
  }
  Random random{1};
  PassiveView view{kSize, random};
};

TEST_CASE_FIXTURE(Fixture, "OneWhoTellsOfAHundredThousandHasAnEighth") {
  std::vector<PeerEntry> told;
  for (std::uint32_t i = 0; i < 8; ++i) told.push_back(peer(1, i));
  for (std::uint32_t i = 0; i < 100'000; ++i) view.add(peer(2, i), source(99), told);
  CHECK(honest() == kSize - kSize / 8);
}

TEST_CASE_FIXTURE(Fixture, "OneNetworkHasAQuarterWhoeverTellsOfIt") {
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    PeerEntry entry = peer(2, i);
    entry.addresses[0].ip = {200, 1, static_cast<std::uint8_t>(i), 1};
    view.add(entry, source(static_cast<std::uint8_t>(100 + i % 100)));
  }
  CHECK(honest() >= kSize - kSize / 4);
  CHECK(honest() < kSize);
}

TEST_CASE_FIXTURE(Fixture, "WhatWasToldToOthersGoesFirst") {
  view.add(peer(2, 1), source(99), {peer(1, 17)});
  CHECK_FALSE(view.contains(peer(1, 17).node));
  CHECK(honest() == kSize - 1);
  CHECK(view.source_of(peer(2, 1).node) == source(99));
  view.remove(peer(1, 0).node);
  CHECK(view.source_of(peer(2, 1).node) == source(99));
  CHECK(view.source_of(peer(1, 0).node) == 0);
}

TEST_CASE("AViewWithRoomTakesEverybody") {
  Random random(1);
  PassiveView view(kSize, random);
  for (std::uint32_t i = 0; i < kSize; ++i) view.add(peer(1, i), source(1));
  CHECK(view.size() == kSize);
}

}  // namespace
}  // namespace p2pmesh
