// Every number of the protocols that may be tuned, with its source; `[protocol]` of the config file sets
// them. limits.h has the bounds that no configuration moves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// "HyParView": Leitão, Pereira, Rodrigues, DSN 2007. "Plumtree": the same, SRDS 2007. "SWIM": Das, Gupta,
/// Motivala, DSN 2002. All durations are in microseconds in memory; their names in the file end in `_ms`.
struct ProtocolParameters {
  // Views.

  /// Neighbors in partial views. HyParView takes 5 (fanout 4 + 1) for 10,000 nodes; 8 of them keep a path
  /// when four of five members die at once. While at most this many others are online, everybody is linked to
  /// everybody.
  std::size_t active_view_max = 8;
  /// Full mesh again below this many nodes online: design.md, section 4.
  std::size_t full_mesh_below = 7;
  /// Of the neighbors those dialled from here: an attacker who dials in cannot fill the view. Issue "ten
  /// thousand".
  std::size_t own_dials_min = 3;
  /// HyParView: 30 for an active view of 5, k * (log n + c); the same ratio.
  std::size_t passive_view_max = 48;
  std::uint8_t active_walk = 6;     ///< hops of a forward join; HyParView, table 1
  std::uint8_t passive_walk = 3;    ///< hops left at which it enters a passive view; HyParView, table 1
  std::size_t shuffle_active = 3;   ///< of the active view in a shuffle; HyParView, section 5.1
  std::size_t shuffle_passive = 4;  ///< of the passive view in a shuffle; HyParView, section 5.1
  std::uint8_t shuffle_walk = 6;    ///< hops of a shuffle; as the active walk
  /// Jittered by a fifth; guess between chat and battery.
  Duration shuffle_interval = std::chrono::seconds(10);
  /// Neighbors beyond the view that two components which find each other may keep, and for how long. Design,
  /// section 4.
  std::size_t merge_links = 2;
  Duration merge_time = std::chrono::seconds(60);
  /// How often a member that is believed offline is dialled, at most; each is dialled about once a second by
  /// all together.
  Duration heal_interval = std::chrono::seconds(5);
  /// How often a member that is believed online and silent for long is dialled, to see whether it lives
  /// (SWIM's probe).
  Duration probe_interval = std::chrono::seconds(30);
  /// How often a neighbor outside the broadcast tree is traded for a random member: what grew in clusters
  /// gets mixed.
  Duration rewire_interval = std::chrono::seconds(60);

  // Heartbeats and suspicion. With partial views a crash is known everywhere within 10 s, in a full mesh
  // within 5 s.

  Duration heartbeat_full = std::chrono::seconds(1);
  Duration heartbeat_partial = std::chrono::seconds(2);
  Duration silence_full = std::chrono::seconds(3);     ///< three heartbeats missed
  Duration silence_partial = std::chrono::seconds(5);  ///< two, and a slow one
  /// Time for a refutation to come: a broadcast there and one back.
  Duration suspicion_full = std::chrono::milliseconds(1500);
  Duration suspicion_partial = std::chrono::milliseconds(3000);  ///< 2 * 12 hops of 100 ms, and some
  /// Suspicions are gathered for up to this long, and not sent when another neighbor was first.
  Duration suspicion_gather = std::chrono::milliseconds(400);

  // Broadcast.

  bool plumtree = true;  ///< off: every payload to every neighbor, the reference
  /// One tree for all authors in a full mesh too: fewer frames, and a hop more for most. Else an author reaches everybody
  /// itself.
  bool shared_tree = false;
  /// Ihaves of one lazy link share a frame. Plumtree, section 3.5, leaves it open; partial views.
  Duration ihave_interval = std::chrono::milliseconds(1000);
  Duration ihave_interval_full = std::chrono::milliseconds(200);
  /// From the first ihave to the first graft: Plumtree's timeout 1, above a payload's way through the tree.
  Duration graft_timeout = std::chrono::milliseconds(500);
  /// To the next graft: Plumtree's timeout 2, about a round trip.
  Duration graft_retry = std::chrono::milliseconds(300);
  /// While several authors write at once a duplicate waits this long before it prunes. Above the time that a
  /// broadcast takes everywhere, so that all prune for the same one.
  Duration prune_gather = std::chrono::milliseconds(1000);
  /// A lazy neighbor that had the payload this many hops earlier is tried as an eager one; 0: never.
  /// Plumtree, section 3.8.
  std::uint16_t optimisation_hops = 3;
  Duration optimisation_interval = std::chrono::seconds(10);  ///< and ever more while it is no use; guess
  /// The time between two frames of payloads for one neighbor, on the average (two may go at once): what comes in
  /// between shares the next one; 0: none waits.
  Duration payload_window = Duration(0);
  /// What was taken is told to its author's node at the end of the turn, or gathered for so long.
  Duration taken_gather = Duration(0);

  // Anti-entropy.

  bool anti_entropy = true;                          ///< off in measurements of the broadcast alone
  Duration sync_interval = std::chrono::seconds(2);  ///< with a random neighbor whose digest differs
  /// A digest is answered by the sums of the leaves first where the listing would be longer than so many times
  /// these. A shorter one, up to 6 members a bucket, is not worth another round trip.
  std::uint16_t branch_pays = 8;

  /// The number of nodes online, this one included, up to which everybody is linked to everybody.
  [[nodiscard]] std::size_t full_mesh_max() const { return active_view_max + 1; }
};

}  // namespace p2pmesh
