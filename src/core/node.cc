#include "p2pmesh/core/node.h"

#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr auto kAloneAfter = std::chrono::seconds(2);      // as long as the screen waits
constexpr auto kSettledAnyway = std::chrono::seconds(10);  // a first comparison may move a long history
constexpr std::size_t kTakenPerFrame = 1024;
constexpr std::size_t kDialsPerTurn = 8;

void keep_sooner(std::optional<Instant>& next, std::optional<Instant> other) {
  if (other && (!next || *other < *next)) next = other;
}

}  // namespace

Node::State::State(const NodeOptions& node_options, const RestoredState& restored, Turn& turn)
    : options(node_options),
      roster(options.mesh, *options.verifier),
      addresses(options.seed ^ 0xad),
      author(options.mesh, *options.member_signer),
      own(options, author),
      presence(roster, links, own.key()),
      broadcast(links),
      anti_entropy(index, links, own.key(), options.seed ^ 0xae),
      online_since_ms(turn.now.wall_ms),
      started(turn.now.monotonic) {
  for (const RestoredLog& log : restored.logs) index.restore(log);
  for (const RestoredHead& head : restored.heads) heads.restore(head);
  for (const RestoredOwn& entry : restored.outbox) outbox.add(entry);
  std::vector<Rename> renames;
  for (const EnvelopePtr& record : restored.records) {
    index.restore(*record);
    if (record->envelope.kind == static_cast<std::uint16_t>(Kind::kMember))
      roster.apply(record->envelope, renames);
  }
  for (const RestoredPeer& peer : restored.peers) {
    if (peer.node != own.node()) addresses.restore(peer, turn.now.monotonic);
  }
  for (const auto& [key, member] : roster.members()) {
    if (key == own.key()) continue;
    for (const NetAddress& address : member.body.addresses) {
      addresses.learn(member.body.node, address, turn.now.monotonic, turn.out);
    }
  }
  const Member* earlier = roster.find(own.key());
  const std::uint64_t last_epoch =
      std::max(index.greatest_epoch(own.key()), earlier != nullptr ? earlier->epoch : 0);
  if (restored.clean_stop && last_epoch > 0) {
    const EpochLog* log = index.find(own.key(), last_epoch);
    if (log != nullptr) {
      author.resume(last_epoch, log->accepted.greatest(), log->greatest_id);
    } else {
      author.resume(last_epoch, 0, {});
    }
  } else {
    author.draw_epoch(last_epoch, turn.now.wall_ms);
  }
  if (earlier != nullptr) own.restore(*earlier);
  if (own.has_claim()) publish_own_record(true, turn);
  // With nobody known there is nobody to hear from first.
  if (options.founder_nonce && roster.members().size() <= 1 && restored.peers.empty()) settle(false, turn);
  on(Wake{}, turn);
}

void Node::State::on(const SendText& text, Turn&) {
  P2P_CHECK(!text.text.empty() && text.text.size() <= limits::kMessageBytesMax);
  author.enqueue(text);
}

void Node::State::on(const Leave&, Turn& turn) {
  if (left) return;
  for (Store& store : held_back.release_all()) {
    store.context.gap = true;
    turn.out.push_back(std::move(store));
  }
  flush(turn);
  left = true;
  online_since_ms = turn.now.wall_ms;  // from here on: offline since
  if (own.has_claim()) publish_own_record(false, turn);
}

void Node::State::on(const Wake&, Turn& turn) {
  beat(turn);
  presence.on_wake(turn);
  for (Store& store : held_back.release_due(turn.now.monotonic)) {
    const Envelope& envelope = store.envelope->envelope;
    const EpochLog* log = index.find(envelope.author, envelope.epoch);
    store.context.gap = log == nullptr || !log->accepted.contains(envelope.seq - 1);
    if (store.context.gap) {
      ++counters.gaps;
      anti_entropy.hurry(turn);
    }
    store_in_order(std::move(store), turn);
  }
  anti_entropy.on_wake(turn);
  own.on_wake(links, turn);
  if (!left && links.size() < limits::kLinksMax / 2) {
    addresses.dial_due(own.addresses(), kDialsPerTurn, turn.now.monotonic, turn.out);
  }
  if (!presence.is_settled()) {
    const bool alone = links.size() == 0 && started + kAloneAfter <= turn.now.monotonic;
    const bool late = first_link_at && *first_link_at + kSettledAnyway <= turn.now.monotonic;
    if (alone || late) settle(late, turn);
  }
}

