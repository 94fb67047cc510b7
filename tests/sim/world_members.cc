// Many members at once that know each other: their records are made here, signed by their own keys, so that a
// world of ten thousand begins without ten thousand joins.
#include <algorithm>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/member_body.h"
#include "world.h"

namespace p2pmesh::sim {
namespace {

EnvelopePtr make_record(const MeshId& mesh, const SimNode& node, const SimNode& founder, const Now& now) {
  MemberBody body;
  body.online = true;
  body.since_ms = now.wall_ms;
  body.node = node.node_key();
  body.addresses = {address_of(node.number)};
  body.claim.name = node.name;
  if (node.founder_nonce) {
    body.claim.proof = ClaimProof::kFounder;
    body.claim.nonce = *node.founder_nonce;
  } else {
    body.claim.proof = ClaimProof::kSponsor;
    body.claim.depth = 1;
    body.claim.sponsor = founder.key();
    body.claim.signature = founder.signer->sign(sponsor_signing_bytes(mesh, node.key(), node.name, 1, {}));
  }
  auto sealed = std::make_shared<SealedEnvelope>();
  Envelope& fields = sealed->envelope;
  fields.envelope_class = EnvelopeClass::kRecord;
  fields.kind = static_cast<std::uint16_t>(Kind::kMember);
  fields.mesh = mesh;
  fields.author = node.key();
  fields.epoch = now.wall_ms;
  fields.wall_ms = now.wall_ms;
  fields.version = 1;
  body.node_signature =
      node.signer->sign(node_signing_bytes(mesh, node.key(), fields.epoch, fields.version, body));
  fields.body = encode_member_body(body);
  sealed->encoded = encode_unsigned(fields);
  sealed->id = hash_envelope(sealed->encoded);
  fields.signature = node.signer->sign(envelope_signing_bytes(sealed->id));
  sealed->encoded.insert(sealed->encoded.end(), fields.signature.begin(), fields.signature.end());
  return sealed;
}

}  // namespace

/// What a disk holds, and under it what start_members() gave to all.
RestoredState World::restored_state(SimNode& node) {
  RestoredState state = node.disk.restore();
  if (members_ == nullptr) return state;
  state.roster = members_->roster;
  // Beside the shared roster a node is given its own record.
  const RecordKey own{node.key(), static_cast<std::uint16_t>(Kind::kMember), std::string()};
  const bool has_own =
      std::any_of(state.records.begin(), state.records.end(),
                  [&](const EnvelopePtr& record) { return record_key(record->envelope) == own; });
  if (EnvelopePtr record = node.disk.find_record(own); !has_own && record != nullptr)
    state.records.push_back(std::move(record));
  return state;
}

void World::start_members(std::uint32_t count, std::uint32_t contacts) {
  while (size() < count) add_node();
  auto records = std::make_shared<RecordTable>();
  RestoredState all;
  for (std::uint32_t number = 0; number < count; ++number) {
    EnvelopePtr record =
        pool_.intern(make_record(around_.mesh, *nodes_[number], *nodes_[0], nodes_[number]->now())).envelope;
    (*records)[record_key(record->envelope)] = std::move(record);
  }
  for (const auto& [key, record] : *records) all.records.push_back(record);
  all.handed_over = true;
  NodeOptions options;
  options.mesh = around_.mesh;
  options.founder_nonce = nodes_[0]->founder_nonce;
  options.name = nodes_[0]->name;
  options.member_signer = nodes_[0]->signer.get();
  options.node_signer = nodes_[0]->signer.get();
  options.verifier = &signatures_->verifier();
  options.listen = address_of(0);
  Outputs ignored;
  const Node builder(options, all, nodes_[0]->now(), ignored);
  all.roster = builder.share_roster();
  all.records.clear();
  roster_shared_ = true;
  members_ = std::make_shared<const RestoredState>(std::move(all));
  // All at the same moment: the roster says online of everybody, so who was late would be suspected.
  for (std::uint32_t number = 0; number < count; ++number) {
    std::vector<std::uint32_t> known;
    for (std::uint32_t i = 0; i < contacts && count > 1; ++i)
      known.push_back((number + 1 + static_cast<std::uint32_t>(draw_.below(count - 1))) % count);
    nodes_[number]->joined = true;
    nodes_[number]->disk.set_base_records(records);
    after(0, [this, number, known] {
      RestoredState restored = *members_;
      restored.records = restored_state(*nodes_[number]).records;
      for (std::uint32_t other : known)
        restored.peers.push_back({nodes_[other]->node_key(), address_of(other), 1, 0});
      nodes_[number]->start(restored);
    });
  }
}

}  // namespace p2pmesh::sim
