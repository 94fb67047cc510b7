// What it costs to find the one envelope that is missing among thousands of authors.
#include <doctest/doctest.h>

#include <map>

#include "many_members.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAuthors = 10'000;
constexpr std::uint32_t kSomebody = 4711;
constexpr LinkId kLink = 1;

EnvelopePtr missing_text() {
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->envelope.author = key_of(kSomebody);
  sealed->envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  sealed->envelope.epoch = 1;
  sealed->envelope.seq = 3;
  sealed->envelope.wall_ms = 1'699'000'000'000;
  sealed->envelope.room = "#lobby";
  sealed->envelope.body = Bytes(100, std::uint8_t{'x'});
  sealed->encoded = Bytes(400);
  sealed->id = EnvelopeId{key_of(999'983).bytes};
  return sealed;
}

/// One of two nodes; what it sends waits in `sent`.
struct End {
  End(std::uint32_t number, bool complete, const Verifier& verifier) : signer(key_of(number).bytes) {
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
      if (i == kSomebody && !complete) {
        log.intervals = {{1, 2}};
        log.ids_digest ^= id_digest(missing_text()->id);
      }
      restored.logs.push_back(std::move(log));
    }
    node = std::make_unique<Node>(options, restored, now, out);
    carry_out();
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
          ++loads;
          node->handle(Loaded{load->request, {missing_text()}, true}, now, out);
        } else if (auto* stored = std::get_if<Store>(&output)) {
          if (stored->envelope->id == missing_text()->id) ++found;
          node->handle(Committed{stored->envelope, stored->context, 1}, now, out);
        }
      }
    }
  }

  Scribble signer;
  Now now{Instant(1s), 1'700'000'000'000};
  Outputs out;
  std::unique_ptr<Node> node;
  std::vector<SharedBytes> sent;
  std::map<FrameType, std::size_t> bytes;
  int loads = 0;
  int found = 0;
};

void deliver(End& from, End& to) {
  std::vector<SharedBytes> frames;
  frames.swap(from.sent);
  for (const SharedBytes& frame : frames) {
    const auto type = static_cast<FrameType>((*frame)[4]);
    from.bytes[type] += frame->size();
    if (type == FrameType::kRepair) {
      // The only one that is not a record of the two themselves.
      if (frame->size() > 400) to.handle(EnvelopeReceived{kLink, false, 0, missing_text()});
    } else if (type > FrameType::kRepair) {
      to.handle(FrameReceived{kLink, type, ByteView(*frame).subspan(limits::kFrameHeaderBytes)});
    }
  }
}

TEST_CASE("WhoDialsAndLacksOneEnvelopeOfTenThousandAuthorsGetsItForSixteenKibibytes") {
  const Credulous verifier;
  End lacking(0, false, verifier);
  End holding(1, true, verifier);
  lacking.sent.clear();
  holding.sent.clear();
  LinkUp up;
  up.link = kLink;
  up.node = NodeKey{key_of(1).bytes};
  up.outbound = true;
  lacking.handle(up);
  up.node = NodeKey{key_of(0).bytes};
  up.outbound = false;
  holding.handle(up);
  for (int step = 0; step < 100; ++step) {
    deliver(lacking, holding);
    deliver(holding, lacking);
    for (End* end : {&lacking, &holding}) {
      end->now.monotonic += 200ms;
      end->now.wall_ms += 200;
      end->handle(Wake{});
    }
  }
  CHECK(lacking.found == 1);
  CHECK(holding.found == 0);
  std::size_t total = 0;
  for (const FrameType type : {FrameType::kSyncDigest, FrameType::kSyncListing, FrameType::kSyncRequest,
                               FrameType::kSyncDone, FrameType::kRepair}) {
    MESSAGE("frames of type ", static_cast<int>(type), ": ", lacking.bytes[type],
            " bytes from who lacks it, ", holding.bytes[type], " from who holds it");
    total += lacking.bytes[type] + holding.bytes[type];
  }
  MESSAGE("bytes in all, both ways, own records included: ", total);
  CHECK(total <= 16 * 1024);
}

}  // namespace
}  // namespace p2pmesh
