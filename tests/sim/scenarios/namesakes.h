// Newcomers of one name: on both sides of a cut, and when somebody holds it; with clocks that are decades
// off.
#pragma once

#include <cstdint>
#include <vector>

#include "../name_checks.h"

namespace p2pmesh::sim {

class Namesakes {
 public:
  explicit Namesakes(World& world);

  /// Lets them come before `end`.
  void schedule(SimTime end);
  [[nodiscard]] const std::vector<LateClaim>& late() const { return late_; }

 private:
  void cut_and_join();
  void join_late();
  void join(std::uint32_t newcomer, std::uint32_t contact);
  /// A running member of that side that has joined, or kNone.
  std::uint32_t pick_contact(const Partition* cut, std::uint8_t side);

  World& world_;
  Draw draw_;
  SimTime end_ = 0;
  std::uint32_t pairs_ = 0;
  std::vector<LateClaim> late_;
};

}  // namespace p2pmesh::sim
