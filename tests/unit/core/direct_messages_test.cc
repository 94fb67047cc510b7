// What one member writes to another: asked for, accepted or declined, delivered when that is true, carried by
// those who cannot read it.
#include <doctest/doctest.h>

#include <algorithm>

#include "author.h"
#include "direct_sealing.h"
#include "p2pmesh/base/limits.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

bool has_notice(const TestNode& node, const std::string& notice) {
  return std::count(node.notices().begin(), node.notices().end(), notice) == 1;
}

CorrespondentView seen_by(const TestNode& node, const TestNode& other) {
  for (const CorrespondentView& view : node.node->correspondents()) {
    if (view.member == other.key()) return view;
  }
  return {};
}

/// Of the last thing that `from` wrote to `to`; nothing while it waits.
std::optional<Delivery> delivery(const TestNode& from, const TestNode& to) {
  for (auto held = from.store.logs.rbegin(); held != from.store.logs.rend(); ++held) {
    auto direct = from.store.directs.find((*held)->id);
    if (direct == from.store.directs.end() || !direct->second->own || direct->second->peer != to.key())
      continue;
    return from.node->delivery_of(to.key(), (*held)->id, (*held)->envelope.epoch, direct->second->number);
  }
  return std::nullopt;
}

bool contains(const Bytes& bytes, ByteView wanted) {
  return std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end()) != bytes.end();
}

TEST_CASE("TheFirstMessageAsksAndIsHiddenUntilItIsAccepted") {
  Three mesh;
  mesh.a().tell(mesh.b(), "hello Bob");
  mesh.run(2s);
  CHECK(mesh.a().acknowledged.size() == 1);
  CHECK(has_notice(mesh.b(), "Alice asks"));
  CHECK(mesh.b().told().empty());
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kSent);
  CHECK(seen_by(mesh.b(), mesh.a()).asks);
  CHECK(seen_by(mesh.a(), mesh.b()).mine == Relation::kAsked);
  CHECK(seen_by(mesh.a(), mesh.b()).theirs == Relation::kNone);

  mesh.a().tell(mesh.b(), "are you there?");  // no second notice
  mesh.run();
  mesh.b().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(2s);
  CHECK(mesh.b().told() == Texts{"hello Bob", "are you there?"});
  CHECK(has_notice(mesh.b(), "Alice asks"));
  CHECK(has_notice(mesh.a(), "Bob accepted"));
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  CHECK(seen_by(mesh.a(), mesh.b()).mine == Relation::kAccepted);
  CHECK(mesh.c().node->correspondents().empty());
}

TEST_CASE("WhatIsNotDeliveredIsCounted") {
  Three mesh;
  CHECK(mesh.a().node->undelivered() == 0);
  mesh.befriend(mesh.a(), mesh.b());
  mesh.b().crash();
  mesh.run(2s);
  for (int i = 0; i < 3; ++i) {
    mesh.a().tell(mesh.b(), "one after the other");
    mesh.run(1s);
  }
  mesh.a().tell(mesh.c(), "may I?");
  mesh.run(2s);
  CHECK(mesh.a().node->undelivered() == 4);
  mesh.c().handle(AnswerRequest{mesh.a().key(), false});
  mesh.run(2s);
  CHECK(mesh.a().node->undelivered() == 3);  // who has declined says nothing more
  mesh.b().start();
  mesh.link(mesh.b(), mesh.a());
  mesh.run(5s);
  CHECK(mesh.a().node->undelivered() == 0);
}

TEST_CASE("WhoIsForgottenIsNotToldAndAsksAnewAndNoReceiptBecomesFalse") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.b().tell(mesh.a(), "before");
  mesh.run(2s);
  REQUIRE(delivery(mesh.b(), mesh.a()) == Delivery::kDelivered);
  mesh.a().handle(ForgetContact{mesh.b().key()});
  mesh.run(3s);
  CHECK(mesh.a().node->correspondents().empty());
  CHECK_FALSE(mesh.a().node->is_shown(mesh.b().key()));
  CHECK(mesh.a().store.correspondents.at(mesh.b().key()).relation == Relation::kNone);
  CHECK(delivery(mesh.b(), mesh.a()) == Delivery::kDelivered);
  CHECK(seen_by(mesh.b(), mesh.a()).theirs == Relation::kAccepted);

  mesh.b().tell(mesh.a(), "after");
  mesh.run(3s);
  CHECK(has_notice(mesh.a(), "Bob asks"));
  CHECK(mesh.a().told().empty());
  CHECK(delivery(mesh.b(), mesh.a()) == Delivery::kSent);
  mesh.a().handle(AnswerRequest{mesh.b().key(), true});
  mesh.run(3s);
  CHECK(delivery(mesh.b(), mesh.a()) == Delivery::kDelivered);
}

