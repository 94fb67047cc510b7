// Direct envelopes that were carried for others and dropped: nobody fetches them again for ever, who has them
// gives them all the same, and a false word about them silences nobody.
#include <doctest/doctest.h>

#include <algorithm>

#include "held_index.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

/// In the time after all has come to rest.
std::size_t count_comparisons(TestMesh& mesh, Duration span) {
  mesh.run(30s);
  for (auto& node : mesh.nodes) node->sent_types.clear();
  mesh.run(span);
  std::size_t count = 0;
  for (auto& node : mesh.nodes)
    count += static_cast<std::size_t>(
        std::count(node->sent_types.begin(), node->sent_types.end(), FrameType::kSyncDigest));
  return count;
}

/// Alice has written to Bob, Carol has carried it and dropped it. Then all but Carol are gone.
class Dropped : public Three {
 public:
  Dropped() {
    befriend(a(), b());
    a().tell(b(), "for you alone");
    run(2s);
    letter_ = a().store.logs.back();
    REQUIRE(c().store.carried.size() == 2);  // the request and this
    CHECK(a().store.carried.empty());
    CHECK(b().store.carried.empty());
    a().crash();
    b().crash();
    c().store.drop_carried();
    run(60s);  // the broadcast has forgotten it, too
    links_by_dialling = false;
  }
  /// Linked to one of them alone.
  TestNode& add_dave(TestNode& to) {
    TestNode& dave = add("Dave");
    dave.start();
    link(dave, to);
    run(2s);
    return dave;
  }
  [[nodiscard]] bool has_letter(const TestNode& node) const {
    return std::any_of(node.store.logs.begin(), node.store.logs.end(),
                       [&](const EnvelopePtr& held) { return held->id == letter_->id; });
  }

  EnvelopePtr letter_;
};

TEST_CASE("WhatWasDroppedIsToldOnceAndNotLookedForEverAfter") {
  Dropped mesh;
  TestNode& dave = mesh.add_dave(mesh.c());
  CHECK_FALSE(mesh.has_letter(dave));
  CHECK(dave.settled);
  CHECK(count_comparisons(mesh, 20s) == 0);
  CHECK(dave.counter("sync_gone") == 1);
  // The one who dropped it starts again.
  mesh.c().crash();
  mesh.c().start();
  mesh.link(dave, mesh.c());
  mesh.run(5s);
  CHECK(count_comparisons(mesh, 20s) == 0);
  CHECK_FALSE(mesh.has_letter(mesh.c()));
}

TEST_CASE("WhoKnowsOfItTellsOthersAndAsksEveryNewNeighbor") {
  Dropped mesh;
  TestNode& dave = mesh.add_dave(mesh.c());
  // Eve comes to Dave alone, who has it neither.
  mesh.c().crash();
  TestNode& eve = mesh.add("Eve");
  eve.start();
  mesh.link(eve, dave);
  mesh.run(5s);
  CHECK(count_comparisons(mesh, 20s) == 0);
  CHECK_FALSE(mesh.has_letter(eve));
  // Its author is back: the roots are equal, and it is asked all the same.
  mesh.a().start();
  mesh.link(dave, mesh.a());
  mesh.run(10s);
  CHECK(mesh.has_letter(dave));
  CHECK(mesh.has_letter(eve));
  CHECK(count_comparisons(mesh, 20s) == 0);
}

TEST_CASE("TheRecipientGetsItFromItsAuthor") {
  Three mesh;
  mesh.befriend(mesh.a(), mesh.b());
  mesh.b().crash();
  mesh.run(2s);
  mesh.a().tell(mesh.b(), "while you were away");
  mesh.run(2s);
  mesh.a().crash();
  mesh.c().store.drop_carried();
  mesh.run(60s);
  mesh.b().start();
  mesh.link(mesh.b(), mesh.c());
  mesh.run(5s);
  CHECK(mesh.b().told() == Texts{"may I?"});
  mesh.a().start();
  mesh.link(mesh.a(), mesh.b());
  mesh.run(5s);
  CHECK(mesh.b().told() == Texts{"may I?", "while you were away"});
  CHECK(count_comparisons(mesh, 20s) == 0);
}

TEST_CASE("AFalseWordThatItIsGoneSilencesNobody") {
  Dropped mesh;
  for (auto& one : mesh.c().store.gone) one.id_digest ^= 0x5a5a;
  TestNode& dave = mesh.add_dave(mesh.c());
  CHECK_FALSE(mesh.has_letter(dave));
  mesh.c().crash();
  mesh.a().start();
  mesh.link(dave, mesh.a());
  mesh.run(5s);
  CHECK(mesh.has_letter(dave));
  CHECK(count_comparisons(mesh, 20s) == 0);
}

