#include "p2pmesh/core/node.h"

#include <algorithm>
#include <cstddef>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kAloneAfter = std::chrono::seconds(2);      // as long as the screen waits
constexpr auto kSettledAnyway = std::chrono::seconds(10);  // a first comparison may move a long history
constexpr auto kStopped = std::chrono::seconds(3);         // heartbeats wake a running node far more often
constexpr auto kLonely = std::chrono::seconds(10);         // as long as a silent link is kept

void keep_sooner(std::optional<Instant>& next, std::optional<Instant> other) {
  if (other && (!next || *other < *next)) next = other;
}

}  // namespace

Node::State::State(const NodeOptions& node_options, const RestoredState& restored, Turn& turn)
    : options(node_options),
      index(digest),
      rooms(options.mesh),
      moderation(options.mesh),
      entries(options.roots, moderation),
      roster(options.mesh, *options.verifier, digest),
      addresses(options.seed ^ 0xad),
      conversations(options, roster),
      author(options.mesh, *options.member_signer),
      own(options, author),
      membership(options.parameters, digest, links, roster, addresses, own.node(), options.seed ^ 0xaf),
      presence(options.parameters, roster, links, own.key(), options.seed ^ 0xb0),
      broadcast(options.parameters, options.seed ^ 0xb1),
      anti_entropy(options.parameters, digest, index, roster, links, own.key(), options.seed ^ 0xae),
      online_since_ms(turn.now.wall_ms),
      woken_at(turn.now.monotonic),
      started(turn.now.monotonic) {
  for (const RestoredLog& log : restored.logs) index.restore(log);
  for (const RoomSecret& secret : options.room_keys) rooms.add(secret);
  for (const RestoredHead& head : restored.heads) {
    if (!head.room.empty()) heads.restore(head, own.key());
  }
  for (const RestoredCorrespondent& stored : restored.correspondents) conversations.restore(stored);
  own.set_prekey(conversations.sealing().prekey());
  drafts.restore(restored.drafts, restored.last_draft);
  for (const MemberKey& member : restored.blocked) conversations.restore_blocked(member);
  if (!options.discoverable) {
    conversations.hide(true, turn);
    own.set_quiet(true);
  }
  for (const RestoredOwn& entry : restored.outbox) {
    if (!P2P_PLANTED(OutboxForgotten)) outbox.add(entry);
  }
  if (restored.roster) roster.adopt(restored.roster->tables);
  EnvelopePtr earlier;
  std::uint64_t told_epoch = 0;  // who is not to be seen writes standings alone
  for (const EnvelopePtr& record : restored.records) {
    const bool is_member = is_member_record(record->envelope);
    is_member ? roster.restore(*record) : index.restore(*record);
    if (is_standing(record->envelope)) conversations.restore_standing(record->envelope);
    if (record->envelope.author != own.key()) continue;
    told_epoch = std::max(told_epoch, record->envelope.epoch);
    if (is_member) earlier = record;
  }
  if (options.founder_nonce) note_founder(own.key());
  roster.for_each([&](const MemberRow& member) {
    if (member.facts->well_formed && member.facts->has_founded) note_founder(member.key());
  });
  restore_revocations(restored.records, turn);
  for (const RestoredPeer& peer : restored.peers) {
    if (peer.node == own.node()) continue;
    addresses.restore(peer, turn.now.monotonic);
    if (peer.anchor) membership.restore_anchor({peer.node, peer.address});
  }
  // Of a larger mesh the views choose whom to dial.
  if (roster.counts().members <= limits::kLinksMax) {
    roster.for_each([&](const MemberRow& member) {
      if (member.key() == own.key()) return;
      for (const NetAddress& address : member.facts->addresses)
        addresses.learn(member.facts->node(), address, turn.now.monotonic);
    });
  }
  const std::uint64_t last_epoch =
      std::max(index.greatest_epoch(own.key()), earlier ? earlier->envelope.epoch : 0);
  const bool goes_on = restored.clean_stop || restored.handed_over || P2P_PLANTED(EpochReused);
  // Who was not to be seen may have drawn an epoch of which nothing is on the disk, and what was written in
  // the one before is not known then.
  if (goes_on && options.discoverable && last_epoch > 0 && told_epoch <= last_epoch) {
    const auto log = std::find_if(restored.logs.begin(), restored.logs.end(), [&](const RestoredLog& stored) {
      return stored.author == own.key() && stored.epoch == last_epoch && !stored.intervals.empty();
    });
    const bool wrote = log != restored.logs.end();
    author.resume(last_epoch, wrote ? log->intervals.back().second : 0, wrote ? log->last_id : EnvelopeId{});
  } else {
    author.draw_epoch(std::max(last_epoch, told_epoch), turn.now.wall_ms);
  }
  if (earlier) {
    if (const auto body = decode_member_body(earlier->envelope.body)) {
      own.restore(earlier->envelope, body->claim);
      if (restored.handed_over && body->online) {
        own_record = earlier;
        online = true;
        online_since_ms = body->since_ms;
        roster.set_presence(own.key(), Presence::kOnline, turn.now);
      }
    }
  }
  if (own.has_claim() && !own_record) {
    // Who was ended without a word is shown as online until it says otherwise.
    if (earlier && conversations.is_hidden()) {
      const auto body = decode_member_body(earlier->envelope.body);
      online = body && body->online;
    }
    publish_own_record(true, turn);
  }
  // With nobody known there is nobody to hear from first.
  if (options.founder_nonce && roster.counts().members <= 1 && restored.peers.empty()) settle(false, turn);
  for (const EnvelopePtr& act : restored.acts) {
    if (!moderation.add(*act)) ++counters.acts_dropped;
  }
  if (restored.has_more_acts) moderation.note_incomplete();
  acts_came = true;
  apply_acts(turn);
  if (is_closed()) restore_entries(restored.entries, turn.now.wall_ms);
  on(Wake{}, turn);
}

