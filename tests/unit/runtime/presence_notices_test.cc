#include "presence_notices.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

MemberKey key_of(std::uint32_t number) {
  MemberKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return key;
}

struct Flapping {
  bool on(NoticeKind kind, std::uint32_t member = 1) {
    now.monotonic += 1s;
    now.wall_ms += 1000;
    return notices.on_notice(kind, key_of(member), now);
  }
  void wait(Duration span) {
    now.monotonic += span;
    now.wall_ms += static_cast<WallMs>(span / 1ms);
  }

  PresenceNotices notices;
  Now now{Instant(100s), 1'000'000};
};

TEST_CASE("the first two within the window are told, further ones held") {
  Flapping bob;
  CHECK(bob.on(NoticeKind::kJoined));
  CHECK(bob.on(NoticeKind::kOffline));
  CHECK_FALSE(bob.on(NoticeKind::kBack));
  CHECK(bob.on(NoticeKind::kJoined, 2));  // another member
  CHECK(bob.on(NoticeKind::kRenamed));    // not about presence
  CHECK(bob.on(NoticeKind::kAsks));
}

TEST_CASE("what was held becomes one at the end, and says how it ended") {
  Flapping bob;
  for (NoticeKind kind : {NoticeKind::kJoined, NoticeKind::kOffline, NoticeKind::kBack, NoticeKind::kOffline,
                          NoticeKind::kBack})
    bob.on(kind);
  const WallMs last_ms = bob.now.wall_ms;
  CHECK(bob.notices.take_due(bob.now.monotonic).empty());
  REQUIRE(bob.notices.next_deadline() == Instant(101s) + limits::kPresenceWindow);
  bob.wait(limits::kPresenceWindow);
  const auto due = bob.notices.take_due(bob.now.monotonic);
  REQUIRE(due.size() == 1);
  CHECK(due[0].member == key_of(1));
  CHECK(due[0].kind == NoticeKind::kBack);
  CHECK(due[0].at_ms == last_ms);
  CHECK(bob.notices.merged() == 2);
  // It counts as the first of the next window.
  CHECK(bob.on(NoticeKind::kOffline));
  CHECK_FALSE(bob.on(NoticeKind::kBack));
}

TEST_CASE("nothing is told of a member that is as it was last told") {
  Flapping bob;
  for (NoticeKind kind : {NoticeKind::kJoined, NoticeKind::kOffline, NoticeKind::kBack, NoticeKind::kLeft})
    bob.on(kind);
  bob.wait(limits::kPresenceWindow);
  CHECK(bob.notices.take_due(bob.now.monotonic).empty());
  CHECK(bob.notices.merged() == 2);
  CHECK_FALSE(bob.notices.next_deadline());
  CHECK(bob.on(NoticeKind::kJoined));
  CHECK(bob.on(NoticeKind::kLeft));
}

TEST_CASE("at the end of the program nothing is kept back") {
  Flapping bob;
  for (NoticeKind kind : {NoticeKind::kJoined, NoticeKind::kOffline, NoticeKind::kBack}) bob.on(kind);
  bob.on(NoticeKind::kJoined, 2);
  const auto all = bob.notices.take_all();
  REQUIRE(all.size() == 1);
  CHECK(all[0].kind == NoticeKind::kBack);
  CHECK(bob.notices.take_all().empty());
}

TEST_CASE("members beyond the limit are told of at once") {
  Flapping many;
  for (std::uint32_t i = 0; i < limits::kPresenceWindowsMax; ++i)
    many.notices.on_notice(NoticeKind::kJoined, key_of(i), many.now);
  for (int i = 0; i < 5; ++i) CHECK(many.on(NoticeKind::kJoined, 1'000'000));
  many.wait(limits::kPresenceWindow);
  CHECK(many.notices.take_due(many.now.monotonic).empty());
  CHECK_FALSE(many.notices.next_deadline());
  CHECK(many.on(NoticeKind::kJoined, 1'000'000));
  CHECK(many.notices.next_deadline());
}

}  // namespace
}  // namespace p2pmesh
