// Which links are ways: what makes them eager and lazy. By the common tree where this node has its place in
// it, until then by which copies come first.
#include <algorithm>
#include <utility>

#include "broadcast.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kWeighed = std::chrono::milliseconds(1500);    // a copy that comes later is not weighed
constexpr auto kGraftGrace = std::chrono::milliseconds(500);  // above a round trip
constexpr auto kRepairKept = std::chrono::seconds(5);         // two heartbeats and a slow one
constexpr int kChallengerWins = 3;
constexpr Duration kOptimisePauseMax = std::chrono::minutes(10);
constexpr auto kNewcomer = std::chrono::seconds(10);  // time to find neighbors
constexpr auto kTellNewcomer =
    std::chrono::seconds(10);  // a new neighbor hears of what was broadcast since then

bool is_within(Instant at, Duration time, Instant now) {
  return at != Instant{} && at + time > now;
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
  tree_.clear();
  if (!partial || has_way()) return;
  for (const auto& [id, peer] : peers_) ask_for(id, turn);
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

void Broadcast::on_link_down(LinkId link, Turn& turn) {
  peers_.erase(link);
  missing_.on_link_down(link);
  tree_.on_link_down(link);
  choose_way(turn);
  if (link != parent_) return;
  // The ways are others now.
  optimise_pause_ = Duration{};
  optimise_from_ = Instant{};
  optimised_ = 0;
}

bool Broadcast::has_way() const {
  if (tree_.way() != 0) return true;
  // The root has none, but those that come to it.
  if (tree_.is_attached())
    return std::any_of(peers_.begin(), peers_.end(), [](const auto& item) { return item.second.eager; });
  const auto parent = peers_.find(parent_);
  return parent != peers_.end() && parent->second.eager;
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

void Broadcast::on_prune(LinkId from, const Prune& prune, Turn& turn) {
  auto found = peers_.find(from);
  if (found == peers_.end() || !parameters_.plumtree || P2P_PLANTED(PruneNeverHeeded)) return;
  Peer& peer = found->second;
  if (!prune.author) {
    make_lazy(peer);
    tree_.on_chosen(from, false);
    // It was sent before this node's choice had come there.
    if (partial_ && from == tree_.way()) take_way(from, turn);
    return;
  }
  if (peer.pruned.size() >= limits::kPrunedAuthorsMax) peer.pruned.clear();
  peer.pruned.insert(*prune.author);
}

void Broadcast::set_root(const MemberKey& root, bool is_self, Turn& turn) {
  if (!partial_ || !parameters_.plumtree) return;
  tree_.set_root(root, is_self);
  choose_way(turn);
}

void Broadcast::on_place(LinkId from, const std::optional<TreePlace>& place, std::optional<Duration> rtt,
                         Turn& turn) {
  auto sender = peers_.find(from);
  if (!partial_ || !parameters_.plumtree || sender == peers_.end()) return;
  tree_.on_place(from, place, rtt, turn.now.monotonic);
  choose_way(turn);
  if (sender->second.eager) prune_if_spare(from, sender->second, kRepairKept, turn);
}

std::optional<TreePlace> Broadcast::place_for(LinkId link, Instant now) const {
  return partial_ ? tree_.place_for(link, now) : std::nullopt;
}

void Broadcast::choose_way(Turn& turn) {
  if (!partial_) return;
  const LinkId before = tree_.way();
  tree_.choose(turn.now.monotonic);
  if (tree_.way() == 0 || tree_.way() == before) return;
  old_way_ = before;
  take_way(tree_.way(), turn);
}

void Broadcast::take_way(LinkId link, Turn& turn) {
  auto way = peers_.find(link);
  if (way == peers_.end()) return;
  make_eager(link, way->second, turn);
  ask_for(link, turn);
}

/// Not before the new way has brought something, so that no payload falls between the two. Where the new way
/// is the faster one its copies come to the old one's other end first, and only that could find them double.
void Broadcast::leave_old_way(Turn& turn) {
  if (auto old = peers_.find(std::exchange(old_way_, 0)); old != peers_.end() && old->second.eager)
    prune_if_spare(old->first, old->second, kGraftGrace, turn);
}

/// A link that something missing came over stays for a while: the way may be broken without anybody knowing.
void Broadcast::prune_if_spare(LinkId link, Peer& peer, Duration since_repair, Turn& turn) {
  const Instant now = turn.now.monotonic;
  if (!tree_.is_spare(link, now) || is_within(peer.repaired_at, since_repair, now)) return;
  if (!peer.eager && is_within(peer.pruned_at, kGraftGrace, now)) return;  // it was on its way
  prune(link, peer, turn);
}

/// Something new came over a lazy link. A way is one in both directions: a graft and a prune that crossed
/// leave it eager at one end alone, and then what comes from behind this node would stop here.
void Broadcast::mend(LinkId link, Turn& turn) {
  auto found = peers_.find(link);
  if (found == peers_.end() || found->second.eager ||
      is_within(found->second.pruned_at, kGraftGrace, turn.now.monotonic))
    return;
  if (tree_.is_spare(link, turn.now.monotonic)) return prune(link, found->second, turn);
  take_way(link, turn);
  found->second.pruned_at = turn.now.monotonic;  // not for each that is on its way
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
  if (partial_ && tree_.is_attached()) {
    prune_if_spare(from, sender->second, kGraftGrace, turn);
    if (from != tree_.way()) return;
    // The way works, so whoever was faster is needed no more.
    leave_old_way(turn);
    if (auto first = peers_.find(entry->from); first != peers_.end() && first->second.eager)
      prune_if_spare(entry->from, first->second, kGraftGrace, turn);
    return;
  }
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
        is_new && contested_.size() < limits::kContestedMax)
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
  return is_within(peer.grafted_at, kGraftGrace, now);
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
    if (!tree_.is_attached() && shaping_.is_chosen(duplicate.id))
      prune_if_other_way(duplicate.link, duplicate.id, turn);
  }
  contested_.erase(contested_.begin(), contested_.begin() + static_cast<std::ptrdiff_t>(weighed));
}

/// A neighbor had it several hops before it came here: its link becomes eager too. Whose copies come later,
/// over it or over the old way, is pruned as any duplicate is; so no payload falls between the two.
void Broadcast::optimise(LinkId from, Peer& announcer, const RecentPayloads::Entry& entry,
                         std::uint16_t round, Turn& turn) {
  const std::uint16_t hops = parameters_.optimisation_hops;
  const bool shorter = partial_ && hops > 0 && !announcer.eager && entry.from != 0 && entry.from != from &&
                       entry.round >= round + 1 + hops;
  // What is the shorter way for one of many authors is the longer one for the others.
  if (!shorter || tree_.is_attached() || entry.contested || optimise_from_ > turn.now.monotonic) return;
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

}  // namespace p2pmesh