/// Whoever was itself stopped for long has heard nothing because it did not listen.
void Node::State::notice_time(Instant now) {
  if (woken_at + kStopped <= now && woken_at + 3 * membership.heartbeat() <= now) {
    for (auto& [id, link] : links.all()) link.heard_at = now;
  }
  woken_at = now;
}

void Node::State::on(const SendDirect& direct, Turn& turn) {
  P2P_CHECK(direct.text.size() <= limits::kMessageBytesMax);
  Draft draft;
  draft.token = direct.token;
  draft.text = direct.text;
  draft.to = direct.to;
  draft.prekey = conversations.prekey_of(direct.to);
  write_or_keep(std::move(draft), turn);
}

void Node::State::on(const AnswerRequest& answer, Turn& turn) {
  conversations.on_answer(answer, turn);
}

void Node::State::on(const ForgetContact& forget, Turn& turn) {
  conversations.forget(forget.member, turn);
}

void Node::State::on(const OpenConversation& opened, Turn& turn) {
  Envelope passing;
  passing.envelope_class = EnvelopeClass::kPassing;
  passing.kind = static_cast<std::uint16_t>(Kind::kDirectNotice);
  passing.mesh = options.mesh;
  passing.author = own.key();
  passing.epoch = author.epoch();
  passing.wall_ms = turn.now.wall_ms;
  const DirectType type = opened.opens ? DirectType::kOpened : DirectType::kClosed;
  auto body = conversations.write_notice(opened.member, type, passing);
  if (!body) return;
  passing.body = std::move(*body);
  broadcast.publish(author.write_other(std::move(passing), turn.now.wall_ms), turn);
}

void Node::State::on(const PrekeyDrawn& drawn, Turn&) {
  conversations.sealing().add(drawn.prekey);
  own.set_prekey(conversations.sealing().prekey());
  record_stale = true;
}

bool Node::State::is_missing_before(const Envelope& envelope) const {
  const EpochLog* log = index.find(envelope.author, envelope.epoch);
  return log == nullptr || !log->accepted.contains(envelope.seq - 1);
}

void Node::State::on(const Leave&, Turn& turn) {
  if (left) return;
  for (Store& store : held_back.release_all()) {
    store.context.gap = is_missing_before(store.envelope->envelope);
    show(std::move(store), turn);
  }
  if (is_overtaken(turn)) epoch_drawn_at -= limits::kOwnEpochInterval;  // now or never
  flush(turn);
  if (conversations.is_hidden()) {
    conversations.leave_unseen();
    publish_standings(turn);
  }
  left = true;
  online_since_ms = turn.now.wall_ms;  // from here on: offline since
  if (own.has_claim()) publish_own_record(false, turn);
  broadcast.send_waiting(turn);
  send_takens(turn);
}

