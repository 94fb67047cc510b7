#include "p2pmesh/wire/beacon.h"

#include <doctest/doctest.h>

#include "canonical.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

NetAddress address_of(bool v6, std::uint8_t last, std::uint16_t port) {
  NetAddress address;
  address.v6 = v6;
  address.ip[0] = v6 ? 0xFE : 10;
  address.ip[v6 ? 15 : 3] = last;
  address.port = port;
  return address;
}

Beacon beacon_like_alices() {
  Beacon beacon;
  beacon.node = id_from<NodeKey>(1);
  beacon.wall_ms = 0x0102030405060708;
  beacon.port = 9750;
  beacon.name = "Alice";
  beacon.addresses = {address_of(false, 1, 9750), address_of(true, 2, 9750)};
  beacon.meshes = {{id_from<MeshId>(9), 3, "Alice"}, {id_from<MeshId>(5), 1, ""}};
  beacon.tags = {{1, 2, 3}, {1, 2, 4}};
  beacon.signature = signature_from(7);
  return beacon;
}

Beacon fullest_beacon() {
  Beacon beacon = beacon_like_alices();
  beacon.name.assign(limits::kNameBytesMax, 'a');
  beacon.addresses.clear();
  beacon.meshes.clear();
  beacon.tags.clear();
  for (std::size_t i = 0; i < limits::kAddressesMax; ++i)
    beacon.addresses.push_back(address_of(true, static_cast<std::uint8_t>(i), 9750));
  for (std::size_t i = 0; i < limits::kBeaconMeshesMax; ++i)
    beacon.meshes.push_back({id_from<MeshId>(static_cast<std::uint8_t>(i)), 1,
                             std::string(limits::kRendezvousLabelBytesMax, 'b')});
  for (std::size_t i = 0; i < limits::kBeaconTagsMax; ++i)
    beacon.tags.push_back({static_cast<std::uint8_t>(i)});
  return beacon;
}

}  // namespace

TEST_CASE("ABeaconComesBackAsItWasAndHasOneForm") {
  const Beacon beacon = beacon_like_alices();
  const Bytes bytes = encode_beacon(beacon);
  const auto decoded = decode_beacon(bytes);
  REQUIRE(decoded);
  CHECK(decoded->node == beacon.node);
  CHECK(decoded->wall_ms == beacon.wall_ms);
  CHECK(decoded->port == 9750);
  CHECK(decoded->name == "Alice");
  CHECK(decoded->addresses == beacon.addresses);
  CHECK(decoded->meshes == beacon.meshes);
  CHECK(decoded->tags == beacon.tags);
  CHECK(decoded->signature == beacon.signature);
  CHECK(peek_beacon_node(bytes) == beacon.node);
  check_canonical(
      bytes, [](ByteView view) { return decode_beacon(view); },
      [](const Beacon& one) { return encode_beacon(one); });
}

TEST_CASE("WhatIsSignedIsAllButTheSignatureAndOfThisPurpose") {
  const Beacon beacon = beacon_like_alices();
  const Bytes bytes = encode_beacon(beacon);
  const Bytes signing = beacon_signing_bytes(beacon);
  CHECK(signing == beacon_signing_bytes(ByteView(bytes)));
  CHECK(std::string(as_text(signing)).starts_with("p2pmesh beacon 1:"));
  Beacon other = beacon;
  other.signature = signature_from(8);
  CHECK(beacon_signing_bytes(other) == signing);
  other.addresses.front().ip[1] = 1;
  CHECK(beacon_signing_bytes(other) != signing);
}

TEST_CASE("TheFullestBeaconFitsOneDatagramAndOneItemMoreIsRefused") {
  const Beacon full = fullest_beacon();
  CHECK(encode_beacon(full).size() <= limits::kBeaconBytesMax);
  REQUIRE(decode_beacon(encode_beacon(full)));
  Beacon more = full;
  more.addresses.push_back(address_of(false, 1, 9750));
  CHECK_FALSE(decode_beacon(encode_beacon(more)));
  more = full;
  more.meshes.push_back({id_from<MeshId>(200), 1, ""});
  CHECK_FALSE(decode_beacon(encode_beacon(more)));
  more = full;
  more.tags.push_back({0xFF});
  CHECK_FALSE(decode_beacon(encode_beacon(more)));
  more = full;
  more.name += 'a';
  CHECK_FALSE(decode_beacon(encode_beacon(more)));
  more = full;
  more.meshes.front().label += 'b';
  CHECK_FALSE(decode_beacon(encode_beacon(more)));
  CHECK_FALSE(decode_beacon(Bytes(limits::kBeaconBytesMax + 1, 0)));
}

TEST_CASE("TagsAscendAndMeshesAreToldOnce") {
  Beacon beacon = beacon_like_alices();
  std::swap(beacon.tags[0], beacon.tags[1]);
  CHECK_FALSE(decode_beacon(encode_beacon(beacon)));
  beacon.tags[0] = beacon.tags[1];
  CHECK_FALSE(decode_beacon(encode_beacon(beacon)));
  beacon = beacon_like_alices();
  beacon.meshes[1].mesh = beacon.meshes[0].mesh;
  CHECK_FALSE(decode_beacon(encode_beacon(beacon)));
}

TEST_CASE("AFarewellTellsNothingElse") {
  Beacon farewell;
  farewell.node = id_from<NodeKey>(1);
  farewell.wall_ms = 5;
  const auto decoded = decode_beacon(encode_beacon(farewell));
  REQUIRE(decoded);
  CHECK(decoded->is_farewell());
  CHECK_FALSE(decoded->is_question());
  farewell.name = "Alice";
  CHECK_FALSE(decode_beacon(encode_beacon(farewell)));
}

TEST_CASE("WhoIsInNoMeshAsksWhoIs") {
  Beacon beacon = beacon_like_alices();
  CHECK_FALSE(beacon.is_question());
  beacon.meshes.clear();
  CHECK_FALSE(beacon.is_question());
  beacon.tags.clear();
  CHECK(beacon.is_question());
  CHECK(decode_beacon(encode_beacon(beacon)));
}

TEST_CASE("ATagIsOfOneMeshOneNodeAndTenMinutes") {
  const auto mesh = id_from<MeshId>(1);
  const auto node = id_from<NodeKey>(2);
  const Bytes tag = beacon_tag_bytes(mesh, node, 600'000);
  CHECK(tag == beacon_tag_bytes(mesh, node, 1'199'999));
  CHECK(tag != beacon_tag_bytes(mesh, node, 1'200'000));
  CHECK(tag != beacon_tag_bytes(id_from<MeshId>(3), node, 600'000));
  CHECK(tag != beacon_tag_bytes(mesh, id_from<NodeKey>(3), 600'000));
}
