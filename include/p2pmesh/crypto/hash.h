// BLAKE2b with a domain tag, so that what is hashed for one purpose never stands for another.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// BLAKE2b-256 over one byte of tag length, the tag, then the message.
std::array<std::uint8_t, 32> hash_tagged(std::string_view tag, ByteView message);

/// The first 64 bits of BLAKE2b-128 over tag and message; for digests that are compared, not trusted.
std::uint64_t hash_tagged_64(std::string_view tag, ByteView message);

/// The id of an envelope, over everything but its signature.
inline EnvelopeId hash_envelope(ByteView unsigned_bytes) {
  return EnvelopeId{hash_tagged("p2pmesh envelope 1", unsigned_bytes)};
}

/// The id of a mesh: its founder's key and 16 bytes that the founder drew.
MeshId hash_mesh(const MemberKey& founder, ByteView nonce);

/// What an author signs: a tag and the id, which stands for every other byte.
Bytes envelope_signing_bytes(const EnvelopeId& id);

}  // namespace p2pmesh
