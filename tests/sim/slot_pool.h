// Objects by number: slots are reused, nothing is allocated once the pool has grown to the world's need.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace p2pmesh::sim {

/// References stay valid while the pool grows.
template <class T>
class SlotPool {
 public:
  std::uint32_t put(T value) {
    if (free_.empty()) {
      slots_.push_back(std::move(value));
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(value);
    return slot;
  }
  T take(std::uint32_t slot) {
    T value = std::move(slots_[slot]);
    slots_[slot] = T{};
    free_.push_back(slot);
    return value;
  }
  T& operator[](std::uint32_t slot) { return slots_[slot]; }
  const T& operator[](std::uint32_t slot) const { return slots_[slot]; }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] std::size_t used() const { return slots_.size() - free_.size(); }

 private:
  std::deque<T> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace p2pmesh::sim
