// Who may do what, and what is left of it when halves of a mesh come together again.
#include "moderation_log.h"

#include <doctest/doctest.h>

#include "moderation_fixture.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh::test {
namespace {

using enum ActVerb;

TEST_CASE("TheFounderIsWhoseKeyAndNonceMakeTheMesh") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kMod, 'A');
  CHECK(mesh.rank('F') == Rank::kFounder);
  CHECK(mesh.rank('A') == Rank::kModerator);
  CHECK(mesh.rank('A', "#dev") == Rank::kModerator);
  CHECK(mesh.rank('B') == Rank::kNone);
}

TEST_CASE("WhoHasNoRankDoesNothing") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kMod, 'A');
  mesh.act(0, 'B', kBan, 'C');
  mesh.act(0, 'B', kMod, 'B');
  mesh.act(0, 'A', kMod, 'B');  // a moderator names nobody for the mesh
  CHECK(mesh.log(0).restrictions("").empty());
  CHECK(mesh.rank('B') == Rank::kNone);
}

TEST_CASE("AnActWithoutWeightInANewRoomTakesNobodysRankThere") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kMod, 'A');
  CHECK(mesh.rank('A', "#ops") == Rank::kModerator);
  mesh.act(0, 'B', kKick, 'A', "#ops");
  CHECK(mesh.rank('A', "#ops") == Rank::kModerator);
}

TEST_CASE("ABanRefusesWhatComesAfterIt") {
  ModeratedMesh mesh(1);
  const auto before = mesh.say(0, 'B');
  mesh.act(0, 'F', kBan, 'B');
  const auto after = mesh.say(0, 'B');
  CHECK_FALSE(mesh.is_refused(before));
  CHECK(mesh.is_refused(after));
  mesh.act(0, 'F', kUnban, 'B');
  const auto later = mesh.say(0, 'B');
  CHECK(mesh.is_refused(after));
  CHECK_FALSE(mesh.is_refused(later));
}

TEST_CASE("WhoIsSilencedInARoomMayWriteElsewhere") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kSilence, 'B', "#dev");
  CHECK(mesh.is_refused(mesh.say(0, 'B', "#dev")));
  CHECK_FALSE(mesh.is_refused(mesh.say(0, 'B', "#ops")));
}

TEST_CASE("OfSeveralTheLongestBanIsTold") {
  ModeratedMesh mesh(1);
  const auto told = [&](const std::string& room) {
    return mesh.log(0).restriction_on(ModeratedMesh::member('B'), room, mesh.clock);
  };
  CHECK(told("#dev") == nullptr);
  mesh.act(0, 'F', kSilence, 'B');
  CHECK_FALSE(told("#dev")->restriction.is_ban);
  mesh.act(0, 'F', kBan, 'B', "#dev", mesh.clock + 1000);
  CHECK(told("#dev")->restriction.is_ban);
  CHECK_FALSE(told("#ops")->restriction.is_ban);
  mesh.act(0, 'F', kBan, 'B', "#dev");
  CHECK(told("#dev")->restriction.end_ms == 0);
}

TEST_CASE("ABanEndsAtItsTimeByTheAuthorsClockAndNotBeforeByOurs") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kBan, 'B', "#dev", mesh.clock + 100);
  const auto during = mesh.say(0, 'B');
  mesh.clock += 200;
  const auto after = mesh.say(0, 'B');
  mesh.log(0).judge();
  CHECK(mesh.log(0).refuses(during->envelope, mesh.clock));
  CHECK_FALSE(mesh.log(0).refuses(after->envelope, mesh.clock));
  CHECK(mesh.log(0).refuses(after->envelope, mesh.clock - 150));  // its clock lies
}

