// Latencies: ten million samples in fixed memory, the greatest one exact.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim_time.h"

namespace p2pmesh::sim {

/// Buckets of 100 microseconds up to a minute, of 100 milliseconds up to an hour above.
class Histogram {
 public:
  void add(SimTime sample) {
    const std::size_t bucket = bucket_of(sample);
    if (bucket >= counts_.size()) counts_.resize(bucket + 1 + bucket / 4);
    ++counts_[bucket];
    ++total_;
    greatest_ = std::max(greatest_, sample);
  }
  [[nodiscard]] std::uint64_t count() const { return total_; }
  [[nodiscard]] SimTime greatest() const { return greatest_; }
  /// The middle of the bucket where the sample at `per_mille` of all lies.
  [[nodiscard]] SimTime at(std::uint64_t per_mille) const {
    if (total_ == 0) return 0;
    const std::uint64_t wanted = (total_ - 1) * per_mille / 1000;
    std::uint64_t passed = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      passed += counts_[bucket];
      if (passed > wanted) return std::min(greatest_, middle_of(bucket));
    }
    return greatest_;
  }
  /// Calls `use(sample, count)` for each bucket that is not empty.
  template <class Use>
  void for_each(Use use) const {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] != 0) use(middle_of(bucket), counts_[bucket]);
    }
  }

 private:
  static constexpr SimTime kFine = 100;
  static constexpr SimTime kFineEnd = 60 * kSecond;
  static constexpr SimTime kCoarse = 100 * kMillisecond;
  static constexpr std::size_t kFineBuckets = static_cast<std::size_t>(kFineEnd / kFine);

  static std::size_t bucket_of(SimTime sample) {
    sample = std::clamp<SimTime>(sample, 0, 3600 * kSecond);
    if (sample < kFineEnd) return static_cast<std::size_t>(sample / kFine);
    return kFineBuckets + static_cast<std::size_t>((sample - kFineEnd) / kCoarse);
  }
  static SimTime middle_of(std::size_t bucket) {
    if (bucket < kFineBuckets) return static_cast<SimTime>(bucket) * kFine + kFine / 2;
    return kFineEnd + static_cast<SimTime>(bucket - kFineBuckets) * kCoarse + kCoarse / 2;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  SimTime greatest_ = 0;
};

}  // namespace p2pmesh::sim
