// Who calls is held until it is known, and nothing that it said is lost.
#include "known_callers.h"

#include <doctest/doctest.h>

#include <vector>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

struct Fixture {
  Fixture() : callers(actions()) {}
  CallerActions actions() {
    CallerActions made;
    made.look_up = [this](const WantedMember& wanted, RendezvousLinks::LookedUp done) {
      asked.push_back(*wanted.member);
      answers.push_back(std::move(done));
    };
    made.let_in = [this](const LinkUp& up, const MeshId&) {
      let_in.push_back(up.link);
      return is_wanted;
    };
    made.on_frame = [this](LinkId, const FrameView& frame) {
      heard.emplace_back(frame.payload.begin(), frame.payload.end());
      return is_well_said;
    };
    made.close = [this](LinkId link, CloseReason) { closed.push_back(link); };
    made.cut_off = [this](LinkId link) { cut_off.push_back(link); };
    made.log = [this](const std::string& sentence) { logged.push_back(sentence); };
    return made;
  }
  bool up(LinkId link, std::uint8_t node) {
    LinkUp made;
    made.link = link;
    made.node.bytes.fill(node);
    return callers.on_link_up(made, MeshId{});
  }
  bool say(LinkId link, const Bytes& payload) { return callers.on_frame(link, FrameView{40, payload}); }
  static Result<FoundMember> unknown() { return fail(ExitStatus::kUnknownHost, "nobody"); }

  std::vector<MemberKey> asked;
  std::vector<RendezvousLinks::LookedUp> answers;
  std::vector<LinkId> let_in, closed, cut_off;
  std::vector<Bytes> heard;
  std::vector<std::string> logged;
  bool is_wanted = true;
  bool is_well_said = true;
  KnownCallers callers;
};

TEST_CASE("who is known comes in with all that it said, and is not asked for again") {
  Fixture door;
  CHECK(door.up(1, 7));
  CHECK(door.callers.holds(1));
  CHECK(door.let_in.empty());
  CHECK(door.say(1, {1, 2}));
  CHECK(door.say(1, {3}));
  REQUIRE(door.asked.size() == 1);
  CHECK(door.asked[0].bytes[0] == 7);
  door.answers[0](FoundMember{});
  CHECK_FALSE(door.callers.holds(1));
  CHECK(door.let_in == std::vector<LinkId>{1});
  CHECK(door.heard == std::vector<Bytes>{{1, 2}, {3}});
  CHECK(door.up(2, 7));
  CHECK(door.asked.size() == 1);
  CHECK(door.let_in == std::vector<LinkId>{1, 2});
}

TEST_CASE("who is not known is cut, and nothing of it is heard") {
  Fixture door;
  CHECK(door.up(1, 7));
  CHECK(door.say(1, {1}));
  door.answers[0](Fixture::unknown());
  CHECK(door.closed == std::vector<LinkId>{1});
  CHECK(door.let_in.empty());
  CHECK(door.heard.empty());
  CHECK(door.logged.size() == 1);
  CHECK(door.up(2, 7));
  CHECK(door.asked.size() == 2);
}

TEST_CASE("who says too much before it is known is at fault") {
  Fixture door;
  CHECK(door.up(1, 7));
  CHECK(door.say(1, Bytes(limits::kCallerHeldBytesMax - 1000)));
  CHECK_FALSE(door.say(1, Bytes(1000)));
}

TEST_CASE("frames of nothing cost too") {
  Fixture door;
  CHECK(door.up(1, 7));
  std::size_t frames = 0;
  while (frames < limits::kCallerHeldBytesMax && door.say(1, {})) ++frames;
  CHECK(frames < limits::kCallerHeldBytesMax / 64);
}

TEST_CASE("who is let in and at fault is cut off as any neighbor") {
  Fixture door;
  door.is_well_said = false;
  CHECK(door.up(1, 7));
  CHECK(door.say(1, {1}));
  CHECK(door.say(1, {2}));
  door.answers[0](FoundMember{});
  CHECK(door.cut_off == std::vector<LinkId>{1});
  CHECK(door.heard.size() == 1);
}

TEST_CASE("so many are held at once, and who has gone makes room") {
  Fixture door;
  for (std::size_t i = 0; i < limits::kCallersHeldMax; ++i) CHECK(door.up(i + 1, 7));
  CHECK_FALSE(door.up(1000, 7));
  CHECK(door.callers.on_link_down(1));
  CHECK_FALSE(door.callers.on_link_down(1));
  CHECK(door.up(1001, 7));
  door.answers[0](Fixture::unknown());  // of the one that has gone
  CHECK(door.closed.empty());
}

TEST_CASE("who is known and not wanted is closed") {
  Fixture door;
  door.is_wanted = false;
  CHECK(door.up(1, 7));
  CHECK(door.say(1, {1}));
  door.answers[0](FoundMember{});
  CHECK(door.closed == std::vector<LinkId>{1});
  CHECK(door.heard.empty());
}

}  // namespace
}  // namespace p2pmesh
