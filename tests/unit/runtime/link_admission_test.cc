#include "link_admission.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

LinkSource ipv4(std::uint8_t last) {
  NetAddress address;
  address.ip = {127, 0, 1, last};
  return source_of(address);
}

/// Half-open links of one source: ids from `first`, all of the same age.
void add(std::vector<HalfOpenLink>& links, LinkId first, std::size_t count, const LinkSource& source,
         Instant since, bool is_secure = false) {
  for (std::size_t i = 0; i < count; ++i) links.push_back({first + i, source, since, is_secure});
}

const Instant kNow{1000s};

TEST_CASE("WhoComesWhileThereIsRoomEnters") {
  std::vector<HalfOpenLink> links;
  add(links, 1, limits::kHalfOpenPerAddressMax - 1, ipv4(1), kNow - 4s);
  const LinkAdmission admission = admit_link(links, ipv4(1), kNow);
  CHECK(admission.enters);
  CHECK_FALSE(admission.dropped);
}

TEST_CASE("OfACrowdedAddressTheOneThatGotLeastFarGoes") {
  std::vector<HalfOpenLink> links;
  add(links, 1, 1, ipv4(2), kNow - 4s);  // another address: none of its business
  add(links, 10, limits::kHalfOpenPerAddressMax, ipv4(1), kNow - 3s, true);
  links.back().is_secure = false;
  links.back().since = kNow - 2s;
  const LinkAdmission admission = admit_link(links, ipv4(1), kNow);
  CHECK(admission.enters);
  CHECK(admission.dropped == links.back().link);
  CHECK_FALSE(admit_link(links, ipv4(3), kNow).dropped);
}

TEST_CASE("WhenAllIsFullTheOneOfAllThatGotLeastFarGoesAndOfEqualsTheOldest") {
  std::vector<HalfOpenLink> links;
  for (std::uint8_t source = 0; links.size() < limits::kHalfOpenLinksMax; ++source)
    add(links, 100 * source, 4, ipv4(source), kNow - 4s, true);
  links[17].is_secure = links[18].is_secure = false;
  links[17].since = kNow - 2s;
  links[18].since = kNow - 3s;
  const LinkAdmission admission = admit_link(links, ipv4(200), kNow);
  CHECK(admission.enters);
  CHECK(admission.dropped == links[18].link);
}

TEST_CASE("ABurstOfHonestOnesWaitsInsteadOfThrowingEachOtherOut") {
  std::vector<HalfOpenLink> links;
  add(links, 1, limits::kHalfOpenPerAddressMax, ipv4(1), kNow - 100ms);
  CHECK_FALSE(admit_link(links, ipv4(1), kNow).enters);
  CHECK_FALSE(admit_link(links, ipv4(1), kNow + 1s).enters);
  CHECK(admit_link(links, ipv4(1), kNow + 1500ms).enters);
}

TEST_CASE("AHalfOpenLinkIsLeftAloneForAMoment") {
  std::vector<HalfOpenLink> links;
  add(links, 1, limits::kHalfOpenPerAddressMax, ipv4(1), kNow);
  const LinkAdmission early = admit_link(links, ipv4(1), kNow + limits::kUndisturbed - 1us);
  CHECK_FALSE(early.enters);
  CHECK_FALSE(early.dropped);
  const LinkAdmission later = admit_link(links, ipv4(1), kNow + limits::kUndisturbed);
  CHECK(later.enters);
  CHECK(later.dropped == links.front().link);
}

TEST_CASE("ASourceBeginsItsBurstAndThenSoManyASecond") {
  HandshakeBudget budget{LinkBounds{}};
  Instant now = kNow;
  for (std::uint64_t i = 0; i < limits::kSourceHandshakesBurst; ++i) {
    REQUIRE_FALSE(budget.is_spent(ipv4(1), now));
    budget.take(ipv4(1), now);
  }
  CHECK(budget.is_spent(ipv4(1), now));
  CHECK_FALSE(budget.is_spent(ipv4(2), now));
  std::uint64_t begun = 0;
  for (; now < kNow + 10s; now += 10ms) {
    if (budget.is_spent(ipv4(1), now)) continue;
    budget.take(ipv4(1), now);
    ++begun;
  }
  CHECK(begun <= 10 * limits::kSourceHandshakesPerSecond);
  CHECK(begun >= 9 * limits::kSourceHandshakesPerSecond);
}

TEST_CASE("AllTogetherBeginSoManyAndTheirSourcesAreForgotten") {
  HandshakeBudget budget{LinkBounds{}};
  std::uint64_t begun = 0;
  std::uint32_t number = 0;
  const auto another = [&] {
    NetAddress address;
    ++number;
    address.ip = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                  static_cast<std::uint8_t>(number)};
    return source_of(address);
  };
  for (Instant now = kNow; now < kNow + 60s; now += 1ms) {
    while (!budget.is_spent(now)) {
      budget.take(another(), now);
      ++begun;
    }
    REQUIRE(budget.sources() <= limits::kHandshakeSourcesMax);
  }
  CHECK(begun <= limits::kHandshakesBurst + 60 * limits::kHandshakesPerSecond);
  CHECK(begun >= 59 * limits::kHandshakesPerSecond);
  // However fast all of them may come, none that has begun one lately is missing among so many.
  CHECK(limits::kHandshakeSourcesMax >= limits::kHandshakesBurst + limits::kHandshakesPerSecond *
                                                                       limits::kSourceHandshakesBurst /
                                                                       limits::kSourceHandshakesPerSecond);
}

TEST_CASE("WhoHasAWholeNetworkIsOneSource") {
  NetAddress one, other, far;
  one.v6 = other.v6 = far.v6 = true;
  one.ip = {0x20, 1, 13, 0xb8, 0, 0, 0, 1, 1};
  other.ip = {0x20, 1, 13, 0xb8, 0, 0, 0, 1, 2};
  far.ip = {0x20, 1, 13, 0xb8, 0, 0, 0, 2, 1};
  CHECK(source_of(one) == source_of(other));
  CHECK(source_of(one) != source_of(far));
  NetAddress four;
  four.ip = {0x20, 1, 13, 0xb8};
  CHECK(source_of(four) != source_of(one));
}

TEST_CASE("OfThoseThatWaitWhoIsSilentGoesAndOfThemOneOfTheLargestCrowd") {
  CHECK(least_wanted({{ipv4(1)}, {ipv4(2)}, {ipv4(2)}, {ipv4(3)}}) == 1);
  CHECK(least_wanted({{ipv4(2), true}, {ipv4(2), true}, {ipv4(3)}}) == 2);
  CHECK(least_wanted({{ipv4(1), true}, {ipv4(2), true}, {ipv4(2), true}}) == 1);
  CHECK(least_wanted({{ipv4(1)}}) == 0);
}

}  // namespace
}  // namespace p2pmesh
