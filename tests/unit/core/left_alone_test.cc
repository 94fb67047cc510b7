// Lines that wait and can be taken back, being undiscoverable, blocking, and receipts of reading.
#include <doctest/doctest.h>

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

std::size_t count_notices(const TestNode& node, const std::string& notice) {
  return static_cast<std::size_t>(std::count(node.notices().begin(), node.notices().end(), notice));
}

MemberView view_of(const TestNode& node, const TestNode& other) {
  for (const MemberView& member : node.node->members()) {
    if (member.key == other.key()) return member;
  }
  return {};
}

/// Alice and Bob have accepted each other.
struct Friends : Three {
  Friends() { befriend(a(), b()); }
};

/// As the runner does it.
void open_late(TestNode& node) {
  for (const EnvelopePtr& envelope : node.store.unopened(node.key())) node.handle(OpenLate{envelope});
}

TEST_CASE("WhoIsCutOffKeepsItsLinesAndSendsThemInOrder") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(1s);
  for (int i = 0; i < 20; ++i) pair.a().say(std::to_string(i));
  pair.run();
  CHECK(pair.a().store.drafts.size() == 20);
  CHECK(pair.a().kept.size() == 20);
  CHECK(pair.a().node->status().pending == 20);
  CHECK(pair.a().store.logs.empty());
  pair.links_by_dialling = true;
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  Texts wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back(std::to_string(i));
  CHECK(pair.b().heard() == wanted);
  CHECK(pair.a().store.drafts.empty());
  CHECK(pair.a().node->status().pending == 0);
}

TEST_CASE("WhoIsAloneInItsMeshWritesItsHistory") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  alice.start();
  alice.say("for those who come");
  mesh.run();
  CHECK(alice.store.drafts.empty());
  CHECK(alice.heard() == Texts{"for those who come"});
}

TEST_CASE("ALineThatWaitsCanBeTakenBack") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(1s);
  for (const char* text : {"one", "two", "three"}) pair.a().say(text);
  pair.run();
  const auto drafts = pair.a().node->drafts();
  REQUIRE(drafts.size() == 3);
  CHECK(drafts[1].text == "two");
  pair.a().handle(CancelDraft{drafts[1].number});
  CHECK(pair.a().store.drafts.size() == 2);
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  CHECK(pair.b().heard() == Texts{"one", "three"});
  pair.a().handle(CancelDraft{drafts[0].number});  // too late: nothing happens
  pair.run(1s);
  CHECK(pair.b().heard() == Texts{"one", "three"});
}

TEST_CASE("LinesThatWaitSurviveACrashAndAreSentOnce") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(1s);
  pair.a().say("one");
  pair.a().say("two");
  pair.run();
  pair.a().crash();
  pair.a().start();
  pair.run(1s);
  CHECK(pair.a().node->drafts().size() == 2);
  // The commit of the envelope never comes: the process ends before, and nobody has the envelope.
  pair.a().commits_held = true;
  pair.link(pair.a(), pair.b());
  pair.run(1s);
  CHECK(pair.b().heard().empty());
  pair.a().crash();
  pair.a().commits_held = false;
  pair.a().start();
  pair.link(pair.a(), pair.b());
  pair.run(2s);
  CHECK(pair.b().heard() == Texts{"one", "two"});
  CHECK(pair.a().store.drafts.empty());
  // A number is not used again: who cancels late must not hit another line.
  const std::uint64_t last = pair.a().store.last_draft;
  pair.a().crash();
  pair.a().start();
  pair.cut(pair.a(), pair.b());
  pair.run(1s);
  pair.a().say("three");
  pair.run();
  CHECK(pair.a().kept.back() > last);
}

TEST_CASE("MoreLinesThanMayWaitAreNotTakenIn") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(1s);
  for (std::size_t i = 0; i < limits::kDraftsMax; ++i) {
    REQUIRE(pair.a().node->can_take_draft());
    pair.a().handle(SendText{i + 1000, "#lobby", "x"});
  }
  CHECK_FALSE(pair.a().node->can_take_draft());
  pair.a().handle(CancelDraft{pair.a().kept.front()});
  CHECK(pair.a().node->can_take_draft());
}

