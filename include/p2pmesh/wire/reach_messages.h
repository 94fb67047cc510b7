// "Can I be dialled?", and the answer: two frames that a node may skip.
#pragma once

#include <cstdint>
#include <optional>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {

inline constexpr std::uint8_t kReachAskType = 0x90;
inline constexpr std::uint8_t kReachToldType = 0x91;

/// To a neighbor that was dialled: dial back, at the IP that this link comes from.
struct ReachAsk {
  std::uint16_t port = 0;  ///< where the sender listens, or a router for it; not 0
};

enum class Reach : std::uint8_t {
  kReached = 1,
  kRefused = 2,  ///< at once: nobody listens there, or there is no way
  kSilent = 3,
  kOtherNode = 4,  ///< somebody else answers there
};
struct ReachTold {
  std::uint16_t port = 0;  ///< that was asked for
  Reach reach = Reach::kSilent;
};

Bytes encode_frame_of(const ReachAsk&);
Bytes encode_frame_of(const ReachTold&);
std::optional<ReachAsk> decode_reach_ask(ByteView);
std::optional<ReachTold> decode_reach_told(ByteView);

}  // namespace p2pmesh
