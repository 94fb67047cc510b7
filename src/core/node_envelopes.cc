// What becomes of envelopes: accepted, flooded on, put in the author's order, stored, announced.
#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
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
  if (received.live) broadcast.on_received();
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
  broadcast.on_duplicate();
}

void Node::State::on_log(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  EnvelopeContext context;
  context.from = received.link;
  context.repaired = !received.live;
  const AcceptResult result = index.accept_log(*received.envelope, false, turn.now.monotonic);
  if (result == AcceptResult::kTooMany) {
    ++counters.dropped_over_limit;
    return;
  }
  if (result == AcceptResult::kAlready) {
    // Seen before this process began, or a second id for the same place: the store can tell.
    ++counters.already_accepted;
    turn.out.push_back(Store{received.envelope, std::move(context)});
    return;
  }
  ++counters.accepted;
  if (!received.live) ++counters.repaired;
  if (envelope.author == own.key() && envelope.epoch == author.epoch() && envelope.seq > author.last_seq()) {
    draw_new_epoch(envelope.epoch, turn);
  }
  if (is_kind(envelope, Kind::kText)) {
    context.messages = static_cast<std::uint32_t>(count_text_messages(envelope.body));
    if (context.messages == 0) ++counters.malformed_bodies;
  } else {
    ++counters.unknown_kinds;
  }
  heads.on_envelope(*received.envelope);
  if (received.live) broadcast.flood(*received.envelope, received.round, received.link, turn);

  Store store{received.envelope, std::move(context)};
  // What is itself held back counts as missing: it has not been shown.
  const bool waits = received.live && envelope.seq > 1 &&
                     (!index.find(envelope.author, envelope.epoch)->accepted.contains(envelope.seq - 1) ||
                      held_back.contains(envelope.author, envelope.epoch, envelope.seq - 1));
  if (waits && held_back.has_room()) {
    held_back.hold(std::move(store), turn.now.monotonic + limits::kHeldBackTimeout);
    return;
  }
  store.context.gap = waits;
  if (waits) ++counters.gaps;
  store_in_order(std::move(store), turn);
}

/// Hands an envelope to the store, and then those that waited for it.
void Node::State::store_in_order(Store store, Turn& turn) {
  const MemberKey author_key = store.envelope->envelope.author;
  const std::uint64_t epoch = store.envelope->envelope.epoch;
  std::uint64_t seq = store.envelope->envelope.seq;
  turn.out.push_back(std::move(store));
  while (auto next = held_back.release_after(author_key, epoch, seq)) {
    ++seq;
    turn.out.push_back(std::move(*next));
  }
}

void Node::State::on_record(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  const AcceptResult result = index.accept_record(*received.envelope);
  if (result != AcceptResult::kNew) {
    ++(result == AcceptResult::kTooMany ? counters.dropped_over_limit : counters.already_accepted);
    return;
  }
  ++counters.accepted;
  if (!received.live) ++counters.repaired;
  EnvelopeContext context;
  context.from = received.link;
  context.repaired = !received.live;
  if (received.live) broadcast.flood(*received.envelope, received.round, received.link, turn);
  turn.out.push_back(Store{received.envelope, std::move(context)});
  if (!is_kind(envelope, Kind::kMember)) {
    ++counters.unknown_kinds;
    return;
  }
  if (envelope.author == own.key()) {
    // A copy of this profile ran elsewhere, or a backup was put back: outdo it.
    if (envelope.epoch >= author.epoch()) draw_new_epoch(envelope.epoch, turn);
    return;
  }
  apply_member_record(envelope, received.live, turn);
}

void Node::State::apply_member_record(const Envelope& record, bool live, Turn& turn) {
  const bool was_known = roster.find(record.author) != nullptr;
  std::vector<Rename> renames;
  Member* member = roster.apply(record, renames);
  if (member == nullptr) {
    ++counters.malformed_bodies;
    return;
  }
  for (const Rename& rename : renames) {
    if (presence.is_settled() || rename.member == own.key()) {
      turn.out.push_back(PublishNotice{NoticeKind::kRenamed, rename.member, rename.to, rename.from});
    }
  }
  presence.on_record(*member, was_known, live, turn);
  if (member->key == own.key() || member->body.node == own.node()) return;
  for (const NetAddress& address : member->body.addresses) {
    addresses.learn(member->body.node, address, turn.now.monotonic, turn.out);
  }
  if (links.find_node(member->body.node) != nullptr) return;
  if (member->body.online) {
    addresses.wake(member->body.node, turn.now.monotonic,
                   presence.is_settled() ? Duration(kDialDelay) : Duration{});
  } else {
    addresses.on_lost(member->body.node, true, true, turn.now.monotonic);
  }
}

void Node::State::on_passing(const EnvelopeReceived& received, Turn& turn) {
  const Envelope& envelope = received.envelope->envelope;
  ++counters.accepted;
  if (received.live) broadcast.flood(*received.envelope, received.round, received.link, turn);
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
    index.hold_record(*committed.envelope);
    return;
  }
  index.hold_log(envelope);
  // An own envelope that the store did not write would be a falsely acknowledged send.
  P2P_CHECK(!committed.context.own || committed.row != 0);
  for (std::size_t i = 0; i < committed.context.tokens.size(); ++i) {
    turn.out.push_back(
        Acknowledge{committed.context.tokens[i], committed.envelope->id, static_cast<std::uint32_t>(i)});
  }
  if (committed.row != 0) turn.out.push_back(Announce{committed.envelope, committed.context, committed.row});
  if (committed.context.own) return;
  const Member* member = roster.find(envelope.author);
  const NodeKey node = member != nullptr ? member->body.node : NodeKey{envelope.author.bytes};
  if (Link* link = links.find_node(node)) link->taken_waiting.push_back(committed.envelope->id);
}

void Node::State::on(const ForkKept& fork, Turn& turn) {
  ++counters.forks;
  broadcast.flood(*fork.envelope, 0, 0, turn);
}

void Node::State::on(const Loaded& loaded, Turn& turn) {
  anti_entropy.on_loaded(loaded, turn);
}

void Node::State::publish_own_record(bool is_online, Turn& turn) {
  record_stale = false;
  online = is_online;
  EnvelopePtr record = own.write_record(is_online, online_since_ms, turn.now.wall_ms);
  own_record = record;
  index.accept_record(*record);
  apply_member_record(record->envelope, true, turn);
  broadcast.flood(*record, 0, 0, turn);
  EnvelopeContext context;
  context.own = true;
  turn.out.push_back(Store{std::move(record), std::move(context)});
}

void Node::State::suspect_aloud(const std::vector<Member*>& suspects, Turn& turn) {
  for (const Member* member : suspects) {
    if (links.size() == 0) return;
    ++counters.suspicions;
    Envelope passing;
    passing.envelope_class = EnvelopeClass::kPassing;
    passing.kind = static_cast<std::uint16_t>(Kind::kSuspect);
    passing.body = encode_suspect_body({member->key, member->epoch, member->version});
    broadcast.flood(*author.write_other(std::move(passing), turn.now.wall_ms), 0, 0, turn);
  }
}

void Node::State::refute(Turn& turn) {
  if (left || !own.has_claim() || refuted_at + limits::kRefutationInterval > turn.now.monotonic) return;
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
