#include "common_tree.h"

#include <algorithm>

namespace p2pmesh {
namespace {

// Milliseconds that each hop counts beside its delay. The more, the fewer hops and the slower ways: 2,000
// nodes with 2 to 150 ms a hop had last hops of 12.7, 11.8, 10.7 and 10.8 with 5, 10, 20 and 30, and
// deliveries of 113, 117, 121 and 126 ms in the median.
constexpr unsigned kHop = 10;
constexpr unsigned kBetter = 10;       // by which another way is shorter: round trips vary; guess
constexpr unsigned kUnmeasured = 200;  // until the first pong
constexpr auto kDoubted = std::chrono::seconds(30);  // guess

constexpr int kHopsMax = 9;  // that what the root said lives, each as long as a neighbor's word counts
using Centiseconds = std::chrono::duration<std::int64_t, std::centi>;

/// Enough to tell one root from the next one; not from its beginning, where small keys are alike.
std::uint16_t short_form(const MemberKey& key) {
  return static_cast<std::uint16_t>(key.bytes[16] << 8 | key.bytes[17]);
}

}  // namespace

void CommonTree::set_root(const MemberKey& root, bool is_self) {
  const std::uint16_t piece = short_form(root);
  if (piece == root_ && is_self == is_root_) return;
  root_ = piece;
  is_root_ = is_self;
  way_ = 0;
  distance_ = is_self ? 0 : kTreeDistanceMax;
  loose_until_ = Instant{};
}

void CommonTree::on_place(LinkId link, const std::optional<TreePlace>& place, std::optional<Duration> rtt,
                          Instant now) {
  if (!place && !neighbors_.contains(link)) return;
  Neighbor& neighbor = neighbors_[link];
  neighbor.chose_this = place && place->over_this_link;
  neighbor.said_at = place ? now : Instant{};
  if (!place) return;
  const auto delay =
      rtt ? std::chrono::duration_cast<std::chrono::milliseconds>(*rtt / 2).count() : kUnmeasured;
  neighbor.place = *place;
  neighbor.root_said_at = now - Centiseconds(place->age_cs);
  neighbor.over =
      place->distance + static_cast<unsigned>(std::min<std::int64_t>(delay, kTreeDistanceMax)) + kHop;
}

void CommonTree::on_chosen(LinkId link, bool chosen) {
  if (chosen || neighbors_.contains(link)) neighbors_[link].chose_this = chosen;
}

void CommonTree::clear() {
  neighbors_ = {};
  is_root_ = false;
  way_ = 0;
  distance_ = kTreeDistanceMax;
  loose_until_ = Instant{};
}

/// Once may be due to a break farther up, which many see and which is soon mended; who keeps payloads to
/// itself does so again.
void CommonTree::on_way_failed(Instant now) {
  const auto way = neighbors_.find(way_);
  if (way == neighbors_.end()) return;
  Neighbor& neighbor = way->second;
  if (neighbor.failed_at == Instant{} || neighbor.failed_at + kDoubted <= now) {
    neighbor.failed_at = now;
  } else if (neighbor.failed_at + kept_ <= now) {
    neighbor.doubted_until = now + kDoubted;
    neighbor.failed_at = Instant{};
  }
}

void CommonTree::choose(Instant now) {
  if (is_root_) return;
  // Farther away than this node may be those whose ways lead over it and who do not know yet that it lost its
  // own. Until they have heard of that and chosen others it has none: else they would count up together.
  const bool bounded = way_ != 0 || loose_until_ > now;
  LinkId best = 0;
  unsigned nearest = kTreeDistanceMax + 1;
  for (const auto& [link, neighbor] : neighbors_) {
    if (!is_known(neighbor, now) || neighbor.chose_this || neighbor.doubted_until > now) continue;
    if (link != way_ && bounded && neighbor.place.distance > distance_ + kHop) continue;
    // Another way has to be a better one by some.
    const unsigned over = link == way_ ? neighbor.over - std::min(neighbor.over, kBetter) : neighbor.over;
    if (over >= nearest || neighbor.over > kTreeDistanceMax) continue;
    best = link;
    nearest = over;
  }
  if (best == 0 && way_ != 0) loose_until_ = now + kept_;
  way_ = best;
  if (best != 0) distance_ = neighbors_[best].over;
}

/// A root that is gone, and believed online all the same, is forgotten with what it said: those it left might
/// count up together for long.
bool CommonTree::is_known(const Neighbor& neighbor, Instant now) const {
  return neighbor.said_at != Instant{} && neighbor.said_at + kept_ > now &&
         neighbor.root_said_at + kHopsMax * kept_ > now && neighbor.place.root == root_;
}

std::optional<TreePlace> CommonTree::place_for(LinkId link, Instant now) const {
  if (!is_attached()) return std::nullopt;
  TreePlace place{root_, static_cast<std::uint16_t>(distance_), 0, link == way_};
  if (const auto way = neighbors_.find(way_); way != neighbors_.end()) {
    const auto age = std::chrono::duration_cast<Centiseconds>(now - way->second.root_said_at).count();
    place.age_cs = static_cast<std::uint16_t>(std::clamp<std::int64_t>(age, 0, UINT16_MAX));
  }
  return place;
}

bool CommonTree::is_spare(LinkId link, Instant now) const {
  if (!is_attached() || link == way_) return false;
  const auto neighbor = neighbors_.find(link);
  return neighbor != neighbors_.end() && is_known(neighbor->second, now) && !neighbor->second.chose_this;
}

}  // namespace p2pmesh
