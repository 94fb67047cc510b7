// What one answer of anti-entropy may hold, on either side, what a session remembers, and how long it lasts.
#include <doctest/doctest.h>

#include <algorithm>

#include "anti_entropy.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;
constexpr std::uint64_t kEpoch = 1;

struct Fixture {
  Fixture() {
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links.add(up, NodeKey{}, now.monotonic);
    link().root_known = true;
    roster.restore(*record_of(kAuthor, "Alice"));
  }
  Link& link() { return *links.find(kLink); }
  template <class Message>
  std::vector<Message> sent(FrameType type, std::optional<Message> (*decode)(ByteView)) const {
    std::vector<Message> messages;
    for (const Output& output : outputs) {
      const auto* send = std::get_if<SendFrame>(&output);
      if (send == nullptr || static_cast<FrameType>((*send->frame)[4]) != type) continue;
      auto message = decode(ByteView(*send->frame).subspan(limits::kFrameHeaderBytes));
      REQUIRE(message);
      messages.push_back(std::move(*message));
    }
    return messages;
  }
  std::uint64_t asks(SyncRequest request) {
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_request(link(), std::move(request), turn);
    for (const Output& output : outputs) {
      if (const auto* load = std::get_if<Load>(&output)) loads.push_back(*load);
    }
    REQUIRE_FALSE(loads.empty());
    return loads.back().request;
  }

  static constexpr std::uint32_t kAuthor = 4;
  Now now{Instant(100s), 1'700'000'000'000};
  ProtocolParameters parameters;
  Credulous verifier;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  AntiEntropy entropy{parameters, digest, index, roster, links, key_of(1), 1};
  Outputs outputs;
  std::vector<Load> loads;
};

TEST_CASE_FIXTURE(Fixture, "TheStoreIsAskedForNoMoreThanOneAnswerMayHold") {
  asks({1, {{key_of(kAuthor), kEpoch, 1, UINT64_MAX / 4}}, {}});
  CHECK(loads.back().bytes_max == limits::kSyncAnswerBytesMax);
  CHECK(loads.back().envelopes_max == limits::kSyncAnswerEnvelopesMax);
  CHECK(loads.back().gone_max == limits::kGoneAtOnceMax);
}

TEST_CASE_FIXTURE(Fixture, "OfTooManyRangesThatAreGoneOneAnswerTellsTheFirst") {
  constexpr std::uint64_t kKnown = limits::kGoneAtOnceMax + 100;
  for (std::uint64_t i = 0; i < kKnown; ++i)
    index.note_gone({key_of(kAuthor), kEpoch, 1 + 4 * i, 2 + 4 * i, 4711 + i}, now.monotonic);
  REQUIRE(index.gone_known() == kKnown);
  const auto answer = [&](std::uint64_t first) {
    const std::uint64_t request = asks({1, {{key_of(kAuthor), kEpoch, first, 4 * kKnown}}, {}});
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_loaded(Loaded{request, {}, true, {}}, turn);
    std::size_t items = 0;
    for (const SyncGone& gone : sent(FrameType::kSyncGone, decode_sync_gone)) {
      CHECK(gone.items.size() <= limits::kGonePerFrameMax);
      items += gone.items.size();
    }
    return items;
  };
  CHECK(answer(1) == limits::kGoneAtOnceMax);
  CHECK_FALSE(sent(FrameType::kSyncDone, decode_sync_done).back().complete);
  CHECK(answer(1 + 4 * limits::kGoneAtOnceMax) == 100);
  CHECK(sent(FrameType::kSyncDone, decode_sync_done).back().complete);
}

/// Has asked for what a neighbor has listed.
struct Asker : Fixture {
  Asker() {
    Turn turn{now, outputs};
    link().differs = true;
    entropy.on_root(link(), kAsOfAll, false, turn);
    SyncListing listing;
    session = listing.session = sent(FrameType::kSyncDigest, decode_sync_digest).back().session;
    listing.last = true;
    listing.logs.push_back({key_of(kAuthor), kEpoch, 1, 1, {{1, limits::kSyncAnswerEnvelopesMax}}});
    entropy.on_listing(link(), listing, turn);
    REQUIRE(sent(FrameType::kSyncRequest, decode_sync_request).size() == 1);
  }
  /// Single numbers of the second half that are gone.
  void tell(std::uint64_t first, std::size_t count) {
    SyncGone gone;
    gone.session = session;
    gone.author = key_of(kAuthor);
    gone.epoch = kEpoch;
    for (std::uint64_t i = 0; i < count; ++i) gone.items.push_back({first + 2 * i, first + 2 * i, 4711});
    Turn turn{now, outputs};
    entropy.on_gone(link(), gone, turn);
  }
  std::uint32_t session = 0;
};

