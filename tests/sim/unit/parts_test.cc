// The small parts: queue, clock, disk, signatures, histogram.
#include <doctest/doctest.h>

#include "draw.h"
#include "event_queue.h"
#include "histogram.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/crypto/hash.h"
#include "run_options.h"
#include "sim_signature.h"
#include "sim_time.h"

namespace p2pmesh::sim {

TEST_CASE("EventsComeByTimeAndTiesInTheOrderOfInsertion") {
  EventQueue queue;
  Draw draw(1);
  for (std::uint32_t i = 0; i < 5000; ++i)
    queue.push(static_cast<SimTime>(draw.below(50)), EventKind::kWake, i);
  SimTime time = -1;
  std::uint32_t last = 0;
  while (!queue.empty()) {
    const Event event = queue.pop();
    REQUIRE(event.time >= time);
    if (event.time == time) REQUIRE(event.a > last);
    time = event.time;
    last = event.a;
  }
}

TEST_CASE("ADriftingClockShowsTheDeadlineWhenItSaysSo") {
  for (std::int64_t rate : {-500, -1, 0, 1, 499}) {
    const VirtualClock clock(rate, 0);
    for (SimTime time : {0L, 1L, 999'999L, 86'400'000'123L}) {
      const Instant deadline = clock.at(time).monotonic + Duration(7);
      const SimTime when = clock.when(deadline);
      CHECK(clock.at(when).monotonic >= deadline);
      CHECK(clock.at(when - 2).monotonic < deadline);
    }
  }
}

TEST_CASE("AStandInSignatureHoldsForItsKeyAndMessageAlone") {
  const auto scheme = make_stand_in_scheme(1);
  const auto other_world = make_stand_in_scheme(2);
  const auto alice = scheme->make_signer(1);
  const auto bob = scheme->make_signer(2);
  const Bytes message = {1, 2, 3};
  const Signature signature = alice->sign(message);
  CHECK(scheme->verifier().verify(alice->public_key(), message, signature));
  CHECK_FALSE(scheme->verifier().verify(bob->public_key(), message, signature));
  CHECK_FALSE(scheme->verifier().verify(alice->public_key(), Bytes{1, 2, 4}, signature));
  CHECK_FALSE(other_world->verifier().verify(alice->public_key(), message, signature));
}

TEST_CASE("TheSignedLogKnowsWhoSignedWhat") {
  const auto scheme = make_stand_in_scheme(1);
  const auto alice = scheme->make_signer(1);
  const auto bob = scheme->make_signer(2);
  EnvelopeId id;
  id.bytes[0] = 9;
  (void)alice->sign(envelope_signing_bytes(id));
  CHECK(scheme->signed_log().contains(to_member(alice->public_key()), id));
  CHECK_FALSE(scheme->signed_log().contains(to_member(bob->public_key()), id));
}

TEST_CASE("TheHistogramFindsMedianAndGreatest") {
  Histogram histogram;
  for (SimTime sample = 1; sample <= 1000; ++sample) histogram.add(sample * kMillisecond);
  CHECK(histogram.at(500) == doctest::Approx(500 * kMillisecond).epsilon(0.01));
  CHECK(histogram.greatest() == 1000 * kMillisecond);
  histogram.add(1800 * kSecond);
  CHECK(histogram.greatest() == 1800 * kSecond);
}

TEST_CASE("WrongOptionsAreRefused") {
  const auto parse = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "p2pmesh-sim");
    std::string error;
    return parse_run_options(static_cast<int>(arguments.size()), arguments.data(), error).has_value();
  };
  CHECK(parse({"--scenario", "flood", "--nodes", "10", "--json"}));
  CHECK(parse({"--scenario", "chaos", "--sweep", "1:10", "--jobs", "2"}));
  CHECK_FALSE(parse({"--scenario", "none"}));
  CHECK_FALSE(parse({"--nodes", "ten"}));
  CHECK_FALSE(parse({"--nodes"}));
  CHECK_FALSE(parse({"--sweep", "1"}));
  CHECK_FALSE(parse({"flood"}));
  // An ordinary build has no bugs to plant.
  CHECK(parse({"--bug", "GraftNeverSent"}) == kHasPlantedBugs);
  CHECK(parse({"--list-bugs"}) == kHasPlantedBugs);
  CHECK_FALSE(parse({"--bug", "NoSuchBug"}));
}

}  // namespace p2pmesh::sim
