// A running XXH3 over every event that was delivered: two runs with the same one did the same.
#pragma once

#include <cstdint>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh::sim {

class TraceHash {
 public:
  void add(std::uint64_t time, std::uint32_t node, std::uint8_t kind, ByteView bytes);
  void add(std::uint64_t time, std::uint32_t a, std::uint32_t b, std::uint8_t kind);
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace p2pmesh::sim