TEST_CASE_FIXTURE(Asker, "OfTooManyRangesThatAreToldToBeGoneTheFirstCount") {
  constexpr std::size_t kFrame = 128;
  for (std::size_t told = 0; told < limits::kGoneAtOnceMax - kFrame; told += kFrame) tell(1, kFrame);
  REQUIRE(index.gone_known() == kFrame);
  tell(301, kFrame);
  CHECK(index.gone_known() == 2 * kFrame);
  tell(701, 1);
  CHECK(index.gone_known() == 2 * kFrame);
  CHECK_FALSE(index.is_gone({key_of(kAuthor), kEpoch, 701, 701}));
  CHECK(index.is_gone({key_of(kAuthor), kEpoch, 301, 301}));
}

/// Asks for what a neighbor lists, which never sends any of it.
struct Puller : Fixture {
  void start(bool is_new) {
    outputs.clear();
    link().compared = !is_new;
    link().differs = true;
    Turn turn{now, outputs};
    entropy.hurry(turn);
    entropy.on_root(link(), kAsOfAll, false, turn);
    entropy.on_wake(turn);
    const auto digests = sent(FrameType::kSyncDigest, decode_sync_digest);
    REQUIRE(digests.size() == 1);
    session = digests.back().session;
    as_of_ms = digests.back().as_of_ms;
  }
  void list(std::vector<HeldLog> logs, std::vector<HeldRecord> records = {}) {
    SyncListing listing;
    listing.session = session;
    listing.last = true;
    listing.logs = std::move(logs);
    listing.records = std::move(records);
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_listing(link(), listing, turn);
  }
  void end_answer(bool is_complete) {
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_done(link(), {session, 0, is_complete}, turn);
  }
  void wake() {
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_wake(turn);
  }
  [[nodiscard]] std::vector<SyncRequest> asked() const {
    return sent(FrameType::kSyncRequest, decode_sync_request);
  }
  /// Everything that is asked for until the session ends.
  SyncRequest ask_for_all() {
    SyncRequest all;
    for (auto requests = asked(); !requests.empty(); requests = asked()) {
      for (SyncRequest& request : requests) {
        std::move(request.ranges.begin(), request.ranges.end(), std::back_inserter(all.ranges));
        std::move(request.records.begin(), request.records.end(), std::back_inserter(all.records));
      }
      end_answer(true);
    }
    return all;
  }
  std::uint32_t session = 0;
  AsOfMs as_of_ms = 0;
};

TEST_CASE_FIXTURE(Puller, "OfTooManyRangesThatAreListedTheFirstAreAskedForAndTheRestInTheNextSession") {
  HeldLog log{key_of(kAuthor), kEpoch, 1, 1, {}};
  for (std::uint64_t i = 0; i < limits::kSyncWantsMax; ++i) log.intervals.emplace_back(2 * i + 1, 2 * i + 1);
  start(true);
  list({log});
  CHECK(ask_for_all().ranges.size() == limits::kSyncWantsMax);
  CHECK_FALSE(link().differs);
  const std::uint64_t beyond = 2 * limits::kSyncWantsMax + 1;
  log.intervals.emplace_back(beyond, beyond);
  start(true);
  list({log});
  const auto ranges = ask_for_all().ranges;
  CHECK(ranges.size() == limits::kSyncWantsMax);
  CHECK(std::none_of(ranges.begin(), ranges.end(), [&](const auto& range) { return range.first == beyond; }));
  CHECK(link().differs);
  CHECK(entropy.next_deadline() == now.monotonic);
}

