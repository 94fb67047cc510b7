// Signed envelopes and a door to bring them to.
#pragma once

#include <string>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/ingress/ingress.h"
#include "p2pmesh/wire/text_body.h"

#include <doctest/doctest.h>

namespace p2pmesh::test {

/// Ed25519, counting how often it was asked.
class CountingVerifier final : public Verifier {
 public:
  bool verify(ByteView key, ByteView message, const Signature& signature) const override {
    ++asked;
    return ed25519_verifier().verify(key, message, signature);
  }
  mutable std::size_t asked = 0;
};

/// A member who writes text envelopes one after the other.
class TestAuthor {
 public:
  TestAuthor(std::uint8_t seed_byte, const MeshId& mesh) : mesh_(mesh) {
    REQUIRE(init_crypto());
    KeySeed seed;
    seed.fill(seed_byte);
    signer_ = make_ed25519_signer(seed);
  }
  [[nodiscard]] Envelope next(const std::string& text = "hello") {
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kText);
    envelope.mesh = mesh_;
    envelope.room = "#lobby";
    envelope.author = to_member(signer_->public_key());
    envelope.epoch = 1000;
    envelope.wall_ms = 2000 + seq_;
    envelope.seq = ++seq_;
    if (seq_ > 1) envelope.prev.bytes.fill(1);
    envelope.depth = seq_;
    envelope.body = encode_text_body({text});
    sign(envelope);
    return envelope;
  }
  void sign(Envelope& envelope) const {
    envelope.signature = signer_->sign(envelope_signing_bytes(hash_envelope(encode_unsigned(envelope))));
  }
  [[nodiscard]] Bytes next_encoded() { return encode_envelope(next()); }

 private:
  MeshId mesh_;
  std::unique_ptr<Signer> signer_;
  std::uint64_t seq_ = 0;
};

inline MeshId test_mesh() {
  MeshId mesh;
  mesh.bytes.fill(0x77);
  return mesh;
}

struct Door {
  SeenTable seen{SeenTableOptions{}};
  CountingVerifier verifier;
  Ingress ingress{test_mesh(), seen, verifier};
  Now now{Instant(std::chrono::hours(1)), 1795269600000};

  Admission admit(ByteView encoded, Path path = Path::kLive) { return ingress.admit(encoded, path, now); }
  Verdict verdict(ByteView encoded, Path path = Path::kLive) { return admit(encoded, path).verdict; }
};

}  // namespace p2pmesh::test
