// A long history is asked for slowly while others talk, and at once by who has just come.
#include "repair_pace.h"

#include <doctest/doctest.h>

#include "anti_entropy.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;
constexpr std::uint64_t kEpoch = 3;
constexpr std::uint64_t kLong = 20'000;
constexpr std::uint64_t kBurst = RepairPace::kBurst;

MemberKey author(std::uint8_t number) {
  MemberKey key;
  key.bytes[0] = number;
  return key;
}

/// Takes all that there is room for until `end`; how many that is.
std::uint64_t drain(RepairPace& pace, Instant& now, Instant end) {
  std::uint64_t asked = 0;
  while (true) {
    if (const std::uint64_t room = pace.room(now); room > 0) {
      REQUIRE(room >= RepairPace::kPiece);
      REQUIRE(room <= RepairPace::kAtOnce);
      pace.charge(room, now);
      asked += room;
      continue;
    }
    const Instant next = pace.ready_at(now);
    REQUIRE(next > now);
    if (next >= end) return asked;
    now = next;
    REQUIRE(pace.room(now) >= RepairPace::kPiece);
  }
}

TEST_CASE("ThereIsABurstThatComesInPiecesAndThenARate") {
  RepairPace pace;
  Instant now(100s);
  CHECK(pace.room(now) == RepairPace::kAtOnce);
  // What the burst takes to come, with what is added meanwhile.
  const std::uint64_t first = drain(pace, now, now + 1s);
  CHECK(first <= RepairPace::kAtOnce + RepairPace::kPeakPerSecond);
  CHECK(first + RepairPace::kPiece >= RepairPace::kPeakPerSecond);
  drain(pace, now, now + 10s);
  const std::uint64_t asked = drain(pace, now, now + 10s);
  CHECK(asked <= 10 * RepairPace::kPerSecond + RepairPace::kPiece);
  CHECK(asked + 2 * RepairPace::kPiece >= 10 * RepairPace::kPerSecond);
  now += 1h;
  CHECK(pace.room(now) == RepairPace::kAtOnce);
  CHECK(drain(pace, now, now + 1s) + RepairPace::kPiece >= RepairPace::kPeakPerSecond);
}

/// One puller, and a neighbor that lists whatever it is told to.
class Puller {
 public:
  Puller() {
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links_.add(up, NodeKey{}, now.monotonic);
  }
  void talk() { puller_.on_talk(now.monotonic); }
  void catch_up() {
    link().root_known = true;
    for (int i = 0; i < 2; ++i) {
      Turn turn{now, outputs_};
      puller_.on_root(link(), kAsOfAll, false, turn);
      now.monotonic += 31s;
    }
    Turn turn{now, outputs_};
    puller_.on_root(link(), kAsOfAll, false, turn);
  }
  /// Another neighbor, which has told its root and was not compared.
  void add_other() {
    LinkUp up;
    up.link = kLink + 1;
    up.node.bytes[0] = 3;
    links_.add(up, NodeKey{}, now.monotonic);
    links_.find(kLink + 1)->root_known = true;
  }
  void lose_link() {
    Turn turn{now, outputs_};
    links_.remove(kLink);
    puller_.on_link_down(kLink, turn);
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links_.add(up, NodeKey{}, now.monotonic);
  }
  /// Lists `held` whenever there is a session; how many envelopes are asked for within `time`.
  std::uint64_t ask(const std::vector<HeldLog>& held, Duration time) {
    std::uint64_t asked = 0;
    listed_ = held;
    link().root_known = link().differs = true;
    Turn turn{now, outputs_};
    puller_.on_root(link(), AntiEntropy::as_of(now), true, turn);
    for (const Instant end = now.monotonic + time; now.monotonic < end; now.monotonic += 10ms) {
      Turn next{now, outputs_};
      puller_.on_wake(next);
      asked += answer();
    }
    return asked;
  }
  [[nodiscard]] std::uint64_t put_off() const { return puller_.counters().put_off; }

  Now now{Instant(100s), 1'700'000'000'000};
  bool sends = true;
  std::vector<std::uint64_t> asked_ranges;
  std::vector<HeldRecord> listed_records;
  std::vector<SyncRequest::Record> asked_records;

 private:
  Link& link() { return *links_.find(kLink); }
  std::uint64_t answer() {
    std::uint64_t asked = 0;
    for (int step = 0; step < 1000 && !outputs_.empty(); ++step) {
      const Output output = outputs_.front();
      outputs_.erase(outputs_.begin());
      const SendFrame& sent = std::get<SendFrame>(output);
      Link& asker = *links_.find(sent.link);
      const ByteView frame(*sent.frame);
      const ByteView payload = frame.subspan(limits::kFrameHeaderBytes);
      Turn turn{now, outputs_};
      if (frame[4] == static_cast<std::uint8_t>(FrameType::kSyncDigest)) {
        SyncListing listing;
        listing.session = decode_sync_digest(payload)->session;
        listing.last = true;
        listing.logs = listed_;
        listing.records = listed_records;
        puller_.on_listing(asker, listing, turn);
        continue;
      }
      const auto request = decode_sync_request(payload);
      REQUIRE(request);
      asked_records.insert(asked_records.end(), request->records.begin(), request->records.end());
      for (const SyncRequest::Range& range : request->ranges) {
        asked_ranges.push_back(range.last - range.first + 1);
        for (std::uint64_t seq = range.first; sends && seq <= range.last; ++seq) take(range, seq);
        asked += range.last - range.first + 1;
      }
      for (std::size_t i = 0; sends && i < request->records.size(); ++i) puller_.on_repaired(kLink, true);
      puller_.on_done(asker, {request->session, 0, true}, turn);
    }
    return asked;
  }
  void take(const SyncRequest::Range& range, std::uint64_t seq) {
    SealedEnvelope envelope;
    envelope.envelope.envelope_class = EnvelopeClass::kLog;
    envelope.envelope.author = range.author;
    envelope.envelope.epoch = range.epoch;
    envelope.envelope.seq = seq;
    REQUIRE(index_.accept_log(envelope, false, now.monotonic) == AcceptResult::kNew);
    puller_.on_repaired(kLink, false);
  }