TEST_CASE("WhoIsUndiscoverableAppearsOfflineToAllButContacts") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  CHECK_FALSE(view_of(mesh.c(), mesh.a()).online);
  CHECK(count_notices(mesh.c(), "Alice left") == 1);
  CHECK(view_of(mesh.b(), mesh.a()).online);
  CHECK(view_of(mesh.b(), mesh.a()).hidden);
  CHECK(count_notices(mesh.b(), "Alice left") == 0);
  CHECK(count_notices(mesh.b(), "Alice hidden") == 1);
  // It stays so, whatever the others suspect, and with a new prekey too.
  mesh.a().renew_prekey();
  mesh.run(20min);
  CHECK_FALSE(view_of(mesh.c(), mesh.a()).online);
  CHECK(view_of(mesh.b(), mesh.a()).online);
  CHECK(mesh.a().node->links().size() == 2);

  mesh.a().handle(SetDiscoverable{true});
  mesh.run(2s);
  CHECK(view_of(mesh.c(), mesh.a()).online);
  CHECK(view_of(mesh.b(), mesh.a()).online);
  CHECK_FALSE(view_of(mesh.b(), mesh.a()).hidden);
  CHECK(count_notices(mesh.b(), "Alice back") == 1);
  CHECK(count_notices(mesh.b(), "Alice left") == 0);
}

TEST_CASE("WhoLeavesUnseenIsSeenToLeaveByItsContacts") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  mesh.a().handle(Leave{});
  mesh.run(1s);
  CHECK_FALSE(view_of(mesh.b(), mesh.a()).online);
  CHECK(count_notices(mesh.b(), "Alice left") == 1);
  CHECK(count_notices(mesh.c(), "Alice left") == 1);
}

TEST_CASE("WhoCrashesUnseenIsBelievedHereForMinutesAlone") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  mesh.a().crash();
  mesh.links_by_dialling = false;
  mesh.run(6min);
  CHECK_FALSE(view_of(mesh.b(), mesh.a()).online);
  CHECK(count_notices(mesh.b(), "Alice left") == 1);
}

TEST_CASE("WhoIsUndiscoverableRelaysAndReceivesRoomsAndKeepsItsLines") {
  Friends mesh;
  mesh.links_allowed = [](const TestNode& x, const TestNode& y) {
    return x.name == "Alice" || y.name == "Alice";
  };
  mesh.cut_forbidden();
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  mesh.b().say("by way of Alice");
  mesh.run(2s);
  CHECK(mesh.c().heard() == Texts{"by way of Alice"});
  CHECK(mesh.a().heard() == Texts{"by way of Alice"});
  mesh.a().say("first");
  mesh.a().tell(mesh.b(), "in between");
  mesh.a().say("second");
  mesh.run(5s);
  CHECK(mesh.a().node->drafts().size() == 3);
  CHECK(mesh.c().heard().size() == 1);
  mesh.a().handle(SetDiscoverable{true});
  mesh.run(2s);
  CHECK(mesh.c().heard() == Texts{"by way of Alice", "first", "second"});
  CHECK(mesh.b().told() == Texts{"may I?", "in between"});
  CHECK(mesh.a().node->drafts().empty());
}

TEST_CASE("NothingIsOpenedOrAcknowledgedWhileUndiscoverable") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  mesh.b().tell(mesh.a(), "psst");
  mesh.c().tell(mesh.a(), "who are you?");
  mesh.run(5s);
  CHECK(mesh.a().told().empty());
  CHECK(count_notices(mesh.a(), "Carol asks") == 0);
  const auto unopened = mesh.a().store.unopened(mesh.a().key());
  REQUIRE(unopened.size() == 2);
  const auto state_at_bob = [&] {
    for (const auto& [id, direct] : mesh.b().store.directs) {
      if (!direct->own) continue;
      for (const EnvelopePtr& held : mesh.b().store.logs) {
        if (held->id == id)
          return mesh.b().node->delivery_of(mesh.a().key(), id, held->envelope.epoch, direct->number);
      }
    }
    return std::optional<Delivery>();
  };
  CHECK(state_at_bob() == Delivery::kSent);
  // Across a restart too.
  mesh.a().discoverable = false;
  mesh.a().crash();
  mesh.a().start();
  mesh.run(5s);
  CHECK(state_at_bob() == Delivery::kSent);

  mesh.a().handle(SetDiscoverable{true});
  open_late(mesh.a());
  mesh.run(3s);
  CHECK(mesh.a().told() == Texts{"psst"});
  CHECK(count_notices(mesh.a(), "Carol asks") == 1);
  CHECK(state_at_bob() == Delivery::kDelivered);
  open_late(mesh.a());  // twice does nothing
  mesh.run(1s);
  CHECK(mesh.a().told() == Texts{"psst"});
}

