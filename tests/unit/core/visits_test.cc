// Whom an author goes to because it has no receipt: who is here, is no neighbor and lacks something; seldom,
// and soon again after it was away.
#include <doctest/doctest.h>

#include "conversations.h"
#include "many_members.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kBob = 2;

/// Three messages to Bob in one epoch, restored; he is here, and no neighbor.
struct Visits {
  explicit Visits(std::vector<std::pair<std::uint64_t, std::uint64_t>> untold = {{5, 3}}) {
    options.member_signer = &signer;
    options.verifier = &verifier;
    conversations.emplace(options, roster);
    RestoredCorrespondent bob;
    bob.member = key_of(kBob);
    bob.relation = Relation::kAccepted;
    bob.written_epoch = 5;
    bob.written_number = 3;
    bob.untold = std::move(untold);
    conversations->restore(bob);
    std::vector<Rename> renames;
    roster.accept(*record_of(kBob, "Bob"), renames);
    set_presence(Presence::kOnline);
  }
  void set_presence(Presence presence) { roster.set_presence(key_of(kBob), presence, now); }
  /// How often somebody is gone to.
  std::size_t visits_within(Duration span) {
    std::size_t count = 0;
    for (const Instant end = now.monotonic + span; now.monotonic < end; now.monotonic += 1s) {
      const auto member = conversations->take_visit(links, has_place, now.monotonic);
      if (!member) continue;
      CHECK(*member == key_of(kBob));
      ++count;
    }
    return count;
  }

  Scribble signer{PublicKey{1}};
  Credulous verifier;
  HeldDigest digest;
  NodeOptions options;
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  std::optional<Conversations> conversations;
  Now now{Instant(1000s), 1'700'000'000'000};
  bool has_place = true;
};

TEST_CASE("WhoLacksSomethingIsGoneToEverMoreSeldom") {
  Visits visits;
  CHECK(visits.visits_within(9s) == 1);
  CHECK(visits.visits_within(9s) ==
        1);  // ten seconds after the first: it may have had no place for a visitor
  CHECK(visits.visits_within(9s) == 0);  // twenty after the second
  CHECK(visits.visits_within(150s) == 3);
  CHECK(visits.visits_within(48h) < 18);
  CHECK(visits.visits_within(48h) == 2);  // once a day in the end
}

TEST_CASE("WithoutAPlaceForTheLinkNobodyIsGoneToAndAsSoonAsThereIsOneSomebodyIs") {
  Visits visits;
  visits.has_place = false;
  CHECK(visits.visits_within(48h) == 0);
  CHECK(*visits.conversations->next_visit() >= visits.now.monotonic);  // it is not asked all the time
  visits.has_place = true;
  CHECK(visits.visits_within(9s) == 1);
}

TEST_CASE("WhoWasAwayIsGoneToSoonAndNotAtOnce") {
  Visits visits;
  CHECK(visits.visits_within(48h) > 5);
  visits.set_presence(Presence::kOffline);
  CHECK(visits.visits_within(1h) == 0);
  visits.set_presence(Presence::kOnline);
  CHECK(visits.visits_within(15s) == 0);  // what was missed may come by itself
  CHECK(visits.visits_within(45s) == 3);
}

TEST_CASE("ANeighborIsNotGoneToNorAnybodyByWhoIsNotToBeSeen") {
  Visits visits;
  LinkUp up;
  up.link = 1;
  up.node = NodeKey{key_of(kBob).bytes};
  visits.links.add(up, NodeKey{}, visits.now.monotonic);
  CHECK(visits.visits_within(1h) == 0);
  visits.links.remove(1);
  Outputs outputs;
  Turn turn{visits.now, outputs};
  visits.conversations->hide(true, turn);
  CHECK(visits.visits_within(1h) == 0);
  CHECK_FALSE(visits.conversations->next_visit());
  visits.conversations->hide(false, turn);
  CHECK(visits.visits_within(1h) > 0);
  CHECK(visits.conversations->next_visit());
}

TEST_CASE("WhoHasSaidToHaveAllIsLookedForNoMore") {
  Visits visits{std::vector<std::pair<std::uint64_t, std::uint64_t>>{}};
  CHECK(visits.visits_within(1h) == 0);
  CHECK_FALSE(visits.conversations->next_visit());
}

}  // namespace
}  // namespace p2pmesh
