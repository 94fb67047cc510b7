#include "p2pmesh/crypto/sealing.h"

#include <sodium.h>

#include "p2pmesh/base/check.h"

namespace p2pmesh {
namespace {

static_assert(kSealBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
// Each key seals once.
constexpr SealNonce kNonce{};
static_assert(kNonce.size() == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);

class X25519Agreement final : public KeyAgreement {
 public:
  explicit X25519Agreement(const KeySeed& seed) {
    PublicKey signing_public{};
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> signing_secret{};
    crypto_sign_seed_keypair(signing_public.data(), signing_secret.data(), seed.data());
    P2P_CHECK(crypto_sign_ed25519_sk_to_curve25519(own_.secret.data(), signing_secret.data()) == 0);
    P2P_CHECK(crypto_scalarmult_base(own_.public_key.data(), own_.secret.data()) == 0);
    sodium_memzero(signing_secret.data(), signing_secret.size());
  }
  ~X25519Agreement() override { sodium_memzero(own_.secret.data(), own_.secret.size()); }
  X25519Agreement(const X25519Agreement&) = delete;
  X25519Agreement& operator=(const X25519Agreement&) = delete;

  const AgreementKeys& own() const override { return own_; }
  std::optional<PublicKey> key_of(const MemberKey& member) const override {
    PublicKey key{};
    if (crypto_sign_ed25519_pk_to_curve25519(key.data(), member.bytes.data()) != 0) return std::nullopt;
    return key;
  }
  AgreementKeys make_keys(const KeySeed& seed) const override {
    AgreementKeys keys;
    keys.secret = seed;
    P2P_CHECK(crypto_scalarmult_base(keys.public_key.data(), keys.secret.data()) == 0);
    return keys;
  }
  std::optional<SharedSecret> agree(const AgreementKeys& mine, const PublicKey& theirs) const override {
    SharedSecret shared{};
    if (crypto_scalarmult(shared.data(), mine.secret.data(), theirs.data()) != 0) return std::nullopt;
    return shared;
  }

 private:
  AgreementKeys own_;
};

}  // namespace

std::unique_ptr<KeyAgreement> make_x25519_agreement(const KeySeed& seed) {
  return std::make_unique<X25519Agreement>(seed);
}

Bytes seal_once(const SharedSecret& key, ByteView plain) {
  return seal_bound(key, kNonce, plain, {});
}

std::optional<Bytes> open_sealed(const SharedSecret& key, ByteView sealed) {
  return open_bound(key, kNonce, sealed, {});
}

Bytes seal_bound(const SharedSecret& key, const SealNonce& nonce, ByteView plain, ByteView bound_to) {
  Bytes sealed(plain.size() + kSealBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plain.data(), plain.size(),
                                             bound_to.data(), bound_to.size(), nullptr, nonce.data(),
                                             key.data());
  return sealed;
}

std::optional<Bytes> open_bound(const SharedSecret& key, const SealNonce& nonce, ByteView sealed,
                                ByteView bound_to) {
  if (sealed.size() < kSealBytes) return std::nullopt;
  Bytes plain(sealed.size() - kSealBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                 bound_to.data(), bound_to.size(), nonce.data(),
                                                 key.data()) != 0)
    return std::nullopt;
  return plain;
}

}  // namespace p2pmesh
