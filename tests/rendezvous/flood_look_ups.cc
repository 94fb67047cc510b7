// Look-ups as fast as they go, without waiting for answers; a link that is closed is opened anew.
//   --count N    how many (1000000)
//   --seconds N  at most (60)

#include "commands.h"
#include "member_link.h"

namespace p2pmesh::meeting {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAtOnce = 500;

}  // namespace

int flood_look_ups(const attacks::AttackOptions& options) {
  const HostileKey key = attacks::make_hostile_key(draw_seed());
  const SocketAddress target = options.targets().front();
  const std::uint64_t count = options.number("count", 1'000'000);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(options.number("seconds", 60));
  std::uint64_t sent = 0, found = 0, denied = 0, links = 0;
  while (sent < count && Clock::now() < end) {
    const auto entered = enter_before(key, attacks::AttackOptions::source(links), target, end);
    if (!entered) break;
    MemberLink& link = *entered;
    ++links;
    link.set_on_frame([&](const FrameView& frame) {
      found += frame.type == static_cast<std::uint8_t>(FrameType::kFound) ? 1 : 0;
      denied += frame.type == static_cast<std::uint8_t>(FrameType::kDenied) ? 1 : 0;
    });
    bool is_up = true;
    while (is_up && sent < count && Clock::now() < end) {
      Bytes frames;
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        const Bytes frame =
            encode_frame_of(LookUp{link.next_ticket(), std::nullopt, "m" + std::to_string(sent + i)});
        frames.insert(frames.end(), frame.begin(), frame.end());
      }
      is_up = link.send(frames, end) && link.turn(0ms);
      sent += kAtOnce;
    }
  }
  attacks::say("sent " + std::to_string(sent) + " found " + std::to_string(found) + " denied " +
               std::to_string(denied) + " links " + std::to_string(links));
  return 0;
}

}  // namespace p2pmesh::meeting
