// How fast history is asked for while others talk: a burst at once, then no faster than one member writes at
// its limit twice over, so that whoever brings a long history costs nobody a message.
#pragma once

#include <cstdint>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

class RepairPace {
 public:
  static constexpr std::uint64_t kBurst = 2048;  // envelopes; what a heal of a busy hour brings; guess
  static constexpr std::uint64_t kPerSecond = 2 * limits::kAuthorEnvelopesPerSecond;
  /// Less is not asked for: what is told to be gone is told in ranges of this size.
  static constexpr std::uint64_t kPiece = limits::kGoneRangeMax;

  /// How many envelopes may be asked for; 0, or at least a piece.
  [[nodiscard]] std::uint64_t room(Instant now) const;
  /// When there is room again, if there is none now.
  [[nodiscard]] Instant ready_at(Instant now) const;
  void charge(std::uint64_t envelopes, Instant now);

 private:
  [[nodiscard]] double left(Instant now) const;

  double left_ = kBurst;
  Instant since_{};
};

}  // namespace p2pmesh
