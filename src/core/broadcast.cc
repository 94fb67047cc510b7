#include "broadcast.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIHavesPerFrame = 1024;                 // 34 KiB
constexpr std::size_t kContestedMax = 1024;                   // duplicates that are weighed together
constexpr auto kWeighed = std::chrono::milliseconds(1500);    // a copy that comes later is not weighed
constexpr auto kGraftGrace = std::chrono::milliseconds(500);  // above a round trip
constexpr int kChallengerWins = 3;
constexpr Duration kOptimisePauseMax = std::chrono::minutes(10);
constexpr std::size_t kPrunedMax = 256;  // authors; a full mesh has nine members online
constexpr std::size_t kGraftsPerFrame = 512;
constexpr auto kNewcomer = std::chrono::seconds(10);  // time to find neighbors
constexpr auto kTellNewcomer =
    std::chrono::seconds(10);  // a new neighbor hears of what was broadcast since then

std::uint16_t one_more(std::uint16_t round) {
  return round == UINT16_MAX ? round : static_cast<std::uint16_t>(round + 1);
}

}  // namespace

void Broadcast::set_partial(bool partial, Turn& turn) {
  if (partial_ == partial) return;
  send_all_ihaves(turn);
  partial_ = partial;
  for (auto& [id, peer] : peers_) {
    peer.eager = true;
    peer.pruned.clear();
  }
  contested_.clear();
  if (!partial || has_way()) return;
  for (const auto& [id, peer] : peers_) ask_for(id, turn);
}

/// The other end may be lazy.
void Broadcast::ask_for(LinkId link, Turn& turn) {
  if (!parameters_.plumtree) return;
  forget_copies(link);
  turn.send(link, encode_frame_of(Graft{}));
  ++counters_.grafts_sent;
}

/// From here on it is a way: what came over it as a copy before does not count.
void Broadcast::forget_copies(LinkId link) {
  std::erase_if(contested_, [&](const Duplicate& duplicate) { return duplicate.link == link; });
}

void Broadcast::on_link_up(LinkId link, bool merges, Turn& turn) {
  Peer& peer = peers_[link];
  peer.lazy_from = told_ + announced_.size();
  if (!parameters_.plumtree) return;
  // Who has a way keeps it: a link beside it would double payloads until one of the two is pruned, and the
  // tree would become a worse one with every neighbor that is traded for another. Who has none asks for this
  // one, who has only just come asks for each, so that it comes to lie on the shortest way, and where two
  // components meet the way of each ends in its own.
  if (first_link_at_ == Instant{}) first_link_at_ = turn.now.monotonic;
  const bool keeps_its_way = has_way() && first_link_at_ + kNewcomer <= turn.now.monotonic && !merges;
  if (!keeps_its_way) {
    ask_for(link, turn);
  } else if (partial_) {
    peer.eager = false;
  }
  if (P2P_PLANTED(IHaveNeverQueued)) return;
  recent_.for_each([&](const EnvelopeId& id, const RecentPayloads::Entry& entry) {
    if (entry.payload && entry.at + kTellNewcomer > turn.now.monotonic)
      peer.catch_up.push_back({id, entry.round});
  });
  if (!peer.catch_up.empty()) announce_later(turn.now.monotonic);
}

bool Broadcast::has_way() const {
  const auto parent = peers_.find(parent_);
  return parent != peers_.end() && parent->second.eager;
}

void Broadcast::on_link_down(LinkId link) {
  peers_.erase(link);
  missing_.on_link_down(link);
  if (link != parent_) return;
  // The ways are others now.
  optimise_pause_ = Duration{};
  optimise_from_ = Instant{};
  optimised_ = 0;
}

void Broadcast::publish(const EnvelopePtr& envelope, Turn& turn) {
  turn.out.push_back(MarkSeen{envelope->id, envelope->envelope.wall_ms});
  spread(envelope, 0, 0, turn);
}

