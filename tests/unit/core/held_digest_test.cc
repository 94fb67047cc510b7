#include "held_digest.h"

#include <doctest/doctest.h>

#include <vector>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

struct Share {
  MemberKey author;
  std::uint64_t value = 0;
  WallMs wall_ms = 0;
  Instant at;
};

TEST_CASE("YoungSharesOfALaterTimeAreLeftOutWhateverTheOrderOfTheirTimes") {
  Random random(7);
  HeldDigest digest;
  std::vector<Share> shares;
  Instant now{};
  for (int i = 0; i < 300; ++i) {
    now += std::chrono::milliseconds(100);
    Share share;
    share.author.bytes[0] = static_cast<std::uint8_t>(random.below(256));
    share.value = random.next();
    // Some clocks are off, one by years for a while.
    share.wall_ms = i == 200 ? 1'000'000 : 1000 + static_cast<WallMs>(i) * 100 + random.below(2000);
    share.at = now;
    digest.toggle(share.author, share.value, share.wall_ms, now);
    shares.push_back(share);
    for (const AsOfMs as_of :
         {AsOfMs{0}, static_cast<AsOfMs>(1000 + i * 100 - 500), AsOfMs{900'000}, kAsOfAll}) {
      std::uint64_t root = 0;
      HeldDigest::Buckets buckets{};
      for (const Share& held : shares) {
        if (held.at + limits::kYoungKept > now && held.wall_ms > as_of) continue;
        root ^= held.value;
        buckets[HeldDigest::bucket_of(held.author)] ^= held.value;
      }
      REQUIRE(digest.root(as_of, now) == root);
      REQUIRE(digest.buckets(as_of, now) == buckets);
    }
  }
}

}  // namespace
}  // namespace p2pmesh
