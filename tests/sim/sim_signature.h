// Signatures of the simulator: a keyed hash of the same size as Ed25519's, or the real one; and a record of
// what honest nodes really signed.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>

#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh::sim {

/// Every envelope id that was signed through the signers of one world: the oracle of promise G1. Never
/// iterated.
class SignedLog {
 public:
  void note(const MemberKey& author, const EnvelopeId& id) { ids_.insert(mix(author, id)); }
  [[nodiscard]] bool contains(const MemberKey& author, const EnvelopeId& id) const {
    return ids_.contains(mix(author, id));
  }

 private:
  static EnvelopeId mix(const MemberKey& author, const EnvelopeId& id) {
    EnvelopeId mixed = id;
    for (std::size_t i = 0; i < mixed.bytes.size(); ++i) mixed.bytes[i] ^= author.bytes[i];
    return mixed;
  }
  std::unordered_set<EnvelopeId> ids_;
};

/// Hands out one world's signers, their agreements and its verifier.
class SignatureScheme {
 public:
  virtual ~SignatureScheme() = default;
  /// The key of node `number`. The scheme outlives its signers.
  [[nodiscard]] virtual std::unique_ptr<Signer> make_signer(std::uint32_t number) = 0;
  [[nodiscard]] virtual const Verifier& verifier() const = 0;
  /// Its side of key agreement.
  [[nodiscard]] virtual std::unique_ptr<KeyAgreement> make_agreement(std::uint32_t number) = 0;
  [[nodiscard]] SignedLog& signed_log() { return signed_; }

 private:
  SignedLog signed_;
};

/// The stand-in: XXH3-128 over the message, keyed with the world's secret and the public key. Nobody in the
/// world can make one but through a signer, since the nodes do not know the secret.
std::unique_ptr<SignatureScheme> make_stand_in_scheme(std::uint64_t world_seed);
/// Ed25519, with keys from the seed.
std::unique_ptr<SignatureScheme> make_ed25519_scheme(std::uint64_t world_seed);

}  // namespace p2pmesh::sim
