// What is remembered of who is here and of names that were promised, up to each bound and one beyond.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "many_members.h"
#include "own_member.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "presence.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

/// One of a mesh, in a full mesh, with one neighbor who is none of the members.
struct Fixture {
  Fixture() {
    LinkUp up;
    up.link = 1;
    up.node = NodeKey{key_of(1'000'000).bytes};
    links.add(up, NodeKey{}, now.monotonic);
  }
  void enrol(std::uint32_t count) {
    for (std::uint32_t i = 1; i <= count; ++i) roster.restore(*record_of(i, "Member" + std::to_string(i)));
    Turn turn{now, outputs};
    presence.settle(true, turn);
  }
  void report_offline(std::uint32_t number) {
    Turn turn{now, outputs};
    CHECK_FALSE(presence.on_reported_offline({key_of(number), 1, 1}, turn));
  }

  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  Credulous verifier;
  HeldDigest digest;
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  ProtocolParameters parameters;
  PresenceTracker presence{parameters, roster, links, key_of(0), 1};
};

/// How many each suspicion is about when so many are suspected at once.
std::vector<std::size_t> suspected_of(std::uint32_t count) {
  Fixture fixture;
  fixture.enrol(count);
  Turn turn{fixture.now, fixture.outputs};
  fixture.presence.on_unlinked(turn);
  turn.now.monotonic += limits::kUnlinkedCheckFirst;
  fixture.presence.on_unlinked(turn);
  std::vector<std::size_t> sizes;
  std::set<MemberKey> members;
  for (const SuspectBody& body : fixture.presence.take_suspicions(turn)) {
    sizes.push_back(body.items.size());
    for (const SuspectBody::Item& item : body.items) members.insert(item.member);
    CHECK(decode_suspect_body(encode_suspect_body(body)));
  }
  CHECK(members.size() == count);
  return sizes;
}

TEST_CASE("OneSuspectMoreThanASuspicionHoldsIsToldInTheNext") {
  using Sizes = std::vector<std::size_t>;
  CHECK(suspected_of(limits::kSuspectsMax) == Sizes{limits::kSuspectsMax});
  CHECK(suspected_of(limits::kSuspectsMax + 1) == Sizes{limits::kSuspectsMax, 1});
}

TEST_CASE_FIXTURE(Fixture, "WhenMoreAreAskedForThanAreRememberedTheOldQuestionsAreDropped") {
  constexpr std::uint32_t kMax = limits::kAskedMembersMax;
  enrol(kMax + 1);
  const auto wake = [&] {
    Turn turn{now, outputs};
    presence.on_wake(turn);
  };
  for (std::uint32_t i = 1; i <= kMax; ++i) report_offline(i);
  now.monotonic += 1min;
  wake();
  CHECK(presence.asked() == kMax);
  report_offline(kMax + 1);
  wake();
  CHECK(presence.asked() == 1);
}

TEST_CASE_FIXTURE(Fixture, "OfOneStrangerMoreThanThereMayBeMembersItIsNotKeptThatItIsOffline") {
  for (std::uint32_t i = 1; i <= limits::kMembersMax + 1; ++i) report_offline(i);
  const auto presence_when_its_record_comes = [&](std::uint32_t number) {
    std::vector<Rename> renames;
    REQUIRE(roster.accept(*record_of(number, "Member" + std::to_string(number)), renames) ==
            AcceptResult::kNew);
    Turn turn{now, outputs};
    presence.on_record(key_of(number), false, false, turn);
    return roster.find(key_of(number))->presence;
  };
  CHECK(presence_when_its_record_comes(limits::kMembersMax) == Presence::kOffline);
  CHECK(presence_when_its_record_comes(limits::kMembersMax + 1) == Presence::kOnline);
  // That one has come makes room for one.
  report_offline(limits::kMembersMax + 2);
  CHECK(presence_when_its_record_comes(limits::kMembersMax + 2) == Presence::kOffline);
}

/// Alice, who opened the mesh and is asked to sponsor names.
struct Sponsor : Fixture {
  Sponsor() {
    init_crypto();
    options.member_signer = options.node_signer = &signer;
    options.verifier = &verifier;
    options.founder_nonce = MeshNonce{1};
    options.name = "Alice";
    own.emplace(options, author);
  }
  bool is_granted(std::uint32_t member, std::uint32_t name) {
    const SponsorRequest request{key_of(member), "Name" + std::to_string(name), {}};
    const auto reply = own->sponsor(*links.find(1), request, roster, heads, now);
    REQUIRE(reply.verdict != SponsorVerdict::kNotYet);
    return reply.verdict == SponsorVerdict::kGranted;
  }
  Scribble signer{key_of(0).bytes};
  Author author{MeshId{}, signer};
  NodeOptions options;
  RoomHeads heads;
  std::optional<OwnMember> own;
};

TEST_CASE_FIXTURE(Sponsor, "OneNameMoreThanAreRememberedMayBePromisedTwice") {
  constexpr std::uint32_t kOther = 5000;
  for (std::uint32_t i = 0; i < limits::kGrantsMax; ++i) REQUIRE(is_granted(1 + i, i));
  CHECK(is_granted(4000, limits::kGrantsMax));
  CHECK(is_granted(kOther, limits::kGrantsMax));
  // Those before are kept for who has them.
  CHECK_FALSE(is_granted(kOther, 0));
  CHECK_FALSE(is_granted(kOther, limits::kGrantsMax - 1));
  CHECK(is_granted(1, 0));
  now.monotonic += 1min;
  CHECK(is_granted(4000, limits::kGrantsMax));
  CHECK_FALSE(is_granted(kOther, limits::kGrantsMax));
}

}  // namespace
}  // namespace p2pmesh