TEST_CASE("TheMeshsFounderOutranksARoomsFounder") {
  ModeratedMesh mesh(1);
  mesh.log(0).note_founder(ModeratedMesh::member('F'));
  mesh.act(0, 'R', kFound, 0, "#dev");
  mesh.act(0, 'R', kMod, 'M', "#dev");
  CHECK(mesh.rank('R', "#dev") == Rank::kRoomFounder);
  CHECK(mesh.rank('M', "#dev") == Rank::kRoomModerator);
  CHECK(mesh.rank('R', "#ops") == Rank::kNone);
  mesh.act(0, 'R', kBan, 'F', "#dev");
  mesh.act(0, 'M', kBan, 'R', "#dev");
  CHECK(mesh.log(0).restrictions("#dev").empty());
  mesh.act(0, 'F', kBan, 'R', "#dev");
  CHECK(mesh.rank('R', "#dev") == Rank::kNone);
  CHECK(mesh.log(0).restrictions("#dev").size() == 1);
  mesh.act(0, 'F', kUnban, 'R', "#dev");
  CHECK(mesh.rank('R', "#dev") == Rank::kRoomFounder);
}

TEST_CASE("TheFirstInTheTranscriptHasOpenedTheRoomButNotTheLobby") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'A', kFound, 0, "#dev");
  mesh.act(0, 'B', kFound, 0, "#dev");
  mesh.act(0, 'B', kFound, 0, "#lobby");
  CHECK(mesh.rank('A', "#dev") == Rank::kRoomFounder);
  CHECK(mesh.rank('B', "#dev") == Rank::kNone);
  CHECK(mesh.rank('B', "#lobby") == Rank::kNone);
}

TEST_CASE("OfTwoModeratorsWhoBanEachOtherTheLowerIdHolds") {
  for (unsigned salt = 0; salt < 20; ++salt) {
    CAPTURE(salt);
    ModeratedMesh mesh;
    mesh.salt = salt;
    mesh.act(0, 'F', kMod, 'A');
    mesh.act(0, 'F', kMod, 'B');
    mesh.join();
    const auto by_a = mesh.act(0, 'A', kBan, 'B');
    const auto by_b = mesh.act(1, 'B', kBan, 'A');
    const auto a_says = mesh.say(0, 'A');
    const auto b_says = mesh.say(1, 'B');
    CHECK(mesh.is_refused(b_says, 0));
    CHECK(mesh.is_refused(a_says, 1));
    mesh.join();
    CHECK(mesh.describe(0) == mesh.describe(1));
    const bool a_holds = by_a->id < by_b->id;
    CHECK(mesh.rank('A') == (a_holds ? Rank::kModerator : Rank::kNone));
    CHECK(mesh.rank('B') == (a_holds ? Rank::kNone : Rank::kModerator));
    CHECK(mesh.is_refused(a_says) != a_holds);
    CHECK(mesh.is_refused(b_says) == a_holds);
    CHECK_FALSE(mesh.is_refused(by_a));  // or the other half would never hear of it
    CHECK_FALSE(mesh.is_refused(by_b));
  }
}

TEST_CASE("TheFounderHoldsAgainstAModeratorWhateverTheIds") {
  for (unsigned salt = 0; salt < 20; ++salt) {
    ModeratedMesh mesh;
    mesh.salt = salt;
    mesh.act(0, 'F', kMod, 'A');
    mesh.act(0, 'F', kMod, 'B');
    mesh.join();
    mesh.act(0, 'F', kUnban, 'C');  // on both sides, none seen by the other
    mesh.act(1, 'A', kBan, 'C');
    mesh.act(0, 'F', kBan, 'A');
    mesh.act(1, 'A', kBan, 'B');
    mesh.join();
    CHECK(mesh.describe(0) == mesh.describe(1));
    CHECK(mesh.rank('A') == Rank::kNone);
    CHECK(mesh.rank('B') == Rank::kModerator);
    CHECK(mesh.log(0).restrictions("").size() == 1);
  }
}

TEST_CASE("WhatAModeratorDoesWhileItIsUnmadeElsewhereDoesNotHold") {
  ModeratedMesh mesh;
  mesh.act(0, 'F', kMod, 'A');
  mesh.join();
  mesh.act(0, 'A', kBan, 'C', "#dev");
  mesh.join();
  mesh.act(0, 'F', kUnmod, 'A');
  mesh.act(1, 'A', kBan, 'D', "#dev");
  CHECK(mesh.log(1).restrictions("#dev").size() == 2);
  mesh.join();
  for (std::size_t at = 0; at < 2; ++at) {
    REQUIRE(mesh.log(at).restrictions("#dev").size() == 1);  // what it had done before stays
    CHECK(mesh.log(at).restrictions("#dev")[0].member == ModeratedMesh::member('C'));
  }
  mesh.act(0, 'F', kMod, 'A');
  CHECK(mesh.rank('A') == Rank::kModerator);
  CHECK(mesh.log(0).restrictions("#dev").size() == 1);
  mesh.act(0, 'A', kBan, 'D', "#dev");
  CHECK(mesh.log(0).restrictions("#dev").size() == 2);
}

