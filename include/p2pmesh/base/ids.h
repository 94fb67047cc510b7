// The 32-byte identities of the mesh, one type each, so that none is taken for another.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {

/// A fixed 32-byte identity. Ordered as a byte string; all zero means "none" where a field says so.
template <class Tag>
struct Id32 {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> bytes{};

  // In words: tables compare ids all the time, and a call for 32 bytes costs more than they do.
  friend bool operator==(const Id32& one, const Id32& other) {
    return ((one.word(0) ^ other.word(0)) | (one.word(1) ^ other.word(1)) | (one.word(2) ^ other.word(2)) |
            (one.word(3) ^ other.word(3))) == 0;
  }
  friend std::strong_ordering operator<=>(const Id32& one, const Id32& other) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t mine = to_big_endian(one.word(i));
      const std::uint64_t others = to_big_endian(other.word(i));
      if (mine != others) return mine <=> others;
    }
    return std::strong_ordering::equal;
  }
  [[nodiscard]] bool is_zero() const { return *this == Id32{}; }
  [[nodiscard]] ByteView view() const { return bytes; }
  [[nodiscard]] std::string hex() const { return format_hex(bytes); }

  /// Takes exactly 32 bytes; nothing otherwise.
  static std::optional<Id32> from_view(ByteView view) {
    if (view.size() != kSize) return std::nullopt;
    Id32 id;
    std::memcpy(id.bytes.data(), view.data(), kSize);
    return id;
  }
  /// Takes exactly 64 hexadecimal digits; nothing otherwise.
  static std::optional<Id32> from_hex(std::string_view text) {
    auto raw = parse_hex(text);
    return raw ? from_view(*raw) : std::nullopt;
  }

 private:
  [[nodiscard]] std::uint64_t word(std::size_t place) const {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + 8 * place, sizeof word);
    return word;
  }
  static std::uint64_t to_big_endian(std::uint64_t word) {
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
  }
};

using MemberKey = Id32<struct MemberKeyTag>;    ///< a person's Ed25519 public key; writes envelopes
using NodeKey = Id32<struct NodeKeyTag>;        ///< a daemon's Ed25519 public key; authenticates links
using MeshId = Id32<struct MeshIdTag>;          ///< BLAKE2b-256 over the founder's key and a nonce
using InviteKey = Id32<struct InviteKeyTag>;    ///< an Ed25519 public key made for one invite
using EnvelopeId = Id32<struct EnvelopeIdTag>;  ///< BLAKE2b-256 over everything but the signature

/// An id's share of a digest: its first eight bytes, which are a hash's already.
inline std::uint64_t id_digest(const EnvelopeId& id) {
  std::uint64_t digest = 0;
  for (int i = 7; i >= 0; --i) digest = digest << 8 | id.bytes[static_cast<std::size_t>(i)];
  return digest;
}

/// An X25519 public key, or the stand-in of the same size; all zero means "none" where a field says so.
using AgreementKey = std::array<std::uint8_t, 32>;

/// An Ed25519 signature, or the stand-in of the same size that a simulator uses.
inline constexpr std::size_t kSignatureBytes = 64;
using Signature = std::array<std::uint8_t, kSignatureBytes>;

/// Hash for tables that are never iterated in an order that shows. The ids are hashes or keys already,
/// but a key can be chosen, so all four words are mixed.
template <class Tag>
struct Id32Hash {
  std::size_t operator()(const Id32<Tag>& id) const {
    std::uint64_t words[4];
    std::memcpy(words, id.bytes.data(), sizeof words);
    std::uint64_t mixed = 0x9e3779b97f4a7c15ULL;
    for (std::uint64_t word : words) mixed = (mixed ^ word) * 0xff51afd7ed558ccdULL, mixed ^= mixed >> 32;
    return static_cast<std::size_t>(mixed);
  }
};

}  // namespace p2pmesh

template <class Tag>
struct std::hash<p2pmesh::Id32<Tag>> : p2pmesh::Id32Hash<Tag> {};
