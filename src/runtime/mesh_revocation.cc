// The part of MeshRunner that has to do with revoked keys.
#include "mesh_runner.h"
#include "p2pmesh/wire/revocation.h"

namespace p2pmesh {

Revocation MeshRunner::make_revocation() const {
  return {self_, around_.member_signer.sign(revocation_signing_bytes(self_)), {}};
}

bool MeshRunner::revokes_us(ByteView encoded) const {
  const auto envelope = decode_envelope(encoded);
  const auto revocation = envelope ? read_revocation(*envelope) : std::nullopt;
  return revocation && revocation->key == self_ && !node_->is_revoked(self_);
}

}  // namespace p2pmesh
