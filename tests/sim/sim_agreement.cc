#include "sim_agreement.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace p2pmesh::sim {
namespace {

using Key = std::array<std::uint8_t, 32>;

Key hash_keys(std::uint64_t secret, const Key& a, const Key& b) {
  std::array<std::uint8_t, 64> both;
  std::copy(a.begin(), a.end(), both.begin());
  std::copy(b.begin(), b.end(), both.begin() + 32);
  Key key;
  for (std::uint64_t half = 0; half < 2; ++half) {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(both.data(), both.size(), secret + half);
    std::memcpy(key.data() + half * 16, &hash.low64, 8);
    std::memcpy(key.data() + half * 16 + 8, &hash.high64, 8);
  }
  return key;
}

class StandInAgreement final : public KeyAgreement {
 public:
  StandInAgreement(std::uint64_t secret, const MemberKey& member) : secret_(secret) {
    own_.public_key = *key_of(member);
    own_.secret = hash_keys(secret_ + 4, member.bytes, {});
  }
  [[nodiscard]] const AgreementKeys& own() const override { return own_; }
  [[nodiscard]] std::optional<PublicKey> key_of(const MemberKey& member) const override {
    return hash_keys(secret_ + 2, member.bytes, {});
  }
  [[nodiscard]] AgreementKeys make_keys(const KeySeed& seed) const override {
    return {hash_keys(secret_ + 6, seed, {}), seed};
  }
  [[nodiscard]] std::optional<SharedSecret> agree(const AgreementKeys& mine,
                                                  const PublicKey& theirs) const override {
    if (theirs == PublicKey{}) return std::nullopt;
    return hash_keys(secret_, std::min(mine.public_key, theirs), std::max(mine.public_key, theirs));
  }

 private:
  std::uint64_t secret_;
  AgreementKeys own_;
};

}  // namespace

std::unique_ptr<KeyAgreement> make_stand_in_agreement(std::uint64_t world_secret, const MemberKey& member) {
  return std::make_unique<StandInAgreement>(world_secret, member);
}

}  // namespace p2pmesh::sim
