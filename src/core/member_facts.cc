#include "member_facts.h"

#include <utility>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/wire/member_body.h"

namespace p2pmesh {
namespace {

EnvelopeId claim_id_of(const MemberKey& member, const NameClaim& claim) {
  Bytes bytes(member.bytes.begin(), member.bytes.end());
  const Bytes encoded = encode_claim(claim);
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  return EnvelopeId{hash_tagged("p2pmesh name claim 1", bytes)};
}

bool is_backed(const MemberKey& member, const NameClaim& claim, const MeshId& mesh,
               const Verifier& verifier) {
  switch (claim.proof) {
    case ClaimProof::kNone:
      return false;
    case ClaimProof::kFounder:
      return claim.depth == 0 && hash_mesh(member, claim.nonce) == mesh;
    case ClaimProof::kSponsor:
      return claim.depth > 0 && claim.sponsor != member &&
             verifier.verify(claim.sponsor.view(),
                             sponsor_signing_bytes(mesh, member, claim.name, claim.depth, claim.heads),
                             claim.signature);
  }
  return false;
}

std::uint64_t name_hash_of(const std::string& name) {
  // A name outside the alphabet is shown as if it were no name: a liar gets no second look.
  const auto checked = check_name(name);
  if (!checked || *checked != name) return 0;
  return hash_tagged_64("name", as_bytes(name_key(*checked))) | 1;
}

}  // namespace

MemberFactsPtr read_member_facts(const SealedEnvelope& record, const MeshId& mesh, const Verifier& verifier,
                                 const MemberFacts* earlier) {
  const Envelope& envelope = record.envelope;
  auto facts = std::make_shared<MemberFacts>();
  facts->key = envelope.author;
  facts->record = record.id;
  facts->epoch = envelope.epoch;
  facts->version = envelope.version;
  // One record a member: in a room a second one would count by its order of arrival.
  if (!envelope.room.empty()) return facts;
  auto body = decode_member_body(envelope.body);
  if (!body) return facts;
  const Bytes signed_bytes =
      node_signing_bytes(mesh, envelope.author, envelope.epoch, envelope.version, *body);
  if (!verifier.verify(body->node.view(), signed_bytes, body->node_signature)) return facts;

  facts->well_formed = true;
  facts->online = body->online;
  facts->since_ms = body->since_ms;
  facts->prekey = body->prekey;
  facts->claim_depth = body->claim.depth;
  facts->claim_id = claim_id_of(facts->key, body->claim);
  if (body->node.bytes != facts->key.bytes) facts->other_node = std::make_unique<const NodeKey>(body->node);
  facts->addresses = std::move(body->addresses);
  if (earlier != nullptr && earlier->well_formed && earlier->claim_id == facts->claim_id) {
    facts->claim_backed = earlier->claim_backed;
    facts->has_founded = earlier->has_founded;
    facts->name_hash = earlier->name_hash;
  } else {
    facts->claim_backed = is_backed(facts->key, body->claim, mesh, verifier);
    facts->has_founded = facts->claim_backed && body->claim.proof == ClaimProof::kFounder;
    facts->name_hash = name_hash_of(body->claim.name);
  }
  facts->name = std::move(body->claim.name);
  return facts;
}

}  // namespace p2pmesh
