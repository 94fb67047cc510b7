#include "p2pmesh/crypto/hash.h"

#include <algorithm>

#include <sodium.h>

namespace p2pmesh {
namespace {

template <std::size_t kSize>
std::array<std::uint8_t, kSize> blake2b(std::string_view tag, ByteView message) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kSize);
  const auto tag_length = static_cast<unsigned char>(tag.size());
  crypto_generichash_update(&state, &tag_length, 1);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(tag.data()), tag.size());
  crypto_generichash_update(&state, message.data(), message.size());
  std::array<std::uint8_t, kSize> digest;
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

}  // namespace

std::array<std::uint8_t, 32> hash_tagged(std::string_view tag, ByteView message) {
  return blake2b<32>(tag, message);
}

std::uint64_t hash_tagged_64(std::string_view tag, ByteView message) {
  const auto digest = blake2b<16>(tag, message);
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | digest[static_cast<std::size_t>(i)];
  return value;
}

MeshId hash_mesh(const MemberKey& founder, ByteView nonce) {
  Bytes message(founder.bytes.begin(), founder.bytes.end());
  message.insert(message.end(), nonce.begin(), nonce.end());
  return MeshId{hash_tagged("p2pmesh mesh 1", message)};
}

Bytes envelope_signing_bytes(const EnvelopeId& id) {
  constexpr std::string_view kTag = "p2pmesh signed envelope 1:";
  Bytes bytes(kTag.size() + id.bytes.size());
  std::copy(id.bytes.begin(), id.bytes.end(), std::copy(kTag.begin(), kTag.end(), bytes.begin()));
  return bytes;
}

}  // namespace p2pmesh
