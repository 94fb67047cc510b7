#include "p2pmesh/wire/beacon.h"

#include <algorithm>

#include "net_address_codec.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "rendezvous_fields.h"

namespace p2pmesh {
namespace {

constexpr std::array<std::uint8_t, 5> kMagic = {'p', '2', 'p', 'b', 1};  // the last is the version
constexpr std::uint64_t kTagPeriodMs = 600'000;

constexpr std::size_t kMostBytes =
    kMagic.size() + NodeKey::kSize + 8 + 2 + (1 + limits::kNameBytesMax) + (1 + limits::kAddressesMax * 17) +
    (1 + limits::kBeaconMeshesMax * (MeshId::kSize + 4 + 1 + limits::kRendezvousLabelBytesMax)) +
    (1 + limits::kBeaconTagsMax * BeaconTag{}.size()) + kSignatureBytes;
static_assert(kMostBytes <= limits::kBeaconBytesMax);

void write_beacon_addresses(Writer& writer, const Beacon& beacon) {
  writer.u8(static_cast<std::uint8_t>(beacon.addresses.size()));
  for (const NetAddress& address : beacon.addresses)
    writer.u8(address.v6 ? 6 : 4).raw(ByteView(address.ip).first(address.v6 ? 16 : 4));
}

void read_beacon_addresses(Reader& reader, Beacon& beacon) {
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kAddressesMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    NetAddress address;
    const std::uint8_t family = reader.u8();
    if (family != 4 && family != 6) return reader.refuse();
    address.v6 = family == 6;
    const ByteView ip = reader.raw(address.v6 ? 16 : 4);
    std::copy(ip.begin(), ip.end(), address.ip.begin());
    address.port = beacon.port;
    beacon.addresses.push_back(address);
  }
}

void read_meshes(Reader& reader, Beacon& beacon) {
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kBeaconMeshesMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    OpenMesh open;
    open.mesh = reader.id<MeshId>();
    open.online = reader.u32();
    open.label = read_text(reader, 0, limits::kRendezvousLabelBytesMax);
    const bool is_new = std::none_of(beacon.meshes.begin(), beacon.meshes.end(),
                                     [&](const OpenMesh& other) { return other.mesh == open.mesh; });
    if (!is_new) reader.refuse();
    beacon.meshes.push_back(std::move(open));
  }
}

void read_tags(Reader& reader, Beacon& beacon) {
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kBeaconTagsMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    BeaconTag tag{};
    const ByteView view = reader.raw(tag.size());
    std::copy(view.begin(), view.end(), tag.begin());
    if (i > 0 && tag <= beacon.tags.back()) reader.refuse();
    beacon.tags.push_back(tag);
  }
}

void write_unsigned(Writer& writer, const Beacon& beacon) {
  writer.raw(kMagic).id(beacon.node).u64(beacon.wall_ms).u16(beacon.port);
  write_text(writer, beacon.name);
  write_beacon_addresses(writer, beacon);
  writer.u8(static_cast<std::uint8_t>(beacon.meshes.size()));
  for (const OpenMesh& open : beacon.meshes) {
    writer.id(open.mesh).u32(open.online);
    write_text(writer, open.label);
  }
  writer.u8(static_cast<std::uint8_t>(beacon.tags.size()));
  for (const BeaconTag& tag : beacon.tags) writer.raw(tag);
}

Writer begin_signing_bytes() {
  Writer writer;
  writer.raw(as_bytes("p2pmesh beacon 1:"));
  return writer;
}

}  // namespace

Bytes encode_beacon(const Beacon& beacon) {
  Writer writer;
  write_unsigned(writer, beacon);
  return writer.raw(beacon.signature).take();
}

std::optional<NodeKey> peek_beacon_node(ByteView bytes) {
  if (bytes.size() > limits::kBeaconBytesMax) return std::nullopt;
  Reader reader(bytes);
  const ByteView magic = reader.raw(kMagic.size());
  const auto node = reader.id<NodeKey>();
  if (!reader.ok() || !std::equal(magic.begin(), magic.end(), kMagic.begin())) return std::nullopt;
  return node;
}

std::optional<Beacon> decode_beacon(ByteView bytes) {
  const auto node = peek_beacon_node(bytes);
  if (!node) return std::nullopt;
  Reader reader(bytes.subspan(kMagic.size() + NodeKey::kSize));
  Beacon beacon;
  beacon.node = *node;
  beacon.wall_ms = reader.u64();
  beacon.port = reader.u16();
  beacon.name = read_text(reader, 0, limits::kNameBytesMax);
  read_beacon_addresses(reader, beacon);
  read_meshes(reader, beacon);
  read_tags(reader, beacon);
  read_signature(reader, beacon.signature);
  const bool is_empty =
      beacon.name.empty() && beacon.addresses.empty() && beacon.meshes.empty() && beacon.tags.empty();
  if (beacon.is_farewell() && !is_empty) return std::nullopt;
  return taken_whole(reader, beacon);
}

Bytes beacon_signing_bytes(const Beacon& beacon) {
  Writer writer = begin_signing_bytes();
  write_unsigned(writer, beacon);
  return writer.take();
}

Bytes beacon_signing_bytes(ByteView encoded) {
  Writer writer = begin_signing_bytes();
  return writer.raw(encoded.first(encoded.size() - std::min(encoded.size(), kSignatureBytes))).take();
}

Bytes beacon_tag_bytes(const MeshId& mesh, const NodeKey& node, WallMs wall_ms) {
  Writer writer;
  return writer.id(mesh).id(node).u64(wall_ms / kTagPeriodMs).take();
}

}  // namespace p2pmesh
