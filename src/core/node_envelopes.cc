// What becomes of envelopes: accepted, flooded on, put in the author's order, stored, announced.
#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/room_body.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

constexpr auto kDialDelay = std::chrono::milliseconds(500);  // newcomers dial first, so few links cross

bool is_kind(const Envelope& envelope, Kind kind) {
  return envelope.kind == static_cast<std::uint16_t>(kind);
}

}  // namespace

void Node::State::on(const EnvelopeReceived& received, Turn& turn) {
  if (Link* link = links.find(received.link)) {
    link->heard_at = turn.now.monotonic;
    link->suspected = false;
  }
  if (!received.live)
    anti_entropy.on_repaired(received.link,
                             received.envelope->envelope.envelope_class == EnvelopeClass::kRecord);
  if (is_refused(received.envelope->envelope)) {
    ++counters.revoked_refused;
    broadcast.on_useless(received.envelope->id);
    return;
  }
  if (!received.live) broadcast.on_repaired(received.envelope, received.link, turn.now.monotonic);
  switch (received.envelope->envelope.envelope_class) {
    case EnvelopeClass::kLog:
      return on_log(received, turn);
    case EnvelopeClass::kRecord:
      return on_record(received, turn);
    case EnvelopeClass::kPassing:
      return on_passing(received, turn);
  }
}

void Node::State::on(const DuplicateReceived& duplicate, Turn& turn) {
  if (Link* link = links.find(duplicate.link)) {
    link->heard_at = turn.now.monotonic;
    link->suspected = false;
  }
  if (duplicate.live) broadcast.on_duplicate(duplicate.link, duplicate.id, duplicate.round, turn);
}

void Node::State::on_log(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  if (refuse(received.envelope, turn)) return;
  EnvelopeContext context;
  context.from = received.link;
  context.repaired = !received.live;
  const AcceptResult result = index.accept_log(*received.envelope, false, turn.now.monotonic);
  if (result == AcceptResult::kTooMany) {
    ++counters.dropped_over_limit;
    broadcast.on_useless(received.envelope->id);
    return;
  }
  if (result == AcceptResult::kAlready) {
    // Seen before this process began, or a second id for the same place: the store can tell.
    ++counters.already_accepted;
    broadcast.on_useless(received.envelope->id);
    // Who signs two for one place is not waited for: the first one is shown now, with its gap, and this one
    // does not come before it.
    held_back.hurry(envelope.author, envelope.epoch, envelope.seq, turn.now.monotonic);
    release_held_back(turn);
    context.repaired = true;
    Store again{received.envelope, std::move(context)};
    open_room(again);
    turn.out.push_back(std::move(again));
    return;
  }
  ++counters.accepted;
  if (!received.live) ++counters.repaired;
  if (envelope.author == own.key() && envelope.epoch == author.epoch() && envelope.seq > author.last_seq()) {
    draw_new_epoch(envelope.epoch, turn);
  }
  if (is_kind(envelope, Kind::kText)) {
    // In a private room what is not sealed could be by anybody.
    if (!is_private_room(envelope.room))
      context.messages = static_cast<std::uint32_t>(count_text_messages(envelope.body));
    if (context.messages == 0) ++counters.malformed_bodies;
  } else if (is_kind(envelope, Kind::kSealedRoom)) {
    if (!is_sealed_room(envelope) || !decode_sealed_room_body(envelope.body)) ++counters.malformed_bodies;
  } else if (is_kind(envelope, Kind::kTopic)) {
    if (is_private_room(envelope.room) || !decode_topic(envelope.body)) ++counters.malformed_bodies;
  } else if (is_kind(envelope, Kind::kAct)) {
    if (!decode_act_body(envelope.body)) ++counters.malformed_bodies;
  } else if (is_kind(envelope, Kind::kEntry)) {
    if (!decode_entry_body(envelope.body)) ++counters.malformed_bodies;
  } else if (!is_kind(envelope, Kind::kDirect)) {
    ++counters.unknown_kinds;
  }
  if (P2P_PLANTED(TakenBeforeCommit))
    turn.send(received.link, encode_frame_of(Taken{{received.envelope->id}}));
  if (!envelope.room.empty()) heads.on_envelope(*received.envelope);
  membership.note_alive(envelope.author, turn.now.monotonic);
  if (received.live) broadcast.on_received(received.envelope, received.link, received.round, turn);

  const EpochLog& log = *index.find(envelope.author, envelope.epoch);
  const bool late = envelope.seq < log.shown;
  Store store{received.envelope, std::move(context)};
  // What is itself held back counts as missing: it has not been shown.
  const bool waits = received.live && !late && envelope.seq > 1 &&
                     (!log.accepted.contains(envelope.seq - 1) ||
                      held_back.contains(envelope.author, envelope.epoch, envelope.seq - 1));
  if (waits && held_back.has_room()) {
    held_back.hold(std::move(store), turn.now.monotonic + limits::kHeldBackTimeout);
    return;
  }
  store.context.gap = waits;
  if (waits) ++counters.gaps;
  store_in_order(std::move(store), turn);
}