void Node::State::on(const Wake&, Turn& turn) {
  beat(turn);
  presence.on_wake(turn);
  release_held_back(turn);
  hide_again(turn);
  anti_entropy.on_wake(turn);
  own.on_wake(links, turn);
  conversations.on_wake(turn);
  if (refute_at && *refute_at <= turn.now.monotonic) refute(turn);
  broadcast.on_wake(turn);
  broadcast.note_tree(links);
  if (!left) {
    for (LinkId id : membership.on_wake(own.addresses(), presence.is_settled(), own.has_claim(), turn))
      disconnect(id, turn);
    if (own.has_claim()) {
      const bool has_place = membership.can_visit(turn.now.monotonic);
      if (const auto member = conversations.take_visit(links, has_place, turn.now.monotonic))
        membership.visit(*roster.find(*member)->facts, turn);
    }
  }
  presence.set_partial(membership.is_partial());
  broadcast.set_partial(membership.is_partial() || options.parameters.shared_tree, turn);
  suspect_aloud(turn);
  if (links.size() > 0) {
    lonely_at.reset();
    told_alone = false;
  } else if (!lonely_at) {
    lonely_at = turn.now.monotonic + kLonely;
  } else if (*lonely_at <= turn.now.monotonic && !told_alone) {
    told_alone = true;
    presence.on_alone(turn);
  }
  if (!presence.is_settled()) {
    const bool alone = links.size() == 0 && started + kAloneAfter <= turn.now.monotonic;
    const bool late = first_link_at && *first_link_at + kSettledAnyway <= turn.now.monotonic;
    if (alone || late) settle(late, turn);
  }
}

void Node::State::settle(bool compared, Turn& turn) {
  presence.settle(compared, turn);
  if (!compared || told_settled) return;
  told_settled = true;
  turn.out.push_back(Settled{});
}

void Node::State::flush(Turn& turn) {
  apply_acts(turn);
  if (record_stale && own.has_claim() && !left) publish_own_record(true, turn);
  if (!left) release_drafts(turn);
  overtaken = is_overtaken(turn);
  if (own.may_write(turn.now.monotonic) && !left && !overtaken) flush_texts(turn);
  apply_acts(turn);  // own ones
  publish_standings(turn);
  if (takens_waiting && (takens_due <= turn.now.monotonic || left)) send_takens(turn);
  if (anti_entropy.take_repaired()) tell_repaired_due = true;
  tell_repaired(turn);
}

/// Somebody else with this key has written further in our epoch. Its places are not written over: what was
/// typed waits until there may be a new epoch again.
bool Node::State::is_overtaken(Turn& turn) {
  if (author.waiting() == 0) return false;
  const auto is_behind = [this] {
    const EpochLog* log = index.find(own.key(), author.epoch());
    return log != nullptr && log->accepted.greatest() > author.last_seq();
  };
  if (is_behind()) draw_new_epoch(author.epoch(), turn);
  return is_behind();
}

void Node::State::flush_texts(Turn& turn) {
  for (Written& written : author.write(heads, rooms, conversations, turn)) {
    const Envelope& envelope = written.envelope->envelope;
    P2P_CHECK(index.accept_log(*written.envelope, true, turn.now.monotonic) == AcceptResult::kNew);
    EnvelopeContext context;
    context.own = true;
    const auto waiting = static_cast<std::uint32_t>(written.tokens.size());
    context.messages = written.is_text ? waiting : 0;
    if (P2P_PLANTED(AcknowledgedBeforeCommit))
      turn.out.push_back(Acknowledge{written.tokens.front(), written.envelope->id, 0});
    context.tokens = std::move(written.tokens);
    context.direct = std::move(written.direct);
    context.opened = std::move(written.opened);
    if (!P2P_PLANTED(DraftNotDeleted)) context.drafts = std::move(written.drafts);
    outbox.add({written.envelope->id, envelope.epoch, envelope.seq, waiting});
    // It is flooded when it is committed. What others had and a kill took from this disk would be said twice
    // where it had waited as a line, and what is written after the kill would stand before it.
    if (P2P_PLANTED(FloodedBeforeCommit)) broadcast.publish(written.envelope, turn);
    const EnvelopePtr envelope_written = written.envelope;
    turn.out.push_back(Store{std::move(written.envelope), std::move(context)});
    if (is_act(envelope_written->envelope)) take_act(*envelope_written);
    if (is_entry(envelope_written->envelope)) take_entry(envelope_written);
    // A line that had waited, and that all others refuse: it is not to be shown here alone.
    if (moderation.refuses(envelope_written->envelope, turn.now.wall_ms)) hide_refused(own.key(), turn);
  }
}

