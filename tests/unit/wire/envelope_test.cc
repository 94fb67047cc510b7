#include "p2pmesh/wire/envelope.h"

#include <algorithm>
#include <utility>

#include "canonical.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/codec.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

Envelope envelope_of(EnvelopeClass envelope_class) {
  Envelope envelope;
  envelope.envelope_class = envelope_class;
  envelope.kind = 0x1234;
  envelope.mesh = id_from<MeshId>(1);
  envelope.room = "#lobby";
  envelope.author = id_from<MemberKey>(2);
  envelope.epoch = 1000;
  envelope.wall_ms = 2000;
  envelope.body = {9, 8, 7};
  envelope.signature = signature_from(3);
  return envelope;
}

Envelope log_envelope() {
  Envelope envelope = envelope_of(EnvelopeClass::kLog);
  envelope.seq = 3;
  envelope.prev = id_from<EnvelopeId>(4);
  envelope.parents = {id_from<EnvelopeId>(5), id_from<EnvelopeId>(6)};
  envelope.depth = 17;
  return envelope;
}

Envelope record_envelope() {
  Envelope envelope = envelope_of(EnvelopeClass::kRecord);
  envelope.subject = {1, 2, 3};
  envelope.version = 5;
  return envelope;
}

bool is_taken(const Envelope& envelope) {
  return decode_envelope(encode_envelope(envelope)).has_value();
}

constexpr std::uint64_t kHalf = 1ULL << 63;

}  // namespace

TEST_CASE("a log envelope comes back field by field") {
  const Envelope sent = log_envelope();
  const auto got = decode_envelope(encode_envelope(sent));
  REQUIRE(got);
  CHECK(got->envelope_class == EnvelopeClass::kLog);
  CHECK(got->kind == sent.kind);
  CHECK(got->mesh == sent.mesh);
  CHECK(got->room == sent.room);
  CHECK(got->author == sent.author);
  CHECK(got->epoch == sent.epoch);
  CHECK(got->wall_ms == sent.wall_ms);
  CHECK(got->seq == sent.seq);
  CHECK(got->prev == sent.prev);
  CHECK(got->parents == sent.parents);
  CHECK(got->depth == sent.depth);
  CHECK(got->body == sent.body);
  CHECK(got->signature == sent.signature);
}

TEST_CASE("a record comes back with subject and version") {
  const auto got = decode_envelope(encode_envelope(record_envelope()));
  REQUIRE(got);
  CHECK(got->envelope_class == EnvelopeClass::kRecord);
  CHECK(got->subject == Bytes{1, 2, 3});
  CHECK(got->version == 5);
  CHECK(got->seq == 0);
}

TEST_CASE("each class of envelope has one encoding") {
  check_canonical(encode_envelope(log_envelope()), decode_envelope, encode_envelope);
  check_canonical(encode_envelope(record_envelope()), decode_envelope, encode_envelope);
  check_canonical(encode_envelope(envelope_of(EnvelopeClass::kPassing)), decode_envelope, encode_envelope);
}

TEST_CASE("what is signed is everything but the signature") {
  const Envelope envelope = log_envelope();
  const Bytes encoded = encode_envelope(envelope);
  const ByteView part = unsigned_part(encoded);
  CHECK(Bytes(part.begin(), part.end()) == encode_unsigned(envelope));
  CHECK(part.size() + kSignatureBytes == encoded.size());
  CHECK(unsigned_part(Bytes(63)).empty());
}

TEST_CASE("eight parents fit and nine do not") {
  Envelope envelope = log_envelope();
  envelope.parents.clear();
  for (std::uint8_t i = 0; i < limits::kParentsMax; ++i) envelope.parents.push_back(id_from<EnvelopeId>(i));
  CHECK(is_taken(envelope));
  envelope.parents.push_back(id_from<EnvelopeId>(limits::kParentsMax));
  CHECK_FALSE(is_taken(envelope));
  envelope.parents.clear();
  CHECK(is_taken(envelope));
}

TEST_CASE("parents ascend strictly") {
  Envelope envelope = log_envelope();
  std::swap(envelope.parents[0], envelope.parents[1]);
  CHECK_FALSE(is_taken(envelope));
  envelope.parents[0] = envelope.parents[1];
  CHECK_FALSE(is_taken(envelope));
}

TEST_CASE("a room or subject of 64 bytes fits and one of 65 does not") {
  Envelope envelope = record_envelope();
  envelope.room.assign(limits::kRoomBytesMax, 'r');
  envelope.subject.assign(limits::kSubjectBytesMax, 's');
  CHECK(is_taken(envelope));
  envelope.room.push_back('r');
  CHECK_FALSE(is_taken(envelope));
  envelope.room.pop_back();
  envelope.subject.push_back('s');
  CHECK_FALSE(is_taken(envelope));
}

