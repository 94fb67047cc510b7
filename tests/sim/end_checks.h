// What must hold once the world is quiet: everybody has everything, the same transcript, a connected graph of
// symmetric links, every bound kept.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "bit_set.h"
#include "violation.h"
#include "world.h"

namespace p2pmesh::sim {

struct EndCheckOptions {
  bool complete = true;    ///< G4: each honest member that is online holds every acknowledged message
  bool transcript = true;  ///< G6: and all show the same
  bool links = true;       ///< the links connect all honest members
  bool presence = true;    ///< everybody shows as online who is, and nobody else; worlds of up to 128 nodes
  bool records = false;    ///< all hold the same versions; worlds of up to 128 nodes
  bool outboxes = false;   ///< some neighbor has taken every envelope
  bool bounds = true;
};

struct EndReport {
  std::vector<Violation> violations;
  std::uint32_t unconverged = 0;  ///< nodes that lack something
};

/// Looks at the world as it is now.
EndReport check_end(World& world, const BitSet& acknowledged, const EndCheckOptions& options);

/// Neighbors that are so for one end alone: (node, link). While views change there are always some for a
/// moment; one that is there all the time for kAsymmetryMax is a violation.
std::set<std::pair<std::uint32_t, LinkId>> asymmetric_links(World& world);
inline constexpr SimTime kAsymmetryMax = 16 * kSecond;  // silence before a close, and a candidate's time-out

/// The envelope ids in the order of the transcript, hashed.
std::uint64_t hash_transcript(const World& world, std::uint32_t node);

/// The sizes of the connected parts of the graph of honest nodes, greatest first.
std::vector<std::uint32_t> component_sizes(World& world);

}  // namespace p2pmesh::sim