TEST_CASE_FIXTURE(Puller, "OfTooManyRecordsThatAreListedTheFirstAreAskedForAndTheRestInTheNextSession") {
  std::vector<HeldRecord> records;
  const auto list_one_more = [&] {
    const auto i = static_cast<std::uint32_t>(records.size());
    HeldRecord record;
    record.author = key_of(kAuthor);
    record.kind = static_cast<std::uint16_t>(Kind::kStanding);
    record.subject = {static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                      static_cast<std::uint8_t>(i)};
    record.epoch = record.version = 1;
    records.push_back(std::move(record));
  };
  while (records.size() < limits::kSyncWantsMax) list_one_more();
  start(true);
  list({}, records);
  CHECK(ask_for_all().records.size() == limits::kSyncWantsMax);
  CHECK_FALSE(link().differs);
  list_one_more();
  start(true);
  list({}, records);
  const auto wanted = ask_for_all().records;
  CHECK(wanted.size() == limits::kSyncWantsMax);
  CHECK(std::none_of(wanted.begin(), wanted.end(),
                     [&](const auto& record) { return record.subject == records.back().subject; }));
  CHECK(link().differs);
}

TEST_CASE_FIXTURE(Puller, "WhatIsOnItsWayByBroadcastIsNotAskedFor") {
  const auto accept = [&](std::uint64_t seq) {
    SealedEnvelope text;
    text.envelope.author = key_of(kAuthor);
    text.envelope.epoch = kEpoch;
    text.envelope.seq = seq;
    index.accept_log(text, false, now.monotonic);
  };
  const HeldLog log{key_of(kAuthor), kEpoch, 1, 1, {{1, 10}}};
  for (const std::uint64_t seq : {1U, 2U, 3U, 5U}) accept(seq);
  now.monotonic += limits::kSyncQuiet - 1ms;
  start(false);
  constexpr auto kQuietMs = std::chrono::milliseconds(limits::kSyncQuiet).count();
  CHECK(as_of_ms == now.wall_ms - static_cast<WallMs>(kQuietMs));
  list({log});
  // What comes before the newest is missing; what comes behind it may still come.
  auto ranges = ask_for_all().ranges;
  REQUIRE(ranges.size() == 1);
  CHECK(ranges.front().last == 4);
  now.monotonic += 1ms;
  start(false);
  list({log});
  ranges = ask_for_all().ranges;
  REQUIRE(ranges.size() == 2);
  CHECK(ranges.front().first == 6);
  CHECK(ranges.front().last == 10);
  // Over a new link nothing is on its way.
  accept(4);
  start(true);
  CHECK(as_of_ms == kAsOfAll);
  list({log});
  CHECK(ask_for_all().ranges.size() == 1);
}

TEST_CASE_FIXTURE(Puller, "ASessionWithoutProgressEnds") {
  start(true);
  list({{key_of(kAuthor), kEpoch, 1, 1, {{1, 10}}}});
  now.monotonic += limits::kSyncTimeout - 1ms;
  wake();
  CHECK(entropy.counters().timeouts == 0);
  CHECK(entropy.sessions() == 1);
  now.monotonic += 1ms;
  wake();
  CHECK(entropy.counters().timeouts == 1);
}

TEST_CASE_FIXTURE(Puller, "ASessionThatGetsOnEndsAllTheSame") {
  start(true);
  const Instant begun = now.monotonic;
  list({{key_of(kAuthor), kEpoch, 1, 1, {{1, 1'000'000}}}});
  const auto bring_one = [&](Instant at) {
    now.monotonic = at;
    REQUIRE(asked().size() == 1);
    SealedEnvelope text;
    text.envelope.author = key_of(kAuthor);
    text.envelope.epoch = kEpoch;
    text.envelope.seq = asked().front().ranges.front().last;
    index.accept_log(text, false, now.monotonic);
    entropy.on_repaired(kLink, false);
    end_answer(false);
  };
  for (Duration passed = 10s; passed < limits::kSyncSessionMax; passed += 10s) bring_one(begun + passed);
  bring_one(begun + limits::kSyncSessionMax - 1ms);
  wake();
  CHECK(entropy.counters().timeouts == 0);
  now.monotonic += 1ms;
  wake();
  CHECK(entropy.counters().timeouts == 1);
  CHECK(entropy.take_repaired());
}

}  // namespace
}  // namespace p2pmesh
