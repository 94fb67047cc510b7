// What is remembered of others' logs, up to each bound and one beyond.
#include <doctest/doctest.h>

#include "held_back.h"
#include "held_index.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "room_heads.h"
#include "roster.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNow(100s);

EnvelopeId id_of(std::uint64_t number) {
  EnvelopeId id;
  id.bytes[31] = 1;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

SealedEnvelope log_of(std::uint32_t author, std::uint64_t epoch, std::uint64_t seq) {
  SealedEnvelope sealed;
  sealed.envelope.author = key_of(author);
  sealed.envelope.epoch = epoch;
  sealed.envelope.seq = seq;
  sealed.id = id_of((epoch << 32) + (seq << 8) + author);
  return sealed;
}

struct Index {
  AcceptResult accept(std::uint32_t author, std::uint64_t epoch, std::uint64_t seq, bool own = false) {
    return index.accept_log(log_of(author, epoch, seq), own, kNow);
  }
  std::size_t intervals(std::uint32_t author) const {
    return index.find(key_of(author), 1)->accepted.intervals().size();
  }
  static HeldGone gone_at(std::uint32_t author, std::uint64_t place) {
    return {key_of(author), 1, 1 + 4 * place, 2 + 4 * place};
  }
  /// Two numbers that are gone, not next to others.
  void tell_gone(std::uint32_t author, std::uint64_t place) {
    const HeldGone gone = gone_at(author, place);
    index.note_gone({gone.author, gone.epoch, gone.first, gone.last, 4711 + place}, kNow);
  }
  [[nodiscard]] std::uint64_t root() const { return digest.root(kAsOfAll, kNow); }

  HeldDigest digest;
  HeldIndex index{digest};
};

TEST_CASE_FIXTURE(Index, "OneAuthorMoreThanThereMayBeIsRefused") {
  constexpr std::uint32_t kMax = limits::kAuthorsMax;
  for (std::uint32_t author = 0; author < kMax; ++author) REQUIRE(accept(author, 1, 1) == AcceptResult::kNew);
  CHECK_FALSE(index.can_accept(key_of(kMax), 1, 1));
  CHECK(accept(kMax, 1, 1) == AcceptResult::kTooMany);
  CHECK(index.find(key_of(kMax), 1) == nullptr);
  // Those who are known go on, and the limits are against others.
  CHECK(accept(0, 1, 2) == AcceptResult::kNew);
  CHECK(accept(1, 2, 1) == AcceptResult::kNew);
  CHECK(accept(kMax, 1, 1, true) == AcceptResult::kNew);
}

TEST_CASE_FIXTURE(Index, "OneEpochMoreThanAreKeptOfAnAuthorIsRefused") {
  constexpr std::uint64_t kMax = limits::kEpochsPerAuthorMax;
  for (std::uint64_t epoch = 1; epoch <= kMax; ++epoch) REQUIRE(accept(1, epoch, 1) == AcceptResult::kNew);
  CHECK_FALSE(index.can_accept(key_of(1), kMax + 1, 1));
  CHECK(accept(1, kMax + 1, 1) == AcceptResult::kTooMany);
  CHECK(index.find(key_of(1), kMax + 1) == nullptr);
  CHECK(index.newest(key_of(1), 2 * kMax).size() == kMax);
  CHECK(accept(1, 1, 1) == AcceptResult::kAlready);
  CHECK(accept(1, 1, 2) == AcceptResult::kNew);
  CHECK(accept(2, kMax + 1, 1) == AcceptResult::kNew);
  // The limits are against others.
  CHECK(accept(1, kMax + 1, 1, true) == AcceptResult::kNew);
}

TEST_CASE_FIXTURE(Index, "OneGapMoreThanAreKeptOfAnEpochIsRefused") {
  constexpr std::uint64_t kMax = limits::kIntervalsPerEpochMax;
  for (std::uint64_t i = 0; i < kMax; ++i) REQUIRE(accept(1, 1, 2 * i + 1) == AcceptResult::kNew);
  const std::uint64_t beyond = 2 * kMax + 1;
  CHECK_FALSE(index.can_accept(key_of(1), 1, beyond));
  CHECK(accept(1, 1, beyond) == AcceptResult::kTooMany);
  CHECK(intervals(1) == kMax);
  // What fills a gap or goes on is taken in all the same.
  CHECK(accept(1, 1, 2) == AcceptResult::kNew);
  CHECK(intervals(1) == kMax - 1);
  CHECK(accept(1, 1, beyond) == AcceptResult::kNew);
  CHECK(accept(1, 1, beyond + 1) == AcceptResult::kNew);
  CHECK(accept(1, 1, beyond + 10) == AcceptResult::kTooMany);
  CHECK(intervals(1) == kMax);
  CHECK(accept(1, 2, beyond + 10) == AcceptResult::kNew);
  CHECK(accept(2, 1, beyond + 10) == AcceptResult::kNew);
}

TEST_CASE_FIXTURE(Index, "RecordsOfAsManyAuthorsAsThereMayBeMembersAreKept") {
  const auto accept_of = [&](std::uint32_t author, std::uint8_t subject) {
    SealedEnvelope record = log_of(author, 1, 0);
    record.envelope.envelope_class = EnvelopeClass::kRecord;
    record.envelope.kind = static_cast<std::uint16_t>(Kind::kStanding);
    record.envelope.subject = {subject};
    return index.accept_record(record);
  };
  for (std::uint32_t author = 0; author < limits::kMembersMax; ++author)
    REQUIRE(accept_of(author, 1) == AcceptResult::kNew);
  CHECK(accept_of(limits::kMembersMax, 1) == AcceptResult::kTooMany);
  CHECK(accept_of(0, 1) == AcceptResult::kAlready);
  CHECK(accept_of(0, 2) == AcceptResult::kNew);
}

TEST_CASE_FIXTURE(Index, "OfOneAuthorAnEighthOfTheRangesThatAreGoneIsKnown") {
  constexpr std::uint64_t kMax = limits::kGoneKnownMax / 8;
  for (std::uint64_t place = 0; place < kMax; ++place) tell_gone(1, place);
  REQUIRE(index.gone_known() == kMax);
  const std::uint64_t before = root();
  tell_gone(1, kMax);
  CHECK(index.gone_known() == kMax);
  CHECK(index.gone_count() == kMax);
  CHECK(root() == before);
  CHECK_FALSE(index.is_gone(gone_at(1, kMax)));
  CHECK(index.is_gone(gone_at(1, 0)));
  CHECK(index.is_gone(gone_at(1, kMax - 1)));
  tell_gone(2, 0);
  CHECK(index.is_gone(gone_at(2, 0)));
}

TEST_CASE_FIXTURE(Index, "NoMoreRangesThatAreGoneAreKnownThanTheBoundInAll") {
  constexpr std::uint64_t kEach = limits::kGoneKnownMax / 8;
  for (std::uint32_t author = 0; author < 8; ++author) {
    for (std::uint64_t place = 0; place < kEach; ++place) tell_gone(author, place);
  }
  REQUIRE(index.gone_known() == limits::kGoneKnownMax);
  const std::uint64_t before = root();
  tell_gone(8, 0);
  CHECK(index.gone_known() == limits::kGoneKnownMax);
  CHECK(root() == before);
  CHECK_FALSE(index.is_gone(gone_at(8, 0)));
  CHECK(index.is_gone(gone_at(0, 0)));
  // Nor of what is known in two parts.
  index.note_gone({key_of(0), 1, 1, 1, 5}, kNow);
  CHECK(index.gone_known() == limits::kGoneKnownMax);
  CHECK(root() == before);
  // What comes after all makes room.
  accept(3, 1, 1);
  accept(3, 1, 2);
  CHECK(index.gone_known() == limits::kGoneKnownMax - 1);
  tell_gone(8, 0);
  CHECK(index.is_gone(gone_at(8, 0)));
  CHECK(index.gone_known() == limits::kGoneKnownMax);
}

TEST_CASE_FIXTURE(Index, "WhatIsToldInPartsTakesNoMoreThanTheShareOfItsAuthor") {
  constexpr std::uint64_t kMax = limits::kGoneKnownMax / 8;
  for (std::uint64_t place = 0; place < kMax; ++place) tell_gone(1, place);
  const std::uint64_t before = root();
  for (std::uint64_t place = 0; place < kMax; ++place) {
    const std::uint64_t first = gone_at(1, place).first;
    index.note_gone({key_of(1), 1, first, first, 1}, kNow);
  }
  CHECK(index.gone_known() == kMax);
  CHECK(root() == before);
  CHECK(index.is_gone(gone_at(1, 0)));
}

TEST_CASE("TheOldestOfTooManyYoungIsYoungNoMore") {
  HeldDigest digest;
  const auto toggle = [&](std::uint64_t share) {
    digest.toggle(key_of(static_cast<std::uint32_t>(share)), share, 10, kNow);
  };
  std::uint64_t sum = 0;
  for (std::uint64_t share = 1; share <= limits::kYoungMax; ++share) {
    toggle(share);
    sum ^= share;
  }
  REQUIRE(digest.young() == limits::kYoungMax);
  CHECK(digest.root(9, kNow) == 0);
  toggle(limits::kYoungMax + 1);
  CHECK(digest.young() == limits::kYoungMax);
  CHECK(digest.root(9, kNow) == 1);
  CHECK(digest.root(kAsOfAll, kNow) == (sum ^ (limits::kYoungMax + 1)));
  CHECK(digest.root(9, kNow + limits::kYoungKept) == digest.root(kAsOfAll, kNow));
}

TEST_CASE("OfTooManyParentsThatHaveNotComeTheFirstNamedAreForgotten") {
  RoomHeads heads;
  const auto name = [&](std::uint64_t parent) {
    SealedEnvelope child = log_of(1, 2, parent + 1);
    child.envelope.room = "#lobby";
    child.envelope.depth = limits::kDepthLeadMax;
    child.envelope.parents = {id_of(parent)};
    heads.on_envelope(child);
  };
  const auto is_head_when_it_comes = [&](std::uint64_t parent) {
    SealedEnvelope sealed;
    sealed.id = id_of(parent);
    sealed.envelope.author = key_of(2);
    sealed.envelope.room = "#parents";
    sealed.envelope.depth = 1 + parent;
    heads.on_envelope(sealed);
    const auto& known = heads.place("#parents").parents;
    return std::count(known.begin(), known.end(), id_of(parent)) == 1;
  };
  for (std::uint64_t parent = 0; parent < limits::kMissingParentsMax; ++parent) name(parent);
  REQUIRE(heads.referenced() == limits::kMissingParentsMax);
  CHECK_FALSE(is_head_when_it_comes(0));
  name(limits::kMissingParentsMax);
  CHECK(heads.referenced() == limits::kMissingParentsMax);
  CHECK(is_head_when_it_comes(0));
  CHECK_FALSE(is_head_when_it_comes(1));
  CHECK_FALSE(is_head_when_it_comes(limits::kMissingParentsMax));
}

TEST_CASE("OfTooManyAuthorsOfARoomTheShallowestIsForgotten") {
  RoomHeads heads;
  const auto hear = [&](std::uint32_t author, std::uint64_t depth) {
    SealedEnvelope sealed = log_of(author, 1, depth);
    sealed.envelope.room = "#lobby";
    sealed.envelope.depth = depth;
    heads.on_envelope(sealed);
  };
  for (std::uint32_t author = 0; author < limits::kHeadAuthorsMax; ++author) hear(author, 100 + author);
  REQUIRE(heads.authors("#lobby") == limits::kHeadAuthorsMax);
  hear(limits::kHeadAuthorsMax, 500);
  CHECK(heads.authors("#lobby") == limits::kHeadAuthorsMax);
  CHECK(heads.place("#lobby").depth == 501);
  // Of two deep ones neither has gone: they vouch for each other.
  hear(1000, 2 * limits::kDepthLeadMax);
  hear(1001, 2 * limits::kDepthLeadMax);
  CHECK(heads.authors("#lobby") == limits::kHeadAuthorsMax);
  CHECK(heads.place("#lobby").depth == 2 * limits::kDepthLeadMax + 1);
}

TEST_CASE("OneMemberMoreThanThereMayBeIsRefused") {
  const Credulous verifier;
  HeldDigest digest;
  Roster roster(MeshId{}, verifier, digest);
  std::vector<Rename> renames;
  // Records that say nothing take a row all the same.
  const auto accept = [&](std::uint32_t author, std::uint64_t version = 1) {
    SealedEnvelope record = log_of(author, 1, version);
    record.envelope.envelope_class = EnvelopeClass::kRecord;
    record.envelope.kind = static_cast<std::uint16_t>(Kind::kMember);
    record.envelope.version = version;
    const AcceptResult result = roster.accept(record, renames);
    roster.hold(record, kNow);
    return result;
  };
  REQUIRE(roster.accept(*record_of(0, "Alice"), renames) == AcceptResult::kNew);
  for (std::uint32_t author = 1; author < limits::kMembersMax; ++author)
    REQUIRE(accept(author) == AcceptResult::kNew);
  constexpr std::uint32_t kBeyond = limits::kMembersMax;
  const std::uint64_t before = digest.root(kAsOfAll, kNow);
  CHECK_FALSE(roster.can_accept(key_of(kBeyond)));
  CHECK(accept(kBeyond) == AcceptResult::kTooMany);
  CHECK(roster.accept(*record_of(kBeyond, "Zoe"), renames) == AcceptResult::kTooMany);
  CHECK(roster.find(key_of(kBeyond)) == nullptr);
  CHECK(digest.root(kAsOfAll, kNow) == before);
  // Those who are known go on.
  CHECK(roster.shown_name(key_of(0)) == "Alice");
  CHECK(roster.can_accept(key_of(1)));
  CHECK(accept(1, 2) == AcceptResult::kNew);
}

TEST_CASE("NoMoreEnvelopesWaitForEarlierOnesThanTheBound") {
  HeldBack held_back;
  for (std::uint64_t i = 0; i < limits::kHeldBackMax; ++i) {
    REQUIRE(held_back.has_room());
    held_back.hold(Store{std::make_shared<SealedEnvelope>(log_of(1, 1, 2 + 2 * i)), {}},
                   kNow + limits::kHeldBackTimeout);
  }
  CHECK(held_back.size() == limits::kHeldBackMax);
  CHECK_FALSE(held_back.has_room());
  CHECK(held_back.release_after(key_of(1), 1, 1));
  CHECK(held_back.has_room());
  CHECK(held_back.release_due(kNow + limits::kHeldBackTimeout - 1ms).empty());
  CHECK(held_back.release_due(kNow + limits::kHeldBackTimeout).size() == limits::kHeldBackMax - 1);
}

}  // namespace
}  // namespace p2pmesh
