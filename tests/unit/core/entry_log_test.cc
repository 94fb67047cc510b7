// Who is in a closed mesh, whatever came first.
#include "entry_log.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "author.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"

namespace p2pmesh::test {
namespace {

constexpr WallMs kNow = 1'795'000'000'000;

struct Entries {
  explicit Entries(std::vector<MemberKey> roots = {member('F')})
      : acts(MeshId{}), log(std::move(roots), acts) {}

  static MemberKey member(char name) {
    MemberKey key;
    key.bytes.fill(static_cast<std::uint8_t>(name));
    return key;
  }
  static InviteKey invite(int number) {
    InviteKey key;
    key.bytes.fill(static_cast<std::uint8_t>(number));
    return key;
  }
  /// One of `by`, signed by nobody: that is not this class's business.
  static EnvelopePtr entry(char by, const EntryBody& body, std::uint64_t seq = 1) {
    auto sealed = std::make_shared<SealedEnvelope>();
    Envelope& envelope = sealed->envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kEntry);
    envelope.author = member(by);
    envelope.epoch = 1;
    envelope.seq = seq;
    envelope.wall_ms = kNow;
    envelope.body = encode_entry_body(body);
    sealed->id.bytes[0] = static_cast<std::uint8_t>(by);
    sealed->id.bytes[1] = static_cast<std::uint8_t>(seq);
    std::copy_n(envelope.body.begin(), 2, sealed->id.bytes.begin() + 2);
    sealed->id.bytes[4] = body.member.bytes[0];
    return sealed;
  }
  static EnvelopePtr makes(char by, int number, std::uint32_t uses = 1, WallMs end_ms = 0) {
    EntryBody body;
    body.invite = invite(number);
    body.uses = uses;
    body.end_ms = end_ms;
    return entry(by, body, static_cast<std::uint64_t>(number));
  }
  static EnvelopePtr lets_in(char by, char whom, int number = 1) {
    EntryBody body;
    body.verb = EntryVerb::kAdmit;
    body.invite = invite(number);
    body.member = member(whom);
    return entry(by, body, 100 + static_cast<std::uint64_t>(whom));
  }
  static EnvelopePtr cancels(char by, int number) {
    EntryBody body;
    body.verb = EntryVerb::kCancel;
    body.invite = invite(number);
    return entry(by, body, 50 + static_cast<std::uint64_t>(number));
  }
  bool is_in(char name) { return log.is_admitted(member(name), kNow); }
  InviteStanding standing(int number, WallMs now_ms = kNow) {
    return log.standing_of(invite(number), now_ms);
  }

  ModerationLog acts;
  EntryLog log;
};

TEST_CASE("WhoWasLetInByAMemberIsAMemberInWhateverOrderItIsHeard") {
  std::vector<EnvelopePtr> all{Entries::lets_in('F', 'A'), Entries::lets_in('A', 'B'),
                               Entries::lets_in('B', 'C'), Entries::lets_in('X', 'Y')};
  std::sort(all.begin(), all.end());
  do {
    Entries entries;
    for (const EnvelopePtr& entry : all) REQUIRE(entries.log.add(entry));
    for (const char name : {'F', 'A', 'B', 'C'}) CHECK(entries.is_in(name));
    // Let in by somebody who is not in.
    CHECK_FALSE(entries.is_in('Y'));
    CHECK_FALSE(entries.is_in('X'));
  } while (std::next_permutation(all.begin(), all.end()));
}

TEST_CASE("AnInviteIsGoodForSoManyAndSoLong") {
  Entries entries;
  CHECK(entries.standing(1) == InviteStanding::kUnknown);
  entries.log.add(Entries::makes('F', 1, 2, kNow + 1000));
  CHECK(entries.standing(1) == InviteStanding::kOpen);
  entries.log.add(Entries::lets_in('F', 'A', 1));
  entries.log.add(Entries::lets_in('A', 'A', 1));  // once more, by another one
  CHECK(entries.standing(1) == InviteStanding::kOpen);
  CHECK(entries.standing(1, kNow + 1000) == InviteStanding::kExpired);
  entries.log.add(Entries::lets_in('A', 'B', 1));
  CHECK(entries.standing(1) == InviteStanding::kUsedUp);
  entries.log.add(Entries::makes('F', 2, 0));
  for (const char name : {'C', 'D', 'E'}) entries.log.add(Entries::lets_in('F', name, 2));
  CHECK(entries.standing(2) == InviteStanding::kOpen);
  CHECK(entries.log.open_invites(Entries::member('F'), kNow) == 1);
}

TEST_CASE("WhoIsBeingLetInCountsAtOnce") {
  Entries entries;
  entries.log.add(Entries::makes('F', 1));
  entries.log.promise(Entries::member('A'), Entries::invite(1));
  CHECK(entries.is_in('A'));
  CHECK(entries.standing(1) == InviteStanding::kUsedUp);
}

TEST_CASE("ItsAuthorAloneCancelsAnInviteAndWhoCameByItStays") {
  Entries entries;
  entries.log.add(Entries::makes('F', 1, 5));
  entries.log.add(Entries::lets_in('F', 'A', 1));
  entries.log.add(Entries::cancels('A', 1));
  CHECK(entries.standing(1) == InviteStanding::kOpen);
  entries.log.add(Entries::cancels('F', 1));
  CHECK(entries.standing(1) == InviteStanding::kCancelled);
  CHECK(entries.is_in('A'));
}

TEST_CASE("AnInviteByAnOutsiderOrARevokedOneIsNone") {
  Entries entries;
  entries.log.add(Entries::makes('X', 1));
  CHECK(entries.standing(1) == InviteStanding::kUnknown);
  entries.log.add(Entries::makes('A', 2));
  CHECK(entries.standing(2) == InviteStanding::kUnknown);
  entries.log.add(Entries::lets_in('F', 'A', 3));
  CHECK(entries.standing(2) == InviteStanding::kOpen);
  entries.log.revoke(Entries::member('A'));
  CHECK(entries.standing(2) == InviteStanding::kUnknown);
}

TEST_CASE("OutsidersUseUpNoInvite") {
  Entries entries;
  entries.log.add(Entries::makes('F', 1));
  entries.log.add(Entries::lets_in('X', 'Y', 1));
  CHECK(entries.standing(1) == InviteStanding::kOpen);
  entries.log.add(Entries::lets_in('F', 'A', 1));
  CHECK(entries.standing(1) == InviteStanding::kUsedUp);
}

TEST_CASE("WhoMakesOneInviteAThousandTimesHasMadeOne") {
  Entries entries;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    auto sealed = std::make_shared<SealedEnvelope>(*Entries::makes('F', 1));
    sealed->id.bytes[10] = static_cast<std::uint8_t>(i * 7);
    sealed->id.bytes[11] = static_cast<std::uint8_t>(i >> 8);
    CHECK(entries.log.add(sealed));
  }
  CHECK(entries.log.size() == 1);
  CHECK(entries.log.invites(kNow).size() == 1);
}

