// What every codec is held to: bytes that decode re-encode to the same bytes, whatever was done to them.
#pragma once

#include <cstdint>
#include <optional>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/wire/frame.h"

#include <doctest/doctest.h>

namespace p2pmesh::test {

/// 32 bytes that count up from `first`.
template <class Id>
Id id_from(std::uint8_t first) {
  Id id;
  for (std::size_t i = 0; i < Id::kSize; ++i) id.bytes[i] = static_cast<std::uint8_t>(first + i);
  return id;
}

inline Signature signature_from(std::uint8_t first) {
  Signature signature;
  for (std::size_t i = 0; i < signature.size(); ++i) signature[i] = static_cast<std::uint8_t>(first + i);
  return signature;
}

inline Bytes payload_of(const Bytes& frame) {
  return {frame.begin() + limits::kFrameHeaderBytes, frame.end()};
}

/// Cuts the bytes at every place, adds one, and sets every byte to each of the other 255 values. What is
/// taken all the same must encode to exactly what was given. `cuts_are_refused`: no shorter form is
/// well-formed.
template <class Decode, class Encode>
void check_canonical(const Bytes& whole, Decode decode, Encode encode, bool cuts_are_refused = true) {
  const auto takes = [&](const Bytes& bytes, bool& same) {
    const auto decoded = decode(ByteView(bytes));
    same = !decoded || encode(*decoded) == bytes;
    return decoded.has_value();
  };
  bool same = false;
  REQUIRE(takes(whole, same));
  REQUIRE(same);
  std::size_t changed = 0;  // taken, and encoded to something else
  std::size_t cut_taken = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    cut_taken += takes(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), same) ? 1 : 0;
    changed += same ? 0 : 1;
  }
  Bytes longer = whole;
  longer.push_back(0);
  cut_taken += takes(longer, same) ? 1 : 0;
  changed += same ? 0 : 1;
  Bytes other = whole;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      other[i] = static_cast<std::uint8_t>(value);
      takes(other, same);
      changed += same ? 0 : 1;
    }
    other[i] = whole[i];
  }
  CHECK(changed == 0);
  if (cuts_are_refused) CHECK(cut_taken == 0);
}

}  // namespace p2pmesh::test
