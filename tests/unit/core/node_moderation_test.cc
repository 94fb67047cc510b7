// What acts do to what nodes take in, hold and hand on.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "author.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/revocation.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

class Moderated : public TestMesh {
 public:
  explicit Moderated(std::initializer_list<const char*> names = {"Alice", "Bob", "Carol", "Dave"}) {
    for (const char* name : names) add(name).start();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) link(*nodes[i], *nodes[j]);
    }
    run(2s);
  }
  TestNode& a() { return *nodes[0]; }
  TestNode& b() { return *nodes[1]; }
  TestNode& c() { return *nodes[2]; }
  TestNode& d() { return *nodes[3]; }

  WriteAct act(ActVerb verb, const TestNode& subject, const std::string& room = {}, WallMs end_ms = 0) {
    WriteAct act;
    act.token = 1000;
    act.verb = verb;
    act.room = room;
    act.subject = subject.key();
    act.end_ms = end_ms;
    return act;
  }
  void split(std::set<TestNode*> left) {
    links_allowed = [left = std::move(left)](const TestNode& one, const TestNode& other) {
      return left.contains(const_cast<TestNode*>(&one)) == left.contains(const_cast<TestNode*>(&other));
    };
    cut_forbidden();
  }
  void heal() {
    links_allowed = nullptr;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        cut(*nodes[i], *nodes[j]);
        if (nodes[i]->node && nodes[j]->node) link(*nodes[i], *nodes[j]);
      }
    }
    run(60s);
  }
  /// No session finds a difference any more.
  bool is_quiet() {
    const auto sessions = [this] {
      std::uint64_t sum = 0;
      for (auto& node : nodes) sum += node->counter("sync_sessions");
      return sum;
    };
    run(20s);
    const std::uint64_t before = sessions();
    run(30s);
    return sessions() == before;
  }
  /// The texts that a node holds and shows, sorted.
  static std::vector<std::string> shown(const TestNode& node) {
    std::vector<std::string> texts;
    for (const EnvelopePtr& held : node.store.logs) {
      if (held->envelope.kind != static_cast<std::uint16_t>(Kind::kText) ||
          node.store.hidden.contains(held->id))
        continue;
      const auto body = decode_text_body(held->envelope.body);
      texts.insert(texts.end(), body->begin(), body->end());
    }
    std::sort(texts.begin(), texts.end());
    return texts;
  }
};

using Texts = std::vector<std::string>;

Revocation revocation_of(const TestNode& node) {
  return {node.key(), node.signer->sign(revocation_signing_bytes(node.key())), {}};
}

TEST_CASE("WhoHasARankMayActAndNobodyElse") {
  Moderated mesh;
  CHECK(mesh.a().node->check_act(mesh.act(ActVerb::kBan, mesh.b())) == ActVerdict::kAllowed);
  CHECK(mesh.b().node->check_act(mesh.act(ActVerb::kBan, mesh.c())) == ActVerdict::kNoRank);
  CHECK(mesh.a().node->check_act(mesh.act(ActVerb::kBan, mesh.a())) == ActVerdict::kSelf);
  mesh.a().handle(mesh.act(ActVerb::kMod, mesh.b()));
  mesh.run(1s);
  CHECK(mesh.b().node->check_act(mesh.act(ActVerb::kBan, mesh.c())) == ActVerdict::kAllowed);
  CHECK(mesh.b().node->check_act(mesh.act(ActVerb::kBan, mesh.a())) == ActVerdict::kOutranked);
  CHECK(mesh.b().node->check_act(mesh.act(ActVerb::kMod, mesh.c())) == ActVerdict::kNotNamer);
  for (auto& node : mesh.nodes) CHECK(node->node->ranks("").size() == 2);
}