TEST_CASE("WhoWritesToAForgottenContactThatHasAcceptedIsAContactAgain") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.a().handle(ForgetContact{mesh.b().key()});
  mesh.a().handle(ForgetContact{mesh.c().key()});  // never talked to
  mesh.run();
  mesh.a().tell(mesh.b(), "again");
  mesh.run(2s);
  CHECK(seen_by(mesh.a(), mesh.b()).mine == Relation::kAccepted);
  // Its number is no earlier one's: that it came is told of itself.
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  CHECK(mesh.b().told() == Texts{"may I?", "again"});
}

TEST_CASE("WhoAnswersHasAccepted") {
  Three mesh;
  mesh.a().tell(mesh.b(), "hello");
  mesh.run();
  mesh.b().tell(mesh.a(), "hi");
  mesh.run(2s);
  CHECK(mesh.b().told() == Texts{"hello"});
  CHECK(mesh.a().told() == Texts{"hi"});
  CHECK(has_notice(mesh.a(), "Bob accepted"));
  CHECK_FALSE(has_notice(mesh.a(), "Bob asks"));
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  CHECK(delivery(mesh.b(), mesh.a()) == Delivery::kDelivered);
}

TEST_CASE("BothMayAskAtOnce") {
  Three mesh;
  mesh.a().tell(mesh.b(), "from Alice");
  mesh.b().tell(mesh.a(), "from Bob");
  mesh.run(3s);
  CHECK(mesh.a().told() == Texts{"from Bob"});
  CHECK(mesh.b().told() == Texts{"from Alice"});
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  CHECK(delivery(mesh.b(), mesh.a()) == Delivery::kDelivered);
}

TEST_CASE("WhatIsDeclinedStaysAndIsDeliveredWhenItIsAcceptedLater") {
  Three mesh;
  mesh.a().tell(mesh.b(), "one");
  mesh.run();
  mesh.b().handle(AnswerRequest{mesh.a().key(), false});
  mesh.run(2s);
  CHECK(has_notice(mesh.a(), "Bob declined"));
  mesh.a().tell(mesh.b(), "two");
  mesh.run(2s);
  CHECK(mesh.b().told().empty());
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kSent);
  CHECK(seen_by(mesh.a(), mesh.b()).theirs == Relation::kDeclined);

  mesh.b().crash();
  mesh.b().start();
  mesh.link(mesh.b(), mesh.a());
  mesh.run(3s);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kSent);
  mesh.b().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(2s);
  CHECK(mesh.b().told() == Texts{"one", "two"});
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
}

TEST_CASE("ARequestWithoutATextAsksToo") {
  Three mesh;
  mesh.a().tell(mesh.b(), "");
  mesh.run(2s);
  CHECK(has_notice(mesh.b(), "Alice asks"));
  CHECK(mesh.a().acknowledged.size() == 1);
  mesh.b().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(2s);
  CHECK(has_notice(mesh.a(), "Bob accepted"));
  CHECK(mesh.b().told().empty());
}

TEST_CASE("AMessageArrivesThoughItsAuthorIsGone") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.b().crash();
  mesh.run();
  mesh.a().tell(mesh.b(), "first");
  mesh.run();
  mesh.a().tell(mesh.b(), "second");
  mesh.run(2s);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kSent);
  mesh.a().crash();
  mesh.links_allowed = [&](const TestNode& x, const TestNode& y) { return x.node && y.node; };
  mesh.b().start();
  mesh.link(mesh.b(), mesh.c());
  mesh.run(5s);
  CHECK(mesh.b().told() == Texts{"may I?", "first", "second"});
  mesh.b().crash();
  // What Bob has told of it reaches Alice through Carol as well.
  mesh.a().start();
  mesh.link(mesh.a(), mesh.c());
  mesh.run(5s);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
}

