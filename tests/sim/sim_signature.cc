#include "sim_signature.h"

#include <cstring>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "draw.h"
#include "p2pmesh/base/bytes.h"
#include "sim_agreement.h"

namespace p2pmesh::sim {
namespace {

/// As crypto/hash.h writes it: a tag, then the id.
constexpr std::string_view kEnvelopeTag = "p2pmesh signed envelope 1:";

KeySeed seed_of_node(std::uint64_t world_seed, std::uint32_t number) {
  KeySeed seed{};
  Random random(derive_seed(world_seed, 0x5eedULL + number));
  for (std::size_t i = 0; i < seed.size(); i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(seed.data() + i, &word, 8);
  }
  return seed;
}

void note_envelope(SignedLog& log, const PublicKey& key, ByteView message) {
  if (message.size() != kEnvelopeTag.size() + EnvelopeId::kSize) return;
  if (as_text(message.first(kEnvelopeTag.size())) != kEnvelopeTag) return;
  log.note(to_member(key), *EnvelopeId::from_view(message.last(EnvelopeId::kSize)));
}

Signature hash_signature(std::uint64_t secret, ByteView key, ByteView message) {
  std::uint64_t words[4];
  std::memcpy(words, key.data(), sizeof words);
  std::uint64_t keyed = secret;
  for (std::uint64_t word : words) keyed = (keyed ^ word) * 0x9e3779b97f4a7c15ULL, keyed ^= keyed >> 29;
  const XXH128_hash_t hash = XXH3_128bits_withSeed(message.data(), message.size(), keyed);
  Signature signature{};
  const std::uint64_t parts[8] = {hash.low64,         hash.high64,         ~hash.low64,
                                  ~hash.high64,       hash.low64 ^ secret, hash.high64 ^ keyed,
                                  hash.low64 + keyed, hash.high64 + 1};
  std::memcpy(signature.data(), parts, sizeof parts);
  return signature;
}

class StandInVerifier final : public Verifier {
 public:
  explicit StandInVerifier(std::uint64_t secret) : secret_(secret) {}
  [[nodiscard]] bool verify(ByteView key, ByteView message, const Signature& signature) const override {
    return key.size() == 32 && hash_signature(secret_, key, message) == signature;
  }

 private:
  std::uint64_t secret_;
};

class StandInSigner final : public Signer {
 public:
  StandInSigner(std::uint64_t secret, const PublicKey& key, SignedLog& log)
      : secret_(secret), key_(key), log_(log) {}
  [[nodiscard]] const PublicKey& public_key() const override { return key_; }
  [[nodiscard]] Signature sign(ByteView message) const override {
    note_envelope(log_, key_, message);
    return hash_signature(secret_, key_, message);
  }

 private:
  std::uint64_t secret_;
  PublicKey key_;
  SignedLog& log_;
};

class StandInScheme final : public SignatureScheme {
 public:
  explicit StandInScheme(std::uint64_t seed)
      : seed_(seed), secret_(derive_seed(seed, 0x5ec2e7)), verifier_(secret_) {}
  std::unique_ptr<Signer> make_signer(std::uint32_t number) override {
    return std::make_unique<StandInSigner>(secret_, seed_of_node(seed_, number), signed_log());
  }
  [[nodiscard]] const Verifier& verifier() const override { return verifier_; }
  std::unique_ptr<KeyAgreement> make_agreement(std::uint32_t number) override {
    return make_stand_in_agreement(secret_, to_member(seed_of_node(seed_, number)));
  }

 private:
  std::uint64_t seed_;
  std::uint64_t secret_;
  StandInVerifier verifier_;
};

class Ed25519Recorder final : public Signer {
 public:
  Ed25519Recorder(std::unique_ptr<Signer> inner, SignedLog& log) : inner_(std::move(inner)), log_(log) {}
  [[nodiscard]] const PublicKey& public_key() const override { return inner_->public_key(); }
  [[nodiscard]] Signature sign(ByteView message) const override {
    note_envelope(log_, inner_->public_key(), message);
    return inner_->sign(message);
  }

 private:
  std::unique_ptr<Signer> inner_;
  SignedLog& log_;
};

class Ed25519Scheme final : public SignatureScheme {
 public:
  explicit Ed25519Scheme(std::uint64_t seed) : seed_(seed) { init_crypto(); }
  std::unique_ptr<Signer> make_signer(std::uint32_t number) override {
    return std::make_unique<Ed25519Recorder>(make_ed25519_signer(seed_of_node(seed_, number)), signed_log());
  }
  [[nodiscard]] const Verifier& verifier() const override { return ed25519_verifier(); }
  std::unique_ptr<KeyAgreement> make_agreement(std::uint32_t number) override {
    return make_x25519_agreement(seed_of_node(seed_, number));
  }

 private:
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<SignatureScheme> make_stand_in_scheme(std::uint64_t world_seed) {
  return std::make_unique<StandInScheme>(world_seed);
}

std::unique_ptr<SignatureScheme> make_ed25519_scheme(std::uint64_t world_seed) {
  return std::make_unique<Ed25519Scheme>(world_seed);
}

}  // namespace p2pmesh::sim
