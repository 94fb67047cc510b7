// Names: claimed, changed, refused, lost; whatever the clocks say.
#include <doctest/doctest.h>

#include "p2pmesh/wire/member_body.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Words = std::vector<std::string>;
using Verdicts = std::vector<NameVerdict>;

void wish(TestNode& node, const std::string& name) {
  node.handle(ChangeName{7, name});
}

NameClaim claim_of(const TestNode& holder, const TestNode& member) {
  const auto key = std::make_tuple(member.key(), static_cast<std::uint16_t>(Kind::kMember), std::string());
  return decode_member_body(holder.store.records.at(key)->envelope.body)->claim;
}

std::string suffixed(const std::string& name, const TestNode& member) {
  return name + "~" + member.key().hex().substr(0, 4);
}

TEST_CASE("ANewNameIsSponsoredToldAndKept") {
  Pair pair;
  pair.a().say("one");
  pair.run();
  wish(pair.b(), "Rob");
  CHECK(pair.b().name_answers.empty());
  CHECK(pair.b().node->status().name == "Bob");  // until then the old one goes on
  pair.run();
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kChanged});
  CHECK(pair.b().node->status().claimed_name == "Rob");
  CHECK(pair.a().node->shown_name(pair.b().key()) == "Rob");
  CHECK(pair.a().notices() == Words{"Bob joined", "Rob renamed"});
  CHECK(pair.b().notices() == Words{"Rob renamed"});
  pair.b().crash();
  pair.b().start(false);
  CHECK(pair.b().node->status().claimed_name == "Rob");
  pair.link(pair.b(), pair.a());
  pair.run(2s);
  CHECK(pair.a().node->shown_name(pair.b().key()) == "Rob");
}

TEST_CASE("ANewNameNamesTheHeadsOfNowAndNotOfTheWelcome") {
  Pair pair;
  pair.a().say("one");
  pair.run();
  pair.b().say("two");
  pair.run();
  wish(pair.b(), "Rob");
  pair.run();
  const NameClaim claim = claim_of(pair.a(), pair.b());
  CHECK(claim.depth == 3);
  CHECK(claim.heads == std::vector<EnvelopeId>{pair.a().announced.back().envelope->id});
  CHECK(claim.sponsor == pair.a().key());
}

TEST_CASE("AChangeIsAnsweredWhenItIsDurable") {
  Pair pair;
  pair.b().commits_held = true;
  wish(pair.b(), "Rob");
  pair.run();
  CHECK(pair.a().node->shown_name(pair.b().key()) == "Rob");
  CHECK(pair.b().name_answers.empty());
  pair.b().commits_held = false;
  pair.run();
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kChanged});
}

TEST_CASE("ATakenNameIsRefusedAndNothingChanges") {
  Pair pair;
  const EnvelopePtr before =
      pair.a().store.records.at({pair.b().key(), static_cast<std::uint16_t>(Kind::kMember), std::string()});
  wish(pair.b(), "alice");  // equal after case folding
  pair.run(12s);
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kTaken});
  CHECK(pair.b().node->status().claimed_name == "Bob");
  CHECK(claim_of(pair.a(), pair.b()) == decode_member_body(before->envelope.body)->claim);
  CHECK(pair.a().notices() == Words{"Bob joined"});
}

TEST_CASE("ASponsorRefusesWhatTheMemberDoesNotKnowAsTaken") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  pair.links_by_dialling = false;
  carol.start();
  pair.link(carol, pair.a());
  pair.run();
  wish(carol, "Rob");
  wish(pair.b(), "rob");  // at the same moment; the neighbor of both answers one after the other
  pair.run();
  const Verdicts both{carol.name_answers.front(), pair.b().name_answers.front()};
  CHECK(both == Verdicts{NameVerdict::kChanged, NameVerdict::kTaken});
}

TEST_CASE("WithoutANeighborOnlyAFounderWhoIsAloneChangesItsName") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  alice.start();
  wish(alice, "Alicia");
  mesh.run();
  CHECK(alice.name_answers == Verdicts{NameVerdict::kChanged});
  CHECK(alice.node->status().name == "Alicia");
  TestNode& bob = mesh.add("Bob");
  bob.start();
  mesh.link(bob, alice);
  mesh.run(1s);
  CHECK(bob.node->shown_name(alice.key()) == "Alicia");
  CHECK(claim_of(bob, alice).depth == 0);
  bob.crash();
  mesh.run(1s);
  wish(alice, "Alice");  // there are others now, who might claim it
  mesh.run();
  CHECK(alice.name_answers.back() == NameVerdict::kNoNeighbor);
  CHECK(alice.node->status().claimed_name == "Alicia");
}

TEST_CASE("WhoIsNotToBeSeenKeepsItsName") {
  Pair pair;
  pair.b().handle(SetDiscoverable{false});
  pair.run();
  wish(pair.b(), "Rob");
  pair.run(12s);
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kHidden});
  CHECK(pair.b().node->status().claimed_name == "Bob");
}

TEST_CASE("TheSameNameIsSaidToBeSo") {
  Pair pair;
  wish(pair.b(), "Bob");
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kSame});
}

TEST_CASE("ASecondWishDoesNotOvertakeTheFirst") {
  Pair pair;
  wish(pair.b(), "Rob");
  wish(pair.b(), "Tom");
  pair.run();
  CHECK(pair.b().name_answers == Verdicts{NameVerdict::kBusy, NameVerdict::kChanged});
  CHECK(pair.b().node->status().name == "Rob");
}

