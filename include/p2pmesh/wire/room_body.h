// Bodies of what concerns one room but is no plain text: its topic, and what is sealed in a private room.
// p2pmesh-protocol(7). Pure: the keys are the core's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

/// A topic that may be set: UTF-8 of at most kTopicBytesMax bytes; empty clears it.
bool is_topic(std::string_view text);

/// The body of a topic envelope is the topic itself. Nothing when it may not be set.
std::optional<std::string> decode_topic(ByteView body);

/// An envelope whose body is sealed for those who hold the key of its room.
bool is_sealed_room(const Envelope& envelope);

/// What a member says or sets in a private room.
struct RoomContent {
  std::vector<std::string> texts;                   ///< 1 to 512, or none and
  std::optional<std::string> topic = std::nullopt;  ///< what may be one

  bool operator==(const RoomContent&) const = default;
};
using RoomContentPtr = std::shared_ptr<const RoomContent>;

/// With zeros up to the next multiple of kRoomPadding bytes.
Bytes encode_room_content(const RoomContent& content);
std::optional<RoomContent> decode_room_content(ByteView padded);
/// Bytes that the encoded content takes beside the text body or the topic.
inline constexpr std::size_t kBesideRoomContent = 5;

/// What everybody sees of a sealed envelope.
struct SealedRoomBody {
  std::array<std::uint8_t, 24> nonce{};
  Bytes sealed;
};
Bytes encode_sealed_room_body(const SealedRoomBody& body);
std::optional<SealedRoomBody> decode_sealed_room_body(ByteView body);

/// The facts of its header that what is sealed is bound to, so that nobody can show it elsewhere.
Bytes room_sealing_bytes(const Envelope& place);

}  // namespace p2pmesh
