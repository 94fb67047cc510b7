#include "held_digest.h"

#include <algorithm>

namespace p2pmesh {

void HeldDigest::toggle(const MemberKey& author, std::uint64_t share, WallMs wall_ms, Instant now) {
  fold(bucket_of(author), share);
  while (!young_.empty() &&
         (young_.front().at + limits::kYoungKept <= now || young_.size() >= limits::kYoungMax)) {
    young_.pop_front();
  }
  const WallMs wall_ms_max = young_.empty() ? wall_ms : std::max(wall_ms, young_.back().wall_ms_max);
  young_.push_back({now, wall_ms, wall_ms_max, share, static_cast<std::uint8_t>(bucket_of(author)),
                    static_cast<std::uint8_t>(leaf_of(author))});
}

std::uint64_t HeldDigest::root(AsOfMs as_of_ms, Instant now) const {
  if (asked_ && asked_->as_of_ms == as_of_ms && asked_->now == now) return asked_->root;
  std::uint64_t root = root_;
  for_each_left_out(as_of_ms, now, [&](auto, auto, std::uint64_t share) { root ^= share; });
  asked_ = {as_of_ms, now, root};
  return root;
}

HeldDigest::Buckets HeldDigest::buckets(AsOfMs as_of_ms, Instant now) const {
  Buckets buckets = buckets_;
  for_each_left_out(as_of_ms, now, [&](auto bucket, auto, std::uint64_t share) { buckets[bucket] ^= share; });
  return buckets;
}

}  // namespace p2pmesh