void Broadcast::on_received(const EnvelopePtr& envelope, LinkId from, std::uint16_t round, Turn& turn) {
  ++counters_.payloads_received;
  missing_.arrived(envelope->id);
  note_first(from);
  // A way is one in both directions: a graft and a prune that crossed leave it eager at one end alone, and
  // then what comes from behind this node would stop here.
  auto way = peers_.find(from);
  if (partial_ && way != peers_.end() && !way->second.eager &&
      way->second.pruned_at + kGraftGrace <= turn.now.monotonic) {
    make_eager(from, way->second, turn);
    ask_for(from, turn);
    way->second.pruned_at = turn.now.monotonic;  // not for each that is on its way
  }
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

/// From here on it is pushed everything; of what was not it hears now, since it would else be noticed late.
void Broadcast::make_eager(LinkId link, Peer& peer, Turn& turn) {
  SharedBytes none;
  send_ihaves(link, peer, none, turn);
  peer.eager = true;
}

void Broadcast::make_lazy(Peer& peer) {
  if (!peer.eager) return;
  peer.eager = false;
  if (partial_) peer.lazy_from = told_ + announced_.size();
}

void Broadcast::prune(LinkId link, Peer& peer, Turn& turn) {
  // What waits for this link goes before the prune: behind it, it would make the link a way again.
  send_payloads(link, peer, turn);
  make_lazy(peer);
  peer.pruned_at = turn.now.monotonic;
  turn.send(link, encode_frame_of(Prune{}));
  ++counters_.prunes_sent;
}

void Broadcast::prune_author(LinkId link, const MemberKey& author, Turn& turn) {
  turn.send(link, encode_frame_of(Prune{author}));
  ++counters_.prunes_sent;
}

/// Another link becomes the parent only when it is the faster one several times in succession.
void Broadcast::note_first(LinkId from) {
  if (from == parent_) {
    challenger_wins_ = 0;
    return;
  }
  challenger_wins_ = from == challenger_ ? challenger_wins_ + 1 : 1;
  challenger_ = from;
  if (challenger_wins_ < kChallengerWins && has_way()) return;
  parent_ = from;
  challenger_wins_ = 0;
  if (from != optimised_) return;
  optimise_pause_ = Duration{};
  optimised_ = 0;
}

/// What was on its way when it asked for this link may come now.
bool Broadcast::has_just_grafted(const Peer& peer, Instant now) {
  return peer.grafted_at != Instant{} && peer.grafted_at + kGraftGrace > now;
}

/// Prunes who brought a copy, while the link that brought the first one is itself a way: else the broadcasts
/// of two authors, each first over another link, would prune both. What was written here came over none.
void Broadcast::prune_if_other_way(LinkId link, const EnvelopeId& id, Turn& turn) {
  auto sender = peers_.find(link);
  const RecentPayloads::Entry* entry = recent_.find(id);
  if (sender == peers_.end() || entry == nullptr) return;
  if (has_just_grafted(sender->second, turn.now.monotonic)) return;
  auto first = peers_.find(entry->from);
  const bool other_way =
      entry->from == 0 || (first != peers_.end() && first->second.eager && first->first != link);
  if (!other_way) return;
  prune(link, sender->second, turn);
  if (link == parent_ && entry->from != 0) parent_ = entry->from;
}

/// Of several broadcasts the tree of one is taken, nearly everywhere the same one: each has waited for as
/// long as one with a smaller id may have come after it.
void Broadcast::prune_contested(Turn& turn) {
  std::size_t weighed = 0;
  for (; weighed < contested_.size() && contested_[weighed].due <= turn.now.monotonic; ++weighed) {
    const Duplicate& duplicate = contested_[weighed];
    if (shaping_.is_chosen(duplicate.id)) prune_if_other_way(duplicate.link, duplicate.id, turn);
  }
  contested_.erase(contested_.begin(), contested_.begin() + static_cast<std::ptrdiff_t>(weighed));
}

void Broadcast::on_duplicate(LinkId from, const EnvelopeId& id, std::uint16_t round, Turn& turn) {
  ++counters_.payloads_received;
  ++counters_.duplicates;
  if (!parameters_.plumtree) return;
  auto sender = peers_.find(from);
  if (sender == peers_.end()) return;
  // What came first by repair, or long ago, tells nothing about the tree.
  const RecentPayloads::Entry* entry = recent_.find(id);
  if (entry == nullptr) return;
  if (partial_) {
    // Nor is one weighed that is too late for it: a slow link has to go all the same.
    const bool late = entry->at + TreeShaping::kBetween <= turn.now.monotonic;
    if (!shaping_.is_contested(turn.now.monotonic) || late) {
      // Two ways of about the same length take turns in being the faster one. If each were pruned in its
      // turn, here and at the other end, both ends would soon wait for each other.
      if (from != parent_ || !sender->second.eager) prune_if_other_way(from, id, turn);
      return;
    }
    // What comes long after the first copy may be weighed when the next one is chosen already.
    const bool in_time = entry->at + kWeighed > turn.now.monotonic;
    const bool is_new = std::none_of(contested_.begin(), contested_.end(), [&](const Duplicate& duplicate) {
      return duplicate.link == from && duplicate.id == id;
    });
    if (in_time && !has_just_grafted(sender->second, turn.now.monotonic) && shaping_.is_eligible(id) &&
        is_new && contested_.size() < kContestedMax)
      contested_.push_back({from, id, turn.now.monotonic + parameters_.prune_gather});
    return;
  }
  if (!entry->payload) return;
  const MemberKey& author = entry->payload->envelope.author;
  // The author's own copy is the right one: whoever was faster need not pass on.
  if (round > 1) {
    prune_author(from, author, turn);
  } else if (entry->round > 1 && peers_.contains(entry->from)) {
    prune_author(entry->from, author, turn);
  }
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

/// A neighbor had it several hops before it came here: its link becomes eager too. Whose copies come later,
/// over it or over the old way, is pruned as any duplicate is; so no payload falls between the two.
void Broadcast::optimise(LinkId from, Peer& announcer, const RecentPayloads::Entry& entry,
                         std::uint16_t round, Turn& turn) {
  const std::uint16_t hops = parameters_.optimisation_hops;
  const bool shorter = partial_ && hops > 0 && !announcer.eager && entry.from != 0 && entry.from != from &&
                       entry.round >= round + 1 + hops;
  // What is the shorter way for one of many authors is the longer one for the others.
  if (!shorter || entry.contested || optimise_from_ > turn.now.monotonic) return;
  if (from == optimised_) return;  // it promised that before; others have their turn
  // Not all at once: where one near the author finds a shorter way it is shorter for all behind. A way of
  // fewer hops that turns out to be the slower one is pruned, and then others are tried ever more rarely.
  const bool is_first = optimise_from_ == Instant{};
  optimise_pause_ =
      std::max(parameters_.optimisation_interval, std::min<Duration>(optimise_pause_ * 2, kOptimisePauseMax));
  const auto half = static_cast<std::uint64_t>(optimise_pause_.count() / 2);
  optimise_from_ = turn.now.monotonic + Duration(static_cast<Duration::rep>(half + random_.below(half + 1)));
  if (is_first) return;
  optimised_ = from;
  make_eager(from, announcer, turn);
  ask_for(from, turn);
}

void Broadcast::on_graft(LinkId from, const Graft& graft, Turn& turn) {
  auto asker = peers_.find(from);
  if (asker == peers_.end()) return;
  asker->second.grafted_at = turn.now.monotonic;
  forget_copies(from);
  make_eager(from, asker->second, turn);
  std::set<EnvelopeId> answered;
  std::size_t bytes = 0;
  for (const EnvelopeId& id : graft.ids) {
    const RecentPayloads::Entry* entry = recent_.find(id);
    if (entry == nullptr || !entry->payload || bytes > limits::kGraftAnswerBytesMax) {
      ++counters_.grafts_unanswered;
      continue;
    }
    if (!answered.insert(id).second) continue;
    bytes += entry->payload->encoded.size();
    asker->second.pruned.erase(entry->payload->envelope.author);
    SharedBytes frame;
    push(from, asker->second, entry->payload, one_more(entry->round), frame, turn);
  }
}

void Broadcast::on_prune(LinkId from, const Prune& prune) {
  auto found = peers_.find(from);
  if (found == peers_.end() || !parameters_.plumtree || P2P_PLANTED(PruneNeverHeeded)) return;
  Peer& peer = found->second;
  if (!prune.author) {
    make_lazy(peer);
    return;
  }
  if (peer.pruned.size() >= kPrunedMax) peer.pruned.clear();
  peer.pruned.insert(*prune.author);
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
  for (const auto& [link, graft] : grafts) {
    auto announcer = peers_.find(link);
    if (announcer == peers_.end()) continue;
    make_eager(link, announcer->second, turn);
    forget_copies(link);
    if (graft.ids.empty()) continue;
    turn.send(link, encode_frame_of(graft));
    ++counters_.grafts_sent;
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
