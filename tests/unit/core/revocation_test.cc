// A key that was revoked: refused from then on by every node, whoever carries what it wrote.
#include "p2pmesh/wire/revocation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "author.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

Revocation revocation_of(const TestNode& node) {
  return {node.key(), node.signer->sign(revocation_signing_bytes(node.key())), {}};
}

std::size_t count_of(const TestNode& node, const std::string& notice) {
  return static_cast<std::size_t>(std::count(node.notices().begin(), node.notices().end(), notice));
}

bool is_linked(const TestNode& node, const TestNode& other) {
  const auto links = node.node->links();
  return std::any_of(links.begin(), links.end(),
                     [&](const LinkView& link) { return link.node == other.node_key(); });
}

std::size_t held_of(const TestNode& node, const TestNode& author) {
  return static_cast<std::size_t>(
      std::count_if(node.store.logs.begin(), node.store.logs.end(),
                    [&](const auto& log) { return log->envelope.author == author.key(); }));
}

/// No session finds a difference any more.
bool is_quiet(TestMesh& mesh, TestNode& node) {
  mesh.run(20s);
  const std::uint64_t before = node.counter("sync_sessions");
  mesh.run(20s);
  return node.counter("sync_sessions") == before;
}

TEST_CASE_FIXTURE(Three, "ARevokedKeyIsRefusedEverywhereAndWhatWasHeldStays") {
  c().say("before");
  run();
  a().handle(PublishRevocation{revocation_of(c())});
  run();
  for (TestNode* node : {&a(), &b()}) {
    CHECK(node->node->is_revoked(c().key()));
    CHECK(count_of(*node, "Carol revoked") == 1);
    CHECK(held_of(*node, c()) == 1);
    CHECK_FALSE(is_linked(*node, c()));
    CHECK(node->node->access_to(c().key()) == DirectAccess::kRevoked);
    CHECK(node->counter("keys_revoked") == 1);
  }
  // Not even through a neighbor that is not like the others: straight into the node.
  auto place = std::make_shared<SealedEnvelope>(*c().store.logs.back());
  Envelope forged = place->envelope;
  forged.seq = 2;
  forged.prev = place->id;
  forged.parents.clear();
  const LinkId link = wires.begin()->first;
  TestNode& at = *wires.begin()->second.from;
  for (const bool live : {true, false})
    at.handle(EnvelopeReceived{link, live, 0, seal_envelope(forged, *c().signer)});
  CHECK(at.counter("envelopes_of_revoked_refused") == 2);
  run(2s);
  CHECK(held_of(a(), c()) == 1);
  CHECK(held_of(b(), c()) == 1);
}

TEST_CASE_FIXTURE(Three, "ARevokedNodeIsNotDialledAndNotLetIn") {
  b().handle(PublishRevocation{revocation_of(c())});
  run(60s);
  CHECK_FALSE(is_linked(a(), c()));
  CHECK_FALSE(is_linked(b(), c()));
  a().sent_types.clear();
  link(c(), a());
  CHECK(a().sent_types == std::vector{FrameType::kRepair});  // why
  run(2s);
  CHECK_FALSE(is_linked(a(), c()));
  CHECK(is_linked(a(), b()));
}

TEST_CASE_FIXTURE(Three, "ItsNameIsFreeAndWhoHadLostItHoldsIt") {
  TestNode& dave = add("Carol");
  dave.start();
  link(dave, a());
  run(2s);
  const std::string suffixed = a().node->shown_name(dave.key());
  CHECK(suffixed.starts_with("Carol~"));
  a().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  for (TestNode* node : {&a(), &b(), &dave}) {
    CHECK(node->node->shown_name(dave.key()) == "Carol");
    CHECK(node->node->shown_name(c().key()) == "Carol~" + c().key().hex().substr(0, 4));
  }
}

