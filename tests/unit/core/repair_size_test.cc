// What it costs to find the one envelope that is missing among thousands of authors.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAuthors = 10'000;
constexpr LinkId kLink = 1;
using Authors = std::set<std::uint32_t>;

/// The third of an author. Its number is in its first bytes, so that a repair frame tells which one it is.
EnvelopePtr text_of(std::uint32_t author) {
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->envelope.author = key_of(author);
  sealed->envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  sealed->envelope.epoch = 1;
  sealed->envelope.seq = 3;
  sealed->envelope.wall_ms = 1'699'000'000'000;
  sealed->envelope.room = "#lobby";
  sealed->envelope.body = Bytes(100, std::uint8_t{'x'});
  sealed->encoded = Writer().u32(author).raw(Bytes(396)).take();
  sealed->id = EnvelopeId{key_of(author + 900'000).bytes};
  return sealed;
}

/// One of two nodes; what it sends waits in `sent`.
struct End {
  End(std::uint32_t number, const Authors& lacks, const Verifier& verifier) : signer(key_of(number).bytes) {
    NodeOptions options;
    options.name = "Member" + std::to_string(number);
    options.member_signer = options.node_signer = &signer;
    options.verifier = &verifier;
    options.listen.ip = {10, 0, 0, static_cast<std::uint8_t>(number + 1)};
    options.listen.port = 9750;
    options.seed = number;
    RestoredState restored;
    restored.handed_over = true;
    for (std::uint32_t i = 0; i < kAuthors; ++i) {
      restored.records.push_back(record_of(i, "Member" + std::to_string(i)));
      RestoredLog log{key_of(i),         1,  {{1, 3}},
                      1'699'000'000'000, {}, key_of(i + 50'000).bytes[0] + i * 257ULL};
      if (lacks.contains(i)) {
        log.intervals = {{1, 2}};
        log.ids_digest ^= id_digest(text_of(i)->id);
      }
      restored.logs.push_back(std::move(log));
    }
    node = std::make_unique<Node>(options, restored, now, out);
    carry_out();
    sent.clear();
  }

  void handle(const Input& input) {
    node->handle(input, now, out);
    carry_out();
    node->flush(now, out);
    carry_out();
  }

  void carry_out() {
    while (!out.empty()) {
      Outputs batch;
      batch.swap(out);
      for (Output& output : batch) {
        if (auto* send = std::get_if<SendFrame>(&output)) {
          sent.push_back(send->frame);
        } else if (auto* load = std::get_if<Load>(&output)) {
          node->handle(loaded(*load), now, out);
        } else if (auto* stored = std::get_if<Store>(&output)) {
          if (stored->envelope->envelope.kind == static_cast<std::uint16_t>(Kind::kText)) ++found;
          node->handle(Committed{stored->envelope, stored->context, 1}, now, out);
        }
      }
    }
  }

  static Loaded loaded(const Load& load) {
    static const std::map<MemberKey, std::uint32_t> numbers = [] {
      std::map<MemberKey, std::uint32_t> by_key;
      for (std::uint32_t i = 0; i < kAuthors; ++i) by_key[key_of(i)] = i;
      return by_key;
    }();
    Loaded loaded{load.request, {}, true};
    for (const auto& range : load.ranges) {
      if (range.last == 3) loaded.envelopes.push_back(text_of(numbers.at(range.author)));
    }
    return loaded;
  }

  [[nodiscard]] std::size_t bytes_of(std::initializer_list<FrameType> types) const {
    std::size_t sum = 0;
    for (const FrameType type : types) {
      if (auto found_type = bytes.find(type); found_type != bytes.end()) sum += found_type->second;
    }
    return sum;
  }

  Scribble signer;
  Now now{Instant(1s), 1'700'000'000'000};
  Outputs out;
  std::unique_ptr<Node> node;
  std::vector<SharedBytes> sent;
  std::map<FrameType, std::size_t> bytes;
  std::size_t found = 0;
};

void deliver(End& from, End& to) {
  std::vector<SharedBytes> frames;
  frames.swap(from.sent);
  for (const SharedBytes& frame : frames) {
    const auto type = static_cast<FrameType>((*frame)[4]);
    const ByteView payload = ByteView(*frame).subspan(limits::kFrameHeaderBytes);
    from.bytes[type] += frame->size();
    if (type == FrameType::kRepair) {
      // The others are the records of the two themselves, which are not encoded here.
      if (payload.size() == 400) to.handle(EnvelopeReceived{kLink, false, 0, text_of(Reader(payload).u32())});
    } else if (type > FrameType::kRepair) {
      to.handle(FrameReceived{kLink, type, payload});
    }
  }
}

/// Bytes of the sessions that `asker` begins.
std::size_t session_bytes(const End& asker, const End& server) {
  return asker.bytes_of({FrameType::kSyncDigest, FrameType::kSyncDescend, FrameType::kSyncRequest}) +
         server.bytes_of(
             {FrameType::kSyncBranch, FrameType::kSyncListing, FrameType::kSyncDone, FrameType::kRepair});
}

/// Bytes of all comparisons of two nodes that become neighbors and compare at once, each with the other.
std::size_t repair_bytes(const Authors& dialler_lacks, const Authors& acceptor_lacks) {
  const Credulous verifier;
  End dialler(0, dialler_lacks, verifier);
  End acceptor(1, acceptor_lacks, verifier);
  LinkUp up;
  up.link = kLink;
  up.node = NodeKey{key_of(1).bytes};
  up.outbound = true;
  dialler.handle(up);
  up.node = NodeKey{key_of(0).bytes};
  up.outbound = false;
  acceptor.handle(up);
  for (int step = 0; step < 100; ++step) {
    deliver(dialler, acceptor);
    deliver(acceptor, dialler);
    for (End* end : {&dialler, &acceptor}) {
      end->now.monotonic += 200ms;
      end->now.wall_ms += 200;
      end->handle(Wake{});
    }
  }
  CHECK(dialler.found == dialler_lacks.size());
  CHECK(acceptor.found == acceptor_lacks.size());
  CHECK(dialler.bytes_of({FrameType::kSyncDigest}) > 0);
  CHECK(acceptor.bytes_of({FrameType::kSyncDigest}) > 0);
  const std::size_t dialled = session_bytes(dialler, acceptor);
  const std::size_t accepted = session_bytes(acceptor, dialler);
  MESSAGE("bytes, own records included: the dialler asks ", dialled, ", the acceptor asks ", accepted,
          ", in all ", dialled + accepted);
  return dialled + accepted;
}

constexpr std::size_t kBound = 16 * 1024;

TEST_CASE("ADiallerThatLacksOneEnvelopeOfTenThousandAuthorsGetsItForSixteenKibibytes") {
  CHECK(repair_bytes({4711}, {}) <= kBound);
}

TEST_CASE("AnAcceptorThatLacksOneEnvelopeOfTenThousandAuthorsGetsItForSixteenKibibytes") {
  CHECK(repair_bytes({}, {4711}) <= kBound);
}

TEST_CASE("TwoThatLackOneEnvelopeEachOfTenThousandAuthorsGetThemForSixteenKibibytes") {
  CHECK(repair_bytes({4711}, {815}) <= kBound);
}

TEST_CASE("WhoMissedWhatFiveHundredOfTenThousandAuthorsWroteNeedNotListThemAll") {
  Authors lacking;
  for (std::uint32_t i = 2; i < 502; ++i) lacking.insert(i * 17);
  // The envelopes are 200 KiB of it; whole buckets listed would be 1.3 MiB more, for each end that asks.
  CHECK(repair_bytes(lacking, {}) <= 1024 * 1024);
}

}  // namespace
}  // namespace p2pmesh