TEST_CASE("WhatABannedMemberWritesIsNeitherKeptNorPassedOn") {
  Moderated mesh;
  mesh.b().say("before");
  mesh.run(1s);
  mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
  mesh.run(1s);
  mesh.b().say("during");  // a changed node, which does not ask whether it may
  mesh.b().say("elsewhere", "#dev");
  mesh.run(10s);
  for (TestNode* node : {&mesh.a(), &mesh.c(), &mesh.d()}) {
    CHECK(Moderated::shown(*node) == Texts{"before", "elsewhere"});
    CHECK(node->counter("envelopes_refused") > 0);
  }
  // One session at a time, a few seconds each: not for ever anew.
  const std::uint64_t refused = mesh.a().counter("envelopes_refused");
  mesh.run(60s);
  CHECK(mesh.a().counter("envelopes_refused") < refused + 100);
}

TEST_CASE("WhatWasTakenInBeforeItsBanWasKnownIsHiddenAndAllAgree") {
  Moderated mesh;
  mesh.split({&mesh.a(), &mesh.c()});
  mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
  mesh.b().say("one");
  mesh.b().say("two", "#dev");
  mesh.run(1s);
  CHECK(Moderated::shown(mesh.d()) == Texts{"one", "two"});
  mesh.heal();
  for (auto& node : mesh.nodes) CHECK(Moderated::shown(*node) == Texts{"two"});
  CHECK(mesh.d().store.hidden.size() == 1);
  // Those who hold it and those who have refused it have nothing to compare any more.
  const auto sessions = [&] {
    std::uint64_t sum = 0;
    for (auto& node : mesh.nodes) sum += node->counter("sync_sessions");
    return sum;
  };
  const std::uint64_t before = sessions();
  mesh.run(30s);
  CHECK(sessions() == before);
  // And as a restart finds it.
  mesh.d().crash();
  mesh.d().start();
  mesh.run(1s);
  CHECK(mesh.d().store.hidden.size() == 1);
  mesh.heal();
  const std::uint64_t after = sessions();
  mesh.run(30s);
  CHECK(sessions() == after);
}

TEST_CASE("TwoModeratorsWhoBanEachOtherOnTwoSidesComeToTheSame") {
  for (int salt = 0; salt < 4; ++salt) {
    CAPTURE(salt);
    Moderated mesh;
    mesh.a().handle(mesh.act(ActVerb::kMod, mesh.b()));
    mesh.a().handle(mesh.act(ActVerb::kMod, mesh.c()));
    mesh.run(std::chrono::milliseconds(1000 + 10 * salt));
    mesh.split({&mesh.a(), &mesh.b()});
    mesh.b().handle(mesh.act(ActVerb::kBan, mesh.c(), "#lobby"));
    mesh.c().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
    mesh.b().say("Bob is right");
    mesh.c().say("Carol is right");
    mesh.run(1s);
    CHECK(Moderated::shown(mesh.a()) == Texts{"Bob is right"});
    CHECK(Moderated::shown(mesh.d()) == Texts{"Carol is right"});
    mesh.heal();
    const auto holds = mesh.a().node->restrictions("#lobby");
    REQUIRE(holds.size() == 1);
    const bool is_bobs = holds[0].by == mesh.b().key();
    for (auto& node : mesh.nodes) {
      CHECK(Moderated::shown(*node) == Texts{is_bobs ? "Bob is right" : "Carol is right"});
      CHECK(node->node->restrictions("#lobby").size() == 1);
      CHECK(node->node->restrictions("#lobby")[0].by == holds[0].by);
    }
  }
}

TEST_CASE("WhatWasRefusedIsFetchedWhenTheBanTurnsOutNotToHold") {
  Moderated mesh;
  mesh.a().handle(mesh.act(ActVerb::kMod, mesh.b()));
  mesh.run(1s);
  mesh.split({&mesh.a()});
  mesh.b().handle(mesh.act(ActVerb::kBan, mesh.c(), "#lobby"));
  mesh.a().handle(mesh.act(ActVerb::kUnban, mesh.c(), "#lobby"));  // neither has seen the other one
  mesh.run(1s);
  mesh.c().say("during");
  mesh.run(1s);
  CHECK(Moderated::shown(mesh.b()).empty());
  CHECK(mesh.d().counter("envelopes_refused") > 0);
  mesh.heal();
  for (auto& node : mesh.nodes) {
    CAPTURE(node->name);
    CHECK(node->node->restrictions("#lobby").empty());
    CHECK(Moderated::shown(*node) == Texts{"during"});
  }
}

