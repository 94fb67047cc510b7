// Objects by number: slots are reused, nothing is allocated once the pool has grown to the world's need.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace p2pmesh::sim {

/// References stay valid while the pool grows.
template <class T>
class SlotPool {
 public:
  std::uint32_t put(T value) {
    if (free_.empty()) {
      if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<T[]>(kChunk));
      (*this)[size_] = std::move(value);
      return size_++;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    (*this)[slot] = std::move(value);
    return slot;
  }
  T take(std::uint32_t slot) {
    T value = std::move((*this)[slot]);
    (*this)[slot] = T{};
    free_.push_back(slot);
    return value;
  }
  T& operator[](std::uint32_t slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  const T& operator[](std::uint32_t slot) const { return chunks_[slot / kChunk][slot % kChunk]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t used() const { return size_ - free_.size(); }

 private:
  static constexpr std::uint32_t kChunk = 256;  // few enough chunks that their addresses stay in the cache

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::uint32_t size_ = 0;
  std::vector<std::uint32_t> free_;
};

}  // namespace p2pmesh::sim