/// Those whose time is up.
void Node::State::release_held_back(Turn& turn) {
  for (Store& store : held_back.release_due(turn.now.monotonic)) {
    store.context.gap = is_missing_before(store.envelope->envelope);
    if (store.context.gap) {
      ++counters.gaps;
      anti_entropy.hurry(turn);
    }
    store_in_order(std::move(store), turn);
  }
}

/// Hands an envelope to the store, and then those that waited for it.
void Node::State::store_in_order(Store store, Turn& turn) {
  const MemberKey author_key = store.envelope->envelope.author;
  const std::uint64_t epoch = store.envelope->envelope.epoch;
  std::uint64_t seq = store.envelope->envelope.seq;
  show(std::move(store), turn);
  while (auto next = held_back.release_after(author_key, epoch, seq)) {
    ++seq;
    show(std::move(*next), turn);
  }
}

/// One that later ones did not wait for is told as an earlier message, as by repair.
void Node::State::show(Store store, Turn& turn) {
  open_room(store);
  const Envelope& envelope = store.envelope->envelope;
  const EpochLog* log = index.find(envelope.author, envelope.epoch);
  if (log != nullptr && envelope.seq < log->shown && !P2P_PLANTED(LateShownAsLive)) {
    store.context.repaired = true;
    store.context.gap = false;
  }
  if (P2P_PLANTED(GapNeverShown)) store.context.gap = false;
  if (P2P_PLANTED(GapWithoutLoss)) store.context.gap = !store.context.repaired;
  if (P2P_PLANTED(AnnouncedBeforeCommit)) turn.out.push_back(Announce{store.envelope, store.context, 1});
  // Not before: who wants to be left alone, or no more, while it waits for an earlier one, is heeded.
  if (is_kind(envelope, Kind::kDirect)) {
    store.context.direct = conversations.on_log(envelope, turn);
    store.context.carried = !store.context.direct &&
                            (P2P_PLANTED(CarriesOwnMail) || !conversations.sealing().is_for_us(envelope));
  }
  index.note_shown(envelope);
  const EnvelopePtr shown = store.envelope;
  turn.out.push_back(std::move(store));
  if (is_act(shown->envelope)) take_act(*shown);
  if (is_entry(shown->envelope)) take_entry(shown);
  // It may have waited while its ban came.
  if (moderation.refuses(shown->envelope, turn.now.wall_ms)) hide_refused(shown->envelope.author, turn);
}

void Node::State::on_record(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  const bool is_member = is_member_record(envelope);
  const bool was_known = is_member && roster.find(envelope.author) != nullptr;
  std::vector<Rename> renames;
  const AcceptResult result =
      is_member ? roster.accept(*received.envelope, renames) : accept_record(*received.envelope);
  if (result != AcceptResult::kNew) {
    broadcast.on_useless(received.envelope->id);
    ++(result == AcceptResult::kTooMany ? counters.dropped_over_limit : counters.already_accepted);
    return;
  }
  ++counters.accepted;
  if (!received.live) ++counters.repaired;
  EnvelopeContext context;
  context.from = received.link;
  context.repaired = !received.live;
  if (received.live) broadcast.on_received(received.envelope, received.link, received.round, turn);
  turn.out.push_back(Store{received.envelope, std::move(context)});
  if (!is_member) {
    // Told before a crash took it from the disk, with a clock that was ahead.
    if (envelope.author == own.key() && envelope.epoch > author.epoch()) draw_new_epoch(envelope.epoch, turn);
    if (is_revocation(envelope)) return on_revocation(received.envelope, turn);
    is_standing(envelope) ? conversations.on_standing(envelope, turn) : void(++counters.unknown_kinds);
    return;
  }
  index.count_accepted();
  if (envelope.author == own.key()) {
    // A copy of this profile ran elsewhere, or a backup was put back: outdo it.
    if (envelope.epoch >= author.epoch()) draw_new_epoch(envelope.epoch, turn);
    return;
  }
  apply_member_record(envelope.author, was_known, received.live, renames, turn);
}