TEST_CASE("ABannedMembersNodeIsLetGoAfterItWasTold") {
  Moderated mesh;
  mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b()));
  mesh.run(1s);
  CHECK(mesh.b().node->restrictions("").size() == 1);
  mesh.run(20s);
  for (TestNode* node : {&mesh.a(), &mesh.c(), &mesh.d()}) {
    const auto links = node->node->links();
    CHECK(std::none_of(links.begin(), links.end(),
                       [&](const LinkView& view) { return view.node == mesh.b().node_key(); }));
  }
  CHECK(mesh.c().node->links().size() == 2);
}

TEST_CASE("ARoomIsFoundedByWhoIsTheFirstInIt") {
  Moderated mesh;
  CHECK(mesh.b().node->can_found("#dev"));
  WriteAct found;
  found.token = 5;
  found.room = "#dev";
  mesh.b().handle(found);
  mesh.run(1s);
  CHECK(mesh.b().acknowledged == std::vector<std::uint64_t>{5});
  CHECK_FALSE(mesh.c().node->can_found("#dev"));
  REQUIRE(mesh.c().node->ranks("#dev").size() == 2);
  CHECK(mesh.c().node->ranks("#dev")[1].rank == Rank::kRoomFounder);
}

TEST_CASE("WhatIsHiddenOfARevokedKeyIsComparedWithNobodyWhateverCameFirst") {
  for (const bool is_banned_first : {true, false}) {
    CAPTURE(is_banned_first);
    Moderated mesh;
    mesh.split({&mesh.a(), &mesh.c()});
    if (is_banned_first) mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
    mesh.b().say("one");
    mesh.run(1s);
    if (!is_banned_first) mesh.a().handle(PublishRevocation{revocation_of(mesh.b())});
    mesh.heal();
    if (is_banned_first)
      mesh.a().handle(PublishRevocation{revocation_of(mesh.b())});
    else
      mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
    mesh.run(10s);
    CHECK(mesh.d().store.hidden.size() == 1);
    CHECK(mesh.is_quiet());
    mesh.d().crash();
    mesh.d().start();
    mesh.heal();
    CHECK(mesh.d().store.hidden.size() == 1);
    CHECK(mesh.is_quiet());
  }
}

TEST_CASE("WhatARevokedModeratorHasDecidedHoldsNoMore") {
  Moderated mesh;
  mesh.a().handle(mesh.act(ActVerb::kMod, mesh.b()));
  mesh.run(1s);
  mesh.b().handle(mesh.act(ActVerb::kBan, mesh.c(), "#lobby"));
  mesh.run(1s);
  mesh.c().say("one");  // a changed node
  mesh.run(1s);
  CHECK(mesh.d().node->restrictions("#lobby").size() == 1);
  mesh.a().handle(PublishRevocation{revocation_of(mesh.b())});
  mesh.run(1s);
  mesh.d().crash();
  mesh.d().start();
  TestNode& late = mesh.add("Eve");
  late.start();
  mesh.heal();
  for (TestNode* node : {&mesh.a(), &mesh.c(), &mesh.d(), &late}) {
    CAPTURE(node->name);
    CHECK(node->node->restrictions("#lobby").empty());
    CHECK(Moderated::shown(*node) == Texts{"one"});
  }
}

TEST_CASE("ARestartKnowsTheFounderBeforeAnybodySaysSo") {
  Moderated mesh;
  mesh.b().crash();
  mesh.b().start();
  REQUIRE(mesh.b().node->ranks("").size() == 1);
  CHECK(mesh.b().node->ranks("")[0].member == mesh.a().key());
}