TEST_CASE("CarriersSeeNeitherTextNorRecipient") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  const std::string canary = "canary-4711-canary-4711";
  mesh.a().tell(mesh.b(), canary);
  mesh.b().tell(mesh.a(), canary);
  mesh.run(2s);
  REQUIRE(mesh.b().told().back() == canary);
  std::size_t directs = 0;
  const auto check = [&](const EnvelopePtr& envelope) {
    const auto kind = static_cast<Kind>(envelope->envelope.kind);
    if (kind != Kind::kDirect && kind != Kind::kStanding) return;
    ++directs;
    CHECK_FALSE(contains(envelope->encoded, as_bytes(canary)));
    const TestNode& author = envelope->envelope.author == mesh.a().key() ? mesh.a() : mesh.b();
    const TestNode& recipient = &author == &mesh.a() ? mesh.b() : mesh.a();
    CHECK_FALSE(contains(envelope->encoded, recipient.key().view()));
    CHECK_FALSE(contains(envelope->encoded, recipient.agreement->own().public_key));
    CHECK_FALSE(contains(envelope->encoded, recipient.prekeys.front().keys.public_key));
    CHECK(envelope->envelope.parents.empty());
    CHECK(envelope->envelope.room.empty());
  };
  for (const EnvelopePtr& held : mesh.c().store.logs) check(held);
  for (const auto& [key, record] : mesh.c().store.records) check(record);
  CHECK(directs >= 5);  // three messages and a standing of each
  CHECK(mesh.c().counter("directs_opened") == 0);
  CHECK(mesh.c().counter("directs_damaged") == 0);
}

TEST_CASE("StatesAndNumbersSurviveRestarts") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  for (bool clean : {true, false, true}) {
    mesh.a().tell(mesh.b(), "before");
    mesh.run(2s);
    CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
    for (TestNode* node : {&mesh.a(), &mesh.b()}) {
      if (clean) node->handle(Leave{});
      mesh.run();
      node->crash();
      node->start(clean);
    }
    CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
    CHECK(seen_by(mesh.a(), mesh.b()).mine == Relation::kAccepted);
    mesh.link(mesh.b(), mesh.a());
    mesh.link(mesh.a(), mesh.c());
    mesh.run(3s);
  }
  mesh.a().tell(mesh.b(), "after");
  mesh.run(2s);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  CHECK(mesh.b().told() == Texts{"may I?", "before", "before", "before", "after"});
}

TEST_CASE("APendingRequestSurvivesRestarts") {
  Three mesh;
  mesh.a().tell(mesh.b(), "hello");
  mesh.run(2s);
  mesh.b().crash();
  mesh.b().start();
  CHECK(seen_by(mesh.b(), mesh.a()).asks);
  mesh.link(mesh.b(), mesh.a());
  mesh.run(2s);
  CHECK(has_notice(mesh.b(), "Alice asks"));  // not once more
  mesh.b().handle(AnswerRequest{mesh.a().key(), true});
  mesh.run(2s);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
}

TEST_CASE("TwoOldPrekeysStillOpenAndAThirdDoesNot") {
  for (int renewals : {2, 3}) {
    Three mesh;
    mesh.befriend(mesh.a(), mesh.b());
    mesh.b().crash();
    mesh.run();
    mesh.a().tell(mesh.b(), "sealed to the first");
    mesh.run();
    for (int i = 0; i < renewals; ++i) mesh.b().renew_prekey();
    mesh.b().start();
    mesh.link(mesh.b(), mesh.a());
    mesh.run(3s);
    const bool opened = mesh.b().told().size() == 2;
    CHECK(opened == (renewals == 2));
    // Never told as delivered when it cannot be read.
    CHECK(delivery(mesh.a(), mesh.b()) == (opened ? Delivery::kDelivered : Delivery::kSent));
    mesh.a().tell(mesh.b(), "sealed to the newest");
    mesh.run(2s);
    CHECK(mesh.b().told().back() == "sealed to the newest");
    CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
  }
}

TEST_CASE("WhatOneWroteIsReadableAfterTheDatabaseWasLost") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.a().crash();
  mesh.a().store = MemoryStore{};
  mesh.a().announced.clear();
  mesh.a().start();
  mesh.link(mesh.a(), mesh.c());
  mesh.run(5s);
  REQUIRE(mesh.a().store.directs.size() == 1);
  const DirectMessagePtr direct = mesh.a().store.directs.begin()->second;
  CHECK(direct->own);
  CHECK(direct->peer == mesh.b().key());
  CHECK(direct->texts == Texts{"may I?"});
  mesh.a().tell(mesh.b(), "still me");
  mesh.run(3s);
  CHECK(mesh.b().told() == Texts{"may I?", "still me"});
}

