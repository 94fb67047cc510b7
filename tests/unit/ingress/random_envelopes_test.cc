// The door as a whole, against random envelopes, in random order, with copies, forgeries and noise among
// them.
#include <algorithm>
#include <map>
#include <vector>

#include "ingress_fixture.h"
#include "p2pmesh/base/random.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

Envelope random_envelope(Random& random, TestAuthor& author) {
  Envelope envelope = author.next(std::string(1 + random.below(200), 'x'));
  envelope.kind = static_cast<std::uint16_t>(random.below(40));
  envelope.room.assign(random.below(65), 'r');
  envelope.epoch = random.next() >> 1;
  envelope.wall_ms = random.next() >> 1;
  envelope.envelope_class = static_cast<EnvelopeClass>(1 + random.below(3));
  if (envelope.envelope_class == EnvelopeClass::kLog) {
    for (std::uint64_t parents = random.below(9); parents > 0; --parents) {
      EnvelopeId parent;
      for (std::uint8_t& byte : parent.bytes) byte = static_cast<std::uint8_t>(random.next());
      envelope.parents.push_back(parent);
    }
    std::sort(envelope.parents.begin(), envelope.parents.end());
  } else if (envelope.envelope_class == EnvelopeClass::kRecord) {
    envelope.subject.assign(random.below(65), 's');
    envelope.version = random.next();
  }
  author.sign(envelope);
  return envelope;
}

}  // namespace

TEST_CASE("every true envelope is fresh exactly once, and nothing else is") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Door door;
    std::vector<TestAuthor> authors;
    for (std::uint8_t i = 1; i <= 4; ++i) authors.emplace_back(i, test_mesh());
    std::vector<Bytes> arrivals;
    std::map<EnvelopeId, int> fresh;
    for (int i = 0; i < 150; ++i) {
      const Bytes encoded = encode_envelope(random_envelope(random, authors[random.below(authors.size())]));
      fresh[hash_envelope(unsigned_part(encoded))] = 0;
      for (std::uint64_t copies = 1 + random.below(3); copies > 0; --copies) arrivals.push_back(encoded);
      Bytes noisy = encoded;
      for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
        noisy[random.below(noisy.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
      }
      if (noisy != encoded) arrivals.push_back(noisy);
      noisy.resize(random.below(noisy.size()));
      arrivals.push_back(noisy);
    }
    for (std::size_t i = arrivals.size(); i > 1; --i) std::swap(arrivals[i - 1], arrivals[random.below(i)]);
    for (const Bytes& arrival : arrivals) {
      const Admission admission = door.admit(arrival, random.below(2) == 0 ? Path::kLive : Path::kRepair);
      if (admission.verdict != Verdict::kFresh) continue;
      REQUIRE(admission.envelope);
      REQUIRE(admission.envelope->encoded == arrival);
      REQUIRE(fresh.contains(admission.id));
      ++fresh[admission.id];
    }
    std::size_t not_once = 0;
    for (const auto& [id, count] : fresh) not_once += count != 1 ? 1 : 0;
    CHECK(not_once == 0);
    CHECK(door.ingress.counters().bad_signatures > 0);
    CHECK(door.ingress.counters().duplicates > 0);
    CHECK(door.ingress.counters().malformed > 0);
  }
}
