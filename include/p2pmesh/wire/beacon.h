// What a node says of itself on the local network, one datagram at a time: p2pmesh-protocol(7), BEACON.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

/// Stands for a mesh that is not named: beacon_tag().
using BeaconTag = std::array<std::uint8_t, 16>;

struct Beacon {
  NodeKey node;
  WallMs wall_ms = 0;                      ///< greater than in all before it
  std::uint16_t port = 0;                  ///< where the node listens; 0: it goes, and tells nothing else
  std::string name;                        ///< the member's; at most kNameBytesMax bytes
  std::vector<NetAddress> addresses = {};  ///< of the interface it goes out on, each with `port`
  std::vector<OpenMesh> meshes = {};       ///< the current one first, each once, at most kBeaconMeshesMax
  std::vector<BeaconTag> tags = {};        ///< ascending, each once, at most kBeaconTagsMax
  Signature signature{};                   ///< by the node, over beacon_signing_bytes()

  [[nodiscard]] bool is_farewell() const { return port == 0; }
  /// It is in no mesh yet, and wants to know who is there.
  [[nodiscard]] bool is_question() const { return port != 0 && meshes.empty() && tags.empty(); }
};

/// At most kBeaconBytesMax bytes.
Bytes encode_beacon(const Beacon& beacon);
/// Nothing for what encode_beacon() does not write.
std::optional<Beacon> decode_beacon(ByteView bytes);
/// How it begins, and its node's key; nothing for what is none. Cheap: for what may be a flood.
std::optional<NodeKey> peek_beacon_node(ByteView bytes);

/// A tag of what is signed for, and all but the signature.
Bytes beacon_signing_bytes(const Beacon& beacon);
/// What of an encoded beacon is signed, likewise.
Bytes beacon_signing_bytes(ByteView encoded);

/// What beacon_tag() hashes: it changes every ten minutes, by the beacon's own clock.
Bytes beacon_tag_bytes(const MeshId& mesh, const NodeKey& node, WallMs wall_ms);
inline constexpr const char* kBeaconTagDomain = "p2pmesh beacon tag 1";

}  // namespace p2pmesh
