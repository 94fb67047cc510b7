#include "ingress_fixture.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;
using namespace p2pmesh::test;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1h};

std::uint64_t take_all(AuthorBudget& budget, std::size_t bytes, Instant now) {
  std::uint64_t taken = 0;
  while (taken < 1'000'000 && budget.has_room(bytes, now)) {
    budget.charge(bytes);
    ++taken;
  }
  return taken;
}

/// Ingress asks about 57 µs worth of signature for each; a verifier that says yes keeps a burst short.
class TrustingVerifier final : public Verifier {
 public:
  bool verify(ByteView, ByteView, const Signature&) const override { return true; }
};

}  // namespace

TEST_CASE("a budget holds a burst and then its rate") {
  AuthorBudget budget(kStart);
  CHECK(budget.is_full(kStart));
  CHECK(take_all(budget, 100, kStart) == limits::kAuthorEnvelopesBurst);
  CHECK_FALSE(budget.is_full(kStart));
  CHECK(take_all(budget, 100, kStart + 1ms) == 0);
  CHECK(take_all(budget, 100, kStart + 1s) == limits::kAuthorEnvelopesPerSecond);
  CHECK_FALSE(budget.is_full(kStart + 5s));
  CHECK(budget.is_full(kStart + 6s + 1ms));
  CHECK(take_all(budget, 100, kStart + 100s) == limits::kAuthorEnvelopesBurst);
}

TEST_CASE("bytes count as well as envelopes") {
  AuthorBudget budget(kStart);
  constexpr std::size_t kLarge = limits::kEnvelopeBytesMax;
  CHECK(take_all(budget, kLarge, kStart) == limits::kAuthorBytesPerSecond / kLarge);
  CHECK_FALSE(budget.has_room(kLarge, kStart));
  CHECK(budget.has_room(kLarge, kStart + 1s));
}

TEST_CASE("a clock that goes back gives nothing") {
  AuthorBudget budget(kStart);
  take_all(budget, 1, kStart);
  CHECK_FALSE(budget.has_room(1, kStart - 10s));
  CHECK_FALSE(budget.has_room(1, kStart));
}

TEST_CASE("over budget is not seen, and comes later by repair") {
  SeenTable seen({});
  TrustingVerifier verifier;
  Ingress ingress(test_mesh(), seen, verifier);
  const Now now{kStart, 0};
  TestAuthor alice(1, test_mesh());
  TestAuthor bob(2, test_mesh());
  for (std::uint64_t i = 0; i < limits::kAuthorEnvelopesBurst; ++i) {
    REQUIRE(ingress.admit(alice.next_encoded(), Path::kLive, now).verdict == Verdict::kFresh);
  }
  const Bytes over = alice.next_encoded();
  const Admission refused = ingress.admit(over, Path::kLive, now);
  CHECK(refused.verdict == Verdict::kOverBudget);
  CHECK_FALSE(refused.envelope);
  CHECK(ingress.counters().over_budget == 1);
  CHECK(seen.counters().entries == limits::kAuthorEnvelopesBurst);
  // Another author's budget is another's.
  CHECK(ingress.admit(bob.next_encoded(), Path::kLive, now).verdict == Verdict::kFresh);
  // Repair is not charged to the author.
  CHECK(ingress.admit(over, Path::kRepair, now).verdict == Verdict::kFresh);
  CHECK(ingress.admit(over, Path::kLive, now).verdict == Verdict::kDuplicate);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(ingress.admit(alice.next_encoded(), Path::kRepair, now).verdict == Verdict::kFresh);
  }
  // And the budget fills up again.
  CHECK(ingress.admit(alice.next_encoded(), Path::kLive, now).verdict == Verdict::kOverBudget);
  const Now later{kStart + 1s, 0};
  CHECK(ingress.admit(alice.next_encoded(), Path::kLive, later).verdict == Verdict::kFresh);
}

TEST_CASE("who has emptied its budget gets a few at once, and its rate all the same") {
  AuthorBudget budget(kStart);
  take_all(budget, 100, kStart);
  CHECK(take_all(budget, 100, kStart + 5ms) == 0);
  CHECK(take_all(budget, 100, kStart + 20ms) == 0);
  CHECK(take_all(budget, 100, kStart + 26ms) == 5);
  std::uint64_t taken = 0;
  for (Duration at = 27ms; at <= 1026ms; at += 1ms) taken += take_all(budget, 100, kStart + at);
  CHECK(taken == limits::kAuthorEnvelopesPerSecond);
}

TEST_CASE("who stays within its budget waits for nothing") {
  AuthorBudget budget(kStart);
  for (std::uint64_t i = 1; i < limits::kAuthorEnvelopesBurst; ++i) {
    REQUIRE(budget.has_room(100, kStart));
    budget.charge(100);
  }
  for (Duration at = 5ms; at <= 1000ms; at += 5ms) {
    REQUIRE(budget.has_room(100, kStart + at));
    budget.charge(100);
  }
}

TEST_CASE("large envelopes are over budget by their bytes") {
  SeenTable seen({});
  TrustingVerifier verifier;
  Ingress ingress(test_mesh(), seen, verifier);
  const Now now{kStart, 0};
  TestAuthor alice(1, test_mesh());
  Envelope envelope = alice.next();
  envelope.body.assign(60000, 1);
  const std::uint64_t fit = limits::kAuthorBytesPerSecond / encode_envelope(envelope).size();
  REQUIRE(fit < limits::kAuthorEnvelopesBurst);
  for (std::uint64_t i = 0; i <= fit; ++i) {
    envelope.epoch = 5000 + i;  // each its own id
    const Verdict expected = i < fit ? Verdict::kFresh : Verdict::kOverBudget;
    REQUIRE(ingress.admit(encode_envelope(envelope), Path::kLive, now).verdict == expected);
  }
  CHECK(ingress.admit(encode_envelope(envelope), Path::kRepair, now).verdict == Verdict::kFresh);
}

TEST_CASE("forgeries and copies do not spend the budget of whom they name") {
  Door door;
  TestAuthor alice(1, test_mesh());
  const Bytes first = alice.next_encoded();
  CHECK(door.verdict(first) == Verdict::kFresh);
  for (std::uint64_t i = 0; i < 2 * limits::kAuthorEnvelopesBurst; ++i) {
    Bytes forged = first;
    forged[forged.size() - kSignatureBytes - 1] ^= static_cast<std::uint8_t>(1 + i % 255);
    REQUIRE(door.verdict(forged) == Verdict::kBadSignature);
    REQUIRE(door.verdict(first) == Verdict::kDuplicate);
  }
  CHECK(door.verdict(alice.next_encoded()) == Verdict::kFresh);
}

TEST_CASE("budgets of more authors than there is room for stay bounded") {
  SeenTable seen({});
  TrustingVerifier verifier;
  Ingress ingress(test_mesh(), seen, verifier);
  TestAuthor alice(1, test_mesh());
  Envelope envelope = alice.next();
  for (std::uint32_t i = 0; i < limits::kAuthorsMax + 1000; ++i) {
    for (std::size_t byte = 0; byte < 4; ++byte)
      envelope.author.bytes[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
    REQUIRE(ingress.admit(encode_envelope(envelope), Path::kLive, Now{kStart, 0}).verdict == Verdict::kFresh);
    REQUIRE(ingress.budgets() <= limits::kAuthorsMax);
  }
}
