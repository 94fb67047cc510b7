// Byte strings and their hexadecimal form. Used by every layer; holds no state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace p2pmesh {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Views the characters of `text` as bytes. The view lives as long as the text.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Views bytes as characters, unchecked for UTF-8. The view lives as long as the bytes.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal, two digits a byte.
std::string format_hex(ByteView bytes);

/// Reads what format_hex() wrote (either case). Nothing on an odd length or a foreign character.
std::optional<Bytes> parse_hex(std::string_view text);

}  // namespace p2pmesh