TEST_CASE("ANeighborThatDoesNotAnswerEndsTheWish") {
  Pair pair;
  pair.links_by_dialling = false;
  pair.a().node.reset();  // hangs: its links stay open
  LinkUp frozen;          // and another one, linked for longer than the wish lasts
  frozen.link = 999;
  frozen.node.bytes[0] = 77;
  pair.b().handle(frozen);
  wish(pair.b(), "Rob");
  pair.run(12s);
  REQUIRE(pair.b().name_answers.size() == 1);
  CHECK(pair.b().name_answers[0] != NameVerdict::kChanged);
  CHECK(pair.b().node->status().claimed_name == "Bob");
}

TEST_CASE("WhoLostItsNameMayChooseAnother") {
  Pair pair;
  TestNode& other = pair.add("bob");
  other.start();
  pair.link(other, pair.a());
  pair.run(1s);
  CHECK(other.node->status().name == suffixed("bob", other));
  CHECK(other.notices() == Words{});  // it was never shown by the bare name
  wish(other, "bob");
  wish(other, "Tom");
  pair.run();
  CHECK(other.name_answers == Verdicts{NameVerdict::kTaken, NameVerdict::kChanged});
  for (auto& node : pair.nodes) CHECK(node->node->shown_name(other.key()) == "Tom");
}

TEST_CASE("ANameThatWasGivenUpIsFreeForOthers") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  carol.start();
  pair.link(carol, pair.a());
  pair.run(1s);
  wish(pair.b(), "Rob");
  pair.run();
  wish(carol, "Bob");
  pair.run();
  CHECK(carol.name_answers == Verdicts{NameVerdict::kChanged});
  for (auto& node : pair.nodes) CHECK(node->node->shown_name(carol.key()) == "Bob");
}

TEST_CASE("AnExactNameThatIsTakenIsNotClaimedAtAll") {
  Pair pair;
  TestNode& other = pair.add("Bob");
  other.exact_name = true;
  other.start();
  pair.link(other, pair.a());
  pair.run(5s);
  CHECK(other.node->status().name_refused);
  CHECK_FALSE(other.node->status().has_claim);
  CHECK(pair.a().node->status().members == 2);
  other.handle(Leave{});
  pair.run();
  CHECK(pair.a().notices() == Words{"Bob joined"});
}

TEST_CASE("AnExactNameThatIsFreeIsClaimedAsAnyOther") {
  Pair pair;
  TestNode& other = pair.add("Carol");
  other.exact_name = true;
  other.start();
  pair.link(other, pair.a());
  pair.run(1s);
  CHECK_FALSE(other.node->status().name_refused);
  CHECK(pair.a().node->shown_name(other.key()) == "Carol");
}

TEST_CASE("AClockOf1970TakesNoNameThatIsHeld") {
  Pair pair;
  pair.a().say("one");
  pair.run();
  TestNode& old = pair.add("Bob");
  old.clock_behind_ms = pair.now.wall_ms - 1;
  old.start();
  REQUIRE(old.time().wall_ms < 1000);
  SUBCASE("asking a sponsor") {
    pair.link(old, pair.a());
    pair.run(2s);
  }
  SUBCASE("in the half of a mesh that has been cut off") {
    TestNode& carol = pair.add("Carol");
    carol.start();
    pair.link(carol, pair.a());
    pair.run(2s);
    pair.links_allowed = [&](const TestNode& a, const TestNode& b) {
      const auto is_left = [&](const TestNode& node) { return &node == &pair.a() || &node == &pair.b(); };
      return is_left(a) == is_left(b);
    };
    pair.cut_forbidden();
    pair.b().crash();  // its record alone says that the name is held
    pair.link(old, carol);
    pair.run(2s);
    pair.links_allowed = nullptr;
    pair.b().start(false);
    pair.link(carol, pair.a());
    pair.run(10s);
  }
  for (auto& node : pair.nodes) {
    CHECK(node->node->shown_name(pair.b().key()) == "Bob");
    CHECK(node->node->shown_name(old.key()) == suffixed("Bob", old));
  }
}

TEST_CASE("OfTwoWhoChoseOneNameInTwoHalvesAllSeeTheSameHolder") {
  TestMesh mesh;
  for (const char* name : {"Alice", "Bob", "Carol", "Dave"}) mesh.add(name).start();
  for (std::size_t i = 1; i < 4; ++i) mesh.link(*mesh.nodes[i], *mesh.nodes[0]);
  mesh.run(3s);
  const auto is_left = [&](const TestNode& node) {
    return &node == mesh.nodes[0].get() || &node == mesh.nodes[1].get();
  };
  mesh.links_allowed = [&](const TestNode& a, const TestNode& b) { return is_left(a) == is_left(b); };
  mesh.cut_forbidden();
  mesh.nodes[0]->say("deeper");  // a claim on this side lies below one more line
  mesh.run(1s);
  TestNode& bob = *mesh.nodes[1];
  TestNode& dave = *mesh.nodes[3];
  dave.clock_behind_ms = 0;
  bob.clock_behind_ms = mesh.now.wall_ms - 1;  // the earlier clock does not help it
  wish(bob, "Rob");
  wish(dave, "Rob");
  mesh.run(1s);
  CHECK(bob.name_answers == Verdicts{NameVerdict::kChanged});
  CHECK(dave.name_answers == Verdicts{NameVerdict::kChanged});
  mesh.links_allowed = nullptr;
  mesh.run(200s);
  for (auto& node : mesh.nodes) {
    CHECK(node->node->shown_name(dave.key()) == "Rob");
    CHECK(node->node->shown_name(bob.key()) == suffixed("Rob", bob));
  }
  const Words& told = bob.notices();
  CHECK(std::count(told.begin(), told.end(), suffixed("Rob", bob) + " renamed") == 1);
}

}  // namespace
}  // namespace p2pmesh::test
