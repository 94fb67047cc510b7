// The broadcast alone: which links become lazy, and what lazy links are told.
#include "broadcast.h"

#include <doctest/doctest.h>

#include <map>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kA = 10;
constexpr LinkId kB = 20;
constexpr LinkId kC = 30;

/// One node with three neighbors, in partial views.
struct Fixture {
  Fixture() { start(); }

  void start() {
    outputs.clear();
    broadcast.emplace(parameters, 7);
    Turn turn{now, outputs};
    broadcast->set_partial(true, turn);
    for (LinkId link : {kA, kB, kC}) broadcast->on_link_up(link, false, turn);
    outputs.clear();
  }

  EnvelopePtr text(std::uint8_t author, std::uint8_t id) {
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->envelope.author.bytes[0] = author;
    sealed->id.bytes[0] = id;
    sealed->id.bytes[1] = ++texts;
    sealed->encoded = Bytes(50);
    return sealed;
  }
  template <class Act>
  void act(Act what) {
    Turn turn{now, outputs};
    what(turn);
  }
  void receive(const EnvelopePtr& envelope, LinkId from, std::uint16_t round = 3) {
    act([&](Turn& turn) { broadcast->on_received(envelope, from, round, turn); });
  }
  void copy(const EnvelopePtr& envelope, LinkId from, std::uint16_t round = 4) {
    act([&](Turn& turn) { broadcast->on_duplicate(from, envelope->id, round, turn); });
  }
  void pruned_by(LinkId link) {
    act([&](Turn& turn) { broadcast->on_prune(link, Prune{}, turn); });
  }
  /// A neighbor's heartbeat.
  void place(LinkId link, std::uint16_t distance, bool over_this_link = false) {
    const TreePlace said{1, distance, 0, over_this_link};
    act([&](Turn& turn) { broadcast->on_place(link, said, 20ms, turn); });
  }
  void hang_from(std::uint8_t root, bool is_self = false) {
    MemberKey key;
    key.bytes[0] = root;
    key.bytes[17] = root;
    act([&](Turn& turn) { broadcast->set_root(key, is_self, turn); });
  }
  void pass(Duration time) {
    now.monotonic += time;
    act([&](Turn& turn) { broadcast->on_wake(turn); });
  }
  /// The frames of a type that went to a link since the last call for any link and that type.
  std::size_t sent(FrameType type, LinkId link) {
    return static_cast<std::size_t>(std::count_if(outputs.begin(), outputs.end(), [&](const Output& output) {
      const auto* frame = std::get_if<SendFrame>(&output);
      return frame != nullptr && frame->link == link && static_cast<FrameType>((*frame->frame)[4]) == type;
    }));
  }
  SharedBytes last(FrameType type, LinkId link) {
    SharedBytes found;
    for (const Output& output : outputs) {
      const auto* frame = std::get_if<SendFrame>(&output);
      if (frame != nullptr && frame->link == link && static_cast<FrameType>((*frame->frame)[4]) == type)
        found = frame->frame;
    }
    return found;
  }

  ProtocolParameters parameters;
  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  std::optional<Broadcast> broadcast;
  std::uint8_t texts = 0;
};