void Node::State::settle(bool compared, Turn& turn) {
  presence.settle(turn);
  if (!compared || told_settled) return;
  told_settled = true;
  turn.out.push_back(Settled{});
}

void Node::State::flush(Turn& turn) {
  if (record_stale && own.has_claim() && !left) publish_own_record(true, turn);
  if (own.may_write(turn.now.monotonic) && !left) {
    for (Written& written : author.write(heads, turn.now)) {
      const Envelope& envelope = written.envelope->envelope;
      P2P_CHECK(index.accept_log(*written.envelope, true, turn.now.monotonic) == AcceptResult::kNew);
      EnvelopeContext context;
      context.own = true;
      context.messages = static_cast<std::uint32_t>(written.tokens.size());
      context.tokens = std::move(written.tokens);
      outbox.add({written.envelope->id, envelope.epoch, envelope.seq, context.messages});
      broadcast.flood(*written.envelope, 0, 0, turn);
      turn.out.push_back(Store{std::move(written.envelope), std::move(context)});
    }
  }
  for (auto& [id, link] : links.all()) {
    for (std::size_t from = 0; from < link.taken_waiting.size(); from += kTakenPerFrame) {
      const auto begin = link.taken_waiting.begin() + static_cast<std::ptrdiff_t>(from);
      const std::size_t count = std::min(kTakenPerFrame, link.taken_waiting.size() - from);
      turn.send(id, encode_frame_of(Taken{{begin, begin + static_cast<std::ptrdiff_t>(count)}}));
    }
    link.taken_waiting.clear();
  }
}

std::optional<Instant> Node::State::next_deadline() const {
  std::optional<Instant> next = presence.next_deadline();
  keep_sooner(next, held_back.next_deadline());
  keep_sooner(next, anti_entropy.next_deadline());
  keep_sooner(next, own.next_deadline(links));
  if (!left) keep_sooner(next, addresses.next_deadline());
  if (!left) keep_sooner(next, author.next_deadline());
  for (const auto& [id, link] : links.all()) keep_sooner(next, link.next_ping);
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
  std::visit([&](const auto& alternative) { state_->on(alternative, turn); }, input);
}

void Node::flush(const Now& now, Outputs& out) {
  Turn turn{now, out};
  state_->flush(turn);
}

std::optional<Instant> Node::next_deadline() const {
  return state_->next_deadline();
}

NodeStatus Node::status() const {
  NodeStatus status;
  status.name = state_->roster.find(state_->own.key()) != nullptr
                    ? state_->roster.shown_name(state_->own.key())
                    : state_->options.name;
  status.neighbors = state_->links.size();
  bool has_self = false;
  for (const auto& [key, member] : state_->roster.members()) {
    const bool self = key == state_->own.key();
    has_self = has_self || self;
    ++status.members;
    if (self || member.presence == Presence::kOnline) ++status.online;
  }
  if (!has_self) ++status.members, ++status.online;
  status.pending = state_->outbox.messages() + state_->author.waiting();
  status.settled = state_->presence.is_settled();
  return status;
}

std::vector<MemberView> Node::members() const {
  std::vector<MemberView> views;
  for (const auto& [key, member] : state_->roster.members()) {
    const bool self = key == state_->own.key();
    views.push_back({key, member.body.node, member.shown_name, self || member.presence == Presence::kOnline,
                     self ? state_->online_since_ms : member.presence_since_ms, self, member.body.addresses});
  }
  return views;
}

std::vector<LinkView> Node::links() const {
  std::vector<LinkView> views;
  for (const auto& [id, link] : state_->links.all()) {
    const auto hosted = state_->roster.hosted_by(link.node);
    views.push_back({id, link.node, hosted.empty() ? std::string() : hosted.front()->shown_name, link.remote,
                     link.outbound, link.rtt});
  }
  return views;
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

std::vector<std::pair<std::string, std::uint64_t>> Node::counters() const {
  const CoreCounters& core = state_->counters;
  const BroadcastCounters& broadcast = state_->broadcast.counters();
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
      {"payloads_sent", broadcast.payloads_sent},
      {"payloads_received", broadcast.payloads_received},
      {"payloads_duplicate", broadcast.duplicates},
      {"sync_sessions", sync.sessions},
      {"sync_timeouts", sync.timeouts},
      {"sync_envelopes_served", sync.envelopes_served},
      {"sync_no_longer_held", sync.no_longer_held},
      {"held_back", state_->held_back.size()},
      {"authors", state_->index.authors()},
  };
}

}  // namespace p2pmesh
