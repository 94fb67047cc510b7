// Which of two acts its author had seen when it wrote the other one. By the ids that acts name, so that
// nobody can claim to have seen what was not written yet; and within one author's log by its own numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/act_body.h"

namespace p2pmesh {

/// An act and its place.
struct Act {
  EnvelopeId id;
  MemberKey author;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  std::string room;  ///< empty: it concerns the mesh
  ActBody body;

  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> position() const { return {epoch, seq}; }
};

class ActOrder {
 public:
  /// Both outlive it. Acts of other authors lead from one to another, and cannot be asked for.
  ActOrder(const std::vector<const Act*>& acts, const std::vector<MemberKey>& authors);

  /// `first` was seen by the author of `second`; false for one act twice.
  [[nodiscard]] bool precedes(const Act& first, const Act& second) const;

 private:
  using Position = std::pair<std::uint64_t, std::uint64_t>;
  using Clock = std::vector<Position>;  // of each author the last act that was seen; {0, 0}: none
  void note(Clock& clock, const Act& seen) const;

  std::map<MemberKey, std::size_t> authors_;
  std::unordered_map<EnvelopeId, std::size_t> places_;
  std::vector<Clock> clocks_;  // by place
};

}  // namespace p2pmesh
