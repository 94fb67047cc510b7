#include "p2pmesh/crypto/hash.h"

#include "p2pmesh/crypto/signature.h"

#include <doctest/doctest.h>

using namespace p2pmesh;

TEST_CASE("a tagged hash is BLAKE2b over the tag's length, the tag and the message") {
  REQUIRE(init_crypto());
  // From Python's hashlib.
  CHECK(hash_envelope(as_bytes("abc")).hex() ==
        "273a9b9b7725a9711e36a09c21eb0db1a9b50901402d16cd0e6c85fba932f306");
  CHECK(format_hex(hash_tagged("", {})) ==
        "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314");
  CHECK(hash_tagged_64("held log", as_bytes("abc")) == 0xe0eaf2bc4103777aULL);
}

TEST_CASE("tags keep purposes apart") {
  const ByteView message = as_bytes("same message");
  CHECK(hash_tagged("a", message) != hash_tagged("b", message));
  CHECK(hash_tagged("", message) != hash_tagged("a", message));
  CHECK(hash_tagged_64("a", message) != hash_tagged_64("b", message));
  // What moves between tag and message is told apart by the tag's length.
  CHECK(hash_tagged("ab", as_bytes("c")) != hash_tagged("a", as_bytes("bc")));
  CHECK(hash_tagged("abc", {}) != hash_tagged("", as_bytes("abc")));
}

TEST_CASE("the id of a mesh depends on founder and nonce") {
  MemberKey founder;
  MemberKey other;
  other.bytes[31] = 1;
  const Bytes nonce(16, 1);
  const Bytes other_nonce(16, 2);
  CHECK(hash_mesh(founder, nonce) == hash_mesh(founder, nonce));
  CHECK(hash_mesh(founder, nonce) != hash_mesh(other, nonce));
  CHECK(hash_mesh(founder, nonce) != hash_mesh(founder, other_nonce));
}

TEST_CASE("what an author signs is the tag and the id") {
  const EnvelopeId id = hash_envelope(as_bytes("abc"));
  const Bytes bytes = envelope_signing_bytes(id);
  CHECK(as_text(bytes).substr(0, 26) == "p2pmesh signed envelope 1:");
  CHECK(format_hex(ByteView(bytes).subspan(26)) == id.hex());
}
