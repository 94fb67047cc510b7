// Which broadcast may cut the tree while several members write: one at a time, nearly everywhere the same
// one, so that the tree is not cut twice where it is one cycle too many.
#pragma once

#include <chrono>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

class TreeShaping {
 public:
  /// Between two that are chosen; above the longest wait and twice the time of a broadcast.
  static constexpr auto kBetween = std::chrono::seconds(2);
  /// By how much more two broadcasts may be apart here than elsewhere: where it is doubtful which one is to
  /// be chosen, none is.
  static constexpr auto kMargin = std::chrono::milliseconds(300);

  /// `wait`: a payload is chosen when none with a smaller id came so soon after it.
  explicit TreeShaping(Duration wait) : wait_(wait) {}

  /// A new payload, in the order of their coming.
  void note(const EnvelopeId& id, const MemberKey& author, Instant now);
  /// The author was another one lately: several broadcasts spread at the same time.
  [[nodiscard]] bool is_contested(Instant now) const { return contested_until_ > now; }
  /// As things stand it may be chosen.
  [[nodiscard]] bool is_eligible(const EnvelopeId& id) const;
  /// Asked when `wait` has passed since it came.
  [[nodiscard]] bool is_chosen(const EnvelopeId& id) const;

 private:
  struct Seen {
    EnvelopeId id;
    Instant at;
  };
  struct Eligible {
    EnvelopeId id;
    Instant at;
    bool clear = false;  // by the margin
  };
  /// None came within `time` after it.
  [[nodiscard]] bool is_unbeaten(std::size_t place, Duration time) const;

  Duration wait_;
  MemberKey last_author_;
  Instant contested_until_{};
  std::vector<Seen> smallest_;      // of the last time; ascending, and each the smallest since it came
  std::vector<Eligible> eligible_;  // each the smallest of kBetween when it came
};

}  // namespace p2pmesh
