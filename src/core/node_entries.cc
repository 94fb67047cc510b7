// Who comes into a closed mesh: invites, those who came by one, and what a member shows where it is not
// known.
#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/core/closed_mesh.h"

namespace p2pmesh {

void Node::State::on(const WriteEntry& entry, Turn&) {
  const Bytes encoded = encode_entry_body(entry.body);
  P2P_CHECK(decode_entry_body(encoded).has_value());
  if (entry.body.verb == EntryVerb::kAdmit) entries.promise(entry.body.member, entry.body.invite);
  author.enqueue({entry.token, {}, std::string(as_text(encoded)), std::nullopt, {}, DraftKind::kEntry});
}

void Node::State::take_entry(const EnvelopePtr& sealed) {
  if (!is_closed()) return;
  const auto body = decode_entry_body(sealed->envelope.body);
  const bool is_good =
      body && (body->verb != EntryVerb::kAdmit ||
               p2pmesh::is_true({body->invite, body->ticket}, options.mesh, body->member, *options.verifier));
  if (!is_good || !entries.add(sealed)) ++counters.entries_dropped;
}

/// Those of members first: what others have written gives way to them.
void Node::State::restore_entries(std::vector<EnvelopePtr> stored, WallMs now_ms) {
  const auto is_by_outsider = [&](const EnvelopePtr& entry) {
    return !entries.is_admitted(entry->envelope.author, now_ms);
  };
  for (auto begin = stored.begin(); begin != stored.end();) {
    const auto end = std::stable_partition(begin, stored.end(),
                                           [&](const EnvelopePtr& entry) { return !is_by_outsider(entry); });
    // Nobody more is known to be a member: the rest is by outsiders.
    const auto last = end == begin ? stored.end() : end;
    std::for_each(begin, last, [this](const EnvelopePtr& entry) { take_entry(entry); });
    begin = last;
  }
}

bool Node::vouch(const std::vector<Bytes>& shown, const MemberKey& member, WallMs now_ms) {
  EntryLog& entries = state_->entries;
  const auto chain = read_chain(shown, state_->options.mesh, member, *state_->options.verifier);
  if (!chain || chain->empty()) return false;
  // Who is banned could have signed it afterwards. Only what leads here is kept.
  for (auto entry = chain->begin(); entry != chain->end(); ++entry) {
    const MemberKey& sponsor = (*entry)->envelope.author;
    if (is_revoked(sponsor) || entries.is_banned(sponsor, now_ms)) return false;
    if (!entries.is_admitted(sponsor, now_ms)) continue;
    for (auto known = entry + 1; known != chain->begin();) entries.add(*--known);
    return entries.is_admitted(member, now_ms);
  }
  return false;
}

bool Node::can_admit() const {
  return state_->own.has_claim() && !state_->conversations.is_hidden() && !state_->left &&
         !state_->entries.is_full(state_->own.key());
}

bool Node::is_admitted(const MemberKey& member, WallMs now_ms) const {
  return state_->entries.is_admitted(member, now_ms);
}

bool Node::is_banned(const MemberKey& member, WallMs now_ms) const {
  return state_->entries.is_banned(member, now_ms);
}

std::optional<EntryBody> Node::lost_sponsor(const MemberKey& member) const {
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
  // With those that are asked for and not written yet; what else waits there is soon gone.
  const auto& waiting = state_->author.drafts();
  const auto asked = std::count_if(waiting.begin(), waiting.end(),
                                   [](const Draft& draft) { return draft.kind == DraftKind::kEntry; });
  return state_->entries.open_invites(state_->own.key(), now_ms) + static_cast<std::size_t>(asked);
}

}  // namespace p2pmesh