// It waited for an earlier one of its author when the local member was to be seen again.
TEST_CASE("WhatIsHeldBackWhileUndiscoverableIsOpenedAfterwards") {
  Friends mesh;
  mesh.links_by_dialling = false;
  mesh.links_allowed = [](const TestNode& x, const TestNode& y) {
    return x.name != "Bob" && y.name != "Bob";
  };
  mesh.b().tell(mesh.a(), "zero");
  mesh.run(2s);
  mesh.a().handle(SetDiscoverable{false});
  mesh.b().commits_held = true;  // nothing leaves but what is handed over here
  const std::size_t before = mesh.b().waiting_commits.size();
  mesh.b().tell(mesh.a(), "one");
  mesh.b().tell(mesh.a(), "two");
  LinkId to_bob = 0;
  for (const auto& [id, wire] : mesh.wires) {
    if (wire.from == &mesh.a() && wire.to == &mesh.c()) to_bob = id;
  }
  Outputs outputs;
  mesh.b().node->flush(mesh.now, outputs);
  std::vector<EnvelopePtr> written;
  for (const Output& output : outputs) {
    const auto* store = std::get_if<Store>(&output);
    if (store != nullptr && store->context.direct) written.push_back(store->envelope);
  }
  REQUIRE(before == 0);
  REQUIRE(written.size() == 1);
  CHECK(written.front()->envelope.seq > 1);
  // Of the next one the one before is missing.
  mesh.b().tell(mesh.a(), "three");
  outputs.clear();
  mesh.b().node->flush(mesh.now, outputs);
  for (const Output& output : outputs) {
    const auto* store = std::get_if<Store>(&output);
    if (store != nullptr && store->context.direct) written.push_back(store->envelope);
  }
  REQUIRE(written.size() == 2);
  mesh.a().handle(EnvelopeReceived{to_bob, true, 0, written[1]});
  mesh.a().handle(SetDiscoverable{true});
  open_late(mesh.a());
  mesh.a().handle(EnvelopeReceived{to_bob, true, 0, written[0]});
  mesh.run(2s);
  CHECK(mesh.a().told() == Texts{"zero", "one", "two", "three"});
}

// Of its epochs standings alone are on the disk: the next run goes on above them.
TEST_CASE("WhoStartsUnseenAfterACleanStopIsStillHeardByItsContacts") {
  Friends mesh;
  const auto newest_epoch = [&] {
    std::uint64_t epoch = 0;
    for (const auto& [key, record] : mesh.b().store.records) {
      const Envelope& fields = record->envelope;
      if (fields.author == mesh.a().key() && fields.kind == static_cast<std::uint16_t>(Kind::kStanding))
        epoch = std::max(epoch, fields.epoch);
    }
    return epoch;
  };
  mesh.a().handle(SetDiscoverable{false});
  mesh.a().discoverable = false;
  mesh.run(2s);
  const std::uint64_t first = newest_epoch();
  mesh.a().crash();
  mesh.a().start();
  mesh.run(3min);
  const std::uint64_t second = newest_epoch();
  CHECK(second > first);
  mesh.a().crash();
  mesh.a().start(true);
  mesh.run(3min);
  CHECK(newest_epoch() > second);
}

TEST_CASE("WhatIsAnsweredWhileUndiscoverableIsHeardAfterwards") {
  Friends mesh;
  mesh.a().tell(mesh.c(), "may I, too?");
  mesh.run(2s);
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(1s);
  mesh.c().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(5s);
  CHECK(count_notices(mesh.a(), "Carol accepted") == 0);
  mesh.a().handle(SetDiscoverable{true});
  mesh.run(2s);
  CHECK(count_notices(mesh.a(), "Carol accepted") == 1);
}

TEST_CASE("ANewcomerThatBeginsUndiscoverableMakesNoClaimUntilItIsSeen") {
  Pair pair;
  TestNode& carol = pair.add("Carol");
  carol.discoverable = false;
  carol.start();
  pair.link(carol, pair.b());
  pair.run(5s);
  CHECK(view_of(pair.a(), carol).name.empty());
  pair.a().say("do you hear?");
  carol.say("not yet");
  pair.run(10s);
  CHECK(carol.heard() == Texts{"do you hear?"});
  CHECK(pair.a().heard() == Texts{"do you hear?"});
  carol.handle(SetDiscoverable{true});
  pair.run(5s);
  CHECK(view_of(pair.a(), carol).online);
  CHECK(pair.a().heard() == Texts{"do you hear?", "not yet"});
}