  ProtocolParameters parameters_;
  HeldDigest digest_;
  HeldIndex index_{digest_};
  Roster nobody_{MeshId{}, ed25519_verifier(), digest_};
  Links links_;
  AntiEntropy puller_{parameters_, digest_, index_, nobody_, links_, MemberKey{}, 1};
  Outputs outputs_;
  std::vector<HeldLog> listed_;
};

HeldLog log_of(std::uint8_t number, std::uint64_t count) {
  HeldLog log;
  log.author = author(number);
  log.epoch = kEpoch;
  log.newest_wall_ms = 1;
  log.intervals = {{1, count}};
  return log;
}

TEST_CASE_FIXTURE(Puller, "WhoHasJustComeAsksForEverythingAtOnce") {
  talk();
  CHECK(ask({log_of(1, kLong)}, 1s) == kLong);
  CHECK(put_off() == 0);
}

TEST_CASE_FIXTURE(Puller, "WhoIsLikeANewcomerHasNotCaughtUpWithTheOthers") {
  add_other();
  catch_up();
  talk();
  CHECK(ask({log_of(1, kLong)}, 1s) == kLong);
}

TEST_CASE_FIXTURE(Puller, "WhileNobodyTalksNobodyWaits") {
  catch_up();
  CHECK(ask({log_of(1, kLong)}, 1s) == kLong);
}

TEST_CASE_FIXTURE(Puller, "WhileOthersTalkALongHistoryIsAskedForSlowlyAndInOneGo") {
  catch_up();
  talk();
  const std::uint64_t asked = ask({log_of(1, kLong)}, 4s);
  CHECK(asked <= kBurst + 4 * RepairPace::kPerSecond + RepairPace::kPiece);
  CHECK(asked >= kBurst + 3 * RepairPace::kPerSecond);
  CHECK(put_off() > 0);
  SUBCASE("and at once when they have ended") {
    now.monotonic += 2s;
    CHECK(ask({log_of(1, kLong)}, 2s) == kLong - asked);
  }
  SUBCASE("and at once when the last neighbor was lost") {
    lose_link();
    talk();
    CHECK(ask({log_of(1, kLong)}, 1s) == kLong - asked);
  }
}

TEST_CASE_FIXTURE(Puller, "SlowRepairAsksInSmallRangesAndInWholeOnesForWhatIsGone") {
  catch_up();
  talk();
  constexpr std::uint64_t kTwoWhole = 2 * limits::kGoneRangeMax;
  constexpr std::size_t kSmall = kTwoWhole / RepairPace::kPiece;
  SUBCASE("all of it is there") {
    ask({log_of(1, kTwoWhole)}, 1s);
    CHECK(asked_ranges == std::vector<std::uint64_t>(kSmall, RepairPace::kPiece));
  }
  SUBCASE("nothing is there") {
    sends = false;
    ask({log_of(1, kTwoWhole)}, 1s);
    std::vector<std::uint64_t> expected(kSmall, RepairPace::kPiece);
    expected.insert(expected.end(), 2, limits::kGoneRangeMax);
    CHECK(asked_ranges == expected);
  }
}

TEST_CASE_FIXTURE(Puller, "WhileOthersTalkRecordsAreAskedForSlowlyToo") {
  catch_up();
  talk();
  constexpr std::uint16_t kRevocation = static_cast<std::uint16_t>(Kind::kRevocation);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    MemberKey key = author(3);
    key.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    key.bytes[2] = static_cast<std::uint8_t>(i);
    const std::uint16_t kind = i == 5 ? kRevocation : static_cast<std::uint16_t>(Kind::kStanding);
    listed_records.push_back({key, kind, {}, 1, 1, {}, false});
  }
  ask({log_of(1, kLong)}, 4s);
  CHECK(asked_records.size() <= kBurst + 4 * RepairPace::kPerSecond + RepairPace::kPiece);
  CHECK(asked_records.size() >= kBurst);
  // A key that does not count any more is heard of before all else.
  CHECK(asked_records.front().kind == kRevocation);
  // Messages do not wait behind them.
  CHECK(asked_ranges.size() * RepairPace::kPiece >= kBurst);
}

TEST_CASE_FIXTURE(Puller, "WhatIsListedAndNotSentTakesNoPlaceOfOthers") {
  catch_up();
  talk();
  sends = false;
  ask({log_of(1, kLong)}, 1s);
  sends = true;
  CHECK(put_off() == 0);
  CHECK(ask({log_of(2, kBurst)}, 2s) >= kBurst);
}

}  // namespace
}  // namespace p2pmesh
