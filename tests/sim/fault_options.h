// Every fault of the virtual world, in one place. By default there is none.
#pragma once

#include <cstdint>

#include "sim_time.h"

namespace p2pmesh::sim {

/// Probabilities are in parts per million, durations in microseconds of virtual time, clock rates in parts
/// per million. What happens to whole nodes and to groups of them (partitions, crashes, joins, leaves) is
/// done by a scenario through World, at times of its choice; the fields for these say how often `chaos` does
/// it.
struct FaultOptions {
  // Broadcast frames: gossip, ihave, graft, prune. A link is a TCP stream, so on a real one these three stand
  // for full send queues (loss) and for proxies (duplication, reordering). All other frames are carried in
  // order, once.

  std::uint32_t loss_ppm = 0;                   ///< a frame is not sent
  std::uint32_t payload_loss_ppm = 0;           ///< the same, of gossip alone: what full send queues drop
  std::uint32_t duplication_ppm = 0;            ///< a frame is sent twice
  std::uint32_t reordering_ppm = 0;             ///< a frame arrives late, and others may overtake it
  SimTime reordering_max = 500 * kMillisecond;  ///< by how much, at most

  // Delays of a link, one way.

  SimTime delay_min =
      kMillisecond;  ///< the base of a pair of nodes is drawn log-normal around the median ...
  SimTime delay_median = 20 * kMillisecond;
  SimTime delay_max = 150 * kMillisecond;  ///< ... and cut to these bounds; it stays for the pair's life
  SimTime jitter_max = 2 * kMillisecond;   ///< added to each frame, uniform
  std::uint32_t tail_ppm = 0;              ///< a frame takes much longer, and those behind it wait
  SimTime tail_max = 2 * kSecond;          ///< by how much, at most

  // Clogged links: nothing passes in one direction for a while, then everything in order.

  std::uint32_t clog_ppm = 0;      ///< on each frame
  SimTime clog_max = 8 * kSecond;  ///< how long, at most

  // Disks.

  SimTime commit_min = 1 * kMillisecond;   ///< one commit takes at least
  SimTime commit_max = 20 * kMillisecond;  ///< and at most

  // Clocks.

  std::uint32_t wall_off_ppm = 0;    ///< a node's wall clock is off
  std::int64_t wall_off_max_ms = 0;  ///< by at most this much, either way
  std::uint32_t wall_step_ppm = 0;   ///< a node's wall clock is set anew, as above, while it is down
  std::int64_t drift_max_ppm = 0;    ///< the rate of each monotonic clock is off by at most this

  // What befalls nodes during the safety phase of `chaos`: mean time between two of a kind in the whole
  // world; 0: never.

  SimTime kill_interval = 0;       ///< a process ends; its kernel resets the links, what was committed stays
  SimTime power_cut_interval = 0;  ///< a machine ends; nobody is told, unsynced commits are lost
  SimTime restart_after_max = 20 * kSecond;  ///< a crashed node comes back after at most this, or at the end
  SimTime pause_interval = 0;                ///< a node handles nothing for a while, then everything in order
  SimTime pause_max = 180 * kSecond;
  SimTime partition_interval = 0;  ///< halves, one node, a bridge node, one way, flapping: one of them
  SimTime partition_max = 60 * kSecond;
  SimTime leave_interval = 0;  ///< a member leaves in order, and may return
  SimTime join_interval = 0;   ///< a new member joins

  // Lying nodes: at most a fifth of the members; see liar.h.

  std::uint32_t liars = 0;  ///< how many
  std::uint32_t lies = 0;   ///< which, a set of Lie bits

  [[nodiscard]] bool touches_broadcast() const {
    return loss_ppm != 0 || payload_loss_ppm != 0 || duplication_ppm != 0 || reordering_ppm != 0;
  }
};

/// What a lying node does; bits of FaultOptions::lies.
enum Lie : std::uint32_t {
  kForge = 1,         ///< sends envelopes whose body or author was altered
  kReplay = 2,        ///< sends old envelopes again
  kEquivocate = 4,    ///< signs two envelopes for one place and sends them to different neighbors
  kSilent = 8,        ///< forwards nothing
  kFlood = 16,        ///< sends its own envelopes far above an author's budget
  kLieInDigest = 32,  ///< claims roots and digests that are not its own
  kAnnounce = 64,     ///< announces ids that nobody has
  kLeaveGaps = 128,   ///< sends every other one of its envelopes, as fast as its budget lets it
  kTwoRecords = 256,  ///< publishes two records of one version
};

}  // namespace p2pmesh::sim
