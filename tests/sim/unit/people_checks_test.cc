// Each checker of what people are promised is shown a world that breaks it.
#include "people_checks.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "name_checks.h"
#include "quiet_options.h"
#include "stage.h"

namespace p2pmesh::sim {
namespace {

/// Three people; what they do is told to their nodes and to the checks, or to one of them alone.
struct Company {
  Company() : stage(quiet_options(), world_options()), checks(stage.world(), stage.checkers(), {0, 1, 2}) {
    stage.world().add_observer(&checks);
    stage.gather(3, kSecond);
    stage.world().run_for(2 * kSecond);
  }
  static WorldOptions world_options() {
    WorldOptions options;
    options.seed = 22;
    options.people = true;
    return options;
  }
  World& world() { return stage.world(); }
  SimNode& node(std::uint32_t number) { return stage.world().node(number); }
  void tell(std::uint32_t from, std::uint32_t to) {
    world().tell(from, to, checks.say(from, to, world().next_token()));
    world().run_for(3 * kSecond);
  }
  void accept(std::uint32_t from, std::uint32_t to) {
    checks.answer(from, to, true);
    node(from).handle(AnswerRequest{node(to).key(), true});
    world().run_for(3 * kSecond);
  }
  [[nodiscard]] bool found(const std::string& check) {
    const auto& all = stage.checkers().violations();
    const bool is_now =
        std::any_of(all.begin(), all.end(), [&](const Violation& v) { return v.check == check; });
    const auto end = checks.check_end();
    return is_now ||
           std::any_of(end.begin(), end.end(), [&](const Violation& v) { return v.check == check; });
  }
  /// The first own direct envelope of node 0, as it was announced.
  Announce first_announce() {
    const auto& [entry, item] = *node(0).disk.people()->opened.begin();
    Announce announce;
    announce.envelope = world().pool()[entry].envelope;
    announce.context.direct = item.direct;
    announce.row = 1;
    return announce;
  }

  Stage stage;
  PeopleChecks checks;
};

}  // namespace

TEST_CASE("PeopleThatDoAsTheySayViolateNothing") {
  Company company;
  company.tell(0, 1);
  company.accept(1, 0);
  company.tell(1, 0);
  company.checks.look();
  CHECK(company.stage.checkers().violations().empty());
  CHECK(company.checks.check_end().empty());
  CHECK(company.checks.counts().receipts == 2);
}

TEST_CASE("ALineThatIsShownTwiceIsFound") {
  Company company;
  company.tell(0, 1);
  company.checks.on_output(0, company.first_announce(), company.world().now());
  CHECK(company.found("outbox"));
}

TEST_CASE("ALineThatWasTakenInAndIsNowhereIsFound") {
  Company company;
  company.checks.say(0, 1, 77);
  CHECK_FALSE(company.found("outbox"));
  company.checks.on_acknowledge(0, 77, kNone);
  CHECK(company.found("outbox"));
}

TEST_CASE("ALineThatWasTakenBackAndCameIsFound") {
  Company company;
  CommitResult kept;
  kept.drafts.push_back({5, company.world().next_token(), {}, {}, {}, 0});
  const std::string text = company.checks.say(0, 1, company.world().next_token());
  company.checks.on_commit(0, kept);
  company.world().tell(0, 1, text);
  company.world().run_for(3 * kSecond);
  CHECK_FALSE(company.found("outbox"));
  company.checks.cancel(0, 5);
  CommitResult cancelled;
  cancelled.questions.push_back({DiskQuestion::Kind::kCancelled, 5});
  company.checks.on_commit(0, cancelled);
  CHECK(company.found("outbox"));
}

TEST_CASE("AReceiptOfWhatNobodyHasIsFound") {
  Company company;
  company.tell(0, 1);
  company.accept(1, 0);
  CHECK_FALSE(company.found("receipts"));
  TellDelivery told;
  told.member = company.node(1).key();
  told.received = {{1, {{7, 7}}, 0}};
  company.checks.on_output(0, told, company.world().now());
  CHECK(company.found("receipts"));
}

TEST_CASE("AReceiptOfReadingWhatNobodyReadIsFound") {
  Company company;
  company.tell(0, 1);
  company.accept(1, 0);
  company.node(1).read(company.node(0).key());
  company.world().run_for(3 * kSecond);
  CHECK(company.found("receipts"));
}

TEST_CASE("AMemberThatIsShownUnaskedIsFound") {
  Company company;
  company.tell(0, 1);
  company.checks.look();
  CHECK_FALSE(company.found("requests"));
  company.node(1).handle(AnswerRequest{company.node(0).key(), true});
  company.checks.look();
  CHECK(company.found("requests"));
}

TEST_CASE("AnEnvelopeOfWhoIsNotToBeSeenIsFound") {
  Company company;
  company.checks.hide(0, true);
  company.world().say(0, "here I am");
  CHECK(company.found("undiscoverable"));
}

TEST_CASE("WhatIsOpenedOfWhoIsBlockedIsFound") {
  Company company;
  company.checks.block(1, 0, true);
  company.tell(0, 1);
  CHECK(company.found("undiscoverable"));
}

TEST_CASE("ANewcomerThatTookAHeldNameIsFound") {
  Company company;
  CHECK(check_names(company.world(), {}).empty());
  CHECK(is_name_held(company.world(), 0));
  CHECK_FALSE(check_names(company.world(), {{1, 0}}).empty());
}

TEST_CASE("APowerCutKeepsWhatWasOpenedAMomentBeforeAndAnAnswer") {
  Company company;
  company.tell(0, 1);
  company.node(1).set_discoverable(false);
  company.world().run_for(2 * kSecond);
  company.tell(0, 1);
  const PeopleTables& people = *company.node(1).disk.people();
  REQUIRE(people.sealed.size() == 1);
  // Both with a full sync.
  company.node(1).handle(AnswerRequest{company.node(0).key(), true});
  company.world().run_for(2 * kSecond);
  company.node(1).disk.change(StoreUnopenedFrom{1});
  CommitResult result;
  Store opened;
  opened.envelope = company.world().pool()[people.sealed.begin()->second].envelope;
  opened.context.opened_late = true;
  opened.context.direct = std::make_shared<DirectMessage>();
  company.node(1).disk.store(std::move(opened));
  company.node(1).disk.begin_commit();
  company.node(1).disk.finish_commit(company.world().now(), result);
  CHECK(people.sealed.empty());
  CHECK(result.committed.back().row != 0);
  company.world().cut_power(1);
  CHECK(people.sealed.empty());
  CHECK(people.relation_to(company.node(0).key()) == Relation::kAccepted);
}

}  // namespace p2pmesh::sim
