#include "p2pmesh/core/closed_mesh.h"

#include <algorithm>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

MeshNonce closed_mesh_nonce(const MeshSecret& secret) {
  const auto hash = hash_tagged("p2pmesh closed mesh 1", secret);
  MeshNonce nonce;
  std::copy_n(hash.begin(), nonce.size(), nonce.begin());
  return nonce;
}

bool is_grant_of(const MeshGrant& grant, const MeshId& mesh) {
  return hash_mesh(grant.founder, closed_mesh_nonce(grant.secret)) == mesh;
}

SharedSecret closed_mesh_key(const MeshSecret& secret, const MeshId& mesh) {
  return hash_tagged("p2pmesh closed mesh key 1", Writer().raw(secret).id(mesh).take());
}

MemberProof prove_member(const MeshSecret& secret, const Doorstep& at, bool is_dialler) {
  Writer writer;
  writer.raw(secret).id(at.mesh).raw(at.channel).raw(at.nonce).id(at.dialler).u8(is_dialler ? 1 : 0);
  return hash_tagged("p2pmesh closed mesh member 1", writer.take());
}

InviteProof prove_invite(const Signer& invite, const Doorstep& at) {
  InviteProof proof;
  proof.key = InviteKey{invite.public_key()};
  proof.signature = invite.sign(invite_signing_bytes(proof.key, at.mesh, MemberKey{at.dialler.bytes}));
  return proof;
}

bool is_true(const InviteProof& proof, const MeshId& mesh, const MemberKey& member,
             const Verifier& verifier) {
  return verifier.verify(proof.key.view(), invite_signing_bytes(proof.key, mesh, member), proof.signature);
}

std::optional<std::vector<EnvelopePtr>> read_chain(const std::vector<Bytes>& shown, const MeshId& mesh,
                                                   const MemberKey& member, const Verifier& verifier) {
  std::vector<EnvelopePtr> chain;
  MemberKey next = member;
  for (const Bytes& encoded : shown) {
    auto envelope = decode_envelope(encoded);
    if (!envelope || envelope->mesh != mesh || !is_entry(*envelope)) return std::nullopt;
    const auto body = decode_entry_body(envelope->body);
    if (!body || body->verb != EntryVerb::kAdmit || body->member != next) return std::nullopt;
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->id = hash_envelope(unsigned_part(encoded));
    if (!is_true({body->invite, body->ticket}, mesh, next, verifier) ||
        !verifier.verify(envelope->author.view(), envelope_signing_bytes(sealed->id), envelope->signature))
      return std::nullopt;
    next = envelope->author;
    sealed->encoded = encoded;
    sealed->envelope = *std::move(envelope);
    chain.push_back(std::move(sealed));
  }
  return chain;
}

}  // namespace p2pmesh
