// Keys that count no more: what they write is refused, but for what lies within the cut that their
// revocations name. That is had by who joins later, too; what is held beyond it is hidden, as by a ban.
#include "node_state.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {

/// Whether an envelope is by a key that counts no more. A revocation shows itself to be true, whoever
/// carried it here: had its publisher been revoked too, it would not spread any more.
bool Node::State::is_refused(const Envelope& envelope) const {
  const LogCut* cut = revoked.cut_of(envelope.author);
  if (cut == nullptr || is_revocation(envelope)) return false;
  return envelope.envelope_class != EnvelopeClass::kLog || cut->is_beyond(envelope.epoch, envelope.seq);
}

bool Node::State::is_refused(const NodeKey& node) const {
  return revoked.contains(MemberKey{node.bytes});
}

/// One that is not true is none: in the place of a true one it would undo it after a restart.
AcceptResult Node::State::accept_record(const SealedEnvelope& record) {
  if (is_revocation(record.envelope)) {
    const auto revocation = true_revocation(record.envelope);
    if (!revocation) ++counters.malformed_bodies;
    if (!revocation || !revoked.keeps(record, *revocation)) return AcceptResult::kTooMany;
  }
  return index.accept_record(record);
}

std::optional<Revocation> Node::State::true_revocation(const Envelope& record) const {
  auto revocation = read_revocation(record);
  if (!revocation || record.subject != revocation_subject(*revocation) || !is_true(*revocation))
    return std::nullopt;
  return revocation;
}

bool Node::State::is_true(const Revocation& revocation) const {
  return options.verifier->verify(revocation.key.view(), revocation_signing_bytes(revocation.key),
                                  revocation.signature);
}

/// A newer record of that kind was accepted.
void Node::State::on_revocation(const EnvelopePtr& record, Turn& turn) {
  const auto revocation = true_revocation(record->envelope);
  if (!revocation) return;
  const MemberKey& key = revocation->key;
  const bool is_new = !revoked.contains(key);
  const MemberRow* member = roster.find(key);
  const bool is_known = member != nullptr && member->facts->well_formed;
  const std::string name = is_known ? roster.shown_name(key) : std::string();
  std::vector<Rename> renames;
  for (const EnvelopePtr& gone : revoked.add(record, *revocation)) drop_revocation(gone, renames, turn);
  if (is_new) revoke(key, renames, turn);
  moderation.revoke(key, *revoked.cut_of(key));
  acts_came = true;
  if (is_new && (is_known || key == own.key()))
    turn.out.push_back(PublishNotice{NoticeKind::kRevoked, key, name, {}});
  for (const Rename& rename : renames) {
    if (rename.member == key) continue;
    turn.out.push_back(PublishNotice{NoticeKind::kRenamed, rename.member, rename.to, rename.from});
  }
}

/// From the disk, where those that gave way may lie too.
void Node::State::restore_revocations(const std::vector<EnvelopePtr>& records, Turn& turn) {
  std::vector<Rename> renames;
  for (const EnvelopePtr& record : records) {
    if (!is_revocation(record->envelope)) continue;
    const auto revocation = true_revocation(record->envelope);
    if (!revocation) {
      index.drop_record(*record, turn.now.monotonic);
      continue;
    }
    if (!revoked.keeps(*record, *revocation)) {
      index.drop_record(*record, turn.now.monotonic);
      continue;
    }
    for (const EnvelopePtr& gone : revoked.add(record, *revocation))
      index.drop_record(*gone, turn.now.monotonic);
  }
  for (const MemberKey& key : revoked.keys()) {
    revoke(key, renames, turn);
    moderation.revoke(key, *revoked.cut_of(key));
  }
}

/// From here on. Others may hold its name now.
void Node::State::revoke(const MemberKey& key, std::vector<Rename>& renames, Turn& turn) {
  index.leave_out_records(key, turn.now.monotonic);
  roster.revoke(key, turn.now, renames);
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
}

/// There are more than are kept, and all nodes keep the same ones: the key is as good again as it is to who
/// never heard of this.
void Node::State::drop_revocation(const EnvelopePtr& record, std::vector<Rename>& renames, Turn& turn) {
  index.drop_record(*record, turn.now.monotonic);
  turn.out.push_back(ForgetSeen{record});
  const MemberKey key = read_revocation(record->envelope)->key;
  if (const LogCut* cut = revoked.cut_of(key)) return moderation.revoke(key, *cut);
  ++counters.dropped_over_limit;
  index.compare_records_again(key, turn.now.monotonic);
  roster.give_back(key, turn.now.monotonic, renames);
  moderation.give_back(key);
  entries.give_back(key);
  addresses.permit(NodeKey{key.bytes});
}

void Node::State::turn_away(LinkId link, const NodeKey& node, Turn& turn) {
  ++counters.links_refused;
  turn.send(link, encode_repair(revoked.record_of(MemberKey{node.bytes})->encoded));
  turn.out.push_back(CloseLink{link, CloseReason::kFault});
}

void Node::State::on(const PublishRevocation& wish, Turn& turn) {
  if (!is_true(wish.revocation)) return;
  Revocation revocation = wish.revocation;
  revocation.cut = cut_of(revocation.key);
  if (const LogCut* cut = revoked.cut_of(revocation.key)) {
    // Once more only where less is known of it than another publisher lets through.
    LogCut both = *cut;
    both.narrow(revocation.cut);
    if (both == *cut) return;
  }
  Envelope record;
  record.envelope_class = EnvelopeClass::kRecord;
  record.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record.subject = revocation_subject(revocation);
  record.version = 1;
  record.body = encode_revocation(revocation);
  EnvelopePtr sealed = author.write_other(std::move(record), turn.now.wall_ms);
  if (accept_record(*sealed) != AcceptResult::kNew) {
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
