// Key agreement of the simulator: a keyed hash of the sizes of X25519.
#pragma once

#include <cstdint>
#include <memory>

#include "p2pmesh/crypto/sealing.h"

namespace p2pmesh::sim {

/// Both ends come to a hash of the world's secret and the two public keys. The nodes do not know the secret,
/// so who has neither of two secret halves cannot come to what they share but through this.
std::unique_ptr<KeyAgreement> make_stand_in_agreement(std::uint64_t world_secret, const MemberKey& member);

}  // namespace p2pmesh::sim
