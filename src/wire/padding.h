// Zeros that hide how long what is sealed is, but for steps.
#pragma once

#include <algorithm>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

inline Bytes pad(Writer& writer, std::size_t step) {
  Bytes bytes = writer.take();
  bytes.resize((bytes.size() + step - 1) / step * step);
  return bytes;
}

/// Nothing but the zeros of the padding is left, and no more of them than are needed.
inline bool is_padding(Reader& reader, std::size_t step) {
  if (!reader.ok() || reader.remaining() >= step) return false;
  const ByteView rest = reader.raw(reader.remaining());
  return std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; });
}

inline bool is_padded(ByteView bytes, std::size_t step, std::size_t bytes_max) {
  return !bytes.empty() && bytes.size() % step == 0 && bytes.size() <= bytes_max;
}

}  // namespace p2pmesh
