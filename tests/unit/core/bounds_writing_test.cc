// What the local member may type ahead of what is sent, up to each bound and one beyond.
#include <doctest/doctest.h>

#include "author.h"
#include "drafts.h"
#include "many_members.h"
#include "p2pmesh/base/limits.h"

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

}  // namespace
}  // namespace p2pmesh
