// Walks over text that may not be UTF-8, one code point or one ill-formed byte at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include <utf8proc.h>

namespace p2pmesh {

/// A code point and its bytes; `value` is -1 for a byte that begins no well-formed sequence.
struct Codepoint {
  std::int32_t value = -1;
  std::string_view bytes;
};

/// The first code point of a text, which must not be empty.
inline Codepoint first_codepoint(std::string_view text) {
  std::int32_t value = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (length <= 0) return {-1, text.substr(0, 1)};
  return {value, text.substr(0, static_cast<std::size_t>(length))};
}

/// Calls `take` with each code point of `text` in turn.
template <class Take>
void for_each_codepoint(std::string_view text, Take take) {
  while (!text.empty()) {
    const Codepoint codepoint = first_codepoint(text);
    take(codepoint);
    text.remove_prefix(codepoint.bytes.size());
  }
}

}  // namespace p2pmesh
