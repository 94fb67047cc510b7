// What one member says to another with whom it shares no mesh, sealed in an Ask: p2pmesh-protocol(7),
// STRANGERS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

/// What a hello wants, and a welcome names, where a request is to be handed over and no mesh is meant.
inline constexpr MeshId kStrangersMesh = [] {
  constexpr std::string_view kWords = "p2pmesh strangers";
  MeshId mesh;
  for (std::size_t i = 0; i < kWords.size(); ++i) mesh.bytes[i] = static_cast<std::uint8_t>(kWords[i]);
  return mesh;
}();

/// What stands in a mesh's place where none is meant; no mesh has such an id.
inline bool is_reserved(const MeshId& mesh) {
  return mesh == kRendezvousMesh || mesh == kStrangersMesh;
}

struct StrangerRequest {
  enum class Kind : std::uint8_t {
    kAsk = 1,      ///< the invite leads into a closed mesh that is there for the two
    kDecline = 2,  ///< of an ask that came; its mesh alone counts
  };
  Kind kind = Kind::kAsk;
  std::string name;   ///< of who says it, as it is claimed; 1 to kNameBytesMax bytes
  InviteLink invite;  ///< at most kAddressesMax addresses of at most 255 bytes
};

/// At most kAskBytesMax with what sealing adds.
Bytes encode_stranger_request(const StrangerRequest& request);
/// Nothing unless it is exactly what encode_stranger_request() gives.
std::optional<StrangerRequest> decode_stranger_request(ByteView bytes);

}  // namespace p2pmesh
