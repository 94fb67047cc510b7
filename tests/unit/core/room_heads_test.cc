#include "room_heads.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

SealedEnvelope envelope(std::uint8_t id, std::uint64_t depth, std::vector<EnvelopeId> parents = {}) {
  SealedEnvelope sealed;
  sealed.id.bytes[0] = id;
  sealed.envelope.author.bytes[0] = id;
  sealed.envelope.room = "#lobby";
  sealed.envelope.depth = depth;
  sealed.envelope.parents = std::move(parents);
  return sealed;
}

TEST_CASE("TheFirstEnvelopeOfARoomHasNoParentAndDepthOne") {
  const Placement placement = RoomHeads().place("#lobby");
  CHECK(placement.parents.empty());
  CHECK(placement.depth == 1);
}

TEST_CASE("AnEnvelopeTakesItsParentsPlaceAmongTheHeads") {
  RoomHeads heads;
  const auto first = envelope(1, 1);
  const auto second = envelope(2, 2, {first.id});
  heads.on_envelope(first);
  heads.on_envelope(second);
  CHECK(heads.place("#lobby").parents == std::vector<EnvelopeId>{second.id});
  CHECK(heads.place("#lobby").depth == 3);
  CHECK(heads.place("#other").depth == 1);
}

TEST_CASE("AParentThatComesAfterItsChildIsNoHead") {
  RoomHeads heads;
  const auto first = envelope(1, 1);
  const auto second = envelope(2, 2, {first.id});
  heads.on_envelope(second);
  heads.on_envelope(first);
  CHECK(heads.place("#lobby").parents == std::vector<EnvelopeId>{second.id});
}

TEST_CASE("OnlyTheDeepestHeadsAreNamedAndTheOwnLastAlways") {
  RoomHeads heads;
  heads.on_own(envelope(100, 1));
  for (std::uint8_t i = 0; i < 20; ++i) heads.on_envelope(envelope(i, 10U + i));
  const Placement placement = heads.place("#lobby");
  REQUIRE(placement.parents.size() == limits::kParentsMax);
  CHECK(placement.depth == 30);
  CHECK(std::is_sorted(placement.parents.begin(), placement.parents.end()));
  CHECK(placement.parents.back().bytes[0] == 100);
}

TEST_CASE("AHeadFarDeeperThanAllOthersIsNotFollowed") {
  RoomHeads heads;
  heads.on_envelope(envelope(1, 5));
  heads.on_envelope(envelope(2, 5 + limits::kDepthLeadMax + 1));
  CHECK(heads.place("#lobby").depth == 6);
  CHECK(heads.deepest(8).size() == 1);
  SUBCASE("a head within the lead is") {
    heads.on_envelope(envelope(3, 5 + limits::kDepthLeadMax));
    CHECK(heads.place("#lobby").depth > limits::kDepthLeadMax);
  }
}

TEST_CASE("ALiarDoesNotVouchForItselfWithASecondEnvelope") {
  RoomHeads heads;
  heads.on_envelope(envelope(1, 5));
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto deep = envelope(2, limits::kDepthMax - i);
    deep.id.bytes[1] = static_cast<std::uint8_t>(i);
    heads.on_envelope(deep);
  }
  CHECK(heads.place("#lobby").depth == 6);
}

TEST_CASE("WhoNamesWhatIsAsDeepAsItselfTakesNoHeadAway") {
  RoomHeads heads;
  heads.on_envelope(envelope(1, 50));
  SUBCASE("that is there") {
    heads.on_envelope(envelope(2, 1, {envelope(1, 50).id, envelope(3, 60).id}));
    heads.on_envelope(envelope(3, 60));
  }
  SUBCASE("that comes later") {
    heads.on_envelope(envelope(2, 60, {envelope(3, 60).id}));
    heads.on_envelope(envelope(3, 60));
  }
  CHECK(heads.place("#lobby").depth == 61);
  const auto& parents = heads.place("#lobby").parents;
  CHECK(std::count(parents.begin(), parents.end(), envelope(3, 60).id) == 1);
}

TEST_CASE("AfterARestartADepthThatOneLiarHasToldIsStillNotFollowed") {
  const MemberKey self = envelope(9, 1).envelope.author;
  RoomHeads heads;
  heads.restore({"#lobby", {envelope(2, 1).id, limits::kDepthMax}, envelope(2, 1).envelope.author}, self);
  heads.restore({"#lobby", {envelope(1, 1).id, 5}, envelope(1, 1).envelope.author, false}, self);
  CHECK(heads.place("#lobby").depth == 1);
  heads.restore({"#lobby", {envelope(9, 1).id, 7}, self, false}, self);
  CHECK(heads.place("#lobby").depth == 8);
}

TEST_CASE("WhatIsWrittenAfterARestartLiesBelowTheOwnLastWhateverTheHeadsAre") {
  const MemberKey self = envelope(9, 1).envelope.author;
  RoomHeads heads;
  heads.restore({"#lobby", {envelope(1, 1).id, 5}, envelope(1, 1).envelope.author}, self);
  heads.restore({"#lobby", {envelope(9, 1).id, 70}, self, false}, self);
  CHECK(heads.place("#lobby").depth == 71);
  CHECK(heads.place("#lobby").parents == std::vector<EnvelopeId>{envelope(1, 1).id});
}

TEST_CASE("NoDepthPassesTheGreatestOne") {
  RoomHeads heads;
  heads.on_envelope(envelope(1, limits::kDepthMax));
  CHECK(heads.place("#lobby").depth == limits::kDepthMax);
}

TEST_CASE("TheQuietestRoomMakesPlaceForANewOneButNeverOneThatIsWrittenIn") {
  RoomHeads heads;
  auto own = envelope(1, 7);
  heads.on_own(own);  // #lobby, the oldest
  for (std::size_t i = 0; i < limits::kRoomsMax + 10; ++i) {
    auto other = envelope(2, 3);
    other.envelope.room = "#r" + std::to_string(i);
    heads.on_envelope(other);
  }
  CHECK(heads.place("#lobby").depth == 8);
  CHECK(heads.place("#r5").depth == 1);
  CHECK(heads.place("#r" + std::to_string(limits::kRoomsMax + 9)).depth == 4);
}

TEST_CASE("HeadsAreBoundedAndTheShallowestGoFirst") {
  RoomHeads heads;
  for (std::size_t i = 0; i < limits::kHeadsPerRoomMax + 10; ++i) {
    auto head = envelope(0, 1 + i);
    head.id.bytes[1] = static_cast<std::uint8_t>(i);
    head.id.bytes[2] = 1;
    heads.on_envelope(head);
  }
  const auto deepest = heads.deepest(1000);
  CHECK(deepest.size() == limits::kHeadsPerRoomMax);
  CHECK(deepest.back().depth == 11);
}

}  // namespace
}  // namespace p2pmesh