TEST_CASE_FIXTURE(Three, "AForgedRevocationIsCountedAndMeansNothing") {
  Revocation forged = revocation_of(c());
  forged.signature[5] ^= 1;
  a().handle(PublishRevocation{forged});
  forged = revocation_of(c());
  forged.key = b().key();
  a().handle(PublishRevocation{forged});
  run();
  Envelope record;
  record.envelope_class = EnvelopeClass::kRecord;
  record.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record.mesh = mesh;
  record.author = c().key();
  record.epoch = now.wall_ms;
  record.wall_ms = now.wall_ms;
  record.version = 1;
  record.subject.assign(forged.key.bytes.begin(), forged.key.bytes.end());
  record.body = encode_revocation(forged);
  const auto wire = std::find_if(wires.begin(), wires.end(), [&](const auto& item) {
    return item.second.from == &a() && item.second.to == &b();
  });
  a().handle(EnvelopeReceived{wire->first, true, 0, seal_envelope(record, *c().signer)});
  run();
  CHECK(a().counter("bodies_malformed") == 1);
  for (TestNode* node : {&a(), &b(), &c()}) CHECK(node->counter("keys_revoked") == 0);
}

TEST_CASE_FIXTURE(Three, "ARestartKeepsItAndWhoJoinsLaterLearnsIt") {
  c().say("before");
  run();
  a().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  b().crash();
  b().start();
  CHECK(b().node->is_revoked(c().key()));
  CHECK(held_of(b(), c()) == 1);
  link(b(), a());
  TestNode& dave = add("Dave");
  dave.start();
  link(dave, b());
  run(5s);
  CHECK(dave.node->is_revoked(c().key()));
  CHECK(held_of(dave, c()) == 1);  // and what was written before
  CHECK(is_quiet(*this, dave));
  CHECK(is_quiet(*this, a()));
  CHECK(count_of(b(), "Carol revoked") == 1);
}

TEST_CASE_FIXTURE(Three, "WhoHoldsDifferentAmountsOfARevokedAuthorComesToRest") {
  links_allowed = [this](const TestNode& x, const TestNode& y) { return &x != &b() && &y != &b(); };
  cut_forbidden();
  c().say("only Alice hears it");
  run();
  a().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  links_allowed = {};
  link(b(), a());
  run(5s);
  CHECK(b().node->is_revoked(c().key()));
  CHECK(held_of(a(), c()) == 1);
  CHECK(held_of(b(), c()) == 1);
  CHECK(is_quiet(*this, b()));
  b().say("and they still talk");
  run();
  CHECK(a().heard().back() == "and they still talk");
}

TEST_CASE_FIXTURE(Three, "WhatIsBeyondTheCutIsHiddenWhereItIsHeldAndTakenInByNobody") {
  c().say("all hear it");
  run();
  links_allowed = [this](const TestNode& x, const TestNode& y) { return &x != &b() && &y != &b(); };
  cut_forbidden();
  c().say("only Alice hears it");
  run();
  b().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  links_allowed = {};
  link(b(), a());
  run(5s);
  TestNode& dave = add("Dave");
  dave.start();
  link(dave, a());
  run(5s);
  CHECK(a().node->is_revoked(c().key()));
  CHECK(a().store.hidden.size() == 1);
  CHECK(held_of(a(), c()) == 2);
  for (TestNode* node : {&b(), &dave}) {
    CHECK(held_of(*node, c()) == 1);
    CHECK(node->store.hidden.empty());
  }
  CHECK(is_quiet(*this, a()));
  CHECK(is_quiet(*this, dave));
  a().crash();
  a().start();
  link(a(), b());
  run(5s);
  CHECK(a().store.hidden.size() == 1);
  CHECK(is_quiet(*this, b()));
}

TEST_CASE_FIXTURE(Three, "OfTwoPublishersTheNarrowerCutHoldsWhateverCameFirst") {
  links_allowed = [this](const TestNode& x, const TestNode& y) { return &x != &b() && &y != &b(); };
  cut_forbidden();
  c().say("only Alice hears it");
  run();
  a().handle(PublishRevocation{revocation_of(c())});
  b().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  links_allowed = {};
  link(b(), a());
  run(5s);
  CHECK(a().store.hidden.size() == 1);
  CHECK(held_of(b(), c()) == 0);
  for (TestNode* node : {&a(), &b()}) CHECK(node->counter("keys_revoked") == 1);
  CHECK(is_quiet(*this, a()));
}

TEST_CASE_FIXTURE(Three, "ItSpreadsThoughItsPublisherWasRevokedToo") {
  b().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  a().handle(PublishRevocation{revocation_of(b())});
  run(2s);
  b().crash();
  c().crash();
  TestNode& dave = add("Dave");
  dave.start();
  link(dave, a());
  run(5s);
  CHECK(dave.node->is_revoked(c().key()));
  CHECK(dave.node->is_revoked(b().key()));
}

