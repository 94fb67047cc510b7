// What an operator may set of the bounds on those who knock and on neighbors: `[links]` of the configuration.
#pragma once

#include <cstdint>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

struct LinkBounds {
  std::uint64_t handshakes_per_second = limits::kHandshakesPerSecond;
  std::uint64_t source_handshakes_per_second = limits::kSourceHandshakesPerSecond;
  Duration frame_patience = limits::kFramePatience;
  std::size_t send_queue_bytes_max = limits::kSendQueueBytesMax;
};

}  // namespace p2pmesh
