// Secrets that two members share, and sealing with keys that are used once. Behind a seam, as signatures are:
// X25519 in the daemon, a keyed hash in the simulator. Sealing itself is XChaCha20-Poly1305 in both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

using SecretKey = std::array<std::uint8_t, 32>;
using SharedSecret = std::array<std::uint8_t, 32>;

/// Not a signing pair: its public key is for agreement alone.
struct AgreementKeys {
  PublicKey public_key{};
  SecretKey secret{};
};

/// One member's side of key agreement. Threads: any; immutable after construction.
class KeyAgreement {
 public:
  virtual ~KeyAgreement() = default;
  /// The member's own pair, which its signing key stands for.
  [[nodiscard]] virtual const AgreementKeys& own() const = 0;
  /// The agreement key that a signing key stands for; nothing when it is no point of the curve.
  [[nodiscard]] virtual std::optional<PublicKey> key_of(const MemberKey& member) const = 0;
  /// A further pair, from 32 secret bytes.
  [[nodiscard]] virtual AgreementKeys make_keys(const KeySeed& seed) const = 0;
  /// What both ends of a pair of keys come to; nothing for a key of small order.
  [[nodiscard]] virtual std::optional<SharedSecret> agree(const AgreementKeys& mine,
                                                          const PublicKey& theirs) const = 0;
};

/// X25519; `seed` is that of the member's Ed25519 key.
std::unique_ptr<KeyAgreement> make_x25519_agreement(const KeySeed& seed);

/// Bytes that sealing adds.
inline constexpr std::size_t kSealBytes = 16;

/// Seals with a key that seals nothing else: there is no nonce.
Bytes seal_once(const SharedSecret& key, ByteView plain);
/// What was sealed; nothing when the key is another or a bit is.
std::optional<Bytes> open_sealed(const SharedSecret& key, ByteView sealed);

/// Never used twice with one key, but for the same bytes.
using SealNonce = std::array<std::uint8_t, 24>;

/// Seals with a key that seals other things too. What it is bound to is not in it, and must be known to open
/// it.
Bytes seal_bound(const SharedSecret& key, const SealNonce& nonce, ByteView plain, ByteView bound_to);
/// What was sealed; nothing when the key, the nonce, a bit or what it is bound to is another.
std::optional<Bytes> open_bound(const SharedSecret& key, const SealNonce& nonce, ByteView sealed,
                                ByteView bound_to);

}  // namespace p2pmesh
