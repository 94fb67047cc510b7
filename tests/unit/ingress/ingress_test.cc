#include "p2pmesh/ingress/ingress.h"

#include "ingress_fixture.h"
#include "p2pmesh/base/limits.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

TEST_CASE("a signed envelope is fresh and comes out as it went in") {
  Door door;
  TestAuthor alice(1, test_mesh());
  const Envelope sent = alice.next("hello");
  const Bytes encoded = encode_envelope(sent);
  const Admission admission = door.admit(encoded);
  REQUIRE(admission.verdict == Verdict::kFresh);
  REQUIRE(admission.envelope);
  CHECK(admission.id == hash_envelope(encode_unsigned(sent)));
  CHECK(admission.envelope->id == admission.id);
  CHECK(admission.envelope->encoded == encoded);
  CHECK(admission.envelope->envelope.author == sent.author);
  CHECK(admission.envelope->envelope.body == sent.body);
  CHECK(door.ingress.counters().fresh == 1);
}

TEST_CASE("a copy is a duplicate, and its signature is not looked at") {
  Door door;
  const Bytes encoded = TestAuthor(1, test_mesh()).next_encoded();
  CHECK(door.verdict(encoded) == Verdict::kFresh);
  for (Path path : {Path::kLive, Path::kRepair}) {
    const Admission copy = door.admit(encoded, path);
    CHECK(copy.verdict == Verdict::kDuplicate);
    CHECK_FALSE(copy.envelope);
    CHECK(copy.id == hash_envelope(unsigned_part(encoded)));
  }
  CHECK(door.verifier.asked == 1);
  CHECK(door.ingress.counters().duplicates == 2);
}

TEST_CASE("a forged copy that comes first does not silence the true one") {
  Door door;
  const Bytes encoded = TestAuthor(1, test_mesh()).next_encoded();
  Bytes forged = encoded;
  forged.back() ^= 1;
  CHECK(door.verdict(forged) == Verdict::kBadSignature);
  CHECK(door.seen.counters().entries == 0);
  CHECK(door.verdict(encoded) == Verdict::kFresh);
  // With the id known, the forgery is no more than a copy.
  CHECK(door.verdict(forged) == Verdict::kDuplicate);
  CHECK(door.ingress.counters().bad_signatures == 1);
}

TEST_CASE("no envelope with one bit flipped is let in") {
  Door door;
  TestAuthor alice(1, test_mesh());
  Envelope envelope = alice.next();
  envelope.seq = 2;
  envelope.prev.bytes.fill(1);
  envelope.parents = {envelope.prev};
  alice.sign(envelope);
  const Bytes encoded = encode_envelope(envelope);
  std::size_t let_in = 0;
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    Bytes flipped = encoded;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const Verdict verdict = door.verdict(flipped);
    if (verdict != Verdict::kMalformed && verdict != Verdict::kOtherMesh && verdict != Verdict::kBadSignature)
      ++let_in;
  }
  CHECK(let_in == 0);
  CHECK(door.seen.counters().entries == 0);
  CHECK(door.ingress.counters().malformed > 0);
  CHECK(door.ingress.counters().other_mesh == 32 * 8);
  CHECK(door.ingress.counters().bad_signatures > 0);
  CHECK(door.verdict(encoded) == Verdict::kFresh);
}

TEST_CASE("no envelope that is cut or lengthened is let in") {
  Door door;
  const Bytes encoded = TestAuthor(1, test_mesh()).next_encoded();
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    REQUIRE(door.verdict(ByteView(encoded).first(size)) == Verdict::kMalformed);
  }
  Bytes longer = encoded;
  longer.push_back(0);
  CHECK(door.verdict(longer) == Verdict::kMalformed);
}

TEST_CASE("an envelope signed by another key is refused") {
  Door door;
  TestAuthor alice(1, test_mesh());
  TestAuthor mallory(2, test_mesh());
  Envelope envelope = alice.next();
  mallory.sign(envelope);
  CHECK(door.verdict(encode_envelope(envelope)) == Verdict::kBadSignature);
}

TEST_CASE("an envelope of another mesh is refused before its signature is looked at") {
  Door door;
  MeshId other = test_mesh();
  other.bytes[31] ^= 1;
  CHECK(door.verdict(TestAuthor(1, other).next_encoded()) == Verdict::kOtherMesh);
  CHECK(door.verifier.asked == 0);
  CHECK(door.seen.counters().entries == 0);
  CHECK(door.ingress.counters().other_mesh == 1);
}

TEST_CASE("an unknown kind and a malformed body pass, since their signature is good") {
  Door door;
  TestAuthor alice(1, test_mesh());
  Envelope envelope = alice.next();
  envelope.kind = 0xfffe;
  envelope.body = {1, 2, 3};
  alice.sign(envelope);
  CHECK(door.verdict(encode_envelope(envelope)) == Verdict::kFresh);
}

TEST_CASE("what was sent from here comes back as a duplicate") {
  Door door;
  const Envelope own = TestAuthor(1, test_mesh()).next();
  door.ingress.mark_seen(hash_envelope(encode_unsigned(own)), own.wall_ms, door.now.monotonic);
  CHECK(door.verdict(encode_envelope(own)) == Verdict::kDuplicate);
  CHECK(door.verifier.asked == 0);
}

TEST_CASE("a forgotten envelope is taken in again") {
  Door door;
  const Bytes encoded = TestAuthor(1, test_mesh()).next_encoded();
  const Admission admission = door.admit(encoded);
  REQUIRE(admission.envelope);
  door.ingress.forget(*admission.envelope);
  CHECK(door.verdict(encoded) == Verdict::kFresh);
  CHECK(door.verdict(encoded) == Verdict::kDuplicate);
}

TEST_CASE("two envelopes of one place are both fresh, so that a fork can be proven") {
  Door door;
  Envelope first = TestAuthor(1, test_mesh()).next("one");
  Envelope second = TestAuthor(1, test_mesh()).next("two");
  REQUIRE(first.seq == second.seq);
  CHECK(door.verdict(encode_envelope(first)) == Verdict::kFresh);
  CHECK(door.verdict(encode_envelope(second)) == Verdict::kFresh);
}