TEST_CASE_FIXTURE(Fixture, "LazyLinksAreToldTogetherOfWhatWasNotPushed") {
  pruned_by(kB);
  pruned_by(kC);
  const EnvelopePtr first = text(1, 1);
  const EnvelopePtr second = text(1, 2);
  receive(first, kA);
  receive(second, kA);
  CHECK(sent(FrameType::kGossip, kB) == 0);
  CHECK(sent(FrameType::kIHave, kB) == 0);
  pass(parameters.ihave_interval);
  REQUIRE(sent(FrameType::kIHave, kB) == 1);
  REQUIRE(sent(FrameType::kIHave, kC) == 1);
  CHECK(sent(FrameType::kIHave, kA) == 0);
  CHECK(last(FrameType::kIHave, kB) == last(FrameType::kIHave, kC));
  const auto ihave = decode_ihave(ByteView(*last(FrameType::kIHave, kB)).subspan(limits::kFrameHeaderBytes));
  REQUIRE(ihave);
  REQUIRE(ihave->items.size() == 2);
  CHECK(ihave->items[0].id == first->id);
  CHECK(ihave->items[1].id == second->id);
  pass(parameters.ihave_interval);
  CHECK(sent(FrameType::kIHave, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "ALinkIsNotToldOfWhatCameOverItNorOfWhatItWasPushed") {
  receive(text(1, 1), kA);
  pruned_by(kA);
  pruned_by(kB);
  const EnvelopePtr later = text(1, 2);
  receive(later, kA);
  pass(parameters.ihave_interval);
  CHECK(sent(FrameType::kIHave, kA) == 0);
  const auto ihave = decode_ihave(ByteView(*last(FrameType::kIHave, kB)).subspan(limits::kFrameHeaderBytes));
  REQUIRE(ihave);
  REQUIRE(ihave->items.size() == 1);
  CHECK(ihave->items[0].id == later->id);
}

TEST_CASE_FIXTURE(Fixture, "WhoAsksForALinkHearsAtOnceOfWhatWaits") {
  pruned_by(kB);
  receive(text(1, 1), kA);
  act([&](Turn& turn) { broadcast->on_graft(kB, Graft{}, turn); });
  CHECK(sent(FrameType::kIHave, kB) == 1);
  receive(text(1, 2), kA);
  CHECK(sent(FrameType::kGossip, kB) == 1);
  pass(parameters.ihave_interval);
  CHECK(sent(FrameType::kIHave, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "OnlyALinkThatIsFasterThreeTimesTakesThePlaceOfTheParent") {
  for (std::uint8_t i = 0; i < 3; ++i) {
    const EnvelopePtr envelope = text(1, 1);
    receive(envelope, kA);
    now.monotonic += 2s;
  }
  for (int i = 0; i < 2; ++i) {
    const EnvelopePtr envelope = text(1, 1);
    receive(envelope, kB);
    copy(envelope, kA);
    CHECK(sent(FrameType::kPrune, kA) == 0);
  }
  SUBCASE("the parent was the faster one in between") {
    receive(text(1, 1), kA);
    const EnvelopePtr envelope = text(1, 1);
    receive(envelope, kB);
    copy(envelope, kA);
    CHECK(sent(FrameType::kPrune, kA) == 0);
  }
  SUBCASE("a third time in succession") {
    const EnvelopePtr envelope = text(1, 1);
    receive(envelope, kB);
    copy(envelope, kA);
    CHECK(sent(FrameType::kPrune, kA) == 1);
  }
  SUBCASE("the newcomer's copy comes second") {
    const EnvelopePtr envelope = text(1, 1);
    receive(envelope, kA);
    copy(envelope, kB);
    CHECK(sent(FrameType::kPrune, kB) == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "OfSeveralAuthorsTheSmallestIdShapesTheTree") {
  const EnvelopePtr large = text(1, 9);
  const EnvelopePtr small = text(2, 3);
  receive(large, kA);
  receive(small, kB);
  copy(large, kB);
  copy(small, kA);
  CHECK(sent(FrameType::kPrune, kA) + sent(FrameType::kPrune, kB) == 0);
  pass(parameters.prune_gather);
  // By the other one kB would be pruned as well, and nothing would be left.
  CHECK(sent(FrameType::kPrune, kA) == 1);
  CHECK(sent(FrameType::kPrune, kB) == 0);
}

TEST_CASE_FIXTURE(Fixture, "ASmallerIdThatComesWhileACopyWaitsTakesItsPlace") {
  const EnvelopePtr other = text(3, 8);
  receive(other, kA);
  const EnvelopePtr large = text(1, 9);
  const EnvelopePtr small = text(2, 3);
  receive(large, kA);
  copy(large, kB);
  pass(parameters.prune_gather / 2);
  receive(small, kB);
  pass(parameters.prune_gather / 2);
  CHECK(sent(FrameType::kPrune, kB) == 0);
  copy(small, kC);
  pass(parameters.prune_gather / 2);
  CHECK(sent(FrameType::kPrune, kC) == 0);  // its time is not over: each waits for itself
  pass(parameters.prune_gather / 2);
  CHECK(sent(FrameType::kPrune, kC) == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhileTheTreeIsCutForOneBroadcastNoOtherIsChosen") {
  const auto weigh_copy = [&](const EnvelopePtr& envelope, LinkId link) {
    receive(envelope, kA);
    copy(envelope, link);
    pass(parameters.prune_gather);
  };
  receive(text(4, 9), kA);
  weigh_copy(text(1, 5), kB);
  CHECK(sent(FrameType::kPrune, kB) == 1);
  pass(100ms);
  weigh_copy(text(2, 3), kC);
  CHECK(sent(FrameType::kPrune, kC) == 0);
  pass(3s);
  weigh_copy(text(3, 1), kC);
  CHECK(sent(FrameType::kPrune, kC) == 1);
}

TEST_CASE_FIXTURE(Fixture, "AWayThatIsEagerAtOneEndAloneBecomesOneAtBoth") {
  receive(text(1, 1), kA);
  pass(2s);
  outputs.clear();
  const EnvelopePtr envelope = text(1, 1);
  SUBCASE("the other end's prune crossed a graft") {
    pruned_by(kB);
    receive(envelope, kB);
    receive(text(1, 2), kA);
    CHECK(sent(FrameType::kGossip, kB) == 1);
  }
  SUBCASE("not what was on its way when this end pruned it") {
    receive(envelope, kA);
    copy(envelope, kB);
    REQUIRE(sent(FrameType::kPrune, kB) == 1);
    pass(100ms);
    receive(text(1, 2), kB);
    receive(text(1, 3), kA);
    CHECK(sent(FrameType::kGossip, kB) == 1);  // the first one alone
    pass(500ms);
    receive(text(1, 4), kB);
    receive(text(1, 5), kA);
    CHECK(sent(FrameType::kGossip, kB) == 2);
  }
}

TEST_CASE_FIXTURE(Fixture, "WhatWasOnItsWayWhenALinkWasAskedForPrunesNothing") {
  receive(text(1, 1), kA);
  now.monotonic += 2s;
  pruned_by(kB);
  act([&](Turn& turn) { broadcast->on_graft(kB, Graft{}, turn); });
  EnvelopePtr envelope = text(1, 1);
  receive(envelope, kA);
  copy(envelope, kB);
  CHECK(sent(FrameType::kPrune, kB) == 0);
  now.monotonic += 1s;
  envelope = text(1, 1);
  receive(envelope, kA);
  copy(envelope, kB);
  CHECK(sent(FrameType::kPrune, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "AShorterWayIsTriedLaterAndOnlyForASingleAuthor") {
  const auto announce_shorter = [&](const EnvelopePtr& envelope) {
    act([&](Turn& turn) { broadcast->on_ihave(kB, IHave{{{envelope->id, 1}}}, turn); });
  };
  receive(text(1, 1), kA, 9);
  pruned_by(kB);
  now.monotonic += 2s;
  EnvelopePtr envelope = text(1, 2);
  receive(envelope, kA, 9);
  announce_shorter(envelope);
  CHECK(sent(FrameType::kGraft, kB) == 0);  // others nearer to the author come first
  now.monotonic += parameters.optimisation_interval;
  envelope = text(2, 2);
  receive(envelope, kA, 9);
  announce_shorter(envelope);
  CHECK(sent(FrameType::kGraft, kB) == 0);  // another author: the tree is contested
  now.monotonic += 2s;
  envelope = text(2, 3);
  receive(envelope, kA, 9);
  announce_shorter(envelope);
  CHECK(sent(FrameType::kGraft, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "TwoFramesGoAtOnceAndThenOneAWindow") {
  parameters.payload_window = 100ms;
  start();
  receive(text(1, 1), kA);
  receive(text(1, 2), kA);
  CHECK(sent(FrameType::kGossip, kB) == 2);
  receive(text(1, 3), kA);
  receive(text(1, 4), kA);
  CHECK(sent(FrameType::kGossip, kB) == 2);
  pass(99ms);
  CHECK(sent(FrameType::kGossip, kB) == 2);
  pass(1ms);
  REQUIRE(sent(FrameType::kGossip, kB) == 3);
  const auto gossip =
      decode_gossip(ByteView(*last(FrameType::kGossip, kB)).subspan(limits::kFrameHeaderBytes));
  REQUIRE(gossip);
  CHECK(gossip->items.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "WhatWaitsForALinkGoesBeforeItsPrune") {
  parameters.payload_window = 100ms;
  start();
  receive(text(1, 1), kA);
  pass(1s);  // one author alone: a copy prunes at once
  outputs.clear();
  receive(text(1, 1), kA);
  receive(text(1, 2), kA);
  const EnvelopePtr waiting = text(1, 3);
  receive(waiting, kA);
  copy(waiting, kB);
  std::vector<FrameType> types;
  for (const Output& output : outputs) {
    const auto* frame = std::get_if<SendFrame>(&output);
    if (frame != nullptr && frame->link == kB) types.push_back(static_cast<FrameType>((*frame->frame)[4]));
  }
  REQUIRE(types.size() == 4);
  CHECK(types[2] == FrameType::kGossip);
  CHECK(types[3] == FrameType::kPrune);
}

TEST_CASE_FIXTURE(Fixture, "FullFramesDoNotMakeLaterOnesWaitLongerThanAWindow") {
  parameters.payload_window = 100ms;
  start();
  for (std::uint8_t i = 0; i < 50; ++i) {
    auto large = std::make_shared<SealedEnvelope>(*text(1, i));
    large->encoded = Bytes(limits::kFrameBytesMax - 100);
    receive(large, kA);
  }
  pass(100ms);
  CHECK(sent(FrameType::kGossip, kB) == 50);
}

TEST_CASE_FIXTURE(Fixture, "ASlowLinkIsPrunedWhileSeveralWriteToo") {
  receive(text(1, 5), kA);
  const EnvelopePtr envelope = text(2, 4);
  receive(envelope, kA);
  for (int i = 0; i < 3; ++i) {
    now.monotonic += 300ms;
    receive(text(static_cast<std::uint8_t>(i), 7), kA);  // several authors all the time
  }
  copy(envelope, kB);
  pass(parameters.prune_gather);
  CHECK(sent(FrameType::kPrune, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "ALinkBesideAWayBeginsLazyOnceItsNodeIsNoNewcomer") {
  const auto begin = [&](LinkId link) { act([&](Turn& turn) { broadcast->on_link_up(link, false, turn); }); };
  receive(text(1, 1), kA);
  pass(9s);
  begin(40);
  CHECK(sent(FrameType::kGraft, 40) == 1);  // no 10 seconds old: it looks for the shortest way
  pass(1s);
  begin(50);
  CHECK(sent(FrameType::kGraft, 50) == 0);
  receive(text(1, 2), kA);
  CHECK(sent(FrameType::kGossip, 40) == 1);
  CHECK(sent(FrameType::kGossip, 50) == 0);
  act([&](Turn& turn) { broadcast->on_graft(50, Graft{}, turn); });  // the other end has no way
  receive(text(1, 3), kA);
  CHECK(sent(FrameType::kGossip, 50) == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhoseWayIsGoneAsksForEveryNewLink") {
  receive(text(1, 1), kA);
  pass(60s);
  act([&](Turn& turn) { broadcast->on_link_down(kA, turn); });
  act([&](Turn& turn) { broadcast->on_link_up(40, false, turn); });
  CHECK(sent(FrameType::kGraft, 40) == 1);
  receive(text(1, 2), kB);
  CHECK(sent(FrameType::kGossip, 40) == 1);
}

TEST_CASE_FIXTURE(Fixture, "TheHopsOfAPayloadAreCountedUpTo65535") {
  const auto sent_round = [&] {
    const auto gossip =
        decode_gossip(ByteView(*last(FrameType::kGossip, kB)).subspan(limits::kFrameHeaderBytes));
    REQUIRE(gossip);
    return gossip->items.front().round;
  };
  receive(text(1, 1), kA, 65534);
  CHECK(sent_round() == 65535);
  const EnvelopePtr farthest = text(1, 2);
  receive(farthest, kA, 65535);
  CHECK(sent_round() == 65535);
  // What was kept for those who ask is counted likewise.
  outputs.clear();
  act([&](Turn& turn) { broadcast->on_graft(kB, Graft{{farthest->id}}, turn); });
  CHECK(sent_round() == 65535);
}

TEST_CASE_FIXTURE(Fixture, "ALinkBetweenTwoComponentsIsAskedFor") {
  receive(text(1, 1), kA);
  pass(60s);
  act([&](Turn& turn) { broadcast->on_link_up(40, true, turn); });
  CHECK(sent(FrameType::kGraft, 40) == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhoAnnouncesAgainIsNotAskedAgain") {
  const EnvelopePtr missing = text(1, 1);
  pruned_by(kA);
  pruned_by(kB);
  const auto announce = [&](LinkId link, std::uint16_t round) {
    act([&](Turn& turn) { broadcast->on_ihave(link, IHave{{{missing->id, round}}}, turn); });
  };
  announce(kA, 0);
  announce(kB, 5);
  pass(parameters.graft_timeout);
  CHECK(sent(FrameType::kGraft, kA) == 1);
  announce(kA, 0);  // and sends nothing
  pass(parameters.graft_retry);
  CHECK(sent(FrameType::kGraft, kA) == 1);
  CHECK(sent(FrameType::kGraft, kB) == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhatIsMissingIsAskedOfTheOneNearestToTheAuthor") {
  const EnvelopePtr missing = text(1, 1);
  pruned_by(kA);
  pruned_by(kB);
  pruned_by(kC);
  const auto announce = [&](LinkId link, std::uint16_t round) {
    act([&](Turn& turn) { broadcast->on_ihave(link, IHave{{{missing->id, round}}}, turn); });
  };
  announce(kA, 7);
  announce(kB, 3);
  announce(kC, 3);
  pass(parameters.graft_timeout);
  CHECK(sent(FrameType::kGraft, kA) == 0);
  CHECK(sent(FrameType::kGraft, kB) == 1);
  CHECK(sent(FrameType::kGraft, kC) == 0);
  pass(parameters.graft_retry);
  CHECK(sent(FrameType::kGraft, kC) == 1);
  CHECK(sent(FrameType::kGraft, kA) == 0);
  pass(parameters.graft_retry);
  CHECK(sent(FrameType::kGraft, kA) == 1);
}

TEST_CASE_FIXTURE(Fixture, "InTheCommonTreeTheOldWayIsLeftOnceTheNewOneBroughtSomething") {
  hang_from(1);
  place(kA, 100);
  CHECK(sent(FrameType::kGraft, kA) == 1);
  pruned_by(kB);
  place(kB, 50);
  CHECK(sent(FrameType::kGraft, kB) == 1);
  receive(text(1, 1), kA);
  CHECK(sent(FrameType::kGossip, kB) == 1);
  CHECK(sent(FrameType::kPrune, kA) == 0);
  const EnvelopePtr envelope = text(2, 2);
  SUBCASE("first") {
    receive(envelope, kB);
  }
  SUBCASE("second") {
    receive(envelope, kA);
    copy(envelope, kB);
  }
  CHECK(sent(FrameType::kPrune, kA) == 1);
  outputs.clear();
  receive(text(3, 3), kB);
  CHECK(sent(FrameType::kGossip, kA) == 0);
}

TEST_CASE_FIXTURE(Fixture, "InTheCommonTreeSpareLinksArePrunedAndWaysAreNot") {
  hang_from(1);
  place(kA, 50);
  place(kB, 120, true);
  CHECK(sent(FrameType::kPrune, kA) + sent(FrameType::kPrune, kB) == 0);
  place(kC, 55);
  CHECK(sent(FrameType::kPrune, kC) == 1);
  for (std::uint8_t author = 1; author < 5; ++author) {
    const EnvelopePtr envelope = text(author, author);
    receive(envelope, author % 2 == 0 ? kA : kB);
    copy(envelope, author % 2 == 0 ? kB : kA);
    pass(parameters.prune_gather);
  }
  CHECK(sent(FrameType::kPrune, kA) + sent(FrameType::kPrune, kB) == 0);
  act([&](Turn& turn) { broadcast->on_graft(kC, Graft{}, turn); });  // it chose this node
  copy(text(1, 1), kC);
  place(kC, 120, true);
  CHECK(sent(FrameType::kPrune, kC) == 1);
}

TEST_CASE_FIXTURE(Fixture, "ALinkThatBroughtWhatWasMissingStaysForAWhile") {
  hang_from(1);
  place(kA, 50);
  place(kB, 55);
  REQUIRE(sent(FrameType::kPrune, kB) == 1);
  const EnvelopePtr missing = text(1, 1);
  act([&](Turn& turn) { broadcast->on_ihave(kB, IHave{{{missing->id, 3}}}, turn); });
  pass(parameters.graft_timeout);
  REQUIRE(sent(FrameType::kGraft, kB) == 1);
  receive(missing, kB);
  now.monotonic += 4s;
  place(kA, 50);
  place(kB, 55);
  CHECK(sent(FrameType::kPrune, kB) == 1);
  now.monotonic += 1s;
  place(kB, 55);
  CHECK(sent(FrameType::kPrune, kB) == 2);
}

TEST_CASE_FIXTURE(Fixture, "AWayThatPrunesIsAskedAgain") {
  hang_from(1);
  place(kA, 50);
  pruned_by(kA);
  CHECK(sent(FrameType::kGraft, kA) == 2);
  receive(text(1, 1), kB);
  CHECK(sent(FrameType::kGossip, kA) == 1);
}

TEST_CASE_FIXTURE(Fixture, "WhoseWayIsLostTakesTheNextOneAtOnce") {
  hang_from(1);
  place(kA, 50);
  place(kB, 55);
  act([&](Turn& turn) { broadcast->on_link_down(kA, turn); });
  CHECK(sent(FrameType::kGraft, kB) == 1);
  CHECK(broadcast->place_for(kB, now.monotonic)->over_this_link);
  CHECK(broadcast->place_for(kB, now.monotonic)->distance == 75);
}

TEST_CASE_FIXTURE(Fixture, "AnotherRootLeavesTheLinksAsTheyAreUntilItsDistancesCome") {
  hang_from(7);
  place(kA, 50);
  place(kB, 55);
  CHECK_FALSE(broadcast->place_for(kA, now.monotonic));
  CHECK(broadcast->eager() == 3);
  hang_from(1);
  CHECK(broadcast->place_for(kA, now.monotonic)->over_this_link);
  pruned_by(kC);
  hang_from(7, true);
  CHECK(broadcast->place_for(kA, now.monotonic)->distance == 0);
  CHECK(broadcast->eager() == 2);
}

TEST_CASE_FIXTURE(Fixture, "AFullMeshTellsNoPlaces") {
  hang_from(1, true);
  REQUIRE(broadcast->place_for(kA, now.monotonic));
  act([&](Turn& turn) { broadcast->set_partial(false, turn); });
  CHECK_FALSE(broadcast->place_for(kA, now.monotonic));
  hang_from(1);
  place(kA, 50);
  CHECK(sent(FrameType::kGraft, kA) == 0);
  act([&](Turn& turn) { broadcast->set_partial(true, turn); });
  CHECK_FALSE(broadcast->place_for(kA, now.monotonic));  // the root may be another one by now
  CHECK(sent(FrameType::kGraft, kA) == 1);
}

}  // namespace
}  // namespace p2pmesh