TEST_CASE("WhomARevokedOneLetInStaysAndNeedsAnotherSponsor") {
  Entries entries;
  entries.log.add(Entries::lets_in('F', 'A'));
  entries.log.add(Entries::lets_in('A', 'B'));
  CHECK_FALSE(entries.log.lost_sponsor(Entries::member('B')));
  entries.log.revoke(Entries::member('A'));
  CHECK(entries.is_in('B'));
  REQUIRE(entries.log.lost_sponsor(Entries::member('B')));
  CHECK(entries.log.lost_sponsor(Entries::member('B'))->invite == Entries::invite(1));
  entries.log.add(Entries::lets_in('F', 'B'));
  CHECK_FALSE(entries.log.lost_sponsor(Entries::member('B')));
}

TEST_CASE("AMemberShowsWhoLetItInUpToARoot") {
  Entries entries;
  std::string names = "FABCDEGHI";
  for (std::size_t i = 1; i < names.size(); ++i) entries.log.add(Entries::lets_in(names[i - 1], names[i]));
  const auto chain = entries.log.chain_of(Entries::member('C'), kNow);
  REQUIRE(chain.size() == 3);
  CHECK(chain[0]->envelope.author == Entries::member('B'));
  CHECK(chain[2]->envelope.author == Entries::member('F'));
  CHECK(entries.log.chain_of(Entries::member('I'), kNow).size() == limits::kEntryChainMax);
  CHECK(entries.log.chain_of(Entries::member('F'), kNow).empty());
  CHECK(entries.log.chain_of(Entries::member('X'), kNow).empty());
  // To one who knows nothing but the founder the whole chain says enough, in whatever order.
  Entries other;
  for (const EnvelopePtr& entry : chain) other.log.add(entry);
  CHECK(other.is_in('C'));
}

TEST_CASE("WhoLetThisNodeInIsARootForIt") {
  Entries entries({Entries::member('F'), Entries::member('S'), Entries::member('M')});
  CHECK(entries.is_in('S'));
  entries.log.add(Entries::lets_in('S', 'B'));
  CHECK(entries.is_in('B'));
}

TEST_CASE("OneAuthorFillsNoMoreThanItsShare") {
  Entries entries;
  std::size_t taken = 0;
  for (std::size_t i = 0; i <= limits::kEntriesPerAuthorMax; ++i) {
    auto sealed = std::make_shared<SealedEnvelope>(*Entries::cancels('X', 1));
    sealed->id.bytes[10] = static_cast<std::uint8_t>(i);
    sealed->id.bytes[11] = static_cast<std::uint8_t>(i >> 8);
    taken += entries.log.add(sealed) ? 1 : 0;
  }
  CHECK(taken == limits::kEntriesPerAuthorMax);
  CHECK(entries.log.add(Entries::makes('F', 2)));
  CHECK(entries.standing(2) == InviteStanding::kOpen);
}

TEST_CASE("WhatOutsidersWriteGivesWayToMembers") {
  Entries entries;
  REQUIRE(entries.is_in('F'));
  for (std::size_t i = 0; i < limits::kEntriesMax; ++i) {
    auto sealed = std::make_shared<SealedEnvelope>(*Entries::cancels('X', 1));
    sealed->id.bytes[10] = static_cast<std::uint8_t>(i);
    sealed->id.bytes[11] = static_cast<std::uint8_t>(i >> 8);
    sealed->envelope.author.bytes[0] = static_cast<std::uint8_t>(i % 8);
    REQUIRE(entries.log.add(sealed));
  }
  CHECK_FALSE(entries.log.add(Entries::makes('X', 3)));
  CHECK(entries.log.add(Entries::makes('F', 2)));
  CHECK(entries.standing(2) == InviteStanding::kOpen);
  CHECK(entries.log.size() == limits::kEntriesMax);
}

}  // namespace
}  // namespace p2pmesh::test
