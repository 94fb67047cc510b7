// The body of a text envelope: 1 to 512 messages of one room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {

/// True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Encodes messages; the caller keeps to kMessagesPerEnvelopeMax, kMessageBytesMax, kTextBodyBytesMax.
Bytes encode_text_body(const std::vector<std::string>& messages);

/// The messages, or nothing when malformed: no message, too many, one too long or empty or not UTF-8,
/// or bytes left over.
std::optional<std::vector<std::string>> decode_text_body(ByteView body);

/// Bytes that one more message of this length adds to a body.
std::size_t text_message_bytes(std::size_t message_length);

/// How many messages the body holds, 0 when malformed; cheaper than decoding them.
std::size_t count_text_messages(ByteView body);

}  // namespace p2pmesh
