// What goes from neighbor to neighbor: newcomers that are passed on, shuffles and their answers.

#include <algorithm>

#include "membership.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {

Link* Membership::random_neighbor(LinkId except) {
  std::vector<Link*> others;
  for (auto& [id, link] : links_.all()) {
    if (id != except) others.push_back(&link);
  }
  return others.empty() ? nullptr : others[random_.below(others.size())];
}

void Membership::pass_on(const Link& newcomer, Turn& turn) {
  if (P2P_PLANTED(JoinNotPassedOn)) return;
  if (!partial_) return;  // everybody hears of it by its record, and links to it
  const ForwardJoin join{entry_of(newcomer), parameters_.active_walk};
  for (const auto& [id, link] : links_.all()) {
    if (id == newcomer.id) continue;
    turn.send(id, encode_frame_of(join));
    ++counters_.forward_joins;
  }
}

void Membership::on_forward_join(const Link& from, const ForwardJoin& join, Turn& turn) {
  if (join.newcomer.node == self_ || !partial_) return;
  const std::uint8_t hops = std::min(join.hops_left, parameters_.active_walk);
  if (hops == parameters_.passive_walk && links_.find_node(join.newcomer.node) == nullptr)
    passive_.add(join.newcomer, source_of_neighbor(from.node));
  Link* next = hops > 0 ? random_neighbor(from.id) : nullptr;
  if (next == nullptr || links_.size() <= 1) {
    // Not on anybody's word without a bound: a newcomer finds others too.
    if (!is_known_here(join.newcomer.node) && pending(Purpose::kTold) < kDialsFew)
      dial(join.newcomer, Purpose::kTold, own_addresses_, turn, source_of_neighbor(from.node));
    return;
  }
  const auto left = static_cast<std::uint8_t>(P2P_PLANTED(WalkNeverEnds) ? hops : hops - 1);
  turn.send(next->id, encode_frame_of(ForwardJoin{join.newcomer, left}));
  ++counters_.forward_joins;
}

void Membership::shuffle(Turn& turn) {
  Link* first = random_neighbor(0);
  if (first == nullptr) return;
  ++counters_.shuffles;
  Shuffle shuffle;
  shuffle.origin = self_;
  shuffle.id = next_shuffle_++;
  shuffle.hops_left = parameters_.shuffle_walk;
  shuffle.peers.push_back({self_, own_addresses_});
  std::vector<const Link*> neighbors;
  for (const auto& [id, link] : links_.all()) {
    if (id != first->id) neighbors.push_back(&link);
  }
  for (std::size_t i = 0; i < neighbors.size() && i < parameters_.shuffle_active; ++i) {
    std::swap(neighbors[i], neighbors[i + random_.below(neighbors.size() - i)]);
    shuffle.peers.push_back(entry_of(*neighbors[i]));
  }
  for (PeerEntry& peer : passive_.sample(parameters_.shuffle_passive))
    shuffle.peers.push_back(std::move(peer));
  shuffle.peers.resize(std::min(shuffle.peers.size(), limits::kShufflePeersMax));
  told_ = shuffle.peers;
  asked_ = first->id;
  turn.send(first->id, encode_frame_of(shuffle));
}

void Membership::on_shuffle(const Link& from, const Shuffle& shuffle, Turn& turn) {
  const std::uint8_t hops = std::min(shuffle.hops_left, parameters_.shuffle_walk);
  Link* next = hops > 1 ? random_neighbor(from.id) : nullptr;
  if (next != nullptr && shuffle.origin != self_) {
    if (routes_.size() >= limits::kShuffleRoutesMax) routes_.pop_front();
    routes_.push_back({{shuffle.origin, shuffle.id}, from.id});
    Shuffle onward = shuffle;
    onward.hops_left = static_cast<std::uint8_t>(hops - 1);
    turn.send(next->id, encode_frame_of(onward));
    return;
  }
  if (shuffle.origin == self_) return;  // came back without an end
  ShuffleReply reply{shuffle.origin, shuffle.id, passive_.sample(shuffle.peers.size())};
  turn.send(from.id, encode_frame_of(reply));
  learn(shuffle.peers, source_of_neighbor(from.node), reply.peers);
}

void Membership::on_shuffle_reply(const Link& from, const ShuffleReply& reply, Turn& turn) {
  if (reply.origin == self_) {
    if (from.id != asked_ || reply.id + 1 != next_shuffle_) {
      ++counters_.shuffle_replies_unasked;
      return;
    }
    asked_ = 0;
    learn(reply.peers, source_of_neighbor(from.node), told_);
    return;
  }
  const auto wanted = std::make_pair(reply.origin, reply.id);
  auto route =
      std::find_if(routes_.rbegin(), routes_.rend(), [&](const auto& item) { return item.first == wanted; });
  if (route == routes_.rend()) return;
  const LinkId back = route->second;
  routes_.erase(std::next(route).base());
  if (links_.find(back) != nullptr) turn.send(back, encode_frame_of(reply));
}

void Membership::learn(const std::vector<PeerEntry>& peers, PeerSource source,
                       const std::vector<PeerEntry>& expendable) {
  for (const PeerEntry& peer : peers) {
    if (peer.node == self_ || peer.addresses.empty() || links_.find_node(peer.node) != nullptr) continue;
    passive_.add(peer, source, expendable);
  }
}

void Membership::on_neighbor_lost(const Link& link, bool on_purpose, Turn& turn) {
  if (on_purpose) passive_.add(entry_of(link), link.outbound ? 0 : source_of_network(link.remote));
  fill_at_ = turn.now.monotonic;
  fill_pause_ = {};
  tried_.clear();
}

}  // namespace p2pmesh
