#include "peer_source.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

NetAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  NetAddress address;
  address.ip = {a, b, c, d};
  return address;
}

NetAddress v6(std::array<std::uint8_t, 16> ip) {
  NetAddress address;
  address.v6 = true;
  address.ip = ip;
  return address;
}

TEST_CASE("PublicNetworksAreOfSixteenAndThirtyTwoBits") {
  CHECK(network_of(v4(8, 8, 1, 1)) == network_of(v4(8, 8, 200, 9)));
  CHECK(network_of(v4(8, 8, 1, 1)) != network_of(v4(8, 9, 1, 1)));
  CHECK(network_of(v6({0x20, 1, 0xD, 0xB8, 1})) == network_of(v6({0x20, 1, 0xD, 0xB8, 2})));
  CHECK(network_of(v6({0x20, 1, 0xD, 0xB8})) != network_of(v6({0x20, 1, 0xD, 0xB9})));
}

TEST_CASE("PrivateNetworksAreSmaller") {
  CHECK(network_of(v4(10, 1, 2, 3)) == network_of(v4(10, 1, 2, 4)));
  CHECK(network_of(v4(10, 1, 2, 3)) != network_of(v4(10, 1, 3, 3)));
  CHECK(network_of(v4(192, 168, 1, 1)) != network_of(v4(192, 168, 2, 1)));
  CHECK(network_of(v4(172, 31, 1, 1)) != network_of(v4(172, 31, 2, 1)));
  CHECK(network_of(v4(172, 32, 1, 1)) == network_of(v4(172, 32, 2, 1)));
  CHECK(network_of(v6({0xFD, 1, 2, 3, 4, 5, 6, 7})) != network_of(v6({0xFD, 1, 2, 3, 4, 5, 6, 8})));
}

TEST_CASE("LoopbackIsNoNetworkAndAMappedAddressIsTheOneInIt") {
  CHECK(network_of(v4(127, 0, 0, 1)) == 0);
  CHECK(network_of(v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})) == 0);
  CHECK(network_of(v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 8, 8, 1, 1})) == network_of(v4(8, 8, 1, 1)));
}

TEST_CASE("SourcesOfKeysAndOfNetworksAreDifferent") {
  CHECK(source_of_network(v4(127, 0, 0, 1)) == 0);
  CHECK(source_of_network(v4(8, 8, 1, 1)) == source_of_network(v4(8, 8, 2, 1)));
  CHECK(source_of_neighbor(NodeKey{}) != 0);
  CHECK(source_of_neighbor(NodeKey{}) != source_of_network(v4(8, 8, 1, 1)));
}

}  // namespace
}  // namespace p2pmesh
