// Frames and bytes by frame type, in total and by node.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "p2pmesh/wire/frame.h"

namespace p2pmesh::sim {

struct TrafficCount {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
};

class Traffic {
 public:
  void count(std::uint32_t sender, std::uint8_t type, std::size_t bytes) {
    ++by_type_[type].frames;
    by_type_[type].bytes += bytes;
    if (sender >= bytes_sent_.size()) bytes_sent_.resize(sender + 1);
    bytes_sent_[sender] += bytes;
  }
  [[nodiscard]] TrafficCount of(std::uint8_t type) const { return by_type_[type]; }
  [[nodiscard]] TrafficCount of(FrameType type) const { return by_type_[static_cast<std::uint8_t>(type)]; }
  [[nodiscard]] TrafficCount total() const {
    TrafficCount sum;
    for (const TrafficCount& count : by_type_) sum.frames += count.frames, sum.bytes += count.bytes;
    return sum;
  }
  [[nodiscard]] std::uint64_t bytes_sent(std::uint32_t node) const {
    return node < bytes_sent_.size() ? bytes_sent_[node] : 0;
  }
  /// What was counted since `before`, a copy taken earlier.
  [[nodiscard]] Traffic since(const Traffic& before) const {
    Traffic difference = *this;
    for (std::size_t i = 0; i < by_type_.size(); ++i) {
      difference.by_type_[i].frames -= before.by_type_[i].frames;
      difference.by_type_[i].bytes -= before.by_type_[i].bytes;
    }
    for (std::size_t i = 0; i < before.bytes_sent_.size(); ++i)
      difference.bytes_sent_[i] -= before.bytes_sent_[i];
    return difference;
  }

 private:
  std::array<TrafficCount, 256> by_type_{};
  std::vector<std::uint64_t> bytes_sent_;
};

}  // namespace p2pmesh::sim
