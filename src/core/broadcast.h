// The one way out: each new envelope once to each neighbor but the sender. Partial views put a tree here.
#pragma once

#include <cstdint>

#include "links.h"
#include "p2pmesh/wire/envelope.h"
#include "turn.h"

namespace p2pmesh {

struct BroadcastCounters {
  std::uint64_t payloads_sent = 0;
  std::uint64_t payloads_received = 0;  ///< duplicates included
  std::uint64_t duplicates = 0;
};

class Broadcast {
 public:
  explicit Broadcast(const Links& links) : links_(links) {}

  /// Floods an envelope. `round`: hops it has made so far, 0 for an own one.
  void flood(const SealedEnvelope& envelope, std::uint16_t round, LinkId except, Turn& turn);
  void on_received() { ++counters_.payloads_received; }
  void on_duplicate() { ++counters_.payloads_received, ++counters_.duplicates; }
  [[nodiscard]] const BroadcastCounters& counters() const { return counters_; }

 private:
  const Links& links_;
  BroadcastCounters counters_;
};

}  // namespace p2pmesh
