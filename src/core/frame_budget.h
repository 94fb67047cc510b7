// What a neighbor may send of the frames that carry no envelope: each kind is drawn from a budget of its own,
// far above what an honest neighbor sends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

class FrameBudget {
 public:
  enum class Verdict : std::uint8_t {
    kWithin,
    kOver,     ///< to be dropped
    kFarOver,  ///< no honest neighbor comes here
  };
  /// One frame. Ids are counted where a frame holds many; what has a budget elsewhere is always within.
  Verdict take(FrameType type, std::size_t payload_bytes, Instant now);
  /// What a graft was answered with; it is over its own budget at most once in a row.
  void charge_graft_answer(std::size_t bytes, Instant now);
  [[nodiscard]] bool may_answer_graft(Instant now);

 private:
  enum Kind : std::uint8_t {
    kIHaves,
    kGrafts,
    kGraftAnswers,
    kPrunes,
    kForwardJoins,
    kShuffles,
    kDigests,
    kRequests,
    kAnswers,
    kPings,
    kSponsorings,
    kTakens,
    kAskings,
    kKinds
  };
  struct Rate {
    std::uint64_t per_second = 0;
    std::uint64_t burst = 0;
  };
  struct Spent {
    double amount = 0;  // above the burst: a debt, that has to be worked off
    Instant since{};
  };
  static Rate rate_of(Kind kind);
  static std::optional<Kind> kind_of(FrameType type);
  Spent& spent(Kind kind, Instant now);

  std::array<Spent, kKinds> spent_{};
};

}  // namespace p2pmesh