TEST_CASE("prev is zero at sequence number 1 and there alone") {
  Envelope envelope = log_envelope();
  envelope.prev = {};
  CHECK_FALSE(is_taken(envelope));
  envelope.seq = 1;
  CHECK(is_taken(envelope));
  envelope.prev = id_from<EnvelopeId>(4);
  CHECK_FALSE(is_taken(envelope));
}

TEST_CASE("numbers that begin at 1 refuse 0, none reaches 2^63, and no depth passes 2^62") {
  for (const auto& [field, zero_is_taken] : {std::pair{&Envelope::seq, false},
                                             {&Envelope::depth, false},
                                             {&Envelope::epoch, true},
                                             {&Envelope::wall_ms, true}}) {
    Envelope envelope = log_envelope();
    const std::uint64_t greatest = field == &Envelope::depth ? limits::kDepthMax : kHalf - 1;
    envelope.*field = greatest;
    CHECK(is_taken(envelope));
    for (std::uint64_t value : {greatest + 1, UINT64_MAX}) {
      envelope.*field = value;
      CHECK_FALSE(is_taken(envelope));
    }
    envelope.*field = 0;
    CHECK(is_taken(envelope) == zero_is_taken);
  }
}

TEST_CASE("a version of a record of 2^63 or more is refused or kept whole") {
  Envelope envelope = record_envelope();
  for (std::uint64_t version : {std::uint64_t{0}, kHalf - 1, kHalf, UINT64_MAX}) {
    envelope.version = version;
    const auto got = decode_envelope(encode_envelope(envelope));
    if (got) CHECK(got->version == version);
  }
}

TEST_CASE("other versions and classes are refused") {
  Bytes encoded = encode_envelope(log_envelope());
  for (const int version : {0, 2, 255}) {
    encoded[0] = static_cast<std::uint8_t>(version);
    CHECK_FALSE(decode_envelope(encoded));
  }
  encoded[0] = kEnvelopeVersion;
  for (const int envelope_class : {0, 4, 255}) {
    encoded[1] = static_cast<std::uint8_t>(envelope_class);
    CHECK_FALSE(decode_envelope(encoded));
  }
}

TEST_CASE("an envelope of the greatest size fits and one byte more does not") {
  Envelope envelope = log_envelope();
  const std::size_t rest = encode_envelope(envelope).size() - envelope.body.size();
  envelope.body.assign(limits::kEnvelopeBytesMax - rest, 1);
  CHECK(is_taken(envelope));
  envelope.body.push_back(1);
  CHECK_FALSE(is_taken(envelope));
}

TEST_CASE("a length that claims more than there is allocates nothing and is refused") {
  Bytes encoded = encode_envelope(envelope_of(EnvelopeClass::kPassing));
  const std::size_t length_at = encoded.size() - kSignatureBytes - 3 - 4;
  for (std::size_t i = 0; i < 4; ++i) encoded[length_at + i] = 0xff;
  CHECK_FALSE(decode_envelope(encoded));
}

TEST_CASE("random envelopes come back as the same bytes") {
  Random random(5);
  const auto random_id = [&] { return id_from<EnvelopeId>(static_cast<std::uint8_t>(random.below(200))); };
  for (int i = 0; i < 2000; ++i) {
    Envelope envelope = envelope_of(static_cast<EnvelopeClass>(1 + random.below(3)));
    envelope.kind = static_cast<std::uint16_t>(random.next());
    envelope.room.assign(random.below(65), static_cast<char>(random.below(256)));
    envelope.epoch = random.next() >> (1 + random.below(63));
    envelope.wall_ms = random.next() >> (1 + random.below(63));
    envelope.body.assign(random.below(300), static_cast<std::uint8_t>(random.below(256)));
    if (envelope.envelope_class == EnvelopeClass::kLog) {
      envelope.seq = 1 + (random.next() >> (2 + random.below(62)));
      if (envelope.seq > 1) envelope.prev = random_id();
      envelope.depth = 1 + (random.next() >> (2 + random.below(62)));
      for (std::uint64_t parent = random.below(9); parent > 0; --parent)
        envelope.parents.push_back(random_id());
      std::sort(envelope.parents.begin(), envelope.parents.end());
      envelope.parents.erase(std::unique(envelope.parents.begin(), envelope.parents.end()),
                             envelope.parents.end());
    } else if (envelope.envelope_class == EnvelopeClass::kRecord) {
      envelope.subject.assign(random.below(65), 7);
      envelope.version = random.next() >> (1 + random.below(63));
    }
    const Bytes encoded = encode_envelope(envelope);
    const auto got = decode_envelope(encoded);
    REQUIRE(got);
    REQUIRE(encode_envelope(*got) == encoded);
    // Several bytes at once, which the single changes above do not reach.
    Bytes noisy = encoded;
    for (int change = 0; change < 4; ++change)
      noisy[random.below(noisy.size())] = static_cast<std::uint8_t>(random.next());
    const auto other = decode_envelope(noisy);
    REQUIRE((!other || encode_envelope(*other) == noisy));
  }
}
