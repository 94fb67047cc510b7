// Every bit of many envelopes changed, one at a time: none of it gets in.
//   P2PMESH_CAPTURED           a file of frames as a member got them; its envelopes, and not ones made here
//   P2PMESH_ATTACK_ENVELOPES   how many (40; `make attacks` takes 1,000)
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "ingress_fixture.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/messages.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

std::vector<Bytes> made_here(std::size_t count) {
  Random random(7);
  TestAuthor author(3, test_mesh());
  std::vector<Bytes> made;
  while (made.size() < count) {
    Envelope envelope = author.next(std::string(1 + random.below(100), 'x'));
    if (made.size() % 4 == 3) {
      envelope.envelope_class = EnvelopeClass::kRecord;
      envelope.subject = {1, 2, 3};
      envelope.version = made.size();
      envelope.seq = envelope.depth = 0;
      envelope.prev = {};
    } else {
      EnvelopeId parent;
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        parent.bytes.fill(static_cast<std::uint8_t>(10 - i));
        envelope.parents.push_back(parent);
      }
    }
    author.sign(envelope);
    made.push_back(encode_envelope(envelope));
  }
  return made;
}

std::vector<Bytes> captured(const char* path, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const Bytes content{std::istreambuf_iterator<char>(file), {}};
  FrameDecoder decoder(limits::kFrameBytesMax);
  decoder.push(content);
  std::vector<Bytes> found;
  while (const auto frame = decoder.next()) {
    if (frame->type == static_cast<std::uint8_t>(FrameType::kRepair))
      found.emplace_back(frame->payload.begin(), frame->payload.end());
    if (frame->type != static_cast<std::uint8_t>(FrameType::kGossip)) continue;
    const auto gossip = decode_gossip(frame->payload);
    REQUIRE(gossip);
    for (const GossipItem& item : gossip->items)
      found.emplace_back(item.envelope.begin(), item.envelope.end());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  REQUIRE(found.size() >= count);
  // Spread over all sizes and kinds: sorted they begin with the class and the kind.
  std::vector<Bytes> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(found[i * found.size() / count]);
  return chosen;
}

struct Flips {
  std::atomic<std::size_t> bits = 0;
  std::atomic<std::size_t> let_in = 0;
  std::atomic<std::size_t> remembered = 0;
  std::atomic<std::size_t> true_ones = 0;
};

/// Every bit of one envelope at a door of its mesh, then the envelope as it is.
void flip_all(const Bytes& encoded, Flips& flips) {
  const auto envelope = decode_envelope(encoded);
  if (!envelope) return;
  SeenTable seen{SeenTableOptions{.entries_max = 1024}};
  Ingress ingress(envelope->mesh, seen, ed25519_verifier());
  const Now now{Instant(std::chrono::hours(1)), envelope->wall_ms};
  Bytes flipped = encoded;
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ mask);
    const Verdict verdict = ingress.admit(flipped, bit % 2 == 0 ? Path::kLive : Path::kRepair, now).verdict;
    const bool is_refused =
        verdict == Verdict::kMalformed || verdict == Verdict::kOtherMesh || verdict == Verdict::kBadSignature;
    if (!is_refused) ++flips.let_in;
    flipped[bit / 8] = encoded[bit / 8];
  }
  flips.bits += encoded.size() * 8;
  flips.remembered += seen.counters().entries;
  if (ingress.admit(encoded, Path::kLive, now).verdict == Verdict::kFresh) ++flips.true_ones;
}

}  // namespace

TEST_CASE("no envelope with one bit flipped is let in, whichever of its bits") {
  REQUIRE(init_crypto());
  const char* wanted = std::getenv("P2PMESH_ATTACK_ENVELOPES");
  const std::size_t count = wanted == nullptr ? 40 : std::strtoull(wanted, nullptr, 10);
  const char* path = std::getenv("P2PMESH_CAPTURED");
  const std::vector<Bytes> envelopes = path == nullptr ? made_here(count) : captured(path, count);
  Flips flips;
  std::vector<std::thread> workers;
  std::atomic<std::size_t> next = 0;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < envelopes.size(); at = next++) flip_all(envelopes[at], flips);
    });
  }
  for (std::thread& worker : workers) worker.join();
  MESSAGE(envelopes.size() << " envelopes, " << flips.bits.load() << " bits flipped, " << flips.let_in.load()
                           << " let in");
  CHECK(flips.let_in == 0);
  CHECK(flips.remembered == 0);
  CHECK(flips.true_ones == count);
}