TEST_CASE("WhatComesToANeighborLaterIsFetchedFromItThoughTheRootsAreEqual") {
  Dropped mesh;
  TestNode& dave = mesh.add_dave(mesh.c());
  TestNode& eve = mesh.add("Eve");
  eve.start();
  mesh.link(eve, dave);
  mesh.run(30s);
  CHECK_FALSE(mesh.has_letter(eve));
  mesh.c().crash();
  mesh.a().start();
  mesh.run(2s);
  mesh.link(dave, mesh.a());
  mesh.run(20s);
  CHECK(mesh.has_letter(dave));
  CHECK(mesh.has_letter(eve));
}

TEST_CASE("OfWhatIsToldToBeGoneNothingIsTakenForHadAndAWrongWordEndsWithTheTruth") {
  HeldDigest digest;
  HeldDigest whole;
  HeldIndex index(digest);
  HeldIndex all(whole);
  const Instant now(10s);
  const auto envelope = [](std::uint64_t seq) {
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->envelope.author.bytes[0] = 9;
    sealed->envelope.epoch = 3;
    sealed->envelope.seq = seq;
    sealed->id.bytes[0] = static_cast<std::uint8_t>(seq);
    sealed->id.bytes[1] = 77;
    return sealed;
  };
  const auto take = [&](HeldIndex& into, std::uint64_t seq) {
    CHECK(into.accept_log(*envelope(seq), false, now) == AcceptResult::kNew);
    into.hold_log(*envelope(seq), now);
  };
  const auto share = [&](std::uint64_t seq) { return id_digest(envelope(seq)->id); };
  const auto root = [&](HeldDigest& of) { return of.root(kAsOfAll, now); };
  const MemberKey author = envelope(1)->envelope.author;
  const auto told = [&](std::uint64_t first, std::uint64_t last) {
    std::size_t looks = 100;
    return index.list_gone(author, 3, first, last, looks);
  };
  for (std::uint64_t seq = 1; seq <= 6; ++seq) take(all, seq);
  take(index, 2);
  // 4 has been accepted and waits for its commit when the word comes.
  CHECK(index.accept_log(*envelope(4), false, now) == AcceptResult::kNew);
  index.note_gone({author, 3, 1, 6, share(1) ^ share(3) ^ share(5) ^ share(6)}, now);
  index.hold_log(*envelope(4), now);
  CHECK(root(digest) == root(whole));
  CHECK(index.missing(author, 3, 1, 8) == std::vector<IntervalSet::Interval>{{7, 8}});
  CHECK(index.find(author, 3)->accepted.intervals() == std::vector<IntervalSet::Interval>{{2, 2}, {4, 4}});
  // Whoever lacks a part of it can be told; whoever lacks less than is gone here cannot.
  CHECK(told(1, 6).size() == 1);
  CHECK(told(2, 6).empty());
  take(index, 1);
  CHECK(root(digest) == root(whole));
  REQUIRE(told(3, 6).size() == 1);
  CHECK(told(3, 6).front().ids_digest == (share(3) ^ share(5) ^ share(6)));
  take(index, 3);
  take(index, 5);
  CHECK(index.knows_gone());
  take(index, 6);
  CHECK_FALSE(index.knows_gone());
  CHECK(root(digest) == root(whole));
  // A lie.
  take(all, 7);
  index.note_gone({author, 3, 7, 7, 12345}, now);
  CHECK(root(digest) != root(whole));
  CHECK(index.gone_count() == 2);
  index.note_gone({author, 3, 7, 7, share(7)}, now);
  CHECK(root(digest) == root(whole));
  CHECK(index.gone_count() == 2);
  index.note_gone({author, 3, 7, 7, 12345}, now);
  take(index, 7);
  CHECK(root(digest) == root(whole));
  CHECK_FALSE(index.knows_gone());
  // One has come of what was told as two, and another neighbor says the two another way: what is missing
  // counts, not where the words begin and end.
  for (std::uint64_t seq = 8; seq <= 10; ++seq) take(all, seq);
  index.note_gone({author, 3, 8, 8, 99}, now);
  index.note_gone({author, 3, 9, 10, share(9) ^ share(10)}, now);
  take(index, 10);
  index.note_gone({author, 3, 8, 9, share(8) ^ share(9)}, now);
  CHECK(root(digest) == root(whole));
  CHECK(told(8, 9).size() == 1);
  take(index, 8);
  take(index, 9);
  CHECK_FALSE(index.knows_gone());
  CHECK(root(digest) == root(whole));
  // Another epoch that nobody ever saw takes no place of a real one.
  index.note_gone({author, 4, 1, 5, 1}, now);
  CHECK(index.find(author, 4) == nullptr);
}

