// Whom the local member talks to, and what is remembered of what they write: up to each bound and one beyond.
#include <doctest/doctest.h>

#include "author.h"
#include "conversations.h"
#include "direct_sealing.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/member_body.h"
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

  const bool is_ready = init_crypto();  // before the keys
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

TEST_CASE_FIXTURE(Fixture, "OfTooManyIntervalsOfWhatCameTheNewestAreTold") {
  const Person alice(1);
  enrol(alice.key());
  restore(alice.key(), Relation::kAccepted);
  const auto receive_alone = [&](std::uint64_t place) { receive(alice.key(), 1, 2 * place + 1); };
  for (std::uint64_t place = 0; place < limits::kStandingIntervalsMax; ++place) receive_alone(place);
  auto told = told_to(alice);
  REQUIRE(told.size() == 1);
  CHECK(told.front().intervals.size() == limits::kStandingIntervalsMax);
  CHECK(told.front().intervals.front().first == 1);
  receive_alone(limits::kStandingIntervalsMax);
  told = told_to(alice);
  REQUIRE(told.size() == 1);
  CHECK(told.front().intervals.size() == limits::kStandingIntervalsMax);
  CHECK(told.front().intervals.front().first == 3);
  CHECK(told.front().intervals.back().first == 2 * limits::kStandingIntervalsMax + 1);
  // What closes the last gap makes room for the first.
  receive(alice.key(), 1, 2 * limits::kStandingIntervalsMax);
  CHECK(told_to(alice).front().intervals.front().first == 1);
}

TEST_CASE_FIXTURE(Fixture, "OneMoreThanMayBeTalkedToCannotBeWrittenTo") {
  const auto enrol_with_key = [&](const Person& person) {
    ++enrolled;
    SealedEnvelope record = *record_of(enrolled, "Member" + std::to_string(enrolled));
    MemberBody body = *decode_member_body(record.envelope.body);
    body.prekey = person.options.prekeys.front().keys.public_key;
    record.envelope.author = person.key();
    record.envelope.body = encode_member_body(body);
    roster.restore(record);
  };
  const Person friendly(1);
  const Person newcomer(2);
  enrol_with_key(friendly);
  enrol_with_key(newcomer);
  restore(friendly.key(), Relation::kAccepted);
  for (std::uint32_t i = 2; i < limits::kCorrespondentsMax; ++i) restore(key_of(i), Relation::kAsked);
  restore(key_of(4711), Relation::kNone);  // who only asks is none of them
  REQUIRE(people.sizes().correspondents == limits::kCorrespondentsMax - 1);
  CHECK(people.access_to(newcomer.key()) == DirectAccess::kOpen);
  restore(key_of(4712), Relation::kDeclined);
  CHECK(people.access_to(newcomer.key()) == DirectAccess::kTooMany);
  CHECK(people.access_to(friendly.key()) == DirectAccess::kOpen);
  Turn turn{now, outputs};
  people.forget(key_of(4712), turn);
  CHECK(people.access_to(newcomer.key()) == DirectAccess::kOpen);
}

TEST_CASE_FIXTURE(Fixture, "WhatWasSealedToAnOlderPrekeyThanAreKeptIsNotOpened") {
  const Person alice(1);
  std::vector<Prekey> drawn;
  const auto draw = [&] {
    KeySeed seed{};
    seed[0] = 9;
    seed[1] = static_cast<std::uint8_t>(drawn.size());
    drawn.push_back({now.wall_ms, bob.agreement->make_keys(seed)});
  };
  draw();
  bob.options.prekeys = drawn;
  DirectSealing sealing(bob.options);
  const auto is_opened_of = [&](std::size_t number) {
    Envelope envelope = direct_by(alice, "");
    const DirectContent content{DirectType::kText, bob.key(), 1, 1, {"hello"}};
    envelope.body = *DirectSealing(alice.options).seal(content, drawn[number].keys.public_key, envelope);
    return sealing.open(envelope).verdict == DirectSealing::Verdict::kOpened;
  };
  while (drawn.size() < limits::kPrekeysMax) {
    draw();
    sealing.add(drawn.back());
  }
  CHECK(is_opened_of(0));
  draw();
  sealing.add(drawn.back());
  CHECK_FALSE(is_opened_of(0));
  for (std::size_t number = 1; number < drawn.size(); ++number) CHECK(is_opened_of(number));
  CHECK(sealing.prekey() == drawn.back().keys.public_key);
}

/// Counts what costs a scalar multiplication each.
struct CountingAgreement final : KeyAgreement {
  const AgreementKeys& own() const override { return keys; }
  std::optional<PublicKey> key_of(const MemberKey& member) const override { return member.bytes; }
  AgreementKeys make_keys(const KeySeed&) const override { return {}; }
  std::optional<SharedSecret> agree(const AgreementKeys&, const PublicKey&) const override {
    ++agreed;
    return SharedSecret{};
  }
  AgreementKeys keys;
  mutable std::size_t agreed = 0;
};

TEST_CASE_FIXTURE(Fixture, "OneSecretMoreThanAreKeptAndTheyAreWorkedOutAnew") {
  CountingAgreement agreement;
  bob.options.agreement = &agreement;
  bob.options.prekeys.clear();
  DirectSealing sealing(bob.options);
  const auto worked_out = [&](std::uint32_t number) {
    const std::size_t before = agreement.agreed;
    REQUIRE(sealing.standing_subject(key_of(number), bob.key()));
    return agreement.agreed - before;
  };
  for (std::uint32_t i = 0; i < limits::kDirectSecretsMax; ++i) REQUIRE(worked_out(i) == 1);
  CHECK(worked_out(0) == 0);
  CHECK(worked_out(limits::kDirectSecretsMax - 1) == 0);
  CHECK(worked_out(limits::kDirectSecretsMax) == 1);
  CHECK(worked_out(limits::kDirectSecretsMax) == 0);
  CHECK(worked_out(0) == 1);
  CHECK(worked_out(0) == 0);
}

}  // namespace
}  // namespace p2pmesh::test
