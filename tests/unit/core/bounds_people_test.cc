// Whom the local member talks to, and what is remembered of what they write: up to each bound and one beyond.
#include <doctest/doctest.h>

#include "author.h"
#include "conversations.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

/// A member with keys of its own.
struct Person {
  explicit Person(std::uint32_t number) {
    KeySeed seed{};
    seed[0] = 7;
    for (std::size_t i = 0; i < 4; ++i) seed[1 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    signer = make_ed25519_signer(seed);
    agreement = make_x25519_agreement(seed);
    options.member_signer = signer.get();
    options.verifier = &ed25519_verifier();
    options.agreement = agreement.get();
    seed[30] = 1;
    options.prekeys = {Prekey{0, agreement->make_keys(seed)}};
  }
  [[nodiscard]] MemberKey key() const { return to_member(signer->public_key()); }

  std::unique_ptr<Signer> signer;
  std::unique_ptr<KeyAgreement> agreement;
  NodeOptions options;
};

/// Bob, to whom others write.
struct Fixture {
  Fixture() { init_crypto(); }

  void enrol(const MemberKey& member) {
    ++enrolled;
    SealedEnvelope record = *record_of(enrolled, "Member" + std::to_string(enrolled));
    record.envelope.author = member;
    roster.restore(record);
  }
  void restore(const MemberKey& member, Relation relation) {
    RestoredCorrespondent stored;
    stored.member = member;
    stored.relation = relation;
    stored.asks = relation == Relation::kNone;
    people.restore(stored);
  }
  Envelope direct_by(const Person& author, const char* text) {
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kDirect);
    envelope.author = author.key();
    envelope.epoch = 1;
    envelope.seq = 1;
    envelope.depth = 1;
    envelope.wall_ms = now.wall_ms;
    const DirectContent content{DirectType::kText, bob.key(), 1, 1, {text}};
    envelope.body =
        *DirectSealing(author.options).seal(content, bob.options.prekeys.front().keys.public_key, envelope);
    return envelope;
  }
  bool is_opened(const Envelope& envelope) {
    Turn turn{now, outputs};
    return people.on_log(envelope, turn) != nullptr;
  }
  void receive(const MemberKey& from, std::uint64_t epoch, std::uint64_t number) {
    Envelope envelope;
    envelope.author = from;
    envelope.epoch = epoch;
    DirectMessage direct;
    direct.peer = from;
    direct.number = number;
    people.on_committed(envelope, direct, now.monotonic);
  }
  /// What Bob tells of what has come.
  std::vector<ReceivedLog> told_to(const Person& person) {
    Author author(MeshId{}, *bob.signer);
    author.draw_epoch(1, now.wall_ms);
    Turn turn{now, outputs};
    people.hurry_standings();
    const auto records = people.take_standings(author, index, turn);
    REQUIRE(records.size() == 1);
    const auto body = DirectSealing(person.options).open_standing(records.front()->envelope, bob.key());
    REQUIRE(body);
    return body->received;
  }

  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  Person bob{0};
  Credulous verifier;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, verifier, digest};
  Conversations people{bob.options, roster};
  std::uint32_t enrolled = 0;
};

TEST_CASE_FIXTURE(Fixture, "OneMoreThanMayAskIsNotOpened") {
  const Person friendly(1);
  const Person last(2);
  const Person beyond(3);
  for (const Person* person : {&friendly, &last, &beyond}) enrol(person->key());
  restore(friendly.key(), Relation::kAccepted);
  for (std::uint32_t i = 1; i < limits::kStrangersMax; ++i) restore(key_of(i), Relation::kNone);
  CHECK(is_opened(direct_by(last, "hello")));
  REQUIRE(people.sizes().strangers == limits::kStrangersMax);
  CHECK_FALSE(is_opened(direct_by(beyond, "hello")));
  CHECK(people.counters().over_limit == 1);
  CHECK(people.sizes().strangers == limits::kStrangersMax);
  // Those who are known go on, and whom Bob answers makes room.
  CHECK(is_opened(direct_by(last, "are you there?")));
  CHECK(is_opened(direct_by(friendly, "hello")));
  Turn turn{now, outputs};
  people.on_answer(AnswerRequest{last.key(), true}, turn);
  CHECK(is_opened(direct_by(beyond, "hello")));
  CHECK(people.sizes().strangers == limits::kStrangersMax);
}

TEST_CASE_FIXTURE(Fixture, "WhileHiddenNoMoreStandingsAreKeptThanThereMayBeStrangers") {
  Turn turn{now, outputs};
  people.hide(true, turn);
  for (std::uint32_t i = 1; i <= limits::kStrangersMax + 1; ++i) {
    const Person person(i);
    enrol(person.key());
    Envelope record;
    record.author = person.key();
    record.subject = *people.sealing().standing_subject(person.key(), bob.key());
    people.on_standing(record, turn);
  }
  CHECK(people.sizes().strangers == 0);
  people.hide(false, turn);
  CHECK(people.sizes().strangers == limits::kStrangersMax);
  CHECK(people.counters().over_limit == 0);
}

TEST_CASE_FIXTURE(Fixture, "OfTooManyEpochsOfACorrespondentTheNewestAreTold") {
  const Person alice(1);
  enrol(alice.key());
  restore(alice.key(), Relation::kAccepted);
  for (std::uint64_t epoch = 1; epoch <= limits::kStandingEpochsMax; ++epoch) receive(alice.key(), epoch, 1);
  auto told = told_to(alice);
  CHECK(told.size() == limits::kStandingEpochsMax);
  CHECK(told.front().epoch == 1);
  receive(alice.key(), limits::kStandingEpochsMax + 1, 1);
  told = told_to(alice);
  CHECK(told.size() == limits::kStandingEpochsMax);
  CHECK(told.front().epoch == 2);
  CHECK(told.back().epoch == limits::kStandingEpochsMax + 1);
  // An older one comes too late.
  receive(alice.key(), 1, 2);
  receive(alice.key(), 2, 2);
  told = told_to(alice);
  CHECK(told.size() == limits::kStandingEpochsMax);
  CHECK(told.front().epoch == 2);
  CHECK(told.front().intervals.front().second == 2);
}

TEST_CASE_FIXTURE(Fixture, "OfTooManyGapsInWhatCameTheOldestAreForgotten") {
  const Person alice(1);
  enrol(alice.key());
  restore(alice.key(), Relation::kAccepted);
  // Every second number, once more than twice as many as are remembered; then the gaps behind the first that
  // is, so that all of these become one.
  constexpr std::uint64_t kCame = 2 * limits::kNumbersRememberedMax + 1;
  constexpr std::uint64_t kFirst = 2 * (kCame - limits::kNumbersRememberedMax) + 1;
  for (std::uint64_t i = 0; i < kCame; ++i) receive(alice.key(), 1, 2 * i + 1);
  for (std::uint64_t number = kFirst + 1; number < 2 * kCame - 1; number += 2)
    receive(alice.key(), 1, number);
  const auto told = told_to(alice);
  REQUIRE(told.size() == 1);
  using Intervals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  CHECK(told.front().intervals == Intervals{{kFirst, 2 * kCame - 1}});
}

}  // namespace
}  // namespace p2pmesh::test