/// The roster has a new record of this member.
void Node::State::apply_member_record(const MemberKey& key, bool was_known, bool live,
                                      const std::vector<Rename>& renames, Turn& turn) {
  for (const Rename& rename : renames) {
    if (presence.is_settled() || rename.member == own.key()) {
      turn.out.push_back(PublishNotice{NoticeKind::kRenamed, rename.member, rename.to, rename.from});
    }
  }
  if (!roster.find(key)->facts->well_formed) {
    ++counters.malformed_bodies;
    return;
  }
  presence.on_record(key, was_known, live, turn);
  membership.note_alive(key, turn.now.monotonic);
  const MemberFactsPtr facts = roster.find(key)->facts;
  const NodeKey node = facts->node();
  if (facts->has_founded) note_founder(key);
  if (key == own.key() || node == own.node()) return;
  if (!membership.is_partial()) {
    for (const NetAddress& address : facts->addresses) addresses.learn(node, address, turn.now.monotonic);
  }
  if (links.find_node(node) != nullptr) return;
  if (facts->online) {
    addresses.wake(node, turn.now.monotonic, presence.is_settled() ? Duration(kDialDelay) : Duration{});
  } else {
    addresses.on_lost(node, true, true, turn.now.monotonic);
  }
}

void Node::State::on_passing(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  if (moderation.is_banned(envelope.author, turn.now.wall_ms)) {
    ++counters.refused;
    return broadcast.on_useless(received.envelope->id);
  }
  ++counters.accepted;
  if (received.live) broadcast.on_received(received.envelope, received.link, received.round, turn);
  if (is_kind(envelope, Kind::kDirectNotice)) return conversations.on_notice(envelope, turn);
  if (!is_kind(envelope, Kind::kSuspect)) {
    ++counters.unknown_kinds;
    return;
  }
  const auto body = decode_suspect_body(envelope.body);
  if (!body) {
    ++counters.malformed_bodies;
    return;
  }
  if (presence.on_suspicion(*body, turn)) refute(turn);
}

void Node::State::on(const Committed& committed, Turn& turn) {
  const Envelope& envelope = committed.envelope->envelope;
  if (envelope.envelope_class == EnvelopeClass::kRecord) {
    is_member_record(envelope) ? roster.hold(*committed.envelope, turn.now.monotonic)
                               : index.hold_record(*committed.envelope, turn.now.monotonic);
    if (is_member_record(envelope) && committed.context.own) own.on_committed(envelope, turn);
    return;
  }
  if (!committed.context.repaired) anti_entropy.on_talk(turn.now.monotonic);
  // Row 0: the place is taken, and what is there counts already.
  const bool forget = P2P_PLANTED(RepairedNotHeld) && committed.context.repaired;
  const bool is_new = committed.row != 0 && !committed.context.opened_late;
  if (is_new && committed.context.own) outbox.note_held(committed.envelope->id, turn.now.monotonic);
  is_new && !forget ? index.hold_log(*committed.envelope, turn.now.monotonic)
                    : index.drop_brought(envelope, turn.now.monotonic);
  // An own envelope that the store did not write would be a falsely acknowledged send.
  P2P_CHECK(!committed.context.own || committed.row != 0);
  for (std::size_t i = 0; i < committed.context.tokens.size(); ++i) {
    turn.out.push_back(
        Acknowledge{committed.context.tokens[i], committed.envelope->id, static_cast<std::uint32_t>(i)});
  }
  const bool told = P2P_PLANTED(AnnouncedBeforeCommit) && !committed.context.own;
  if (const DirectMessagePtr& direct = committed.context.direct; direct && committed.row != 0) {
    conversations.on_committed(envelope, *direct, turn.now.monotonic);
    if (direct->is_request)
      turn.out.push_back(PublishNotice{NoticeKind::kAsks, direct->peer, roster.shown_name(direct->peer), {}});
  }
  if (committed.row != 0 && !told)
    turn.out.push_back(Announce{committed.envelope, committed.context, committed.row});
  if (committed.context.own && !P2P_PLANTED(FloodedBeforeCommit)) broadcast.publish(committed.envelope, turn);
  if (committed.context.own || committed.context.opened_late) return;
  const MemberRow* member = roster.find(envelope.author);
  const bool known = member != nullptr && member->facts->well_formed;
  const NodeKey node = known ? member->facts->node() : NodeKey{envelope.author.bytes};
  Link* link = links.find_node(node);
  if (P2P_PLANTED(TakenToWrongNeighbor)) {
    for (auto& [id, other] : links.all()) link = other.node != node ? &other : link;
  }
  if (link == nullptr) return;
  link->taken_waiting.push_back(committed.envelope->id);
  if (!takens_waiting) takens_due = turn.now.monotonic + options.parameters.taken_gather;
  takens_waiting = true;
  if (link->taken_waiting.size() >= kTakenPerFrame) takens_due = turn.now.monotonic;
}

