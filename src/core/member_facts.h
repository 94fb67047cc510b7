// What one member record says, checked once. Immutable; a newer record makes new facts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

struct MemberFacts {
  MemberKey key;
  EnvelopeId record;
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  EnvelopeId claim_id;  ///< breaks a tie of depths
  std::uint64_t claim_depth = 0;
  AgreementKey prekey{};        ///< what direct messages are sealed to; zeros: none
  std::uint64_t name_hash = 0;  ///< of what makes two names equal; 0 for a name outside the alphabet
  WallMs since_ms = 0;          ///< online from, offline since
  std::string name;
  std::vector<NetAddress> addresses;
  std::unique_ptr<const NodeKey> other_node;  ///< where the node's key is not the member's
  bool well_formed = false;                   ///< else only key, record, epoch and version count
  bool online = false;
  bool claim_backed = false;  ///< founder or sponsor, checked
  bool has_founded = false;   ///< its claim shows that it opened the mesh

  [[nodiscard]] NodeKey node() const { return other_node ? *other_node : NodeKey{key.bytes}; }
};
using MemberFactsPtr = std::shared_ptr<const MemberFacts>;

/// Decodes and checks a record. `earlier`: of the same member, or null; a claim that was checked is not
/// checked again.
MemberFactsPtr read_member_facts(const SealedEnvelope& record, const MeshId& mesh, const Verifier& verifier,
                                 const MemberFacts* earlier);

}  // namespace p2pmesh
