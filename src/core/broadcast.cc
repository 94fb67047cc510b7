#include "broadcast.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIHavesPerFrame = 1024;  // 34 KiB
constexpr std::size_t kGraftsPerFrame = 512;

std::uint16_t one_more(std::uint16_t round) {
  return round == UINT16_MAX ? round : static_cast<std::uint16_t>(round + 1);
}

}  // namespace

void Broadcast::publish(const EnvelopePtr& envelope, Turn& turn) {
  turn.out.push_back(MarkSeen{envelope->id, envelope->envelope.wall_ms});
  spread(envelope, 0, 0, turn);
}

void Broadcast::on_received(const EnvelopePtr& envelope, LinkId from, std::uint16_t round, Turn& turn) {
  ++counters_.payloads_received;
  missing_.arrived(envelope->id);
  note_first(from);
  if (partial_) mend(from, turn);
  if (from == tree_.way()) leave_old_way(turn);
  spread(envelope, from, round, turn);
  if (auto sender = peers_.find(from); P2P_PLANTED(PrunesEverything) && sender != peers_.end())
    prune(from, sender->second, turn);
}

void Broadcast::spread(const EnvelopePtr& envelope, LinkId from, std::uint16_t round, Turn& turn) {
  SharedBytes frame;
  const MemberKey& author = envelope->envelope.author;
  shaping_.note(envelope->id, author, turn.now.monotonic);
  recent_.add(envelope, {.payload = {},
                         .at = turn.now.monotonic,
                         .from = from,
                         .round = round,
                         .contested = shaping_.is_contested(turn.now.monotonic)});
  bool lazy = false;
  for (auto& [link, peer] : peers_) {
    if (link == from) continue;
    // In a full mesh a payload of one's own goes to everybody.
    if (is_eager(peer, author) || (!partial_ && from == 0)) {
      push(link, peer, envelope, one_more(round), frame, turn);
    } else {
      lazy = true;
    }
  }
  // What a neighbor is not told of by then comes to it by anti-entropy.
  if (!lazy || announced_.size() >= limits::kRecentMax || P2P_PLANTED(IHaveNeverQueued)) return;
  announced_.push_back({envelope->id, round, from, author});
  announce_later(turn.now.monotonic);
}

void Broadcast::push(LinkId link, Peer& peer, const EnvelopePtr& envelope, std::uint16_t round,
                     SharedBytes& frame, Turn& turn) {
  ++counters_.payloads_sent;
  if (parameters_.payload_window == Duration{}) {
    if (!frame) frame = std::make_shared<const Bytes>(encode_frame_of(Gossip{{{round, envelope->encoded}}}));
    turn.out.push_back(SendFrame{link, frame, FrameClass::kLive});
    return;
  }
  if (!peer.waiting) peer.waiting = std::make_unique<Waiting>();
  Waiting& waiting = *peer.waiting;
  const std::size_t bytes = kGossipItemBytes + envelope->encoded.size();
  if (waiting.bytes + bytes > limits::kFrameBytesMax - 16) send_payloads(link, peer, turn);
  if (waiting.payloads.empty()) {
    // One frame a window on the average, two at once: on a quiet link nothing waits, for it would hardly find
    // company.
    waiting.due = std::max(turn.now.monotonic, waiting.used_until - parameters_.payload_window);
    note_due(waiting.due);
  }
  waiting.payloads.emplace_back(envelope, round);
  waiting.bytes += bytes;
  if (waiting.due <= turn.now.monotonic) send_payloads(link, peer, turn);
}

