// How fast history is asked for while others talk: no faster than one member writes at its limit, and the
// burst a little at a time; so that whoever brings a long history costs nobody a message.
#pragma once

#include <cstdint>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

class RepairPace {
 public:
  static constexpr std::uint64_t kBurst = limits::kAuthorEnvelopesBurst;
  static constexpr std::uint64_t kPerSecond = limits::kAuthorEnvelopesPerSecond;
  /// Within the burst.
  static constexpr std::uint64_t kAtOnce = limits::kRepairAtOnce;
  static constexpr std::uint64_t kPeakPerSecond = limits::kRepairPeakPerSecond;
  /// Less is not asked for; half of what comes at once, so that on a long line the pace is kept. Divides
  /// limits::kGoneRangeMax.
  static constexpr std::uint64_t kPiece = kAtOnce / 2;

  /// How many envelopes may be asked for; 0, or at least a piece.
  [[nodiscard]] std::uint64_t room(Instant now) const;
  /// When there is room again, if there is none now.
  [[nodiscard]] Instant ready_at(Instant now) const;
  /// More than a burst is not owed.
  void charge(std::uint64_t envelopes, Instant now);

 private:
  class Bucket {
   public:
    Bucket(std::uint64_t size, std::uint64_t per_second)
        : size_(static_cast<double>(size)), per_second_(static_cast<double>(per_second)), left_(size_) {}
    [[nodiscard]] double left(Instant now) const;
    [[nodiscard]] Duration until(double wanted, Instant now) const;
    void charge(std::uint64_t envelopes, Instant now);

   private:
    double size_;
    double per_second_;
    double left_;
    Instant since_{};
  };
  Bucket all_{kBurst, kPerSecond};
  Bucket at_once_{kAtOnce, kPeakPerSecond};
};

}  // namespace p2pmesh