/// What an index makes of the letters of one author that it has, lacks or is told of.
struct Told {
  [[nodiscard]] SealedEnvelope letter(std::uint64_t seq, WallMs wall_ms = 0) const {
    SealedEnvelope sealed;
    sealed.envelope.author = author;
    sealed.envelope.epoch = 3;
    sealed.envelope.seq = seq;
    sealed.envelope.wall_ms = wall_ms;
    sealed.id.bytes[0] = static_cast<std::uint8_t>(seq);
    sealed.id.bytes[1] = 77;
    return sealed;
  }
  [[nodiscard]] std::uint64_t share(std::uint64_t first, std::uint64_t last) const {
    std::uint64_t sum = 0;
    for (std::uint64_t seq = first; seq <= last; ++seq) sum ^= id_digest(letter(seq).id);
    return sum;
  }
  void tell(std::uint64_t first, std::uint64_t last) {
    index.note_gone({author, 3, first, last, share(first, last)}, now);
  }
  /// The sum of the leaves, which nobody keeps.
  [[nodiscard]] std::uint64_t leaves() const {
    LeafSet all;
    all.fill(kAllLeaves);
    std::uint64_t sum = 0;
    index.for_each_share(all, [&](const MemberKey&, std::uint64_t part) { sum ^= part; });
    return sum;
  }

  const MemberKey author{{9}};
  const Instant now{100s};
  HeldDigest digest;
  HeldIndex index{digest};
};

TEST_CASE("WhoIsToldOfAWholeAndOfItsPartsInTurnHearsNothingNew") {
  Told told;
  const auto known = [&](std::uint64_t first, std::uint64_t last) {
    std::size_t looks = 100;
    return told.index.list_gone(told.author, 3, first, last, looks).size();
  };
  told.tell(1, 4);
  CHECK(told.index.gone_count() == 1);
  for (int i = 0; i < 3; ++i) {
    told.tell(1, 3);  // and so 4 alone
    CHECK(known(1, 3) == 1);
    told.tell(1, 4);
    CHECK(known(1, 3) == 1);
    CHECK(known(4, 4) == 1);
  }
  CHECK(told.index.gone_count() == 1);
  CHECK(told.digest.root(kAsOfAll, told.now) == told.share(1, 4));
  // Another word of the same counts, without being news.
  told.index.note_gone({told.author, 3, 1, 4, 12345}, told.now);
  CHECK(told.index.gone_count() == 1);
  CHECK(told.digest.root(kAsOfAll, told.now) == 12345);
  CHECK(known(1, 3) == 0);
  // More is.
  told.tell(1, 5);
  CHECK(told.index.gone_count() == 2);
  CHECK(told.digest.root(kAsOfAll, told.now) == told.share(1, 5));
}

TEST_CASE("WhatWasGoneAndIsBroughtCountsAllTheWhileThoughItsClockIsAhead") {
  Told told;
  const WallMs as_of = 5'000;
  const auto is_counted = [&](std::uint64_t share) {
    return told.digest.root(as_of, told.now) == share && told.digest.root(kAsOfAll, told.now) == share &&
           told.leaves() == share;
  };
  told.tell(1, 3);
  CHECK(is_counted(told.share(1, 3)));
  for (const std::uint64_t seq : {2, 1}) {
    const SealedEnvelope brought = told.letter(seq, as_of + 60'000);
    REQUIRE(told.index.accept_log(brought, false, told.now) == AcceptResult::kNew);
    CHECK(is_counted(told.share(1, 3)));
    told.index.hold_log(brought, told.now);
    CHECK(is_counted(told.share(1, 3)));
  }
  // Of the last one another has taken the place.
  const SealedEnvelope last = told.letter(3, as_of + 60'000);
  REQUIRE(told.index.accept_log(last, false, told.now) == AcceptResult::kNew);
  CHECK(is_counted(told.share(1, 3)));
  told.index.drop_brought(last.envelope, told.now);
  CHECK(is_counted(told.share(1, 2)));
  CHECK_FALSE(told.index.knows_gone());
}

}  // namespace
}  // namespace p2pmesh::test
