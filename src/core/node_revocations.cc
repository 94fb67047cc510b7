// Keys that count no more: what they write is refused, what was held of them stays, and is compared with
// nobody, since nobody who lacks it takes it in.
#include "node_state.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {

/// Whether an envelope is by a key that counts no more. A revocation shows itself to be true, whoever
/// carried it here: had its publisher been revoked too, it would not spread any more.
bool Node::State::is_refused(const Envelope& envelope) const {
  return revoked.contains(envelope.author) && !is_revocation(envelope);
}

bool Node::State::is_refused(const NodeKey& node) const {
  return revoked.contains(MemberKey{node.bytes});
}

bool Node::State::can_revoke(const Envelope& record) const {
  const auto revocation = read_revocation(record);
  return !revocation || revoked.size() < limits::kRevocationsMax || revoked.contains(revocation->key);
}

bool Node::State::is_true(const Revocation& revocation) const {
  return options.verifier->verify(revocation.key.view(), revocation_signing_bytes(revocation.key),
                                  revocation.signature);
}

/// A newer record of that kind was accepted.
void Node::State::on_revocation(const EnvelopePtr& record, Turn& turn) {
  const auto revocation = read_revocation(record->envelope);
  if (!revocation || !is_true(*revocation)) {
    ++counters.malformed_bodies;
    return;
  }
  if (revoked.contains(revocation->key)) return;
  const MemberRow* member = roster.find(revocation->key);
  const bool is_known = member != nullptr && member->facts->well_formed;
  const std::string name = is_known ? roster.shown_name(revocation->key) : std::string();
  std::vector<Rename> renames = revoke(revocation->key, record, turn);
  apply_acts(turn);
  if (is_known || revocation->key == own.key())
    turn.out.push_back(PublishNotice{NoticeKind::kRevoked, revocation->key, name, {}});
  for (const Rename& rename : renames) {
    if (rename.member == revocation->key) continue;
    turn.out.push_back(PublishNotice{NoticeKind::kRenamed, rename.member, rename.to, rename.from});
  }
}

/// From here on. Others may hold its name now.
std::vector<Rename> Node::State::revoke(const MemberKey& key, const EnvelopePtr& record, Turn& turn) {
  std::vector<Rename> renames;
  revoked.emplace(key, record);
  index.leave_out(key, turn.now.monotonic);
  roster.revoke(key, turn.now, renames);
  moderation.revoke(key);
  entries.revoke(key);
  const NodeKey node{key.bytes};
  addresses.forbid(node);
  std::vector<LinkId> closed;
  for (const auto& [id, link] : links.all()) {
    if (link.node == node) closed.push_back(id);
  }
  for (const LinkId id : closed) {
    turn_away(id, node, turn);
    lose_link(id, turn);
  }
  return renames;
}

void Node::State::turn_away(LinkId link, const NodeKey& node, Turn& turn) {
  ++counters.links_refused;
  turn.send(link, encode_repair(revoked.at(MemberKey{node.bytes})->encoded));
  turn.out.push_back(CloseLink{link, CloseReason::kFault});
}

void Node::State::on(const PublishRevocation& wish, Turn& turn) {
  if (!is_true(wish.revocation) || revoked.contains(wish.revocation.key)) return;
  Envelope record;
  record.envelope_class = EnvelopeClass::kRecord;
  record.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record.subject.assign(wish.revocation.key.bytes.begin(), wish.revocation.key.bytes.end());
  record.version = 1;
  record.body = encode_revocation(wish.revocation);
  EnvelopePtr sealed = author.write_other(std::move(record), turn.now.wall_ms);
  if (!can_revoke(sealed->envelope) || index.accept_record(*sealed) != AcceptResult::kNew) {
    ++counters.dropped_over_limit;
    return;
  }
  broadcast.publish(sealed, turn);
  EnvelopeContext context;
  context.own = true;
  turn.out.push_back(Store{sealed, std::move(context)});
  on_revocation(sealed, turn);
}

}  // namespace p2pmesh
