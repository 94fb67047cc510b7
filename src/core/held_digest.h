// One number for all that is held, and one a bucket of authors: what neighbors compare to see whether
// something is missing. Below a bucket are its leaves, whose sums nobody keeps. Sums of ids by exclusive or,
// so that a share goes in and out in any order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// Leaves of the digest: one mask a bucket, in it one bit a leaf.
using LeafSet = std::array<std::uint16_t, limits::kDigestBuckets>;
inline constexpr std::uint16_t kAllLeaves = 0xffff;
static_assert(limits::kDigestLeaves == 16);

class HeldDigest {
 public:
  using Buckets = std::array<std::uint64_t, limits::kDigestBuckets>;

  static std::size_t bucket_of(const MemberKey& author) { return author.bytes[0]; }

  /// The next four bits of the key.
  static std::size_t leaf_of(const MemberKey& author) { return author.bytes[1] >> 4; }
  static bool contains(const LeafSet& leaves, const MemberKey& author) {
    return (leaves[bucket_of(author)] >> leaf_of(author) & 1) != 0;
  }

  /// Puts a share in, or takes it out when it is in. It counts as young for a while.
  void toggle(const MemberKey& author, std::uint64_t share, WallMs wall_ms, Instant now);
  /// As toggle(), for what an earlier run left: nothing of it is young.
  void restore(const MemberKey& author, std::uint64_t share) { fold(bucket_of(author), share); }

  /// Without what is young and of a later wall time than `as_of_ms`.
  [[nodiscard]] std::uint64_t root(AsOfMs as_of_ms, Instant now) const;
  [[nodiscard]] Buckets buckets(AsOfMs as_of_ms, Instant now) const;
  /// What these leave out: `visit(bucket, leaf, share)`.
  template <class Visit>
  void for_each_left_out(AsOfMs as_of_ms, Instant now, Visit visit) const {
    for (auto item = young_.rbegin(); item != young_.rend() && item->at + limits::kYoungKept > now; ++item) {
      if (item->wall_ms_max <= as_of_ms) return;
      if (item->wall_ms > as_of_ms) visit(item->bucket, item->leaf, item->share);
    }
  }
  [[nodiscard]] std::size_t young() const { return young_.size(); }

 private:
  struct Young {
    Instant at;
    WallMs wall_ms;
    WallMs wall_ms_max;  // of it and those before it
    std::uint64_t share;
    std::uint8_t bucket;
    std::uint8_t leaf;
  };
  void fold(std::size_t bucket, std::uint64_t share) {
    asked_.reset();
    buckets_[bucket] ^= share;
    root_ ^= share;
  }

  Buckets buckets_{};
  std::uint64_t root_ = 0;
  std::deque<Young> young_;  // in the order of their coming
  struct Asked {
    AsOfMs as_of_ms = 0;
    Instant now;
    std::uint64_t root = 0;
  };
  mutable std::optional<Asked> asked_;  // the last answer: all neighbors are told in one turn
};

}  // namespace p2pmesh