void Broadcast::send_payloads(LinkId link, Peer& peer, Turn& turn) {
  if (!peer.waiting) return;
  Waiting& waiting = *peer.waiting;
  if (P2P_PLANTED(FlushForgetsPayloads)) waiting.payloads.clear();
  if (waiting.payloads.empty()) return;
  // A full frame does not wait; what comes behind it waits no longer for that.
  const Duration window = parameters_.payload_window;
  waiting.used_until =
      std::min(std::max(waiting.used_until, turn.now.monotonic) + window, turn.now.monotonic + 2 * window);
  Gossip gossip;
  for (const auto& [envelope, round] : waiting.payloads) gossip.items.push_back({round, envelope->encoded});
  turn.send(link, encode_frame_of(gossip), FrameClass::kLive);
  waiting.payloads.clear();
  waiting.bytes = 0;
}

void Broadcast::announce_later(Instant now) {
  if (announce_at_ == Instant{}) announce_at_ = now + ihave_interval();
}

/// It was not pushed to this peer, nor came from it.
bool Broadcast::is_told(LinkId link, const Peer& peer, std::size_t place) const {
  const Announced& item = announced_[place];
  if (item.from == link || told_ + place < peer.lazy_from) return false;
  return partial_ || (item.from != 0 && peer.pruned.contains(item.author));
}

/// `shared`: the frame for those who are told of everything, once it is made.
void Broadcast::send_ihaves(LinkId link, Peer& peer, SharedBytes& shared, Turn& turn) {
  if (announced_.empty() || (partial_ && peer.eager)) return;
  std::size_t told = 0;
  for (std::size_t i = 0; i < announced_.size(); ++i) told += is_told(link, peer, i) ? 1 : 0;
  const bool all = told == announced_.size();
  std::vector<IHave::Item> items;
  for (std::size_t i = 0; i < announced_.size() && !(all && shared); ++i) {
    if (is_told(link, peer, i)) items.push_back({announced_[i].id, announced_[i].round});
  }
  SharedBytes own;
  send_ihaves(link, items, all ? shared : own, turn);
  peer.lazy_from = told_ + announced_.size();
}

/// Sends `frame` if there is one, else makes it; of very many items several frames are made.
void Broadcast::send_ihaves(LinkId link, const std::vector<IHave::Item>& items, SharedBytes& frame,
                            Turn& turn) {
  if (frame) {
    turn.out.push_back(SendFrame{link, frame, FrameClass::kControl});
    ++counters_.ihaves_sent;
    return;
  }
  for (std::size_t from = 0; from < items.size(); from += kIHavesPerFrame) {
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t count = std::min(kIHavesPerFrame, items.size() - from);
    auto made = std::make_shared<const Bytes>(
        encode_frame_of(IHave{{begin, begin + static_cast<std::ptrdiff_t>(count)}}));
    if (count == items.size()) frame = made;
    turn.out.push_back(SendFrame{link, std::move(made), FrameClass::kControl});
    ++counters_.ihaves_sent;
  }
}

void Broadcast::send_all_ihaves(Turn& turn) {
  SharedBytes shared;
  for (auto& [link, peer] : peers_) {
    SharedBytes own;
    send_ihaves(link, std::exchange(peer.catch_up, {}), own, turn);
    send_ihaves(link, peer, shared, turn);
  }
  told_ += announced_.size();
  announced_.clear();
  announce_at_ = Instant{};
}

void Broadcast::on_ihave(LinkId from, const IHave& ihave, Turn& turn) {
  if (!parameters_.plumtree) return;
  auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Peer& announcer = found->second;
  // An eager link announces what it had before it became one: nothing of that is on its way.
  const Duration timeout = announcer.eager && partial_ ? Duration{} : parameters_.graft_timeout;
  for (const IHave::Item& item : ihave.items) {
    const RecentPayloads::Entry* entry = recent_.find(item.id);
    if (entry != nullptr) {
      optimise(from, announcer, *entry, item.round, turn);
    } else if (repaired_.find(item.id) == nullptr &&
               !missing_.announce(item.id, from, item.round, turn.now.monotonic + timeout)) {
      ++counters_.missing_over_limit;
    }
  }
}