void Node::State::send_takens(Turn& turn) {
  takens_waiting = false;
  for (auto& [id, link] : links.all()) send_takens(link, turn);
}

void Node::State::send_takens(Link& link, Turn& turn) {
  for (std::size_t from = 0; from < link.taken_waiting.size(); from += kTakenPerFrame) {
    const auto begin = link.taken_waiting.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t count = std::min(kTakenPerFrame, link.taken_waiting.size() - from);
    turn.send(link.id, encode_frame_of(Taken{{begin, begin + static_cast<std::ptrdiff_t>(count)}}));
  }
  link.taken_waiting.clear();
}

std::optional<Instant> Node::State::next_deadline() const {
  std::optional<Instant> next = presence.next_deadline();
  keep_sooner(next, held_back.next_deadline());
  keep_sooner(next, hiding_due);
  keep_sooner(next, anti_entropy.next_deadline());
  keep_sooner(next, own.next_deadline(links));
  keep_sooner(next, broadcast.next_deadline());
  if (takens_waiting) keep_sooner(next, takens_due);
  if (!left) keep_sooner(next, refute_at);
  if (links.size() == 0 && !told_alone) keep_sooner(next, lonely_at);
  if (tell_repaired_due) keep_sooner(next, told_repaired_at + limits::kTellRepaired);
  if (!left) keep_sooner(next, membership.next_deadline());
  const Instant may_draw_at = epoch_drawn_at + limits::kOwnEpochInterval;
  if (!left) keep_sooner(next, overtaken ? may_draw_at : author.next_deadline());
  if (!left && own.has_claim()) {
    keep_sooner(next, conversations.next_deadline());
    keep_sooner(next, conversations.next_visit());
  }
  if (links.size() > 0) keep_sooner(next, beat_at);
  if (!presence.is_settled()) {
    keep_sooner(next, first_link_at ? *first_link_at + kSettledAnyway : started + kAloneAfter);
  }
  return next;
}

Node::Node(const NodeOptions& options, const RestoredState& restored, const Now& now, Outputs& out) {
  Turn turn{now, out};
  state_ = std::make_unique<State>(options, restored, turn);
}

Node::~Node() = default;

void Node::handle(const Input& input, const Now& now, Outputs& out) {
  Turn turn{now, out};
  state_->notice_time(now.monotonic);
  const std::size_t first = out.size();
  std::visit([&](const auto& alternative) { state_->on(alternative, turn); }, input);
  state_->correct_notices_of_hidden(first, turn);
}

void Node::flush(const Now& now, Outputs& out) {
  Turn turn{now, out};
  state_->flush(turn);
}

std::optional<Instant> Node::next_deadline() const {
  return state_->next_deadline();
}

void Node::prefetch(int step) const {
  if (step == 0) return __builtin_prefetch(&state_);
  const auto lines = [](const void* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i);
  };
  if (step == 2) {
    state_->links.prefetch();
    return state_->broadcast.prefetch();
  }
  lines(&state_->index, sizeof(HeldIndex) + sizeof(RoomHeads));
  lines(&state_->links, sizeof(Links));
  lines(&state_->membership, sizeof(Membership));
  lines(&state_->presence, sizeof(PresenceTracker) + sizeof(Broadcast));
  const auto* rest = reinterpret_cast<const char*>(&state_->held_back);
  lines(rest, static_cast<std::size_t>(reinterpret_cast<const char*>(state_.get() + 1) - rest));
}

}  // namespace p2pmesh