TEST_CASE("ACircleOfThreeBansIsOpenedTheSameWayEverywhere") {
  for (unsigned salt = 0; salt < 20; ++salt) {
    ModeratedMesh mesh(3);
    mesh.salt = salt;
    for (const char name : {'A', 'B', 'C'}) mesh.act(0, 'F', kMod, name);
    mesh.join();
    mesh.act(0, 'A', kBan, 'B');
    mesh.act(1, 'B', kBan, 'C');
    mesh.act(2, 'C', kBan, 'A');
    mesh.join();
    CHECK(mesh.describe(0) == mesh.describe(1));
    CHECK(mesh.describe(0) == mesh.describe(2));
    CHECK_FALSE(mesh.log(0).restrictions("").empty());
  }
}

TEST_CASE("WhoIsBelowLocksWhatWasUnlockedAboveAndNotTheOtherWayRound") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kMod, 'A');
  mesh.act(0, 'F', kLockTopic, 0, "#dev");
  CHECK(mesh.log(0).is_topic_locked("#dev"));
  mesh.act(0, 'A', kUnlockTopic, 0, "#dev");
  CHECK(mesh.log(0).is_topic_locked("#dev"));
  mesh.act(0, 'F', kUnlockTopic, 0, "#dev");
  CHECK_FALSE(mesh.log(0).is_topic_locked("#dev"));
  mesh.act(0, 'A', kLockTopic, 0, "#dev");
  CHECK(mesh.log(0).is_topic_locked("#dev"));
}

TEST_CASE("RandomActsComeToTheSameInEveryOrderAndOnEveryHalf") {
  std::mt19937 random(4711);
  const auto below = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  std::size_t restricted = 0;
  std::size_t refused = 0;
  for (int run = 0; run < 40; ++run) {
    CAPTURE(run);
    ModeratedMesh mesh(2 + below(2));
    const std::string names = "FABCRMX";
    // Each writes on one half until the halves are joined.
    std::map<char, std::size_t> home;
    for (const char name : names) home[name] = below(mesh.halves.size());
    mesh.act(0, 'F', kMod, 'A');
    mesh.act(0, 'F', kMod, 'B');
    mesh.act(0, 'R', kFound, 0, "#dev");
    mesh.act(0, 'R', kMod, 'M', "#dev");
    mesh.join();
    for (int step = 0; step < 60; ++step) {
      mesh.salt = static_cast<unsigned>(random());
      const char name = names[below(names.size())];
      const std::string room = below(3) == 0 ? "" : below(4) == 0 ? "#ops" : "#dev";
      if (below(3) == 0) {
        mesh.say(home[name], name, room.empty() ? "#dev" : room);
        continue;
      }
      const auto verb = static_cast<ActVerb>(1 + below(10));
      if (verb == kFound && room.empty()) continue;
      const WallMs end = (verb == kBan || verb == kSilence) && below(2) == 0 ? mesh.clock + below(60) + 1 : 0;
      mesh.act(home[name], name, verb, names[below(names.size())], room, end);
      if (below(12) != 0) continue;
      mesh.join();
      for (const char moved : names) home[moved] = below(mesh.halves.size());
    }
    mesh.join();
    const std::string expected = mesh.describe(0);
    for (std::size_t at = 1; at < mesh.halves.size(); ++at) CHECK(mesh.describe(at) == expected);
    restricted += mesh.log(0).restrictions("").size() + mesh.log(0).restrictions("#dev").size();
    std::vector<EnvelopePtr> shuffled = mesh.all();
    for (const EnvelopePtr& envelope : shuffled) refused += mesh.is_refused(envelope) ? 1 : 0;
    std::size_t different = 0;
    for (int order = 0; order < 200; ++order) {
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      ModerationLog log(mesh.mesh);
      for (std::size_t i = 0; i < shuffled.size(); ++i) {
        if (is_act(shuffled[i]->envelope)) log.add(*shuffled[i]);
        if (i % 16 == 0) (void)log.rank(ModeratedMesh::member('A'), "#dev");  // what was judged in between
      }
      different += ModeratedMesh::describe(log, mesh.all()) != expected ? 1 : 0;
    }
    CHECK(different == 0);
  }
  CHECK(restricted > 40);
  CHECK(refused > 40);
}

