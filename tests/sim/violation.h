// What a checker found wrong.
#pragma once

#include <cstdint>
#include <string>

#include "envelope_pool.h"
#include "sim_time.h"

namespace p2pmesh::sim {

struct Violation {
  std::string check;  ///< G1 ... G7, or a word
  std::uint32_t node = kNone;
  SimTime at = 0;
  std::string expected;
  std::string found;
};

}  // namespace p2pmesh::sim