TEST_CASE("WhoIsBlockedIsNotOpenedUntilItIsUnblocked") {
  Friends mesh;
  mesh.a().handle(SetBlocked{mesh.b().key(), true});
  CHECK(mesh.a().node->access_to(mesh.b().key()) == DirectAccess::kBlocked);
  mesh.b().tell(mesh.a(), "hello?");
  mesh.b().handle(OpenConversation{mesh.a().key(), true});
  mesh.b().say("to all");
  mesh.run(3s);
  CHECK(mesh.a().told().empty());
  CHECK(mesh.a().conversations.empty());
  CHECK(mesh.a().heard() == Texts{"to all"});  // hiding is the screen's
  mesh.a().blocked = {mesh.b().key()};
  mesh.a().crash();
  mesh.a().start();
  mesh.run(2s);
  mesh.b().tell(mesh.a(), "are you there?");
  mesh.run(3s);
  CHECK(mesh.a().told().empty());
  mesh.a().handle(SetBlocked{mesh.b().key(), false});
  open_late(mesh.a());
  mesh.run(2s);
  CHECK(mesh.a().told() == Texts{"hello?", "are you there?"});
}

TEST_CASE("WhatWasReadIsToldWhenItIsAllowedAndStaysTold") {
  Friends mesh;
  mesh.a().tell(mesh.b(), "one");
  mesh.run(2s);
  mesh.a().tell(mesh.b(), "two");
  mesh.run(2s);
  const std::uint64_t epoch = mesh.a().store.logs.back()->envelope.epoch;
  const auto delivery = [&](std::uint64_t number) {
    return mesh.a().node->delivery_of(mesh.b().key(), EnvelopeId{}, epoch, number);
  };
  CHECK(delivery(2) == Delivery::kDelivered);
  mesh.b().handle(ReadTo{mesh.a().key(), {{epoch, 2}}});
  mesh.run(2s);
  CHECK(delivery(1) == Delivery::kRead);
  CHECK(delivery(2) == Delivery::kRead);
  CHECK(delivery(3) == Delivery::kDelivered);
  // The reader's restart takes nothing back, and less is no news.
  mesh.b().crash();
  mesh.b().start();
  mesh.run(2s);
  mesh.b().handle(ReadTo{mesh.a().key(), {{epoch, 1}}});
  mesh.a().tell(mesh.b(), "three");
  mesh.run(3s);
  CHECK(delivery(2) == Delivery::kRead);
  CHECK(mesh.b().told().size() == 4);
}

TEST_CASE("ALineToSomebodyWithoutAKeyWaitsForOne") {
  TestMesh mesh;
  TestNode& alice = mesh.add("Alice");
  TestNode& bob = mesh.add("Bob");
  alice.start();
  bob.agreement.reset();  // an older version: its record names no key
  bob.prekeys.clear();
  bob.start();
  mesh.link(bob, alice);
  mesh.run(2s);
  REQUIRE(alice.node->access_to(bob.key()) == DirectAccess::kNoKey);
  alice.tell(bob, "one");
  alice.tell(bob, "two");
  alice.say("rooms go on");
  mesh.run(2s);
  CHECK(alice.node->drafts().size() == 2);
  CHECK(bob.heard() == Texts{"rooms go on"});
  bob.crash();
  KeySeed seed{};
  seed[0] = 2;
  bob.agreement = make_x25519_agreement(seed);
  bob.start();
  bob.renew_prekey();
  mesh.run(3s);
  CHECK(alice.node->drafts().empty());
  bob.handle(AnswerRequest{alice.key(), true});
  CHECK(bob.told() == Texts{"one", "two"});
}

TEST_CASE("NeighborsThatTookALineAreCounted") {
  Friends mesh;
  mesh.a().say("hello");
  mesh.run(2s);
  const EnvelopeId id = mesh.a().store.logs.back()->id;
  CHECK(mesh.a().node->takers_of(id) == 2);
  mesh.a().crash();
  mesh.a().start();
  CHECK(mesh.a().node->takers_of(id) == 1);  // so much is sure
}

TEST_CASE("WhoIsBlockedIsToldNothing") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  REQUIRE(view_of(mesh.b(), mesh.a()).online);
  mesh.a().handle(SetBlocked{mesh.b().key(), true});
  mesh.run(3s);
  CHECK_FALSE(view_of(mesh.b(), mesh.a()).online);  // told a last time
  const std::uint64_t told = mesh.a().counter("standings_sent");
  mesh.b().tell(mesh.a(), "hello?");
  mesh.run(10min);
  CHECK(mesh.a().counter("standings_sent") == told);
  mesh.a().handle(ReadTo{mesh.b().key(), {{1, 1}}});
  mesh.run(5s);
  CHECK(mesh.a().counter("standings_sent") == told);
  mesh.a().handle(SetBlocked{mesh.b().key(), false});
  mesh.run(3s);
  CHECK(view_of(mesh.b(), mesh.a()).online);
}