/// The same act by as many strangers as fill the table, and some more.
void flood_with(ModeratedMesh& mesh, const SealedEnvelope& act) {
  for (std::uint64_t i = 0; i < limits::kActsMax + 10; ++i) {
    SealedEnvelope sealed = act;
    sealed.id.bytes[0] = static_cast<std::uint8_t>(i);
    sealed.id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    sealed.id.bytes[2] = 1;
    sealed.envelope.author.bytes[0] = static_cast<std::uint8_t>(i / limits::kActsPerAuthorMax);
    sealed.envelope.author.bytes[1] = 1;
    sealed.envelope.seq = i + 10;
    mesh.log(0).add(sealed);
  }
  CHECK(mesh.log(0).size() <= limits::kActsMax);
}

TEST_CASE("ActsAreBoundedAndThoseWithoutRankGiveWay") {
  ModeratedMesh mesh(1);
  const auto flood = mesh.act(0, 'X', kKick, 'B');
  flood_with(mesh, *flood);
  mesh.act(0, 'F', kMod, 'A');
  CHECK(mesh.rank('A') == Rank::kModerator);
}

TEST_CASE("WhoSaysToHaveOpenedARoomGivesWayToThoseOfTheMesh") {
  ModeratedMesh mesh(1);
  const auto claim = mesh.act(0, 'X', kFound, 0, "#dev");
  flood_with(mesh, *claim);
  mesh.act(0, 'F', kMod, 'A');
  mesh.act(0, 'A', kBan, 'X');
  CHECK(mesh.log(0).restrictions("").size() == 1);
}

TEST_CASE("WhoseActsAreKeptIsTheSameWhateverCameFirst") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kBan, 'X');
  // All of them: what would make one count, or was written beyond the cut, may come first or last.
  CHECK_FALSE(mesh.is_refused(mesh.act(0, 'X', kKick, 'B')));
  CHECK_FALSE(mesh.is_refused(mesh.act(0, 'X', kFound, 0, "#dev")));
  CHECK(mesh.is_refused(mesh.write(0, 'X', Kind::kAct, "#dev", {'?'})));
  CHECK(mesh.is_refused(mesh.say(0, 'X')));
}

TEST_CASE("ManyBansOfOneMemberThatEndAlikeRefuseAsOne") {
  ModeratedMesh mesh(1);
  const auto first = mesh.say(0, 'B');
  const auto second = mesh.say(0, 'B');
  mesh.act(0, 'F', kMod, 'A');
  for (int i = 0; i < 20; ++i) mesh.act(0, 'F', kBan, 'B', "#dev");
  CHECK(refused_of(mesh.log(0), ModeratedMesh::member('B')).size() == 1);
  CHECK_FALSE(mesh.is_refused(second));
  // One that has seen less, and one that has seen an epoch which the others have not.
  ActBody body;
  body.verb = kBan;
  body.subject = ModeratedMesh::member('B');
  body.cut.epochs = {{ModeratedMesh::kEpoch + 1, 5}, {ModeratedMesh::kEpoch, 1}};
  body.seen = mesh.log(0).heads("#dev");
  mesh.write(0, 'A', Kind::kAct, "#dev", encode_act_body(body));
  REQUIRE(refused_of(mesh.log(0), ModeratedMesh::member('B')).size() == 1);
  const LogCut cut = refused_of(mesh.log(0), ModeratedMesh::member('B'))[0].cut;
  CHECK(cut == LogCut{{{ModeratedMesh::kEpoch, 1}}});
  CHECK_FALSE(mesh.is_refused(first));
  CHECK(mesh.is_refused(second));
}