TEST_CASE("OpeningAndClosingAConversationIsToldToItsOtherEndAlone") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.a().handle(OpenConversation{mesh.b().key(), true});
  mesh.run();
  mesh.a().handle(OpenConversation{mesh.b().key(), false});
  mesh.run();
  REQUIRE(mesh.b().conversations.size() == 2);
  CHECK(mesh.b().conversations[0].member == mesh.a().key());
  CHECK(mesh.b().conversations[0].opens);
  CHECK_FALSE(mesh.b().conversations[1].opens);
  CHECK(mesh.c().conversations.empty());
  CHECK(mesh.c().counter("kinds_unknown") == 0);
  mesh.a().handle(OpenConversation{mesh.c().key(), true});  // never written to
  mesh.run();
  CHECK(mesh.c().conversations.empty());
}

TEST_CASE("NobodyWritesToOneselfOrToStrangers") {
  Three mesh;
  CHECK(mesh.a().node->access_to(mesh.a().key()) == DirectAccess::kSelf);
  CHECK(mesh.a().node->access_to(mesh.b().key()) == DirectAccess::kOpen);
  MemberKey stranger;
  stranger.bytes[0] = 9;
  CHECK(mesh.a().node->access_to(stranger) == DirectAccess::kUnknown);
  mesh.c().agreement.reset();
  mesh.c().crash();
  mesh.c().start();
  mesh.link(mesh.c(), mesh.a());
  mesh.run(2s);
  CHECK(mesh.a().node->access_to(mesh.c().key()) == DirectAccess::kNoKey);
}

/// What somebody of whom no member record is here writes to `to`, as the first envelope of its log.
EnvelopePtr from_stranger(const TestMesh& mesh, const TestNode& to, std::uint16_t number) {
  KeySeed seed{};
  seed[0] = 200;
  seed[1] = static_cast<std::uint8_t>(number >> 8);
  seed[2] = static_cast<std::uint8_t>(number);
  const auto signer = make_ed25519_signer(seed);
  const auto agreement = make_x25519_agreement(seed);
  NodeOptions options;
  options.mesh = mesh.mesh;
  options.member_signer = signer.get();
  options.verifier = &ed25519_verifier();
  options.agreement = agreement.get();
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kDirect);
  envelope.mesh = mesh.mesh;
  envelope.author = to_member(signer->public_key());
  envelope.epoch = 1;
  envelope.wall_ms = mesh.now.wall_ms;
  envelope.seq = 1;
  envelope.depth = 1;
  const DirectContent content{DirectType::kText, to.key(), 1, 1, {"buy this"}};
  envelope.body = *DirectSealing(options).seal(content, to.prekeys.front().keys.public_key, envelope);
  return seal_envelope(envelope, *signer);
}

TEST_CASE("StrangersTakeNoRoomFromThoseOneTalksTo") {
  Three mesh;
  const LinkId link = mesh.b().node->links().front().link;
  for (std::uint16_t number = 0; number < 2 * limits::kUnknownStrangersMax; ++number)
    mesh.b().handle(EnvelopeReceived{link, false, 0, from_stranger(mesh, mesh.b(), number)});
  mesh.run();
  CHECK(mesh.b().node->correspondents().size() == limits::kUnknownStrangersMax);
  CHECK(mesh.b().counter("directs_over_limit") == limits::kUnknownStrangersMax);
  // A member can still ask, and be written to.
  mesh.a().tell(mesh.b(), "hello");
  mesh.run(2s);
  CHECK(has_notice(mesh.b(), "Alice asks"));
  CHECK(mesh.b().node->access_to(mesh.c().key()) == DirectAccess::kOpen);
  CHECK(mesh.b().told().empty());
}

TEST_CASE("ManyMessagesOfOneTurnShareEnvelopesInOrder") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  Texts said{"may I?"};
  for (int i = 0; i < 1200; ++i) {
    said.push_back("line " + std::to_string(i));
    mesh.a().tell(mesh.b(), said.back());
    if (i == 700) mesh.a().say("in the room");
  }
  mesh.run(2s);
  CHECK(mesh.b().told() == said);
  CHECK(mesh.b().heard() == Texts{"in the room"});
  CHECK(mesh.b().store.directs.size() <= 5);
  CHECK(delivery(mesh.a(), mesh.b()) == Delivery::kDelivered);
}

}  // namespace
}  // namespace p2pmesh::test
