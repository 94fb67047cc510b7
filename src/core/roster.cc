#include "roster.h"

#include <tuple>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

/// Of two claims to one name the better one holds it: backed before not, lower depth, smaller id.
bool holds_over(const Member& a, const Member& b) {
  return std::make_tuple(!a.claim_backed, a.body.claim.depth, a.claim_id) <
         std::make_tuple(!b.claim_backed, b.body.claim.depth, b.claim_id);
}

std::string suffix_of(const MemberKey& key) {
  return "~" + key.hex().substr(0, 4);
}

EnvelopeId claim_id_of(const MemberKey& member, const NameClaim& claim) {
  Bytes bytes(member.bytes.begin(), member.bytes.end());
  const Bytes encoded = encode_claim(claim);
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  return EnvelopeId{hash_tagged("p2pmesh name claim 1", bytes)};
}

}  // namespace

bool Roster::is_backed(const MemberKey& member, const NameClaim& claim) const {
  switch (claim.proof) {
    case ClaimProof::kNone:
      return false;
    case ClaimProof::kFounder:
      return claim.depth == 0 && hash_mesh(member, claim.nonce) == mesh_;
    case ClaimProof::kSponsor:
      return claim.depth > 0 && claim.sponsor != member &&
             verifier_.verify(claim.sponsor.view(),
                              sponsor_signing_bytes(mesh_, member, claim.name, claim.depth, claim.heads),
                              claim.signature);
  }
  return false;
}

Member* Roster::apply(const Envelope& record, std::vector<Rename>& renames) {
  // One record a member: under another subject or room a second one would count by its order of arrival.
  if (!record.subject.empty() || !record.room.empty()) return nullptr;
  auto body = decode_member_body(record.body);
  if (!body) return nullptr;
  const Bytes signed_bytes = node_signing_bytes(mesh_, record.author, record.epoch, record.version, *body);
  if (!verifier_.verify(body->node.view(), signed_bytes, body->node_signature)) return nullptr;

  auto [found, is_new] = members_.try_emplace(record.author);
  Member& member = found->second;
  const bool same_claim = !is_new && member.body.claim == body->claim;
  const NodeKey old_node = member.body.node;
  member.key = record.author;
  member.epoch = record.epoch;
  member.version = record.version;
  member.body = std::move(*body);
  if (is_new || old_node != member.body.node) {
    by_node_[old_node].erase(member.key);
    if (by_node_[old_node].empty()) by_node_.erase(old_node);
    by_node_[member.body.node].insert(member.key);
  }
  if (same_claim) return &member;

  const std::string old_name_key = member.name_key;
  // A name outside the alphabet is shown as if it were no name: a liar gets no second look.
  const auto checked = check_name(member.body.claim.name);
  member.name_key = checked && *checked == member.body.claim.name ? name_key(*checked) : std::string();
  member.claim_id = claim_id_of(member.key, member.body.claim);
  member.claim_backed = is_backed(member.key, member.body.claim);
  if (!is_new && !old_name_key.empty() && old_name_key != member.name_key) {
    by_name_[old_name_key].erase(member.key);
    settle_name(old_name_key, renames);
  }
  if (member.name_key.empty()) {
    member.shown_name = suffix_of(member.key);
    return &member;
  }
  by_name_[member.name_key].insert(member.key);
  settle_name(member.name_key, renames);
  return &member;
}

/// Finds the holder of a name and the shown names of all who claim it.
void Roster::settle_name(const std::string& name_key, std::vector<Rename>& renames) {
  auto claimants = by_name_.find(name_key);
  if (claimants == by_name_.end()) return;
  if (claimants->second.empty()) {
    by_name_.erase(claimants);
    return;
  }
  const Member* holder = nullptr;
  for (const MemberKey& key : claimants->second) {
    const Member& member = members_.at(key);
    if (holder == nullptr || holds_over(member, *holder)) holder = &member;
  }
  for (const MemberKey& key : claimants->second) {
    Member& member = members_.at(key);
    std::string shown = member.body.claim.name;
    if (&member != holder) shown += suffix_of(key);
    if (!member.shown_name.empty() && member.shown_name != shown)
      renames.push_back({key, member.shown_name, shown});
    member.shown_name = std::move(shown);
  }
}

Member* Roster::find(const MemberKey& key) {
  auto found = members_.find(key);
  return found == members_.end() ? nullptr : &found->second;
}

const Member* Roster::find(const MemberKey& key) const {
  auto found = members_.find(key);
  return found == members_.end() ? nullptr : &found->second;
}

std::vector<Member*> Roster::hosted_by(const NodeKey& node) {
  std::vector<Member*> hosted;
  auto found = by_node_.find(node);
  if (found == by_node_.end()) return hosted;
  for (const MemberKey& key : found->second) hosted.push_back(&members_.at(key));
  return hosted;
}

bool Roster::is_held_by_another(const std::string& name, const MemberKey& member) const {
  auto claimants = by_name_.find(name_key(name));
  if (claimants == by_name_.end()) return false;
  for (const MemberKey& key : claimants->second) {
    if (key != member) return true;
  }
  return false;
}

std::string Roster::shown_name(const MemberKey& key) const {
  const Member* member = find(key);
  return member == nullptr ? suffix_of(key) : member->shown_name;
}

}  // namespace p2pmesh
