// What one answer of anti-entropy may hold, on either side.
#include <doctest/doctest.h>

#include "anti_entropy.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;
constexpr std::uint64_t kEpoch = 1;

struct Fixture {
  Fixture() {
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links.add(up, NodeKey{}, now.monotonic);
    link().root_known = true;
    roster.restore(*record_of(kAuthor, "Alice"));
  }
  Link& link() { return *links.find(kLink); }
  template <class Message>
  std::vector<Message> sent(FrameType type, std::optional<Message> (*decode)(ByteView)) const {
    std::vector<Message> messages;
    for (const Output& output : outputs) {
      const auto* send = std::get_if<SendFrame>(&output);
      if (send == nullptr || static_cast<FrameType>((*send->frame)[4]) != type) continue;
      auto message = decode(ByteView(*send->frame).subspan(limits::kFrameHeaderBytes));
      REQUIRE(message);
      messages.push_back(std::move(*message));
    }
    return messages;
  }
  std::uint64_t asks(SyncRequest request) {
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_request(link(), std::move(request), turn);
    for (const Output& output : outputs) {
      if (const auto* load = std::get_if<Load>(&output)) loads.push_back(*load);
    }
    REQUIRE_FALSE(loads.empty());
    return loads.back().request;
  }

  static constexpr std::uint32_t kAuthor = 4;
  Now now{Instant(100s), 1'700'000'000'000};
  ProtocolParameters parameters;
  Credulous verifier;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  AntiEntropy entropy{parameters, digest, index, roster, links, key_of(1), 1};
  Outputs outputs;
  std::vector<Load> loads;
};

TEST_CASE_FIXTURE(Fixture, "TheStoreIsAskedForNoMoreThanOneAnswerMayHold") {
  asks({1, {{key_of(kAuthor), kEpoch, 1, UINT64_MAX / 4}}, {}});
  CHECK(loads.back().bytes_max == limits::kSyncAnswerBytesMax);
  CHECK(loads.back().envelopes_max == limits::kSyncAnswerEnvelopesMax);
  CHECK(loads.back().gone_max == limits::kGoneAtOnceMax);
}

TEST_CASE_FIXTURE(Fixture, "OfTooManyRangesThatAreGoneOneAnswerTellsTheFirst") {
  constexpr std::uint64_t kKnown = limits::kGoneAtOnceMax + 100;
  for (std::uint64_t i = 0; i < kKnown; ++i)
    index.note_gone({key_of(kAuthor), kEpoch, 1 + 4 * i, 2 + 4 * i, 4711 + i}, now.monotonic);
  REQUIRE(index.gone_known() == kKnown);
  const auto answer = [&](std::uint64_t first) {
    const std::uint64_t request = asks({1, {{key_of(kAuthor), kEpoch, first, 4 * kKnown}}, {}});
    outputs.clear();
    Turn turn{now, outputs};
    entropy.on_loaded(Loaded{request, {}, true, {}}, turn);
    std::size_t items = 0;
    for (const SyncGone& gone : sent(FrameType::kSyncGone, decode_sync_gone)) {
      CHECK(gone.items.size() <= limits::kGonePerFrameMax);
      items += gone.items.size();
    }
    return items;
  };
  CHECK(answer(1) == limits::kGoneAtOnceMax);
  CHECK_FALSE(sent(FrameType::kSyncDone, decode_sync_done).back().complete);
  CHECK(answer(1 + 4 * limits::kGoneAtOnceMax) == 100);
  CHECK(sent(FrameType::kSyncDone, decode_sync_done).back().complete);
}

/// Has asked for what a neighbor has listed.
struct Asker : Fixture {
  Asker() {
    Turn turn{now, outputs};
    link().differs = true;
    entropy.on_root(link(), kAsOfAll, false, turn);
    SyncListing listing;
    session = listing.session = sent(FrameType::kSyncDigest, decode_sync_digest).back().session;
    listing.last = true;
    listing.logs.push_back({key_of(kAuthor), kEpoch, 1, 1, {{1, limits::kSyncAnswerEnvelopesMax}}});
    entropy.on_listing(link(), listing, turn);
    REQUIRE(sent(FrameType::kSyncRequest, decode_sync_request).size() == 1);
  }
  /// Single numbers of the second half that are gone.
  void tell(std::uint64_t first, std::size_t count) {
    SyncGone gone;
    gone.session = session;
    gone.author = key_of(kAuthor);
    gone.epoch = kEpoch;
    for (std::uint64_t i = 0; i < count; ++i) gone.items.push_back({first + 2 * i, first + 2 * i, 4711});
    Turn turn{now, outputs};
    entropy.on_gone(link(), gone, turn);
  }
  std::uint32_t session = 0;
};

TEST_CASE_FIXTURE(Asker, "OfTooManyRangesThatAreToldToBeGoneTheFirstCount") {
  constexpr std::size_t kFrame = 128;
  for (std::size_t told = 0; told < limits::kGoneAtOnceMax - kFrame; told += kFrame) tell(1, kFrame);
  REQUIRE(index.gone_known() == kFrame);
  tell(301, kFrame);
  CHECK(index.gone_known() == 2 * kFrame);
  tell(701, 1);
  CHECK(index.gone_known() == 2 * kFrame);
  CHECK_FALSE(index.is_gone({key_of(kAuthor), kEpoch, 701, 701}));
  CHECK(index.is_gone({key_of(kAuthor), kEpoch, 301, 301}));
}

}  // namespace
}  // namespace p2pmesh