TEST_CASE("TheStoreIsAskedOnceAtATimeForAnAuthorHoweverManyActsCome") {
  Moderated mesh;
  mesh.d().commits_held = true;
  for (WallMs i = 0; i < 50; ++i) {
    mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#dev", mesh.now.wall_ms + 1'000'000 + i));
    mesh.run(std::chrono::milliseconds(50));
  }
  CHECK(mesh.d().node->restrictions("#dev").size() > 2);
  CHECK(mesh.d().hides.size() == 1);
  mesh.d().commits_held = false;
  const std::size_t asked = mesh.d().hides_asked;
  mesh.run(5s);
  CHECK(mesh.d().hides_asked == asked + 2);
  mesh.b().say("two", "#dev");
  mesh.run(1s);
  CHECK(Moderated::shown(mesh.d()).empty());
}

TEST_CASE("WhatTheStoreCouldNotHideItHidesLater") {
  Moderated mesh;
  mesh.split({&mesh.a(), &mesh.c()});
  mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby"));
  mesh.b().say("one");
  mesh.run(1s);
  mesh.d().store.hides_fail = 2;
  mesh.heal();
  CHECK(mesh.d().store.hides_fail == 0);
  CHECK(Moderated::shown(mesh.d()).empty());
  CHECK(mesh.is_quiet());
}

