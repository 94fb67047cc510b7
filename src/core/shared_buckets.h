// Rows in 256 buckets, each sorted; a bucket is copied when it is written to while another table shares it.
// So that ten thousand nodes of one simulator can begin with one roster.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace p2pmesh {

template <class Row>
class SharedBuckets {
 public:
  static constexpr std::size_t kBuckets = 256;

  [[nodiscard]] const std::vector<Row>& at(std::size_t bucket) const {
    static const std::vector<Row> kNone;
    return buckets_[bucket] ? *buckets_[bucket] : kNone;
  }
  /// For writing; no longer shared with anybody.
  std::vector<Row>& edit(std::size_t bucket) {
    auto& rows = buckets_[bucket];
    if (!rows) {
      rows = std::make_shared<std::vector<Row>>();
    } else if (rows.use_count() > 1) {
      rows = std::make_shared<std::vector<Row>>(*rows);
    }
    return *rows;
  }
  /// Inserts before `position`; grows by an eighth, since many small buckets that double waste half of the
  /// memory.
  Row& insert(std::size_t bucket, std::size_t position, Row row) {
    std::vector<Row>& rows = edit(bucket);
    if (rows.size() == rows.capacity()) rows.reserve(rows.size() + rows.size() / 8 + 2);
    return *rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(position), std::move(row));
  }

 private:
  std::array<std::shared_ptr<std::vector<Row>>, kBuckets> buckets_;
};

}  // namespace p2pmesh