TEST_CASE_FIXTURE(Three, "TheSecondPublisherTellsNothingNew") {
  a().handle(PublishRevocation{revocation_of(c())});
  b().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  a().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  for (TestNode* node : {&a(), &b()}) {
    CHECK(count_of(*node, "Carol revoked") == 1);
    CHECK(node->counter("keys_revoked") == 1);
  }
  CHECK(is_quiet(*this, a()));
}

/// As many as may be, and some more; each author has but so many records.
std::vector<EnvelopePtr> too_many_revocations(const MeshId& mesh, WallMs wall_ms) {
  std::vector<EnvelopePtr> records;
  const std::size_t count = limits::kRevocationsMax + 10;
  for (std::uint8_t who = 0; records.size() < count; ++who) {
    KeySeed author_seed{0xee, who};
    const auto author = make_ed25519_signer(author_seed);
    for (std::uint16_t i = 0; i < limits::kRecordsPerAuthorMax && records.size() < count; ++i) {
      KeySeed seed{0xdd, who, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
      const auto stolen = make_ed25519_signer(seed);
      const MemberKey key = to_member(stolen->public_key());
      Envelope record;
      record.envelope_class = EnvelopeClass::kRecord;
      record.kind = static_cast<std::uint16_t>(Kind::kRevocation);
      record.mesh = mesh;
      record.author = to_member(author->public_key());
      record.epoch = record.wall_ms = wall_ms;
      record.version = 1;
      record.subject.assign(key.bytes.begin(), key.bytes.end());
      record.body = encode_revocation({key, stolen->sign(revocation_signing_bytes(key)), {}});
      records.push_back(seal_envelope(record, *author));
    }
  }
  return records;
}

TEST_CASE_FIXTURE(Three, "NoMoreKeysAreRevokedThanMayBe") {
  const LinkId link = wires.begin()->first;
  TestNode& at = *wires.begin()->second.from;
  for (const EnvelopePtr& record : too_many_revocations(mesh, now.wall_ms))
    at.handle(EnvelopeReceived{link, false, 0, record});
  CHECK(at.counter("keys_revoked") == limits::kRevocationsMax);
  CHECK(at.counter("envelopes_dropped_over_limit") == 10);
  CHECK_FALSE(at.node->can_take_revocation());
}

TEST_CASE_FIXTURE(Three, "WhoHeardOfTooManyRevocationsInAnotherOrderAgreesAndARestartToo") {
  links_allowed = [](const TestNode&, const TestNode&) { return false; };
  cut_forbidden();
  c().crash();
  run(1s);
  std::vector<EnvelopePtr> records = too_many_revocations(mesh, now.wall_ms);
  for (const EnvelopePtr& record : records) a().handle(EnvelopeReceived{1, false, 0, record});
  std::reverse(records.begin(), records.end());
  for (const EnvelopePtr& record : records) b().handle(EnvelopeReceived{1, false, 0, record});
  run(1s);
  std::size_t same = 0;
  for (const EnvelopePtr& record : records) {
    const MemberKey key = read_revocation(record->envelope)->key;
    same += a().node->is_revoked(key) == b().node->is_revoked(key) ? 1 : 0;
  }
  CHECK(same == records.size());
  links_allowed = {};
  link(a(), b());
  run(5s);
  CHECK(is_quiet(*this, a()));
  a().crash();
  a().start();
  link(a(), b());
  run(5s);
  CHECK(a().counter("keys_revoked") == limits::kRevocationsMax);
  CHECK(is_quiet(*this, a()));
}

TEST_CASE_FIXTURE(Three, "WhatTheFounderHasRevokedGivesWayToNobodysRevocations") {
  c().say("before");
  run();
  a().handle(PublishRevocation{revocation_of(c())});
  run(2s);
  CHECK_FALSE(is_linked(a(), c()));
  for (const EnvelopePtr& record : too_many_revocations(mesh, now.wall_ms))
    a().handle(EnvelopeReceived{1, false, 0, record});
  run(5s);
  CHECK(a().node->is_revoked(c().key()));
}

}  // namespace
}  // namespace p2pmesh::test
