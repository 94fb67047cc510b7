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
constexpr std::uint64_t kAllAtOnce = RepairPace::kBurst;

MemberKey author(std::uint8_t number) {
  MemberKey key;
  key.bytes[0] = number;
  return key;
}

TEST_CASE("ThereIsABurstAndThenARateInPieces") {
  RepairPace pace;
  Instant now(100s);
  CHECK(pace.room(now) == RepairPace::kBurst);
  pace.charge(RepairPace::kBurst, now);
  CHECK(pace.room(now) == 0);
  CHECK(pace.ready_at(now) > now);
  std::uint64_t asked = 0;
  for (const Instant end = now + 10s; pace.ready_at(now) < end;) {
    now = pace.ready_at(now);
    const std::uint64_t room = pace.room(now);
    REQUIRE(room >= RepairPace::kPiece);
    REQUIRE(room < RepairPace::kPiece + 2);
    pace.charge(room, now);
    asked += room;
  }
  CHECK(asked <= 10 * RepairPace::kPerSecond);
  CHECK(asked + 2 * RepairPace::kPiece >= 10 * RepairPace::kPerSecond);
  now += 1h;
  CHECK(pace.room(now) == RepairPace::kBurst);
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
        puller_.on_listing(asker, listing, turn);
        continue;
      }
      const auto request = decode_sync_request(payload);
      REQUIRE(request);
      for (const SyncRequest::Range& range : request->ranges) {
        for (std::uint64_t seq = range.first; sends && seq <= range.last; ++seq) take(range, seq);
        asked += range.last - range.first + 1;
      }
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
    puller_.on_repaired(kLink);
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
  CHECK(asked <= kAllAtOnce + 4 * RepairPace::kPerSecond + RepairPace::kPiece);
  CHECK(asked >= kAllAtOnce + 3 * RepairPace::kPerSecond);
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

TEST_CASE_FIXTURE(Puller, "WhatIsListedAndNotSentTakesNoPlaceOfOthers") {
  catch_up();
  talk();
  sends = false;
  ask({log_of(1, kLong)}, 1s);
  sends = true;
  CHECK(put_off() == 0);
  CHECK(ask({log_of(2, kAllAtOnce)}, 2s) >= kAllAtOnce);
}

}  // namespace
}  // namespace p2pmesh