void Node::State::on(const ForkKept& fork, Turn& turn) {
  ++counters.forks;
  if (!fork.replaced.is_zero() && !P2P_PLANTED(ForksNotInDigest))
    index.hold_fork(*fork.envelope, fork.replaced, turn.now.monotonic);
  if (!fork.replaced.is_zero()) {
    moderation.remove(fork.replaced);
    if (is_act(fork.envelope->envelope)) moderation.add(*fork.envelope);
    acts_came = true;
  }
  // Who is banned could have signed it afterwards.
  if (is_entry(fork.envelope->envelope) &&
      !entries.is_banned(fork.envelope->envelope.author, turn.now.wall_ms))
    take_entry(fork.envelope);
  // Which of the two the store hides, if any, is another question now.
  if (!moderation.refused_of(fork.envelope->envelope.author).empty())
    hide_refused(fork.envelope->envelope.author, turn);
  broadcast.publish(fork.envelope, turn);
}

void Node::State::on(const Loaded& loaded, Turn& turn) {
  anti_entropy.on_loaded(loaded, turn);
}

void Node::State::publish_own_record(bool is_online, Turn& turn) {
  record_stale = false;
  if (revoked.contains(own.key())) return;
  // Undiscoverable, it is offline to all; once told, nothing more is said.
  if (conversations.is_hidden()) {
    if (!online) return;
    is_online = false;
  }
  online = is_online;
  EnvelopePtr record = own.write_record(is_online, online_since_ms, turn.now.wall_ms);
  own_record = record;
  const bool was_known = roster.find(own.key()) != nullptr;
  std::vector<Rename> renames;
  roster.accept(*record, renames);
  index.count_accepted();
  apply_member_record(own.key(), was_known, true, renames, turn);
  broadcast.publish(record, turn);
  EnvelopeContext context;
  context.own = true;
  turn.out.push_back(Store{std::move(record), std::move(context)});
}

/// How the local member stands to those it talks to.
void Node::State::publish_standings(Turn& turn) {
  if (!own.has_claim() || left) return;
  for (EnvelopePtr& record : conversations.take_standings(author, index, turn)) {
    if (const AcceptResult result = index.accept_record(*record); result != AcceptResult::kNew) {
      ++(result == AcceptResult::kTooMany ? counters.dropped_over_limit : counters.already_accepted);
      continue;
    }
    broadcast.publish(record, turn);
    EnvelopeContext context;
    context.own = true;
    turn.out.push_back(Store{std::move(record), std::move(context)});
  }
}

void Node::State::suspect_aloud(Turn& turn) {
  for (const SuspectBody& body : presence.take_suspicions(turn)) {
    ++counters.suspicions;
    Envelope passing;
    passing.envelope_class = EnvelopeClass::kPassing;
    passing.kind = static_cast<std::uint16_t>(Kind::kSuspect);
    passing.body = encode_suspect_body(body);
    // Who is not to be seen says nothing.
    if (conversations.is_hidden()) continue;
    broadcast.publish(author.write_other(std::move(passing), turn.now.wall_ms), turn);
  }
}

void Node::State::refute(Turn& turn) {
  if (left || !own.has_claim() || conversations.is_hidden() || P2P_PLANTED(SuspicionNeverRefuted)) {
    refute_at.reset();  // one that was put off before, too: it would be due for ever
    return;
  }
  // Not dropped but put off: who suspects the newest record waits for an answer to just that.
  if (refuted_at != Instant{} && refuted_at + limits::kRefutationInterval > turn.now.monotonic) {
    refute_at = refuted_at + limits::kRefutationInterval;
    return;
  }
  refute_at.reset();
  refuted_at = turn.now.monotonic;
  ++counters.refutations;
  publish_own_record(true, turn);
}

void Node::State::draw_new_epoch(std::uint64_t last_known, Turn& turn) {
  // A profile that was copied runs elsewhere too: both would outdo each other for ever.
  if (counters.new_epochs > 0 && epoch_drawn_at + limits::kOwnEpochInterval > turn.now.monotonic) return;
  epoch_drawn_at = turn.now.monotonic;
  ++counters.new_epochs;
  author.draw_epoch(std::max(last_known, author.epoch()), turn.now.wall_ms);
  if (own.has_claim() && !left) publish_own_record(true, turn);
}

}  // namespace p2pmesh
