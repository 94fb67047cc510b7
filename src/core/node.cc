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
    if (!head.room.empty()) heads.restore(head);
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
  for (const RestoredPeer& peer : restored.peers) {
    if (peer.node != own.node()) addresses.restore(peer, turn.now.monotonic);
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
  anti_entropy.on_wake(turn);
  own.on_wake(links, turn);
  conversations.on_wake(turn);
  if (refute_at && *refute_at <= turn.now.monotonic) refute(turn);
  broadcast.on_wake(turn);
  broadcast.note_tree(links);
  if (!left) {
    for (LinkId id : membership.on_wake(own.addresses(), presence.is_settled(), own.has_claim(), turn))
      disconnect(id, turn);
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
  if (record_stale && own.has_claim() && !left) publish_own_record(true, turn);
  if (!left) release_drafts(turn);
  if (own.may_write(turn.now.monotonic) && !left) flush_texts(turn);
  publish_standings(turn);
  if (takens_waiting && (takens_due <= turn.now.monotonic || left)) send_takens(turn);
  if (anti_entropy.take_repaired()) tell_repaired_due = true;
  tell_repaired(turn);
}

void Node::State::flush_texts(Turn& turn) {
  for (Written& written : author.write(heads, rooms, conversations, turn)) {
    const Envelope& envelope = written.envelope->envelope;
    P2P_CHECK(index.accept_log(*written.envelope, true, turn.now.monotonic) == AcceptResult::kNew);
    EnvelopeContext context;
    context.own = true;
    const auto waiting = static_cast<std::uint32_t>(written.tokens.size());
    context.messages = written.is_topic ? 0 : waiting;
    if (P2P_PLANTED(AcknowledgedBeforeCommit))
      turn.out.push_back(Acknowledge{written.tokens.front(), written.envelope->id, 0});
    context.tokens = std::move(written.tokens);
    context.direct = std::move(written.direct);
    context.opened = std::move(written.opened);
    if (!P2P_PLANTED(DraftNotDeleted)) context.drafts = std::move(written.drafts);
    outbox.add({written.envelope->id, envelope.epoch, envelope.seq, waiting});
    // What was flooded and still lay there as a draft after a crash would be said twice; and what comes
    // behind it in the log would stand behind a gap for ever.
    if (!context.drafts.empty()) ++unwritten_drafts;
    context.floods_when_committed = unwritten_drafts > 0 && !P2P_PLANTED(DraftFloodedBeforeCommit);
    if (!context.floods_when_committed) broadcast.publish(written.envelope, turn);
    turn.out.push_back(Store{std::move(written.envelope), std::move(context)});
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
  keep_sooner(next, anti_entropy.next_deadline());
  keep_sooner(next, own.next_deadline(links));
  keep_sooner(next, broadcast.next_deadline());
  if (takens_waiting) keep_sooner(next, takens_due);
  if (!left) keep_sooner(next, refute_at);
  if (links.size() == 0 && !told_alone) keep_sooner(next, lonely_at);
  if (tell_repaired_due) keep_sooner(next, told_repaired_at + limits::kTellRepaired);
  if (!left) keep_sooner(next, membership.next_deadline());
  if (!left) keep_sooner(next, author.next_deadline());
  if (!left && own.has_claim()) keep_sooner(next, conversations.next_deadline());
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

NodeStatus Node::status() const {
  NodeStatus status;
  const MemberRow* self = state_->roster.find(state_->own.key());
  const RosterCounts& counts = state_->roster.counts();
  status.name = self != nullptr ? state_->roster.shown_name(state_->own.key()) : state_->options.name;
  status.claimed_name = state_->own.claimed_name();
  status.has_claim = state_->own.has_claim();
  status.name_refused = state_->own.is_refused();
  status.neighbors = state_->links.size();
  status.members = counts.members + (self == nullptr ? 1 : 0);
  status.online = counts.online + (self == nullptr || self->presence != Presence::kOnline ? 1 : 0);
  status.pending = state_->outbox.messages() + state_->author.waiting() + state_->drafts.size();
  status.discoverable = !state_->conversations.is_hidden();
  status.settled = state_->presence.is_settled();
  status.partial = state_->membership.is_partial();
  status.passive = state_->membership.passive().size();
  return status;
}

std::vector<MemberView> Node::members() const {
  std::vector<MemberView> views;
  state_->roster.for_each([&](const MemberRow& member) {
    if (!member.facts->well_formed) return;
    const bool self = member.key() == state_->own.key();
    const bool seen = member.presence == Presence::kOnline;
    const bool hidden =
        !seen && (self ? state_->conversations.is_hidden() : state_->conversations.is_here(member.key()));
    views.push_back({member.key(), member.facts->node(), state_->roster.shown_name(member.key()),
                     self || seen || hidden, self ? state_->online_since_ms : member.since_ms(), self,
                     member.facts->addresses, hidden});
  });
  return views;
}

std::vector<LinkView> Node::links() const {
  std::vector<LinkView> views;
  for (const auto& [id, link] : state_->links.all()) {
    const auto hosted = state_->roster.hosted_by(link.node);
    views.push_back({id, link.node,
                     hosted.empty() ? std::string() : state_->roster.shown_name(hosted.front()), link.remote,
                     link.outbound, link.rtt});
  }
  return views;
}

bool Node::is_neighbor(LinkId link) const {
  return state_->links.find(link) != nullptr;
}

std::vector<NodeKey> Node::passive_view() const {
  std::vector<NodeKey> nodes;
  for (const PeerEntry& peer : state_->membership.passive().all()) nodes.push_back(peer.node);
  return nodes;
}

std::shared_ptr<const SharedRoster> Node::share_roster() const {
  auto shared = std::make_shared<SharedRoster>();
  HeldDigest digest;
  Roster copy(state_->options.mesh, *state_->options.verifier, digest);
  copy.adopt(state_->roster.share());
  state_->roster.for_each([&](const MemberRow& member) {
    if (member.facts->online) copy.set_presence(member.key(), Presence::kOnline, Now{});
    copy.set_suspicion(member.key(), 0);
  });
  shared->tables = copy.share();
  return shared;
}

std::string Node::shown_name(const MemberKey& member) const {
  if (member == state_->own.key() && state_->roster.find(member) == nullptr) return state_->options.name;
  return state_->roster.shown_name(member);
}

std::vector<Head> Node::deepest_heads() const {
  return state_->heads.deepest(limits::kParentsMax);
}

std::vector<NetAddress> Node::advertised() const {
  return state_->own.addresses();
}

bool Node::can_take_text() const {
  return state_->author.has_room();
}

std::vector<DraftView> Node::drafts() const {
  std::vector<DraftView> views;
  // Those that were released and wait for the author's own budget came before the rest.
  for (const Draft& draft : state_->author.drafts()) {
    if (draft.number != 0) views.push_back({draft.number, draft.room, draft.to, draft.text, draft.typed_ms});
  }
  const std::vector<DraftView> rest = state_->drafts.list();
  views.insert(views.end(), rest.begin(), rest.end());
  return views;
}

bool Node::can_take_draft() const {
  return state_->drafts.has_room();
}

std::size_t Node::takers_of(const EnvelopeId& id) const {
  return state_->outbox.takers_of(id);
}

DirectAccess Node::access_to(const MemberKey& member) const {
  return state_->conversations.access_to(member);
}

std::vector<CorrespondentView> Node::correspondents() const {
  return state_->conversations.list();
}

bool Node::is_shown(const MemberKey& member) const {
  return state_->conversations.is_shown(member);
}

std::optional<Delivery> Node::delivery_of(const MemberKey& to, const EnvelopeId& id, std::uint64_t epoch,
                                          std::uint64_t number) const {
  if (state_->outbox.find(id) != nullptr) return std::nullopt;
  return state_->conversations.delivery_of(to, epoch, number);
}

std::vector<std::pair<std::string, std::uint64_t>> Node::counters() const {
  const DirectCounters& direct = state_->conversations.counters();
  const CoreCounters& core = state_->counters;
  const BroadcastCounters& broadcast = state_->broadcast.counters();
  const MembershipCounters& views = state_->membership.counters();
  const AntiEntropyCounters& sync = state_->anti_entropy.counters();
  return {
      {"envelopes_accepted", core.accepted},
      {"envelopes_repaired", core.repaired},
      {"envelopes_already_accepted", core.already_accepted},
      {"envelopes_dropped_over_limit", core.dropped_over_limit},
      {"bodies_malformed", core.malformed_bodies},
      {"kinds_unknown", core.unknown_kinds},
      {"gaps_shown", core.gaps},
      {"forks_kept", core.forks},
      {"epochs_drawn", core.new_epochs},
      {"suspicions_sent", core.suspicions},
      {"refutations_sent", core.refutations},
      {"frames_faulty", core.faulty_frames},
      {"links_refused", core.links_refused},
      {"joins", views.joins},
      {"forward_joins_sent", views.forward_joins},
      {"neighbors_granted", views.granted},
      {"neighbors_declined", views.declined},
      {"neighbors_evicted", views.evicted},
      {"shuffles", views.shuffles},
      {"probes", views.probes},
      {"rewires", views.rewires},
      {"heals_tried", views.heals},
      {"merges", views.merges},
      {"ihaves_sent", broadcast.ihaves_sent},
      {"grafts_sent", broadcast.grafts_sent},
      {"prunes_sent", broadcast.prunes_sent},
      {"grafts_unanswered", broadcast.grafts_unanswered},
      {"ids_missing", state_->broadcast.missing()},
      {"ids_given_up", state_->broadcast.given_up()},
      {"ids_over_limit", broadcast.missing_over_limit},
      {"eager_links", state_->broadcast.eager()},
      {"payloads_sent", broadcast.payloads_sent},
      {"payloads_received", broadcast.payloads_received},
      {"payloads_duplicate", broadcast.duplicates},
      {"sync_sessions", sync.sessions},
      {"sync_timeouts", sync.timeouts},
      {"sync_envelopes_served", sync.envelopes_served},
      {"sync_no_longer_held", sync.no_longer_held},
      {"rooms_opened", state_->rooms.counters().opened},
      {"rooms_damaged", state_->rooms.counters().damaged},
      {"directs_opened", direct.opened},
      {"directs_damaged", direct.damaged},
      {"directs_over_limit", direct.over_limit},
      {"standings_sent", direct.standings},
      {"held_back", state_->held_back.size()},
      {"authors", state_->index.authors()},
  };
}

}  // namespace p2pmesh
