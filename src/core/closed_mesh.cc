#include "p2pmesh/core/closed_mesh.h"

#include <algorithm>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

Bytes invite_signing_bytes(const InviteKey& invite, const Doorstep& at) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh invite 1:")).id(invite).id(at.mesh);
  return writer.raw(at.channel).raw(at.nonce).id(at.dialler).take();
}

}  // namespace

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
  proof.signature = invite.sign(invite_signing_bytes(proof.key, at));
  return proof;
}

bool is_true(const InviteProof& proof, const Doorstep& at, const Verifier& verifier) {
  return verifier.verify(proof.key.view(), invite_signing_bytes(proof.key, at), proof.signature);
}

}  // namespace p2pmesh
