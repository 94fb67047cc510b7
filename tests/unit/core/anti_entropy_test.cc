// Forks: logs of the same numbers and other ids are looked through until the place is found.
#include "anti_entropy.h"

#include <doctest/doctest.h>

#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kLink = 7;
constexpr std::uint64_t kEpoch = 3;

EnvelopeId id_of(std::uint64_t seq, std::uint8_t version) {
  EnvelopeId id;
  id.bytes[0] = static_cast<std::uint8_t>(seq);
  id.bytes[1] = static_cast<std::uint8_t>(seq >> 8);
  id.bytes[2] = version;
  return id;
}

/// Two stores that hold the same places of one author; in one place the ids differ.
class Forked {
 public:
  Forked(std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals, std::uint64_t forked_place)
      : here_(here_digest_), there_(there_digest_), forked_(forked_place) {
    RestoredLog log;
    log.author = author();
    log.epoch = kEpoch;
    log.newest_wall_ms = 1;
    log.intervals = std::move(intervals);
    for (const auto& [first, last] : log.intervals) {
      for (std::uint64_t seq = first; seq <= last; ++seq) log.ids_digest ^= id_digest(id_of(seq, 0));
    }
    here_.restore(log);
    log.ids_digest ^= id_digest(id_of(forked_, 0)) ^ id_digest(id_of(forked_, 1));
    there_.restore(log);
    LinkUp up;
    up.link = kLink;
    up.node.bytes[0] = 2;
    links_.add(up, NodeKey{}, now_.monotonic);
    links_.find(kLink)->root_known = true;
  }

  /// One session; whether the forked place was among what the neighbor would have served first.
  bool session(std::size_t served_max) {
    Outputs outputs;
    Turn turn{now_, outputs};
    now_.monotonic += 10s;
    links_.find(kLink)->differs = true;
    puller_.hurry(turn);
    puller_.on_root(*links_.find(kLink), kAsOfAll, false, turn);
    puller_.on_wake(turn);
    const auto digest = decode_sync_digest(payload(outputs));
    REQUIRE(digest);
    awaited_.before_asking = puller_.awaits_repair(kLink);
    Outputs pages;
    Turn other{now_, pages};
    server_.on_digest(*links_.find(kLink), *digest, other);
    outputs.clear();
    if (const auto branch = decode_sync_branch(payload_of(pages.front()))) {
      puller_.on_branch(*links_.find(kLink), *branch, turn);
      pages.clear();
      server_.on_descend(*links_.find(kLink), *decode_sync_descend(payload(outputs)), other);
      outputs.clear();
    }
    for (const Output& page : pages)
      puller_.on_listing(*links_.find(kLink), *decode_sync_listing(payload_of(page)), turn);
    const auto request = decode_sync_request(payload(outputs));
    REQUIRE(request);
    bool found = false;
    std::size_t served = 0;
    for (const SyncRequest::Range& range : request->ranges) {
      const std::uint64_t most = std::min<std::uint64_t>(served_max - served, range.last - range.first + 1);
      found = found || (range.first <= forked_ && forked_ < range.first + most);
      served += most;
    }
    awaited_.of_who_was_asked = puller_.awaits_repair(kLink);
    awaited_.of_another = puller_.awaits_repair(kLink + 1);
    std::uint64_t asked = 0;
    for (const SyncRequest::Range& range : request->ranges) asked += range.last - range.first + 1;
    for (std::uint64_t i = 1; i < asked; ++i) puller_.on_repaired(kLink, false);
    awaited_.last_one = puller_.awaits_repair(kLink);
    puller_.on_repaired(kLink, false);
    awaited_.one_more = puller_.awaits_repair(kLink);
    outputs.clear();
    puller_.on_done(*links_.find(kLink), {request->session, static_cast<std::uint32_t>(served), false}, turn);
    return found;
  }

  struct Awaited {
    bool before_asking = true;
    bool of_who_was_asked = false;
    bool of_another = true;
    bool last_one = false;
    bool one_more = true;
  };
  /// When repair was awaited in the last session.
  [[nodiscard]] const Awaited& awaited() const { return awaited_; }

  int sessions_until_found(std::size_t served_max, int bound) {
    for (int count = 1; count <= bound; ++count) {
      if (session(served_max)) return count;
    }
    return bound + 1;
  }

 private:
  static MemberKey author() {
    MemberKey key;
    key.bytes[0] = 42;
    return key;
  }
  static ByteView payload_of(const Output& output) {
    return ByteView(*std::get<SendFrame>(output).frame).subspan(limits::kFrameHeaderBytes);
  }
  static ByteView payload(const Outputs& outputs) {
    REQUIRE(outputs.size() == 1);
    return payload_of(outputs.front());
  }

  ProtocolParameters parameters_;
  HeldDigest here_digest_;
  HeldDigest there_digest_;
  HeldIndex here_;
  HeldIndex there_;
  Roster nobody_here_{MeshId{}, ed25519_verifier(), here_digest_};
  Roster nobody_there_{MeshId{}, ed25519_verifier(), there_digest_};
  Links links_;
  AntiEntropy puller_{parameters_, here_digest_, here_, nobody_here_, links_, MemberKey{}, 1};
  AntiEntropy server_{parameters_, there_digest_, there_, nobody_there_, links_, MemberKey{}, 2};
  std::uint64_t forked_;
  Awaited awaited_;
  Now now_{Instant(100s), 1'700'000'000'000};
};

/// `count` intervals of `length` numbers with one missing between them.
std::vector<std::pair<std::uint64_t, std::uint64_t>> gapped(std::uint64_t count, std::uint64_t length) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;
  for (std::uint64_t i = 0; i < count; ++i)
    intervals.emplace_back(i * (length + 1) + 1, i * (length + 1) + length);
  return intervals;
}

TEST_CASE("AForkIsFoundInASmallLogAtOnce") {
  Forked forked({{1, 1000}}, 777);
  CHECK(forked.sessions_until_found(limits::kSyncAnswerEnvelopesMax, 1) == 1);
}

TEST_CASE("RepairIsAwaitedOfWhoWasAskedAndNoMoreThanWasAskedFor") {
  Forked forked({{1, 1000}}, 777);
  forked.session(10);
  CHECK_FALSE(forked.awaited().before_asking);
  CHECK(forked.awaited().of_who_was_asked);
  CHECK_FALSE(forked.awaited().of_another);
  CHECK(forked.awaited().last_one);
  CHECK_FALSE(forked.awaited().one_more);
}

TEST_CASE("AForkIsFoundAmongManyGapsInAFewSessions") {
  Forked forked(gapped(200, 7), 17);
  CHECK(forked.sessions_until_found(limits::kSyncAnswerEnvelopesMax, 20) <= 20);
}

TEST_CASE("AForkIsFoundInALogThatIsListedInSeveralPieces") {
  Forked forked(gapped(3000, 1), 4001);
  CHECK(forked.sessions_until_found(limits::kSyncAnswerEnvelopesMax, 100) <= 100);
}

TEST_CASE("AForkIsFoundThoughEachAnswerIsCutShort") {
  for (std::uint64_t place : {1U, 7U, 47U}) {
    Forked forked(gapped(8, 5), place);
    CHECK(forked.sessions_until_found(1, 400) <= 400);
  }
}

}  // namespace
}  // namespace p2pmesh