TEST_CASE("WhatABlockedOneAnsweredIsHeardWhenItIsUnblocked") {
  Friends mesh;
  mesh.a().tell(mesh.c(), "may I, too?");
  mesh.run(2s);
  mesh.a().handle(SetBlocked{mesh.c().key(), true});
  mesh.c().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(5s);
  CHECK(count_notices(mesh.a(), "Carol accepted") == 0);
  mesh.a().handle(SetBlocked{mesh.c().key(), false});
  mesh.run(2s);
  CHECK(count_notices(mesh.a(), "Carol accepted") == 1);
}

TEST_CASE("WhoIsNotSeenSignsNothingForOthers") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(3s);
  const auto of_alice = [&] {
    std::size_t count = 0;
    for (const auto& [key, record] : mesh.c().store.records)
      count += std::get<0>(key) == mesh.a().key() ? 1 : 0;
    return count;
  };
  const std::size_t before = of_alice();
  const std::uint64_t accepted = mesh.c().counter("envelopes_accepted");
  mesh.b().crash();
  mesh.run(30s);  // Alice would have suspected him aloud
  CHECK(of_alice() == before);
  CHECK(mesh.c().counter("envelopes_accepted") == accepted);
  // A newcomer that knows her alone has no sponsor, and is none the less a neighbor.
  mesh.links_by_dialling = false;
  TestNode& dave = mesh.add("Dave");
  dave.start();
  mesh.link(dave, mesh.a());
  mesh.run(10s);
  CHECK(view_of(mesh.a(), dave).name.empty());
  mesh.a().handle(SetDiscoverable{true});
  mesh.run(5s);
  CHECK(view_of(mesh.a(), dave).online);
}

TEST_CASE("WhatStandsBehindDraftsInTheLogIsFloodedBehindThem") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  mesh.a().say("kept");
  mesh.run();
  mesh.a().commits_held = true;
  mesh.a().handle(SetDiscoverable{true});
  mesh.run();
  mesh.a().say("typed afterwards", "#dev");
  mesh.run(2s);
  CHECK(mesh.b().heard().empty());  // the first one may yet be lost by a crash
  mesh.a().crash();
  mesh.a().commits_held = false;
  mesh.a().start();
  mesh.run(3s);
  CHECK(mesh.b().heard() == Texts{"kept"});  // what was not acknowledged is gone
}

TEST_CASE("ALineForAPrivateRoomWithoutItsKeyWaits") {
  Pair pair;
  pair.cut(pair.a(), pair.b());
  pair.links_by_dialling = false;
  pair.run(1s);
  pair.a().say("secret", "#board~1a2b3c4d");  // as after the loss of the file with the keys
  pair.a().say("open");
  pair.run();
  pair.a().crash();
  pair.a().start();
  pair.link(pair.a(), pair.b());
  pair.run(2s);
  CHECK(pair.b().heard() == Texts{"open"});
  REQUIRE(pair.a().node->drafts().size() == 1);
  pair.a().handle(CancelDraft{pair.a().node->drafts().front().number});
  CHECK(pair.a().store.drafts.empty());
}

TEST_CASE("LinesThatWaitForTheOwnBudgetAreListedAndCanBeTakenBack") {
  Friends mesh;
  mesh.a().handle(SetDiscoverable{false});
  mesh.run(2s);
  constexpr int kLines = 1500;  // above a burst: each in an envelope of its own
  for (int i = 0; i < kLines; ++i) mesh.a().say(std::to_string(i), i % 2 == 0 ? "#even" : "#odd");
  mesh.a().handle(SetDiscoverable{true});
  mesh.run(100ms);
  const auto waiting = mesh.a().node->drafts();
  REQUIRE(waiting.size() > 100);
  CHECK(waiting.size() < kLines);
  mesh.a().handle(CancelDraft{waiting.back().number});
  CHECK(mesh.a().node->drafts().size() == waiting.size() - 1);
  mesh.run(30s);
  CHECK(mesh.a().node->drafts().empty());
  CHECK(mesh.a().store.drafts.empty());
  CHECK(mesh.b().heard().size() == kLines - 1);
  CHECK(mesh.b().heard().back() != waiting.back().text);
}

}  // namespace
}  // namespace p2pmesh::test
