// The digest's second level: in a large mesh the leaves that differ are listed, not their whole buckets.
#include <doctest/doctest.h>

#include <bit>
#include <map>

#include "anti_entropy.h"
#include "many_members.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;
constexpr std::uint64_t kEpoch = 1;
constexpr std::uint32_t kLarge = 3000;  // some twelve members in a bucket
constexpr std::uint32_t kSmall = 500;
constexpr std::uint32_t kSomebody = 4;

EnvelopeId id_of(std::uint32_t author, std::uint64_t seq, std::uint32_t version = 0) {
  return EnvelopeId{key_of(100'000 + author * 64 + static_cast<std::uint32_t>(seq) + version * 8).bytes};
}

SealedEnvelope text_of(std::uint32_t author, std::uint64_t seq, WallMs wall_ms) {
  SealedEnvelope sealed;
  sealed.envelope.author = key_of(author);
  sealed.envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  sealed.envelope.epoch = kEpoch;
  sealed.envelope.seq = seq;
  sealed.envelope.wall_ms = wall_ms;
  sealed.id = id_of(author, seq);
  return sealed;
}

/// One of two neighbors, with what it sent and has not been delivered.
struct Side {
  explicit Side(const MemberKey& self, const Now& time) : now(time), entropy_self(self) {
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links.add(up, NodeKey{}, now.monotonic);
    link().root_known = true;
    link().compared = true;
  }
  Link& link() { return *links.find(kLink); }

  void restore(std::uint32_t author, std::uint64_t last) {
    RestoredLog log;
    log.author = key_of(author);
    log.epoch = kEpoch;
    log.newest_wall_ms = 1;
    log.intervals = {{1, last}};
    for (std::uint64_t seq = 1; seq <= last; ++seq) log.ids_digest ^= id_digest(id_of(author, seq));
    index.restore(log);
    roster.restore(*record_of(author, "Member" + std::to_string(author)));
  }
  void hold(const SealedEnvelope& text) {
    index.accept_log(text, false, now.monotonic);
    index.hold_log(text, now.monotonic);
  }
  /// Begins a session; on a new link over everything.
  void start() {
    Turn turn{now, sent};
    link().differs = true;
    entropy.hurry(turn);
    entropy.on_root(link(), kAsOfAll, false, turn);
    entropy.on_wake(turn);
  }
  template <class Message>
  std::optional<Message> last_sent(std::optional<Message> (*decode)(ByteView)) const {
    REQUIRE(!sent.empty());
    return decode(ByteView(*std::get<SendFrame>(sent.back()).frame).subspan(limits::kFrameHeaderBytes));
  }

  const Now& now;
  MemberKey entropy_self;
  ProtocolParameters parameters;
  Credulous verifier;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  AntiEntropy entropy{parameters, digest, index, roster, links, entropy_self, 1};
  Outputs sent;
};

struct Fixture {
  Now now{Instant(100s), 1'700'000'000'000};
  Side asker{key_of(0), now};
  Side server{key_of(1), now};
  std::map<FrameType, std::size_t> frames;
  std::map<FrameType, std::size_t> bytes;
  std::optional<SyncDescend> descend;
  std::optional<SyncRequest> request;
  std::vector<HeldLog> logs;  // that were listed
  bool neighbor_holds_all_own = false;

  void fill(std::uint32_t authors, std::uint32_t lacking = UINT32_MAX) {
    for (std::uint32_t i = 0; i < authors; ++i) {
      asker.restore(i, i == lacking ? 2 : 3);
      server.restore(i, 3);
    }
  }
  /// What is on its way from the asker is delivered, then what is from the server.
  bool step() {
    if (asker.sent.empty() && server.sent.empty()) return false;
    deliver(asker, server);
    deliver(server, asker);
    return true;
  }
  void compare() {
    now.monotonic += 20s;
    now.wall_ms += 20'000;
    finish_comparing();
  }
  void finish_comparing() {
    asker.start();
    while (step()) continue;
  }
  void deliver(Side& from, Side& to) {
    Outputs outputs;
    outputs.swap(from.sent);
    for (const Output& output : outputs) {
      if (const auto* send = std::get_if<SendFrame>(&output)) deliver(*send->frame, to);
    }
  }
  void deliver(const Bytes& frame, Side& to) {
    const auto type = static_cast<FrameType>(frame[4]);
    const ByteView payload = ByteView(frame).subspan(limits::kFrameHeaderBytes);
    Turn turn{now, to.sent};
    ++frames[type];
    bytes[type] += frame.size();
    if (type == FrameType::kSyncDigest) {
      to.entropy.on_digest(to.link(), *decode_sync_digest(payload), turn);
    } else if (type == FrameType::kSyncBranch) {
      to.entropy.on_branch(to.link(), *decode_sync_branch(payload), turn);
    } else if (type == FrameType::kSyncDescend) {
      descend = decode_sync_descend(payload);
      to.entropy.on_descend(to.link(), *descend, turn);
    } else if (type == FrameType::kSyncListing) {
      const auto listing = decode_sync_listing(payload);
      logs.insert(logs.end(), listing->logs.begin(), listing->logs.end());
      to.entropy.on_listing(to.link(), *listing, turn);
      neighbor_holds_all_own = to.entropy.neighbor_holds_all_own();
    } else if (type == FrameType::kSyncRequest) {
      request = decode_sync_request(payload);
      // The answer: nothing of it is held any more.
      const Bytes done = encode_frame_of(SyncDone{request->session, 0, true});
      asker.entropy.on_done(asker.link(), *decode_sync_done(ByteView(done).subspan(5)), turn);
    }
  }
  /// Gives the server a digest of which all buckets differ. True: it answered with a branch.
  bool ask_for_branch(std::uint32_t session) {
    SyncDigest digest;
    digest.session = session;
    digest.buckets.fill(1);
    server.sent.clear();
    Turn turn{now, server.sent};
    server.entropy.on_digest(server.link(), digest, turn);
    const bool branched = server.sent.size() == 1;
    server.sent.clear();
    return branched;
  }
  [[nodiscard]] std::size_t leaves_asked_for() const {
    std::size_t count = 0;
    for (const auto& bucket : descend->buckets)
      count += static_cast<std::size_t>(std::popcount(bucket.leaves));
    return count;
  }
  [[nodiscard]] bool asks_for_leaf_of(std::uint32_t author) const {
    for (const auto& bucket : descend->buckets) {
      if (bucket.number == HeldDigest::bucket_of(key_of(author)) &&
          (bucket.leaves >> HeldDigest::leaf_of(key_of(author)) & 1) != 0)
        return true;
    }
    return false;
  }
  void check_that_the_session_has_ended() {
    CHECK_FALSE(asker.link().differs);
    CHECK(asker.entropy.counters().timeouts == 0);
    const std::uint64_t sessions = asker.entropy.counters().sessions;
    now.monotonic += 20s;
    asker.start();
    CHECK(asker.entropy.counters().sessions == sessions + 1);
  }
};

TEST_CASE_FIXTURE(Fixture, "OfOneMissingEnvelopeOneLeafIsListed") {
  fill(kLarge, kSomebody);
  compare();
  CHECK(frames[FrameType::kSyncBranch] == 1);
  CHECK(bytes[FrameType::kSyncBranch] == 5 + 4 + 2 + 1 + 16 * 8);
  REQUIRE(descend);
  CHECK(leaves_asked_for() == 1);
  CHECK(asks_for_leaf_of(kSomebody));
  CHECK(bytes[FrameType::kSyncListing] < 1024);
  for (const HeldLog& log : logs) {
    CHECK(HeldDigest::bucket_of(log.author) == HeldDigest::bucket_of(key_of(kSomebody)));
    CHECK(HeldDigest::leaf_of(log.author) == HeldDigest::leaf_of(key_of(kSomebody)));
  }
  REQUIRE(request);
  CHECK(request->records.empty());
  REQUIRE(request->ranges.size() == 1);
  CHECK(request->ranges[0].author == key_of(kSomebody));
  CHECK(request->ranges[0].first == 3);
  CHECK(request->ranges[0].last == 3);
  check_that_the_session_has_ended();
}

TEST_CASE_FIXTURE(Fixture, "OfOneMissingRecordOneLeafIsListed") {
  fill(kLarge);
  const EnvelopePtr newer = record_of(kSomebody, "Member4", 2);
  server.roster.restore(*newer);
  compare();
  REQUIRE(descend);
  CHECK(leaves_asked_for() == 1);
  REQUIRE(request);
  CHECK(request->ranges.empty());
  REQUIRE(request->records.size() == 1);
  CHECK(request->records[0].author == key_of(kSomebody));
}

TEST_CASE_FIXTURE(Fixture, "ABeliefThatDiffersIsListedWithItsLeaf") {
  fill(kLarge);
  server.roster.set_presence(key_of(kSomebody), Presence::kOffline, now);
  compare();
  REQUIRE(descend);
  CHECK(leaves_asked_for() == 1);
  CHECK(asks_for_leaf_of(kSomebody));
}

TEST_CASE_FIXTURE(Fixture, "AForkIsLookedForInItsLeaf") {
  fill(kLarge);
  server.index.hold_fork(text_of(kSomebody, 2, 1), id_of(kSomebody, 2, 1), now.monotonic);
  compare();
  REQUIRE(descend);
  CHECK(leaves_asked_for() == 1);
  REQUIRE(request);
  REQUIRE_FALSE(request->ranges.empty());
  for (const auto& range : request->ranges) CHECK(range.author == key_of(kSomebody));
}

TEST_CASE_FIXTURE(Fixture, "WhatIsYoungMakesNoLeafDiffer") {
  fill(kLarge, kSomebody);
  now.monotonic += 20s;
  now.wall_ms += 20'000;
  // On its way to either end, within the bucket of what is missing and outside.
  std::uint32_t beside = kSomebody + 1;
  while (HeldDigest::bucket_of(key_of(beside)) != HeldDigest::bucket_of(key_of(kSomebody)) ||
         HeldDigest::leaf_of(key_of(beside)) == HeldDigest::leaf_of(key_of(kSomebody)))
    ++beside;
  REQUIRE(beside < kLarge);
  server.hold(text_of(beside, 4, now.wall_ms - 100));
  asker.hold(text_of(beside + 1, 4, now.wall_ms - 100));
  finish_comparing();
  CHECK(frames[FrameType::kSyncBranch] == 1);
  REQUIRE(descend);
  CHECK(leaves_asked_for() == 1);
  CHECK(asks_for_leaf_of(kSomebody));
  REQUIRE(request);
  CHECK(request->ranges.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhereHundredsDifferTheirLeavesAreListed") {
  for (std::uint32_t i = 0; i < kLarge; ++i) {
    asker.restore(i, i % 10 == 0 ? 2 : 3);
    server.restore(i, 3);
  }
  compare();
  CHECK(frames[FrameType::kSyncBranch] == 1);
  REQUIRE(descend);
  CHECK(descend->buckets.size() > 100);
  CHECK(logs.size() < kLarge / 2);
  REQUIRE(request);
  CHECK(request->ranges.size() > 0);
}

TEST_CASE_FIXTURE(Fixture, "ANewcomerIsListedEverythingAtOnce") {
  asker.restore(0, 3);
  for (std::uint32_t i = 0; i < kLarge; ++i) server.restore(i, 3);
  compare();
  CHECK(frames[FrameType::kSyncBranch] == 0);
  CHECK(logs.size() > kLarge - 20);  // but the bucket of the one that it holds too may be equal
}

TEST_CASE_FIXTURE(Fixture, "InASmallMeshTheBucketIsListed") {
  fill(kSmall, kSomebody);
  compare();
  CHECK(frames[FrameType::kSyncBranch] == 0);
  CHECK(frames[FrameType::kSyncListing] == 1);
  REQUIRE(request);
  CHECK(request->ranges.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhatBecomesEqualMeanwhileEndsTheSession") {
  fill(kLarge, kSomebody);
  now.monotonic += 20s;
  asker.start();
  deliver(asker, server);
  asker.hold(text_of(kSomebody, 3, 1));
  while (step()) continue;
  CHECK(frames[FrameType::kSyncBranch] == 1);
  REQUIRE(descend);
  CHECK(descend->buckets.empty());
  CHECK(frames[FrameType::kSyncListing] == 1);
  CHECK(logs.empty());
  CHECK_FALSE(request);
  check_that_the_session_has_ended();
}

TEST_CASE_FIXTURE(Fixture, "TheSumsOfTheLeavesAreThoseOfTheBuckets") {
  fill(kLarge);
  now.monotonic += 20s;
  for (std::uint32_t i = 0; i < 100; ++i) {
    server.hold(text_of(i, 4, i % 2 == 0 ? now.wall_ms : 1));
    server.roster.set_presence(key_of(i * 3), i % 3 == 0 ? Presence::kOffline : Presence::kOnline, now);
    SealedEnvelope record = text_of(i * 7, 0, now.wall_ms);
    record.envelope.envelope_class = EnvelopeClass::kRecord;
    record.envelope.subject = {1};
    record.envelope.version = 1;
    server.index.accept_record(record);
    server.index.hold_record(record, now.monotonic);
    server.index.hold_fork(text_of(i * 5, 2, now.wall_ms), id_of(i * 5, 2, 1), now.monotonic);
  }
  for (std::uint32_t i = 0; i < 20; ++i) {
    // A record that is not committed, of one who is believed gone.
    std::vector<Rename> renames;
    server.roster.accept(*record_of(i * 9, "Member", 2), renames);
  }
  for (const AsOfMs as_of : {AntiEntropy::as_of(now), kAsOfAll}) {
    SyncDigest other;
    other.as_of_ms = as_of;
    other.buckets.fill(4711);
    Turn turn{now, server.sent};
    server.entropy.on_digest(server.link(), other, turn);
    const auto branch = server.last_sent(decode_sync_branch);
    REQUIRE(branch);
    REQUIRE(branch->buckets.size() == limits::kDigestBuckets);
    const HeldDigest::Buckets buckets = server.digest.buckets(as_of, now.monotonic);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
      std::uint64_t sum = 0;
      for (const std::uint64_t leaf : branch->buckets[i].leaves) sum ^= leaf;
      if (sum != buckets[i]) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE_FIXTURE(Fixture, "WhoHoldsAllOfOnesOwnIsSeenByTheLeaf") {
  fill(kLarge);
  std::uint32_t beside = 1;
  while (HeldDigest::bucket_of(key_of(beside)) != HeldDigest::bucket_of(key_of(0)) ||
         HeldDigest::leaf_of(key_of(beside)) == HeldDigest::leaf_of(key_of(0)))
    ++beside;
  REQUIRE(beside < kLarge);
  server.hold(text_of(beside, 4, 1));
  SUBCASE("another leaf of the own bucket differs") {
    asker.link().compared = false;
    compare();
    CHECK(neighbor_holds_all_own);
  }
  SUBCASE("the own leaf differs") {
    asker.hold(text_of(0, 4, 1));
    asker.link().compared = false;
    compare();
    CHECK_FALSE(neighbor_holds_all_own);
  }
  CHECK(frames[FrameType::kSyncBranch] == 1);
}

/// A server that says what it likes.
struct Liar : Fixture {
  SyncBranch lie;

  Liar() {
    fill(kLarge);
    now.monotonic += 20s;
    asker.start();
    lie.session = asker.last_sent(decode_sync_digest)->session;
    for (unsigned i = 0; i < limits::kDigestBuckets; ++i) {
      lie.buckets.push_back({static_cast<std::uint8_t>(i), {}});
      lie.buckets.back().leaves.fill(4711);
    }
    asker.sent.clear();
  }
  void say(const SyncBranch& branch) { deliver(encode_frame_of(branch), asker); }
  void say(const SyncListing& listing) { deliver(encode_frame_of(listing), asker); }
};

TEST_CASE_FIXTURE(Liar, "AServerForWhomAllLeavesDifferListsThemOnceAndTheSessionEnds") {
  REQUIRE(ask_for_branch(lie.session));
  say(lie);
  REQUIRE(asker.sent.size() == 1);
  const auto all = asker.last_sent(decode_sync_descend);
  REQUIRE(all);
  CHECK(all->buckets.size() == limits::kDigestBuckets);
  while (step()) continue;
  CHECK(logs.size() == kLarge);
  CHECK_FALSE(request);
  check_that_the_session_has_ended();
}

TEST_CASE_FIXTURE(Liar, "ASecondBranchHasNoAnswer") {
  say(lie);
  asker.sent.clear();
  say(lie);
  CHECK(asker.sent.empty());
  // Without a listing the session ends as one that brings nothing.
  now.monotonic += limits::kSyncTimeout;
  Turn turn{now, asker.sent};
  asker.entropy.on_wake(turn);
  CHECK(asker.entropy.counters().timeouts == 1);
}

TEST_CASE_FIXTURE(Liar, "ABranchAfterAListingHasNoAnswer") {
  SyncListing page;
  page.session = lie.session;
  say(page);
  say(lie);
  CHECK(asker.sent.empty());
}

TEST_CASE_FIXTURE(Liar, "ABranchThatNobodyAskedForHasNoAnswer") {
  ++lie.session;
  say(lie);
  CHECK(asker.sent.empty());
  --lie.session;
  Turn turn{now, asker.sent};
  asker.entropy.on_link_down(kLink, turn);
  say(lie);
  CHECK(asker.sent.empty());
}

/// A hostile asker, or one that has been asking for long.
struct Demanding : Fixture {
  SyncDescend everything;

  Demanding() {
    fill(kLarge);
    for (unsigned i = 0; i < limits::kDigestBuckets; ++i)
      everything.buckets.push_back({static_cast<std::uint8_t>(i), kAllLeaves});
  }
  /// How many pages come of it.
  std::size_t descend_in(std::uint32_t session) {
    everything.session = session;
    server.sent.clear();
    Turn turn{now, server.sent};
    server.entropy.on_descend(server.link(), everything, turn);
    return server.sent.size();
  }
};

TEST_CASE_FIXTURE(Demanding, "DescendsAreChargedToTheLink") {
  std::size_t pages = 0;
  for (std::uint32_t session = 1; session <= 1000; ++session) {
    const bool branched = ask_for_branch(session);
    const std::size_t listed = descend_in(session);
    CHECK((listed > 0) == branched);  // whatever the branch left of the budget
    pages += listed;
  }
  CHECK(pages > 0);
  CHECK(pages * limits::kSyncPageBytes * 8 < 2 * limits::kRepairBytesPerSecond);
}

TEST_CASE_FIXTURE(Demanding, "ADescendIsAnsweredOnceAndAfterItsBranch") {
  CHECK(descend_in(1) == 0);  // there was no branch
  std::uint32_t session = 1;
  while (ask_for_branch(session + 1)) ++session;  // until nothing is left
  CHECK(session > 2);
  CHECK(session < 1000);
  CHECK(descend_in(session) == 0);  // the last digest was another one
  now.monotonic += 1s;
  REQUIRE(ask_for_branch(5000));
  CHECK(descend_in(5000) > 0);
  CHECK(descend_in(5000) == 0);
}

}  // namespace
}  // namespace p2pmesh
