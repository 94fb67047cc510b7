// Everything at once, drawn from the seed: a safety phase with faults, then a liveness phase without.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../stage.h"
#include "people_acts.h"

namespace p2pmesh::sim {

struct ChaosPlan {
  std::uint32_t nodes = 3;
  SimTime safety = 60 * kSecond;
  double rate = 4;  ///< texts a second
  SimTime rest_bound = 400 * kSecond;
  bool split = false;            ///< nothing happens but that the mesh is in halves until the liveness phase
  bool broadcast_alone = false;  ///< without anti-entropy: what does not come by broadcast does not come
  PeoplePlan people;
  bool liars_stay = false;  ///< in the liveness phase too
  bool namesakes = false;
  std::size_t carry_max = 0;  ///< as WorldOptions
  FaultOptions faults;
  ProtocolParameters parameters;
};

/// The knobs of `chaos` for a seed.
ChaosPlan draw_chaos(std::uint64_t seed, std::uint32_t nodes);
/// Runs it on a fresh stage. Returns what was counted, by name.
std::vector<std::pair<std::string, std::uint64_t>> run_chaos_plan(Stage& stage, const ChaosPlan& plan);

}  // namespace p2pmesh::sim
