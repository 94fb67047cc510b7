// More acts than are kept or judged: which ones count hangs on their set, whatever came first.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "act_choice.h"
#include "moderation_fixture.h"
#include "moderation_log.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh::test {
namespace {

using enum ActVerb;

/// As many members as wanted, and what they do, without signatures. A store that has it all answers what a
/// log wants.
class Crowd {
 public:
  explicit Crowd(unsigned seed) : random(seed), mesh(hash_mesh(key(0), nonce)) {}

  static MemberKey key(std::uint32_t number) {
    MemberKey key;
    for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    key.bytes[31] = 1;
    return key;
  }
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random() % count); }

  EnvelopePtr act(std::uint32_t author, ActVerb verb, std::uint32_t subject, const std::string& room,
                  std::vector<EnvelopeId> seen = {}) {
    ActBody body;
    body.verb = verb;
    if (has_subject(verb)) body.subject = key(subject);
    if (author == 0) body.proof = nonce;
    body.seen = std::move(seen);
    auto sealed = std::make_shared<SealedEnvelope>();
    Envelope& envelope = sealed->envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kAct);
    envelope.mesh = mesh;
    envelope.room = room;
    envelope.author = key(author);
    envelope.epoch = 7;
    envelope.seq = ++last[author];
    envelope.depth = room.empty() ? 1 : ++depth;
    envelope.wall_ms = 1000 + envelope.depth;
    envelope.body = encode_act_body(body);
    for (std::size_t i = 0; i < 8; ++i) sealed->id.bytes[i] = static_cast<std::uint8_t>(random());
    of_author[envelope.author].push_back(sealed);
    all.push_back(sealed);
    return sealed;
  }

  void give(ModerationLog& log, const std::vector<EnvelopePtr>& acts) {
    std::size_t given = 0;
    for (const EnvelopePtr& act : acts) {
      log.add(*act);
      if (++given % 8192 == 0) answer(log);
    }
    answer(log);
  }
  void answer(ModerationLog& log) {
    for (int i = 0; i < 1000; ++i) {
      log.judge();
      const auto wanted = log.take_wanted();
      if (!wanted) return;
      ++answers;
      for (const EnvelopePtr& act : of_author[*wanted]) log.add(*act);
    }
    FAIL("it never has what it wants");
  }

  std::string describe(ModerationLog& log, const std::set<std::string>& rooms) {
    std::ostringstream text;
    for (const std::string& room : rooms) {
      for (const RankView& view : log.ranks(room))
        text << room << " " << view.member.hex().substr(0, 8) << " " << static_cast<int>(view.rank) << "\n";
      for (const RestrictionView& view : log.restrictions(room))
        text << room << " " << view.member.hex().substr(0, 8) << " by " << view.by.hex().substr(0, 8) << " "
             << view.since_ms << "\n";
    }
    return text.str();
  }

  std::mt19937 random;
  MeshNonce nonce{9};
  MeshId mesh;
  std::map<std::uint32_t, std::uint64_t> last;
  std::uint64_t depth = 0;
  std::map<MemberKey, std::vector<EnvelopePtr>> of_author;
  std::vector<EnvelopePtr> all;
  std::size_t answers = 0;
};

/// A mesh whose moderators do more than counts, rooms whose members do, and strangers who do more than is
/// kept.
std::set<std::string> fill(Crowd& crowd) {
  std::set<std::string> rooms{"", "#lobby"};
  EnvelopeId named;
  for (std::uint32_t mod = 1; mod <= 20; ++mod) named = crowd.act(0, kMod, mod, "")->id;
  for (std::uint32_t mod = 1; mod <= 20; ++mod) {
    const std::size_t count = 900 + crowd.below(200);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string room = i % 4 == 0 ? "" : "#r" + std::to_string(crowd.below(12));
      const ActVerb verb = crowd.below(8) == 0 ? kBan : kKick;
      crowd.act(mod, verb, 100 + static_cast<std::uint32_t>(crowd.below(200)), room, {named});
    }
  }
  for (std::uint32_t number = 0; number < 12; ++number) {
    const std::string room = "#r" + std::to_string(number);
    rooms.insert(room);
    const std::uint32_t opener = 1000 + 10 * number;
    crowd.act(opener, kFound, 0, room);
    EnvelopeId seen;
    for (std::uint32_t other = 1; other <= 6; ++other)
      seen = crowd.act(opener, kMod, opener + other, room)->id;
    for (std::uint32_t other = 0; other <= 6; ++other) {
      const std::size_t count = 20 + crowd.below(150);
      for (std::size_t i = 0; i < count; ++i) {
        const ActVerb verb = crowd.below(4) == 0 ? kBan : kKick;
        crowd.act(opener + other, verb, opener + static_cast<std::uint32_t>(crowd.below(9)), room, {seen});
      }
    }
  }
  for (std::uint32_t stranger = 0; stranger < 120; ++stranger) {
    const std::string own = "#s" + std::to_string(stranger);
    crowd.act(5000 + stranger, kFound, 0, stranger % 3 == 0 ? "#r3" : own);
    for (std::size_t i = 0; i < 120; ++i)
      crowd.act(5000 + stranger, i % 2 == 0 ? kMod : kBan,
                5000 + static_cast<std::uint32_t>(crowd.below(300)),
                i % 3 == 0 ? "" : "#r" + std::to_string(crowd.below(20)));
  }
  return rooms;
}

