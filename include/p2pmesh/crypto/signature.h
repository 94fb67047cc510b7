// Keys and signatures behind a seam: Ed25519 in the daemon, a keyed hash in the simulator.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// The 32 secret bytes a key pair is derived from.
using KeySeed = std::array<std::uint8_t, 32>;
/// A public key, whatever it stands for; see to_member() and to_node().
using PublicKey = std::array<std::uint8_t, 32>;

inline MemberKey to_member(const PublicKey& key) {
  return MemberKey{key};
}
inline NodeKey to_node(const PublicKey& key) {
  return NodeKey{key};
}

/// Must be called once before anything else of this layer; false when the library cannot start.
bool init_crypto();

/// Draws a new seed from the kernel's random source.
KeySeed draw_seed();

/// Fills with random bytes from the kernel's source: nonces.
void draw_random(std::span<std::uint8_t> out);
std::uint64_t draw_random_64();

/// Signs with one key. Threads: any; immutable after construction.
class Signer {
 public:
  virtual ~Signer() = default;
  [[nodiscard]] virtual const PublicKey& public_key() const = 0;
  [[nodiscard]] virtual Signature sign(ByteView message) const = 0;
};

/// Checks signatures. Threads: any.
class Verifier {
 public:
  virtual ~Verifier() = default;
  [[nodiscard]] virtual bool verify(ByteView public_key, ByteView message,
                                    const Signature& signature) const = 0;
};

/// Ed25519; the secret lives in locked memory and is wiped at the end.
std::unique_ptr<Signer> make_ed25519_signer(const KeySeed& seed);
/// Whether these bytes are a key that can sign: a canonical point of the main subgroup, none of small order.
bool is_signing_key(const PublicKey& key);

/// Ed25519; refuses points of small order and non-canonical encodings, as libsodium does.
const Verifier& ed25519_verifier();

}  // namespace p2pmesh
