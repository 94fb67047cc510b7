#include "p2pmesh/crypto/signature.h"

#include <cstring>

#include <sodium.h>

#include "p2pmesh/base/check.h"

namespace p2pmesh {
namespace {

class Ed25519Signer final : public Signer {
 public:
  explicit Ed25519Signer(const KeySeed& seed) {
    secret_ = static_cast<std::uint8_t*>(sodium_malloc(crypto_sign_SECRETKEYBYTES));
    P2P_CHECK(secret_ != nullptr);
    crypto_sign_seed_keypair(public_key_.data(), secret_, seed.data());
  }
  ~Ed25519Signer() override { sodium_free(secret_); }
  Ed25519Signer(const Ed25519Signer&) = delete;
  Ed25519Signer& operator=(const Ed25519Signer&) = delete;

  const PublicKey& public_key() const override { return public_key_; }
  Signature sign(ByteView message) const override {
    Signature signature;
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_);
    return signature;
  }

 private:
  PublicKey public_key_{};
  std::uint8_t* secret_ = nullptr;
};

class Ed25519Verifier final : public Verifier {
 public:
  bool verify(ByteView public_key, ByteView message, const Signature& signature) const override {
    return public_key.size() == crypto_sign_PUBLICKEYBYTES &&
           crypto_sign_verify_detached(signature.data(), message.data(), message.size(), public_key.data()) ==
               0;
  }
};

}  // namespace

bool init_crypto() {
  return sodium_init() >= 0;
}

KeySeed draw_seed() {
  KeySeed seed;
  draw_random(seed);
  return seed;
}

void draw_random(std::span<std::uint8_t> out) {
  randombytes_buf(out.data(), out.size());
}

std::uint64_t draw_random_64() {
  std::uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

bool is_signing_key(const PublicKey& key) {
  return crypto_core_ed25519_is_valid_point(key.data()) == 1;
}

std::unique_ptr<Signer> make_ed25519_signer(const KeySeed& seed) {
  return std::make_unique<Ed25519Signer>(seed);
}

const Verifier& ed25519_verifier() {
  static const Ed25519Verifier verifier;
  return verifier;
}

}  // namespace p2pmesh