std::size_t Broadcast::on_graft(LinkId from, const Graft& graft, Turn& turn, bool may_answer) {
  auto asker = peers_.find(from);
  if (asker == peers_.end()) return 0;
  asker->second.grafted_at = turn.now.monotonic;
  if (graft.ids.empty()) {
    tree_.on_chosen(from, true);
  } else {
    asker->second.repaired_at = turn.now.monotonic;
  }
  forget_copies(from);
  make_eager(from, asker->second, turn);
  std::set<EnvelopeId> answered;
  std::size_t bytes = 0;
  for (const EnvelopeId& id : graft.ids) {
    const RecentPayloads::Entry* entry = recent_.find(id);
    if (entry == nullptr || !entry->payload || !may_answer || bytes > limits::kGraftAnswerBytesMax) {
      ++counters_.grafts_unanswered;
      continue;
    }
    if (!answered.insert(id).second) continue;
    bytes += entry->payload->encoded.size();
    asker->second.pruned.erase(entry->payload->envelope.author);
    SharedBytes frame;
    push(from, asker->second, entry->payload, one_more(entry->round), frame, turn);
  }
  return bytes;
}

void Broadcast::send_waiting(Turn& turn) {
  for (auto& [link, peer] : peers_) send_payloads(link, peer, turn);
}

void Broadcast::on_wake(Turn& turn) {
  std::map<LinkId, Graft> grafts;
  for (const auto& [link, id] : missing_.take_due(turn.now.monotonic, parameters_.graft_retry)) {
    Graft& graft = grafts[link];
    graft.ids.push_back(id);
    if (graft.ids.size() < kGraftsPerFrame) continue;
    turn.send(link, encode_frame_of(graft));
    ++counters_.grafts_sent;
    graft.ids.clear();
  }
  if (P2P_PLANTED(GraftNeverSent)) grafts.clear();
  bool way_failed = false;
  for (const auto& [link, graft] : grafts) {
    auto announcer = peers_.find(link);
    if (announcer == peers_.end()) continue;
    // What an eager link announces may still come over the way.
    way_failed = way_failed || (link != tree_.way() && !announcer->second.eager);
    make_eager(link, announcer->second, turn);
    announcer->second.repaired_at = turn.now.monotonic;
    forget_copies(link);
    if (graft.ids.empty()) continue;
    turn.send(link, encode_frame_of(graft));
    ++counters_.grafts_sent;
  }
  if (way_failed) {
    tree_.on_way_failed(turn.now.monotonic);
    choose_way(turn);
  }
  prune_contested(turn);
  const bool announces = announce_at_ != Instant{} && announce_at_ <= turn.now.monotonic;
  if (announces && !P2P_PLANTED(IHaveTimerNeverFires)) send_all_ihaves(turn);
  if (!next_due_ || *next_due_ > turn.now.monotonic) return;
  next_due_.reset();
  for (auto& [link, peer] : peers_) {
    if (!peer.waiting || peer.waiting->payloads.empty()) continue;
    if (peer.waiting->due <= turn.now.monotonic) {
      send_payloads(link, peer, turn);
    } else {
      note_due(peer.waiting->due);
    }
  }
}

void Broadcast::note_due(Instant at) {
  if (!next_due_ || at < *next_due_) next_due_ = at;
}

std::optional<Instant> Broadcast::next_deadline() const {
  std::optional<Instant> next = missing_.next_deadline();
  const auto sooner = [&](Instant at) {
    if (!next || at < *next) next = at;
  };
  if (next_due_) sooner(*next_due_);
  if (announce_at_ != Instant{} && !P2P_PLANTED(IHaveTimerNeverFires)) sooner(announce_at_);
  if (!contested_.empty()) sooner(contested_.front().due);
  return next;
}

void Broadcast::note_tree(Links& links) const {
  for (const auto& [id, peer] : peers_) {
    if (Link* link = links.find(id)) link->in_tree = peer.eager;
  }
}

std::size_t Broadcast::eager() const {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const auto& item) { return item.second.eager; }));
}

}  // namespace p2pmesh