TEST_CASE("WhatIsDatedBehindTheEndOfABanIsShownWhenThatHasCome") {
  Moderated mesh;
  mesh.split({&mesh.a(), &mesh.c()});
  mesh.a().handle(mesh.act(ActVerb::kBan, mesh.b(), "#lobby", mesh.now.wall_ms + 120'000));
  mesh.b().clock_behind_ms -= 600'000;
  mesh.b().say("from tomorrow");
  mesh.run(1s);
  CHECK(Moderated::shown(mesh.d()).size() == 1);
  mesh.heal();
  // By its own clock the ban is over.
  for (TestNode* node : {&mesh.a(), &mesh.c(), &mesh.d()}) CHECK(Moderated::shown(*node).empty());
  mesh.run(180s);
  for (auto& node : mesh.nodes) CHECK(Moderated::shown(*node) == Texts{"from tomorrow"});
  CHECK(mesh.is_quiet());
}

TEST_CASE("AForkOfWhoIsRestrictedIsAnotherQuestionToTheStore") {
  Moderated mesh;
  mesh.b().say("one");
  mesh.run(1s);
  mesh.a().handle(mesh.act(ActVerb::kSilence, mesh.b(), "#lobby"));
  mesh.run(1s);
  const std::size_t asked = mesh.d().hides_asked;
  const EnvelopePtr held = mesh.d().store.logs.front();
  REQUIRE(held->envelope.author == mesh.b().key());
  Envelope other = held->envelope;
  other.wall_ms += 1;
  mesh.d().handle(ForkKept{seal_envelope(other, *mesh.b().signer), held->id});
  mesh.run(1s);
  CHECK(mesh.d().hides_asked == asked + 1);
}

/// Alice is alone; Bob hears Eve alone, and Carol Dave.
class InABatch : public Moderated {
 public:
  InABatch() : Moderated({"Alice", "Bob", "Carol", "Dave", "Eve"}) {
    const auto side_of = [this](const TestNode& node) {
      return &node == &a() ? 0 : &node == &c() || &node == &d() ? 1 : 2;
    };
    links_allowed = [side_of](const TestNode& one, const TestNode& other) {
      return side_of(one) == side_of(other);
    };
    cut_forbidden();
    run(1s);
    b().say("one");
    run(50ms);
    b().say("two");
    run(50ms);
    b().tell(c(), "to Carol alone");
    run(50ms);
    a().handle(act(ActVerb::kBan, b()));
    run(50ms);
    for (const EnvelopePtr& held : b().store.logs) {
      if (held->envelope.author == b().key()) by_b.push_back(held);
    }
    ban = a().store.logs.back();
    REQUIRE(is_act(ban->envelope));
    REQUIRE(by_b.size() == 3);
    for (const auto& [id, wire] : wires) {
      if (wire.from == &d()) link_of_d = id;
    }
    REQUIRE(link_of_d != 0);
  }
  void give(const EnvelopePtr& envelope, bool live = false) {
    d().handle(EnvelopeReceived{link_of_d, live, 0, envelope});
  }

  std::vector<EnvelopePtr> by_b;
  EnvelopePtr ban;
  LinkId link_of_d = 0;
};

TEST_CASE("WhatComesInABatchWithItsBanIsHiddenWhateverCameFirst") {
  for (const bool is_ban_first : {true, false}) {
    CAPTURE(is_ban_first);
    InABatch mesh;
    if (is_ban_first) mesh.give(mesh.ban);
    for (const EnvelopePtr& one : mesh.by_b) mesh.give(one);
    if (!is_ban_first) mesh.give(mesh.ban);
    mesh.run(5s);
    CHECK(mesh.d().node->restrictions("").size() == 1);
    CHECK(Moderated::shown(mesh.d()).empty());
    CHECK(Moderated::shown(mesh.c()).empty());
    // And what Dave carries for Carol.
    CHECK(mesh.d().store.hidden.size() == 3);
    CHECK(mesh.d().store.carried.size() == 1);
    CHECK(mesh.is_quiet());
  }
}

TEST_CASE_FIXTURE(InABatch, "WhatWaitsForAnEarlierOneWhenItsBanComesIsHidden") {
  // The first one of the two is missing, so the other waits to be shown.
  give(by_b.at(1), true);
  CHECK(d().store.logs.empty());
  give(ban, true);
  run(10ms);
  CHECK(d().store.hidden.contains(by_b[1]->id));
  CHECK(Moderated::shown(d()).empty());
  run(2s);
  CHECK(Moderated::shown(d()).empty());
  CHECK(d().store.hidden.size() == 1);
  give(by_b[0]);
  CHECK(d().counter("envelopes_refused") > 0);
}

TEST_CASE_FIXTURE(InABatch, "WhatIsCarriedForOthersIsHiddenWhenItsBanComes") {
  for (const EnvelopePtr& one : by_b) give(one);
  run(10ms);
  REQUIRE(d().store.carried.size() == 1);
  CHECK(d().store.hidden.empty());
  give(ban);
  run(1s);
  CHECK(d().store.hidden.contains(d().store.carried[0]));
  run(30s);
  CHECK(is_quiet());
}

TEST_CASE_FIXTURE(InABatch, "ManyActsOfATurnAreJudgedOnce") {
  for (int i = 0; i < 100; ++i) {
    a().handle(act(ActVerb::kBan, b(), "#dev", now.wall_ms + 1'000'000 + static_cast<WallMs>(i)));
    run(10ms);
  }
  std::vector<EnvelopePtr> acts;
  for (const EnvelopePtr& held : a().store.logs) {
    if (is_act(held->envelope)) acts.push_back(held);
  }
  REQUIRE(acts.size() == 101);
  const std::uint64_t before = d().counter("acts_judged");
  for (const EnvelopePtr& one : acts) {
    give(one);
    give(by_b[0]);
  }
  CHECK(d().counter("acts_judged") == before);
  run(10ms);
  CHECK(d().counter("acts_judged") == before + 1);
  CHECK(d().node->restrictions("#dev").size() == 100);
}

TEST_CASE("WhatARestartLeavesOutIsReadWhenItWeighs") {
  Moderated mesh;
  mesh.a().handle(mesh.act(ActVerb::kMod, mesh.b()));
  mesh.run(1s);
  mesh.b().handle(mesh.act(ActVerb::kBan, mesh.c(), "#lobby"));
  mesh.run(1s);
  REQUIRE(mesh.d().node->restrictions("#lobby").size() == 1);
  mesh.d().crash();
  mesh.d().store.acts_restored_max = 0;
  mesh.d().start();
  mesh.run(1s);
  CHECK(mesh.d().node->ranks("").size() == 2);
  CHECK(mesh.d().node->restrictions("#lobby").size() == 1);
}

}  // namespace
}  // namespace p2pmesh::test
