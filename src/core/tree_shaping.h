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
  static constexpr auto kBetween = std::chrono::seconds(3);

  /// `wait`: a payload is chosen when none with a smaller id came so soon after it.
  explicit TreeShaping(const Duration& wait) : wait_(wait) {}

  /// A new payload, in the order of their coming.
  void note(const EnvelopeId& id, const MemberKey& author, Instant now);
  /// The author was another one lately: several broadcasts spread at the same time.
  [[nodiscard]] bool is_contested(Instant now) const { return contested_until_ > now; }
  /// Asked when `wait` has passed since it came.
  [[nodiscard]] bool is_chosen(const EnvelopeId& id) const;

 private:
  struct Seen {
    EnvelopeId id;
    Instant at;
  };
  [[nodiscard]] bool is_chosen(std::size_t place, Instant last_chosen_at) const;

  const Duration& wait_;
  MemberKey last_author_;
  Instant contested_until_{};
  std::vector<Seen> smallest_;  // of the last time; ascending, and each the smallest since it came
  std::vector<Seen> eligible_;  // each the smallest of kBetween when it came
  Instant last_chosen_at_{};    // of those that were eligible before these
};

}  // namespace p2pmesh
