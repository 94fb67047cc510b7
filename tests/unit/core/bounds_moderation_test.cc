// Which of too many claims, rooms and revocations count.
#include <doctest/doctest.h>

#include <algorithm>

#include "act_choice.h"
#include "p2pmesh/base/limits.h"
#include "revocations.h"

namespace p2pmesh {
namespace {

MemberKey member(std::uint32_t number) {
  MemberKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  key.bytes[31] = 1;
  return key;
}

Act claim_of(std::uint32_t number, std::uint64_t depth) {
  Act act;
  for (std::size_t i = 0; i < 4; ++i) act.id.bytes[i] = static_cast<std::uint8_t>(depth >> (8 * i));
  act.author = member(number);
  act.epoch = 1;
  act.seq = depth;
  act.depth = depth;
  act.wall_ms = 1000;
  act.room = "#dev";
  act.body.verb = ActVerb::kFound;
  return act;
}

TEST_CASE("TheFirstWhoSayToHaveOpenedARoomCount") {
  ActTable table;
  // Each says so twice: the second one takes nobody's place.
  for (std::uint32_t i = 0; i < limits::kRoomClaimsMax + 4; ++i) {
    table.insert(claim_of(100 + i, 2 * i + 1));
    table.insert(claim_of(100 + i, 2 * i + 2));
  }
  const RoomChoice choice = choose_in_room(
      table, "#dev", true, {}, {}, [](const MemberKey&) { return false; }, limits::kActsUnrankedMax);
  REQUIRE(choice.acts.size() == limits::kRoomClaimsMax);
  CHECK(choice.founder == member(100));
  for (std::uint32_t i = 0; i < limits::kRoomClaimsMax; ++i) CHECK(choice.acts[i]->author == member(100 + i));
}

/// Rooms that were opened one after the other.
struct Rooms {
  void add(std::size_t acts, bool restricts, bool is_named_of_mesh = false) {
    const std::string digits = std::to_string(1'000'000 - choices.size());  // their names say the opposite
    RoomChoice& choice = choices["#r" + digits];
    choice.acts.resize(acts);
    choice.restricts = restricts;
    choice.is_named_of_mesh = is_named_of_mesh;
    choice.opened = ActTable::Place{choices.size(), 1000, EnvelopeId{}};
    names.push_back("#r" + digits);
  }
  [[nodiscard]] std::set<std::string> chosen() const {
    std::map<std::string, const RoomChoice*> all;
    for (const auto& [name, choice] : choices) all.emplace(name, &choice);
    return choose_rooms(all);
  }
  std::map<std::string, RoomChoice> choices;
  std::vector<std::string> names;
};

TEST_CASE_FIXTURE(Rooms, "OfRoomsWithTooManyActsThoseThatWereOpenedFirstCount") {
  constexpr std::size_t kFit = limits::kActsOfRoomsMax / limits::kActsPerRoomMax;
  for (std::size_t i = 0; i < kFit; ++i) add(limits::kActsPerRoomMax, false);
  CHECK(chosen().size() == kFit);
  add(1, false);
  CHECK(chosen().size() == kFit);
  CHECK(chosen().contains(names.front()));
  CHECK_FALSE(chosen().contains(names.back()));
  // One in which somebody of the mesh has named somebody comes before all others.
  add(1, false, true);
  CHECK(chosen().contains(names.back()));
  CHECK(chosen().contains(names[kFit - 2]));
  CHECK_FALSE(chosen().contains(names[kFit - 1]));
}

TEST_CASE_FIXTURE(Rooms, "OfRoomsThatRestrictThoseThatWereOpenedFirstCount") {
  for (std::size_t i = 0; i < limits::kRestrictingRoomsMax; ++i) add(1, true);
  add(1, false);
  CHECK(chosen().size() == limits::kRestrictingRoomsMax + 1);
  add(1, true);
  CHECK(chosen().size() == limits::kRestrictingRoomsMax + 1);
  CHECK(chosen().contains(names.front()));
  CHECK_FALSE(chosen().contains(names.back()));
}

struct Published {
  EnvelopePtr record;
  Revocation revocation;
};

/// Of one key; the greater `last`, the more it lets through.
Published publish(std::uint32_t author, std::uint64_t last) {
  Published published;
  published.revocation.key = member(1);
  published.revocation.cut = {{{7, last}}};
  auto record = std::make_shared<SealedEnvelope>();
  record->envelope.author = member(author);
  record->envelope.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record->envelope.subject = revocation_subject(published.revocation);
  record->envelope.body = encode_revocation(published.revocation);
  record->id.bytes[0] = static_cast<std::uint8_t>(author);
  published.record = std::move(record);
  return published;
}

TEST_CASE("OfOneKeyAsManyRevocationsAreKeptAsTheBoundThoseThatLetThroughLeast") {
  Revocations revocations;
  std::vector<Published> all;
  for (std::uint32_t i = 0; i < limits::kRevocationRecordsMax; ++i) {
    all.push_back(publish(10 + i, 100 + i));
    REQUIRE(revocations.keeps(*all.back().record, all.back().revocation));
    CHECK(revocations.add(all.back().record, all.back().revocation).empty());
  }
  const Published wider = publish(50, 1000);
  CHECK_FALSE(revocations.keeps(*wider.record, wider.revocation));
  const Published narrower = publish(51, 1);
  REQUIRE(revocations.keeps(*narrower.record, narrower.revocation));
  const auto gone = revocations.add(narrower.record, narrower.revocation);
  REQUIRE(gone.size() == 1);
  CHECK(gone.front() == all.back().record);
  CHECK(revocations.size() == 1);
  // The same word once more takes the place of the one before.
  CHECK(revocations.keeps(*narrower.record, narrower.revocation));
  CHECK(revocations.add(narrower.record, narrower.revocation).empty());
  CHECK_FALSE(revocations.keeps(*all.back().record, all.back().revocation));
}

}  // namespace
}  // namespace p2pmesh
