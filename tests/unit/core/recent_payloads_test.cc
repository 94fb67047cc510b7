// What was broadcast lately, against a plain map.
#include "recent_payloads.h"

#include <doctest/doctest.h>

#include <deque>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

EnvelopePtr payload_of(std::uint64_t number) {
  auto sealed = std::make_shared<SealedEnvelope>();
  Random random(number);
  for (auto& byte : sealed->id.bytes) byte = static_cast<std::uint8_t>(random.next());
  sealed->encoded = Bytes(100);
  return sealed;
}

TEST_CASE("WhatIsRememberedIsWhatCameLastWithinTheBounds") {
  constexpr std::size_t kCount = 100;
  RecentPayloads recent(kCount, 50 * 100, 10s, 3);
  std::deque<std::pair<EnvelopePtr, Instant>> expected;
  Random random(5);
  Instant now(100s);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    now += Duration(static_cast<Duration::rep>(random.below(300'000)));
    const EnvelopePtr payload = payload_of(i);
    recent.add(payload, {.payload = {}, .at = now, .from = 1, .round = static_cast<std::uint16_t>(i % 9)});
    while (!expected.empty() && (expected.size() >= kCount || expected.front().second + 10s <= now))
      expected.pop_front();
    expected.emplace_back(payload, now);
    REQUIRE(recent.size() == expected.size());
    std::size_t age = 0;
    for (const auto& [known, at] : expected) {
      const RecentPayloads::Entry* entry = recent.find(known->id);
      REQUIRE(entry != nullptr);
      CHECK(entry->at == at);
      CHECK((entry->payload != nullptr) == (expected.size() - age <= 50));
      ++age;
    }
    if (i >= kCount) CHECK(recent.find(payload_of(i - kCount)->id) == nullptr);
  }
}

TEST_CASE("TheSamePayloadIsRememberedOnce") {
  RecentPayloads recent(10, 1000, 10s, 3);
  const EnvelopePtr payload = payload_of(1);
  recent.add(payload, {.payload = {}, .at = Instant(1s), .from = 1});
  recent.add(payload, {.payload = {}, .at = Instant(2s), .from = 2});
  CHECK(recent.size() == 1);
  CHECK(recent.find(payload->id)->from == 1);
}

}  // namespace
}  // namespace p2pmesh
