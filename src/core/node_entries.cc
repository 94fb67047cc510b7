// Who comes into a closed mesh: invites, those who came by one, and what a member shows where it is not
// known.
#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {

void Node::State::on(const WriteEntry& entry, Turn&) {
  const Bytes encoded = encode_entry_body(entry.body);
  P2P_CHECK(decode_entry_body(encoded).has_value());
  if (entry.body.verb == EntryVerb::kAdmit) entries.promise(entry.body.member, entry.body.invite);
  author.enqueue({entry.token, {}, std::string(as_text(encoded)), std::nullopt, {}, DraftKind::kEntry});
}

void Node::State::take_entry(const EnvelopePtr& sealed) {
  if (is_closed() && !entries.add(sealed)) ++counters.entries_dropped;
}

bool Node::vouch(ByteView encoded) {
  auto envelope = decode_envelope(encoded);
  if (!envelope || envelope->mesh != state_->options.mesh || !is_entry(*envelope)) return false;
  const auto body = decode_entry_body(envelope->body);
  if (!body || body->verb != EntryVerb::kAdmit || is_revoked(envelope->author)) return false;
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->id = hash_envelope(unsigned_part(encoded));
  if (!state_->options.verifier->verify(envelope->author.view(), envelope_signing_bytes(sealed->id),
                                        envelope->signature))
    return false;
  sealed->encoded.assign(encoded.begin(), encoded.end());
  sealed->envelope = *std::move(envelope);
  return state_->entries.add(sealed);
}

bool Node::can_admit() const {
  return state_->own.has_claim() && !state_->conversations.is_hidden() && !state_->left;
}

bool Node::is_admitted(const MemberKey& member, WallMs now_ms) const {
  return state_->entries.is_admitted(member, now_ms);
}

std::optional<InviteKey> Node::lost_sponsor(const MemberKey& member) const {
  return state_->entries.lost_sponsor(member);
}

std::vector<Bytes> Node::entry_chain(WallMs now_ms) const {
  std::vector<Bytes> chain;
  for (const EnvelopePtr& entry : state_->entries.chain_of(state_->own.key(), now_ms))
    chain.push_back(entry->encoded);
  return chain;
}

InviteStanding Node::standing_of(const InviteKey& invite, WallMs now_ms) const {
  return state_->entries.standing_of(invite, now_ms);
}

std::vector<InviteView> Node::invites(WallMs now_ms) const {
  return state_->entries.invites(now_ms);
}

std::size_t Node::open_invites(WallMs now_ms) const {
  return state_->entries.open_invites(state_->own.key(), now_ms);
}

}  // namespace p2pmesh
