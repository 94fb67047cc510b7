// What an operator may set of a rendezvous: `[rendezvous]` of the configuration.
#pragma once

#include <cstdint>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// Rates are of one link; what it may do at once is a fixed multiple of them.
struct RendezvousSettings {
  std::uint64_t members_max = limits::kRendezvousMembersMax;
  std::uint64_t links_per_source = limits::kRendezvousLinksPerSource;
  std::uint64_t names_per_hour = limits::kRendezvousNamesPerHour;
  std::uint64_t registrations_per_second = limits::kRegistrationsPerSecond;
  std::uint64_t look_ups_per_second = limits::kRendezvousLookUpsPerSecond;
  std::uint64_t pages_per_second = limits::kRendezvousPagesPerSecond;
  std::uint64_t asks_per_second = limits::kAsksPerSecond;
  Duration lease = limits::kRendezvousLease;
  Duration grace = limits::kRendezvousGrace;
};

}  // namespace p2pmesh
