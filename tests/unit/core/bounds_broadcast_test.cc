// What is kept of what was broadcast lately, and what a neighbor may ask of it, up to each bound and one
// beyond.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "broadcast.h"
#include "frame_budget.h"
#include "many_members.h"
#include "missing_ids.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kA = 10;
constexpr LinkId kB = 20;

/// A node with two neighbors, in partial views.
struct Fixture {
  Fixture() {
    Turn turn{now, outputs};
    broadcast.set_partial(true, turn);
    for (const LinkId link : {kA, kB}) broadcast.on_link_up(link, false, turn);
  }
  static EnvelopeId id_of(std::uint32_t number) {
    EnvelopeId id;
    for (std::size_t i = 0; i < 4; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return id;
  }
  static EnvelopePtr text(std::uint32_t number, std::size_t bytes = 50) {
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->envelope.author.bytes[0] = 1;
    sealed->id = id_of(number);
    sealed->encoded = Bytes(bytes);
    return sealed;
  }
  void receive(std::uint32_t number, std::size_t bytes = 50) {
    outputs.clear();
    Turn turn{now, outputs};
    broadcast.on_received(text(number, bytes), kA, 3, turn);
  }
  std::size_t graft(const std::vector<EnvelopeId>& ids) {
    outputs.clear();
    Turn turn{now, outputs};
    return broadcast.on_graft(kB, Graft{ids}, turn);
  }
  bool is_answered(std::uint32_t number) { return graft({id_of(number)}) > 0; }
  /// What is announced and not known is missing.
  bool is_known(std::uint32_t number) {
    const std::size_t before = broadcast.missing();
    Turn turn{now, outputs};
    broadcast.on_ihave(kB, IHave{{{id_of(number), 4}}}, turn);
    return broadcast.missing() == before;
  }

  ProtocolParameters parameters;
  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  Broadcast broadcast{parameters, 7};
};

TEST_CASE_FIXTURE(Fixture, "OfTooManyPayloadsTheOldestIsForgotten") {
  for (std::uint32_t i = 0; i < limits::kRecentMax; ++i) receive(i);
  REQUIRE(broadcast.recent() == limits::kRecentMax);
  CHECK(is_answered(0));
  receive(limits::kRecentMax);
  CHECK(broadcast.recent() == limits::kRecentMax);
  CHECK_FALSE(is_answered(0));
  CHECK_FALSE(is_known(0));
  CHECK(is_answered(1));
  CHECK(is_answered(limits::kRecentMax));
}

TEST_CASE_FIXTURE(Fixture, "OfPayloadsWithTooManyBytesTheOldestIsKnownByItsIdAlone") {
  constexpr std::size_t kBytes = 32 * 1024;
  constexpr auto kFit = static_cast<std::uint32_t>(limits::kRecentBytesMax / kBytes);
  for (std::uint32_t i = 0; i < kFit; ++i) receive(i, kBytes);
  CHECK(is_answered(0));
  receive(kFit, 1);
  CHECK_FALSE(is_answered(0));
  CHECK(is_known(0));
  CHECK(is_answered(1));
  CHECK(is_answered(kFit));
  CHECK(broadcast.recent() == kFit + 1);
}

TEST_CASE_FIXTURE(Fixture, "OfTooManyRepairedTheOldestIsForgotten") {
  const auto repair = [&](std::uint32_t number) { broadcast.on_repaired(text(number), kA, now.monotonic); };
  for (std::uint32_t i = 0; i < limits::kRecentRepairedMax; ++i) repair(i);
  REQUIRE(broadcast.recent_repaired() == limits::kRecentRepairedMax);
  CHECK(is_known(0));
  repair(limits::kRecentRepairedMax);
  CHECK(broadcast.recent_repaired() == limits::kRecentRepairedMax);
  CHECK_FALSE(is_known(0));
  CHECK(is_known(1));
  CHECK(is_known(limits::kRecentRepairedMax));
  CHECK(broadcast.recent() == 0);
}

TEST_CASE_FIXTURE(Fixture, "NoMoreIsAnnouncedAtOnceThanIsRemembered") {
  outputs.clear();
  Turn turn{now, outputs};
  broadcast.on_prune(kB, Prune{}, turn);
  for (std::uint32_t i = 0; i < limits::kRecentMax + 10; ++i) receive(i);
  now.monotonic += parameters.ihave_interval;
  outputs.clear();
  Turn later{now, outputs};
  broadcast.on_wake(later);
  std::set<EnvelopeId> announced;
  for (const Output& output : outputs) {
    const auto* send = std::get_if<SendFrame>(&output);
    if (send == nullptr || send->link != kB) continue;
    const auto ihave = decode_ihave(ByteView(*send->frame).subspan(limits::kFrameHeaderBytes));
    REQUIRE(ihave);
    for (const IHave::Item& item : ihave->items) announced.insert(item.id);
  }
  CHECK(announced.size() == limits::kRecentMax);
  CHECK(announced.contains(id_of(0)));
}

TEST_CASE_FIXTURE(Fixture, "AGraftIsAnsweredUpToAFrameBeyondItsBound") {
  constexpr std::size_t kBytes = 32 * 1024;
  constexpr std::size_t kAnswered = limits::kGraftAnswerBytesMax / kBytes + 1;
  std::vector<EnvelopeId> ids;
  for (std::uint32_t i = 0; i < kAnswered + 20; ++i) {
    receive(i, kBytes);
    ids.push_back(id_of(i));
  }
  const std::uint64_t sent = broadcast.counters().payloads_sent;
  CHECK(graft(ids) == kAnswered * kBytes);
  CHECK(broadcast.counters().payloads_sent - sent == kAnswered);
  CHECK(broadcast.counters().grafts_unanswered == 20);
  // What was left is answered when it is asked for anew.
  CHECK(graft({ids.end() - 20, ids.end()}) == 20 * kBytes);
}

TEST_CASE("NoMoreIdsAreMissingThanTheBoundsOfALinkAndOfAll") {
  MissingIds missing;
  std::uint32_t next = 0;
  const auto announce = [&](LinkId link) {
    return missing.announce(Fixture::id_of(next++), link, 1, Instant(100s));
  };
  constexpr LinkId kLinks = limits::kMissingIdsMax / limits::kMissingPerLinkMax;
  for (LinkId link = 1; link <= kLinks; ++link) {
    for (std::size_t i = 0; i < limits::kMissingPerLinkMax; ++i) REQUIRE(announce(link));
    CHECK_FALSE(announce(link));
  }
  CHECK(missing.size() == limits::kMissingIdsMax);
  CHECK_FALSE(announce(kLinks + 1));
  CHECK(missing.size() == limits::kMissingIdsMax);
  // Of what is missing already anybody may tell, and what arrives makes room.
  CHECK(missing.announce(Fixture::id_of(0), kLinks + 1, 1, Instant(100s)));
  missing.arrived(Fixture::id_of(0));
  CHECK(announce(kLinks + 1));
  CHECK_FALSE(announce(1));
  CHECK(missing.size() == limits::kMissingIdsMax);
}

TEST_CASE("OneAnnouncerMoreThanAreRememberedIsNotAsked") {
  MissingIds missing;
  Instant now(100s);
  constexpr LinkId kBeyond = limits::kAnnouncersMax + 1;
  // Each is nearer to the author than the one before, so the last would be asked first.
  for (LinkId link = 1; link <= kBeyond; ++link)
    CHECK(missing.announce(Fixture::id_of(1), link, static_cast<std::uint16_t>(100 - link), now));
  std::set<LinkId> asked;
  for (; missing.size() > 0; now += 1s) {
    for (const auto& [link, id] : missing.take_due(now, 1s)) asked.insert(link);
  }
  CHECK(asked.size() == limits::kAnnouncersMax);
  CHECK_FALSE(asked.contains(kBeyond));
  CHECK(missing.given_up() == 1);
}

TEST_CASE_FIXTURE(Fixture, "OneAuthorMoreThanMayBePrunedOverALinkAndItBeginsAnew") {
  parameters.payload_window = {};
  Turn turn{now, outputs};
  broadcast.set_partial(false, turn);
  std::uint32_t texts = 0;
  const auto is_pushed = [&](std::uint32_t author) {
    auto sealed = std::make_shared<SealedEnvelope>(*text(texts++));
    sealed->envelope.author = key_of(author);
    outputs.clear();
    broadcast.on_received(sealed, kA, 3, turn);
    return std::any_of(outputs.begin(), outputs.end(), [](const Output& output) {
      const auto* send = std::get_if<SendFrame>(&output);
      return send != nullptr && send->link == kB && send->frame_class == FrameClass::kLive;
    });
  };
  for (std::uint32_t author = 0; author < limits::kPrunedAuthorsMax; ++author)
    broadcast.on_prune(kB, Prune{key_of(author)}, turn);
  CHECK_FALSE(is_pushed(0));
  CHECK_FALSE(is_pushed(limits::kPrunedAuthorsMax - 1));
  CHECK(is_pushed(limits::kPrunedAuthorsMax));
  broadcast.on_prune(kB, Prune{key_of(limits::kPrunedAuthorsMax)}, turn);
  CHECK_FALSE(is_pushed(limits::kPrunedAuthorsMax));
  CHECK(is_pushed(0));
  CHECK(is_pushed(limits::kPrunedAuthorsMax - 1));
}

TEST_CASE_FIXTURE(Fixture, "OneCopyMoreThanAreWeighedTogetherPrunesNothing") {
  constexpr std::uint32_t kTexts = 64;  // each smaller than the one before it, so that it may be chosen
  constexpr LinkId kLinks = limits::kContestedMax / kTexts;
  constexpr LinkId kFirst = 100;
  Turn turn{now, outputs};
  for (LinkId link = kFirst; link <= kFirst + kLinks; ++link) broadcast.on_link_up(link, false, turn);
  const auto id_at = [](std::uint32_t place) {
    EnvelopeId id;
    id.bytes[0] = static_cast<std::uint8_t>(200 - place);
    return id;
  };
  for (std::uint32_t place = 0; place < kTexts; ++place) {
    auto sealed = std::make_shared<SealedEnvelope>(*text(place));
    sealed->id = id_at(place);
    sealed->envelope.author = key_of(place % 2);  // several write at once
    broadcast.on_received(sealed, kA, 3, turn);
  }
  for (LinkId link = kFirst; link < kFirst + kLinks; ++link) {
    for (std::uint32_t place = 0; place < kTexts; ++place)
      broadcast.on_duplicate(link, id_at(place), 4, turn);
  }
  broadcast.on_duplicate(kFirst + kLinks, id_at(kTexts - 1), 4, turn);
  now.monotonic += parameters.prune_gather;
  outputs.clear();
  Turn later{now, outputs};
  broadcast.on_wake(later);
  std::set<LinkId> pruned;
  for (const Output& output : outputs) {
    const auto* send = std::get_if<SendFrame>(&output);
    if (send != nullptr && static_cast<FrameType>((*send->frame)[4]) == FrameType::kPrune)
      pruned.insert(send->link);
  }
  CHECK(pruned.size() == kLinks);
  CHECK_FALSE(pruned.contains(kFirst + kLinks));
}

struct Budget {
  std::string name;
  std::vector<FrameType> types;  // that draw from it
  std::uint64_t per_second;
  std::uint64_t burst;
};

const std::vector<Budget>& budgets() {
  using enum FrameType;
  using namespace limits;
  static const std::vector<Budget> kAll = {
      {"ihave ids", {kIHave}, kIHaveIdsPerSecond, kIHaveIdsBurst},
      {"graft ids", {kGraft}, kGraftIdsPerSecond, kGraftIdsBurst},
      {"prunes", {kPrune}, kPrunesPerSecond, kPrunesBurst},
      {"forward joins", {kForwardJoin}, kForwardJoinsPerSecond, kForwardJoinsBurst},
      {"shuffles", {kShuffle, kShuffleReply}, kShufflesPerSecond, kShufflesBurst},
      {"digests", {kSyncDigest, kSyncDescend}, kSyncDigestsPerSecond, kSyncDigestsBurst},
      {"requests", {kSyncRequest}, kSyncRequestsPerSecond, kSyncRequestsBurst},
      {"answers",
       {kSyncBranch, kSyncListing, kSyncGone, kSyncDone},
       kSyncAnswersPerSecond,
       kSyncAnswersBurst},
      {"pings", {kPing, kPong}, kPingsPerSecond, kPingsBurst},
      {"sponsorings", {kSponsorRequest, kSponsorReply}, kSponsoringsPerSecond, kSponsoringsBurst},
      {"taken ids", {kTaken}, kTakenIdsPerSecond, kTakenIdsBurst},
      {"askings", {kJoin, kNeighbor, kNeighborReply, kClose}, kAskingsPerSecond, kAskingsBurst}};
  return kAll;
}

TEST_CASE("EachKindOfFrameHasItsBurstAndItsRate") {
  using enum FrameBudget::Verdict;
  for (const Budget& kind : budgets()) {
    CAPTURE(kind.name);
    FrameBudget budget;
    Instant now(1000s);
    std::size_t next = 0;
    const auto take = [&] { return budget.take(kind.types[next++ % kind.types.size()], 0, now); };
    const auto count_within = [&](std::uint64_t at_most) {
      std::uint64_t within = 0;
      while (within < at_most && take() == kWithin) ++within;
      return within;
    };
    CHECK(count_within(2 * kind.burst) == kind.burst);
    // The others have theirs, whatever this one has spent.
    for (const Budget& other : budgets()) {
      if (other.name != kind.name) CHECK(budget.take(other.types.front(), 0, now) == kWithin);
    }
    // One that was over is worked off first, and the one that ended each count was too.
    now += 1s;
    CHECK(count_within(2 * kind.burst) == kind.per_second - 1);
    now += 1s;
    CHECK(count_within(2 * kind.burst) == kind.per_second - 1);
    // Nothing is saved up beyond the burst.
    now += 24h;
    CHECK(count_within(2 * kind.burst) == kind.burst);
    std::uint64_t dropped = 1;
    while (take() == kOver) ++dropped;
    CHECK(dropped == (limits::kFarOverBursts - 1) * kind.burst);
  }
}

TEST_CASE("AnIdMoreThanTheBurstIsOver") {
  constexpr std::size_t kIds = 1023;  // and one for the frame
  for (const auto& [type, burst] : {std::pair(FrameType::kIHave, limits::kIHaveIdsBurst),
                                    std::pair(FrameType::kGraft, limits::kGraftIdsBurst)}) {
    FrameBudget budget;
    for (std::uint64_t ids = 0; ids < burst; ids += kIds + 1)
      CHECK(budget.take(type, kIds * 32, Instant(100s)) == FrameBudget::Verdict::kWithin);
    CHECK(budget.take(type, 0, Instant(100s)) == FrameBudget::Verdict::kOver);
  }
}

TEST_CASE("GraftsAreAnsweredAgainWhenTheBytesAboveTheBurstAreWorkedOff") {
  FrameBudget budget;
  const Instant now(100s);
  budget.charge_graft_answer(limits::kGraftAnswerBytesBurst, now);
  CHECK(budget.may_answer_graft(now));
  budget.charge_graft_answer(limits::kGraftAnswerBytesPerSecond, now);
  CHECK_FALSE(budget.may_answer_graft(now));
  CHECK_FALSE(budget.may_answer_graft(now + 999ms));
  CHECK(budget.may_answer_graft(now + 1s));
}

}  // namespace
}  // namespace p2pmesh
