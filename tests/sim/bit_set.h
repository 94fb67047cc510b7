// A set of small numbers, one bit each: which envelopes of the pool a node holds.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace p2pmesh::sim {

class BitSet {
 public:
  [[nodiscard]] bool contains(std::uint32_t number) const {
    const std::size_t word = number / 64;
    return word < words_.size() && (words_[word] >> (number % 64) & 1) != 0;
  }
  /// False when it was there.
  bool insert(std::uint32_t number) {
    const std::size_t word = number / 64;
    if (word >= words_.size()) words_.resize(word + 1 + word / 2);
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    if ((words_[word] & bit) != 0) return false;
    words_[word] |= bit;
    return true;
  }
  void erase(std::uint32_t number) {
    const std::size_t word = number / 64;
    if (word < words_.size()) words_[word] &= ~(std::uint64_t{1} << (number % 64));
  }
  void clear() { words_.clear(); }
  [[nodiscard]] std::size_t count() const {
    std::size_t total = 0;
    for (std::uint64_t word : words_) total += static_cast<std::size_t>(std::popcount(word));
    return total;
  }
  /// Calls `use` with each number, ascending.
  template <class Use>
  void for_each(Use use) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      for (std::uint64_t rest = words_[word]; rest != 0; rest &= rest - 1)
        use(static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(rest))));
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace p2pmesh::sim