TEST_CASE("WhatCountsOfTooManyActsIsTheSameInEveryOrder") {
  for (unsigned seed = 1; seed <= 1; ++seed) {
    CAPTURE(seed);
    Crowd crowd(seed);
    const auto rooms = fill(crowd);
    REQUIRE(crowd.all.size() > limits::kActsMax);
    const auto is_stranger = [](const EnvelopePtr& act) {
      return act->envelope.author.bytes[2] >= 5000 >> 8;
    };
    std::vector<EnvelopePtr> acts = crowd.all;
    std::string expected;
    for (int order = 0; order < 4; ++order) {
      CAPTURE(order);
      if (order == 1) std::reverse(acts.begin(), acts.end());
      if (order > 1) std::shuffle(acts.begin(), acts.end(), crowd.random);
      if (order == 3) std::stable_partition(acts.begin(), acts.end(), is_stranger);
      ModerationLog log(crowd.mesh);
      crowd.give(log, acts);
      CHECK(log.size() <= limits::kActsMax);
      const std::string told = crowd.describe(log, rooms);
      if (order == 0) expected = told;
      CHECK((told == expected));
    }
    CHECK(std::count(expected.begin(), expected.end(), '\n') > 500);
    CHECK(crowd.answers > 0);
  }
}

TEST_CASE("ActsWithoutWeightCrowdOutNobodyAndCountOnceTheirAuthorIsNamed") {
  Crowd crowd(3);
  ModerationLog log(crowd.mesh);
  const EnvelopePtr naming = crowd.act(0, kMod, 1, "");
  const EnvelopePtr ban = crowd.act(1, kBan, 2, "", {naming->id});
  const EnvelopePtr found = crowd.act(3, kFound, 0, "#dev");
  const EnvelopePtr ban_in_room = crowd.act(3, kBan, 2, "#dev");
  // Before anybody is named; then more strangers, with rooms of their own, than are kept.
  crowd.give(log, {ban, found, ban_in_room});
  std::vector<EnvelopePtr> flood;
  for (std::uint32_t i = 0; i < limits::kActsMax + 5000; ++i)
    flood.push_back(
        crowd.act(100 + i / 100, i % 100 == 0 ? kFound : kKick, 2, "#room" + std::to_string(i / 100)));
  crowd.give(log, flood);
  CHECK(log.size() <= limits::kActsMax);
  CHECK(log.restrictions("").empty());
  CHECK(log.restrictions("#dev").size() == 1);
  crowd.give(log, {naming});
  CHECK(log.rank(Crowd::key(1), "") == Rank::kModerator);
  CHECK(log.restrictions("").size() == 1);
  CHECK(log.restrictions("#dev").size() == 1);
}

TEST_CASE("OfTheMembersOfARoomFewActsCountAndAsManyOfEach") {
  Crowd crowd(4);
  std::vector<EnvelopePtr> acts{crowd.act(1, kFound, 0, "#dev")};
  EnvelopeId named;
  for (std::uint32_t other = 10; other < 30; ++other) {
    acts.push_back(crowd.act(1, kMod, other, "#dev"));
    named = acts.back()->id;
  }
  // Each bans somebody else with each act, so that those which count can be counted.
  std::uint32_t subject = 1000;
  for (std::uint32_t other = 10; other < 30; ++other) {
    for (std::size_t i = 0; i < 100; ++i) acts.push_back(crowd.act(other, kBan, subject++, "#dev", {named}));
  }
  std::string expected;
  for (int order = 0; order < 10; ++order) {
    std::shuffle(acts.begin(), acts.end(), crowd.random);
    ModerationLog log(crowd.mesh);
    crowd.give(log, acts);
    const auto views = log.restrictions("#dev");
    CHECK(views.size() <= limits::kActsPerRoomMax);
    CHECK(views.size() > limits::kActsPerRoomMax / 2);
    std::map<MemberKey, std::size_t> by;
    for (const RestrictionView& view : views) ++by[view.by];
    CHECK(by.size() == 20);
    for (const auto& [member, count] : by) CHECK(count == views.size() / 20);
    CHECK(log.is_full(Crowd::key(10), "#dev"));
    const std::string told = crowd.describe(log, {"#dev"});
    if (order == 0) expected = told;
    CHECK((told == expected));
  }
}

