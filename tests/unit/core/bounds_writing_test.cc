// What the local member may type ahead of what is sent, up to each bound and one beyond.
#include <doctest/doctest.h>

#include "author.h"
#include "drafts.h"
#include "many_members.h"
#include "outbox.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

Draft line(std::size_t bytes, std::uint64_t number = 0) {
  Draft draft;
  draft.room = "#lobby";
  draft.text = std::string(bytes, 'x');
  draft.number = number;
  return draft;
}

struct Pen {
  Scribble signer{key_of(1).bytes};
  Author author{MeshId{}, signer};
};

TEST_CASE_FIXTURE(Pen, "NoMoreLinesWaitToBeSentThanTheBound") {
  for (std::uint64_t i = 1; i <= limits::kUnsentMessagesMax; ++i) {
    REQUIRE(author.has_room());
    author.enqueue(line(1, i));
  }
  CHECK(author.waiting() == limits::kUnsentMessagesMax);
  CHECK_FALSE(author.has_room());
  CHECK(author.cancel(limits::kUnsentMessagesMax));
  CHECK(author.has_room());
}

TEST_CASE_FIXTURE(Pen, "NoMoreBytesWaitToBeSentThanTheBoundAndALine") {
  author.enqueue(line(limits::kUnsentBytesMax - 1, 1));
  CHECK(author.has_room());
  author.enqueue(line(limits::kMessageBytesMax, 2));
  CHECK(author.waiting_bytes() == limits::kUnsentBytesMax - 1 + limits::kMessageBytesMax);
  CHECK_FALSE(author.has_room());
  CHECK(author.cancel(2));
  CHECK(author.has_room());
  author.enqueue(line(1, 3));
  CHECK_FALSE(author.has_room());
}

TEST_CASE("NoMoreBytesOfDraftsAreKeptThanTheBoundAndALine") {
  Drafts drafts;
  Outputs outputs;
  Turn turn{{}, outputs};
  drafts.keep(line(limits::kDraftBytesMax - 1), turn);
  CHECK(drafts.has_room());
  drafts.keep(line(limits::kMessageBytesMax), turn);
  CHECK(drafts.bytes() == limits::kDraftBytesMax - 1 + limits::kMessageBytesMax);
  CHECK_FALSE(drafts.has_room());
  CHECK(drafts.cancel(2, turn));
  CHECK(drafts.has_room());
  CHECK(drafts.bytes() == limits::kDraftBytesMax - 1);
}

/// Writes lines of the lobby into envelopes.
struct Packing : Pen {
  Packing() {
    init_crypto();
    options.member_signer = &signer;
    options.verifier = &verifier;
    conversations.emplace(options, roster);
    author.draw_epoch(1, now.wall_ms);
  }
  std::vector<Written> write(const std::vector<std::size_t>& lines) {
    for (const std::size_t bytes : lines) author.enqueue(line(bytes));
    outputs.clear();
    Turn turn{now, outputs};
    return author.write(heads, rooms, *conversations, turn);
  }
  /// How many messages come into each envelope.
  std::vector<std::size_t> pack(const std::vector<std::size_t>& lines) {
    std::vector<std::size_t> counts;
    for (const Written& written : write(lines)) {
      CHECK(written.envelope->encoded.size() <= limits::kEnvelopeBytesMax);
      const auto texts = decode_text_body(written.envelope->envelope.body);
      REQUIRE(texts);
      counts.push_back(texts->size());
    }
    return counts;
  }

  Now now{Instant(std::chrono::seconds(100)), 1'700'000'000'000};
  Outputs outputs;
  Credulous verifier;
  NodeOptions options;
  HeldDigest digest;
  Roster roster{MeshId{}, verifier, digest};
  RoomHeads heads;
  RoomSealing rooms{MeshId{}};
  std::optional<Conversations> conversations;
};

using Counts = std::vector<std::size_t>;

TEST_CASE_FIXTURE(Packing, "OneLineMoreThanAnEnvelopeHoldsGoesIntoTheNext") {
  CHECK(pack(Counts(limits::kMessagesPerEnvelopeMax, 1)) == Counts{limits::kMessagesPerEnvelopeMax});
  CHECK(pack(Counts(limits::kMessagesPerEnvelopeMax + 1, 1)) == Counts{limits::kMessagesPerEnvelopeMax, 1});
}

TEST_CASE_FIXTURE(Packing, "AByteMoreThanABodyHoldsAndTheLastLineGoesIntoTheNextEnvelope") {
  const std::size_t empty = encode_text_body({}).size();
  const std::size_t full = text_message_bytes(limits::kMessageBytesMax);
  Counts lines((limits::kTextBodyBytesMax - empty) / full, limits::kMessageBytesMax);
  const std::size_t left = limits::kTextBodyBytesMax - empty - lines.size() * full;
  lines.push_back(left - (text_message_bytes(left) - left));
  REQUIRE(text_message_bytes(lines.back()) == left);
  const auto written = write(lines);
  REQUIRE(written.size() == 1);
  CHECK(written.front().envelope->envelope.body.size() == limits::kTextBodyBytesMax);
  ++lines.back();
  CHECK(pack(lines) == Counts{lines.size() - 1, 1});
}

TEST_CASE("OfTooManyOwnEnvelopesTheOldestIsNoLongerSaidToBeTakenByMore") {
  Outbox outbox;
  const auto id_of = [](std::uint32_t number) { return EnvelopeId{key_of(number).bytes}; };
  const auto be_taken_by_two = [&](std::uint32_t number) {
    outbox.add({id_of(number), 1, number, 1});
    CHECK(outbox.takers_of(id_of(number)) == 0);
    REQUIRE(outbox.take(id_of(number)));
    outbox.count_taker(id_of(number));
  };
  for (std::uint32_t i = 0; i < limits::kTakersCountedMax; ++i) be_taken_by_two(i);
  CHECK(outbox.takers_of(id_of(0)) == 2);
  be_taken_by_two(limits::kTakersCountedMax);
  CHECK(outbox.takers_of(id_of(0)) == 1);
  CHECK(outbox.takers_of(id_of(1)) == 2);
  CHECK(outbox.takers_of(id_of(limits::kTakersCountedMax)) == 2);
}

}  // namespace
}  // namespace p2pmesh