TEST_CASE("OfManyBansOfOneMemberTheLongestRefuse") {
  ModeratedMesh mesh(1);
  const auto refused = [&] { return refused_of(mesh.log(0), ModeratedMesh::member('B')); };
  mesh.act(0, 'F', kSilence, 'B', "#dev");
  for (WallMs i = 0; i < limits::kRestrictionsMax; ++i) mesh.act(0, 'F', kBan, 'B', "#dev", 1'000'000 + i);
  REQUIRE(refused().size() == limits::kRestrictionsMax);
  CHECK(refused().back().end_ms == 1'000'000);  // and not the silence
  mesh.act(0, 'F', kBan, 'B', "#dev");
  REQUIRE(refused().size() == limits::kRestrictionsMax);
  CHECK(refused().front().end_ms == 0);
  CHECK(refused().back().end_ms == 1'000'001);
}

TEST_CASE("OfWhoHasNoRankInTheMeshFewerActsCount") {
  ModeratedMesh mesh(1);
  mesh.act(0, 'F', kMod, 'A');
  mesh.act(0, 'R', kFound, 0, "#dev");
  mesh.act(0, 'R', kBan, 'B', "#dev");
  for (std::size_t i = 1; i < limits::kActsUnrankedMax; ++i) mesh.act(0, 'R', kKick, 'B', "#dev");
  CHECK(mesh.log(0).is_full(ModeratedMesh::member('R'), "#dev"));
  mesh.act(0, 'R', kBan, 'C', "#dev");
  CHECK(mesh.log(0).restrictions("#dev").size() == 1);
  mesh.act(0, 'F', kMod, 'R');  // from now on more of them do
  mesh.act(0, 'R', kBan, 'D', "#dev");
  CHECK(mesh.log(0).restrictions("#dev").size() >= 2);
}

TEST_CASE("WhatARevokedKeyHasDecidedWeighsNothingWhateverCameFirst") {
  for (const bool is_revoked_first : {true, false}) {
    ModeratedMesh mesh(1);
    mesh.act(0, 'F', kMod, 'A');
    if (is_revoked_first) mesh.log(0).revoke(ModeratedMesh::member('A'), {});
    mesh.act(0, 'A', kBan, 'B');
    if (!is_revoked_first) mesh.log(0).revoke(ModeratedMesh::member('A'), {});
    CHECK(mesh.log(0).restrictions("").empty());
    CHECK(mesh.log(0).size() == 1);
  }
}

TEST_CASE("TheFirstModeratorsAreThoseThatCount") {
  ModeratedMesh mesh(1);
  for (std::size_t i = 1; i <= limits::kModeratorsMax + 2; ++i) mesh.act(0, 'F', kMod, static_cast<char>(i));
  CHECK(mesh.log(0).ranks("").size() == 1 + limits::kModeratorsMax);
  CHECK(mesh.rank(static_cast<char>(limits::kModeratorsMax)) == Rank::kModerator);
  CHECK(mesh.rank(static_cast<char>(limits::kModeratorsMax + 1)) == Rank::kNone);
  mesh.act(0, 'F', kUnmod, 1);
  CHECK(mesh.log(0).ranks("").size() == limits::kModeratorsMax);
}

TEST_CASE("OfOneAuthorTheEarliestActsCount") {
  ModeratedMesh mesh(1);
  const auto first = mesh.act(0, 'F', kMod, 'A');
  std::vector<EnvelopePtr> acts{first};
  for (std::size_t i = 1; i < limits::kActsPerAuthorMax + 5; ++i)
    acts.push_back(mesh.act(0, 'F', kKick, 'B'));
  CHECK(mesh.log(0).size() == limits::kActsPerAuthorMax);
  ModerationLog log(mesh.mesh);
  for (auto act = acts.rbegin(); act != acts.rend(); ++act) log.add(**act);
  CHECK(log.find(first->id) != nullptr);
  CHECK(log.find(acts.back()->id) == nullptr);
}

}  // namespace
}  // namespace p2pmesh::test