TEST_CASE("OfTheModeratorsOfTheMeshAsManyActsOfEachCountAsFit") {
  Crowd crowd(8);
  ModerationLog log(crowd.mesh);
  EnvelopeId named;
  for (std::uint32_t mod = 1; mod <= 16; ++mod) {
    const EnvelopePtr act = crowd.act(0, kMod, mod, "");
    named = act->id;
    log.add(*act);
  }
  std::uint32_t subject = 1000;
  for (std::uint32_t i = 0; i < 16 * 900; ++i) log.add(*crowd.act(1 + i % 16, kBan, subject++, "", {named}));
  std::map<MemberKey, std::size_t> by;
  for (const RestrictionView& view : log.restrictions("")) ++by[view.by];
  CHECK(by.size() == 16);
  for (const auto& [member, count] : by) CHECK(count == (limits::kActsOfMeshMax - 16) / 16);
  CHECK(log.is_full(Crowd::key(1), ""));
}

TEST_CASE("ManyActsAreJudgedOnce") {
  Crowd crowd(5);
  ModerationLog log(crowd.mesh);
  crowd.act(0, kMod, 1, "");
  for (std::uint32_t i = 0; i < 200; ++i) crowd.act(i % 2, kBan, 10 + i, i % 3 == 0 ? "#dev" : "");
  for (const EnvelopePtr& act : crowd.all) log.add(*act);
  CHECK(log.judgings() == 0);
  log.judge();
  (void)log.take_changes();
  (void)log.rank(Crowd::key(1), "#dev");
  CHECK(log.judgings() == 1);
  // Those without weight ask for none.
  for (std::uint32_t i = 0; i < 50; ++i) log.add(*crowd.act(500, kBan, 10 + i, "#dev"));
  log.judge();
  CHECK(log.judgings() == 1);
}

TEST_CASE("AFairShareIsTheGreatestThatFits") {
  CHECK(fair_share({}, 5) >= limits::kActsPerAuthorMax);
  CHECK(fair_share({1, 2, 3}, 6) >= limits::kActsPerAuthorMax);
  CHECK(fair_share({1, 2, 3}, 5) == 2);
  CHECK(fair_share({100, 1, 100}, 11) == 5);
  CHECK(fair_share({4, 4}, 1) == 0);
}

double judged_in_ms(ModerationLog& log) {
  const auto start = std::chrono::steady_clock::now();
  log.judge();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// What one judging costs at the limits: unit_core --no-skip -tc=CostOfJudgingAtTheLimits
TEST_CASE("CostOfJudgingAtTheLimits" * doctest::skip()) {
  {
    Crowd crowd(6);
    ModerationLog log(crowd.mesh);
    log.add(*crowd.act(1, kFound, 0, "#dev"));
    EnvelopeId named;
    for (std::uint32_t other = 10; other < 74; ++other) {
      const EnvelopePtr act = crowd.act(1, kMod, other, "#dev");
      named = act->id;
      log.add(*act);
    }
    for (std::uint32_t other = 10; other < 74; ++other) {
      for (std::uint32_t i = 10; i < 74; ++i) log.add(*crowd.act(other, kBan, i, "#dev", {named}));
    }
    MESSAGE("a room whose 64 moderators ban each other: " << judged_in_ms(log) << " ms");
  }
  for (const std::uint32_t rooms : {0U, 512U}) {
    Crowd crowd(7);
    ModerationLog log(crowd.mesh);
    EnvelopeId named;
    for (std::uint32_t mod = 10; mod < 74; ++mod) {
      const EnvelopePtr act = crowd.act(0, kMod, mod, "");
      named = act->id;
      log.add(*act);
    }
    for (std::uint32_t mod = 10; mod < 74; ++mod) {
      const std::uint32_t count = rooms == 0 ? 190 : 3;
      for (std::uint32_t i = 0; i < count; ++i) log.add(*crowd.act(mod, kBan, 10 + i % 64, "", {named}));
    }
    for (std::uint32_t room = 0; room < rooms; ++room) {
      log.add(*crowd.act(1000 + room, kFound, 0, "#r" + std::to_string(room)));
      for (std::uint32_t i = 0; i < 15; ++i)
        log.add(*crowd.act(1000 + room, kBan, 3000 + i, "#r" + std::to_string(room)));
    }
    MESSAGE("64 moderators who ban each other, " << log.size() << " acts, " << rooms
                                                 << " rooms with bans: " << judged_in_ms(log) << " ms");
    // One more by the founder has all of it judged anew.
    log.add(*crowd.act(0, kKick, 5, "", {named}));
    MESSAGE("and one more act: " << judged_in_ms(log) << " ms");
  }
}

}  // namespace
}  // namespace p2pmesh::test
