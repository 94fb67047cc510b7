// HyParView: who becomes a neighbor. A full mesh while few are online, partial views above.
// A link that is up is a candidate until one end has asked and the other has granted; then it is a neighbor
// (Links).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "address_book.h"
#include "links.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/wire/membership_messages.h"
#include "passive_view.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

struct MembershipCounters {
  std::uint64_t joins = 0;
  std::uint64_t forward_joins = 0;
  std::uint64_t granted = 0;
  std::uint64_t declined = 0;
  std::uint64_t evicted = 0;
  std::uint64_t shuffles = 0;
  std::uint64_t probes = 0;
  std::uint64_t rewires = 0;
  std::uint64_t heals = 0;   ///< members believed offline that were dialled
  std::uint64_t merges = 0;  ///< and answered
  std::uint64_t shuffle_replies_unasked = 0;
};

class Membership {
 public:
  Membership(const ProtocolParameters& parameters, const HeldDigest& digest, Links& links,
             const Roster& roster, AddressBook& addresses, const NodeKey& self, std::uint64_t seed);

  /// More are online than a full mesh takes.
  [[nodiscard]] bool is_partial() const { return partial_; }
  /// Heartbeats are those of a full mesh while a neighbor may still count on them.
  [[nodiscard]] Duration heartbeat() const {
    return partial_ && !few_online() ? parameters_.heartbeat_partial : parameters_.heartbeat_full;
  }

  /// A handshake is complete. Asks, or waits to be asked.
  void on_link_up(const LinkUp& up, Turn& turn);
  [[nodiscard]] bool is_candidate(LinkId link) const { return candidates_.contains(link); }
  /// What became of a candidate.
  struct Outcome {
    std::optional<LinkUp> granted;  ///< a neighbor from here on
    std::optional<LinkId> evicted;  ///< to be closed to make room
    bool joined = false;            ///< it is new to the mesh: to be passed on
    bool beside = false;            ///< beyond the view, for a while
    bool chosen = false;            ///< granted: an own dial
    std::optional<NodeKey> alive;   ///< shown to live
    std::optional<NodeKey> faulty;  ///< it sent what no honest node sends
  };
  Outcome on_candidate_frame(const FrameReceived& frame, Turn& turn);
  /// Who is at the other end of a candidate.
  [[nodiscard]] std::optional<NodeKey> candidate_node(LinkId link) const;
  [[nodiscard]] std::size_t candidates() const { return candidates_.size(); }
  [[nodiscard]] std::size_t routes() const { return routes_.size(); }
  /// The other end closed, or the connection broke.
  void on_candidate_down(LinkId link, Turn& turn);
  /// Returns the node that did not answer a probe, if it was one.
  std::optional<NodeKey> on_dial_failed(const DialFailed& failed, Turn& turn);

  /// Passes a newcomer on, once it is a neighbor.
  void pass_on(const Link& newcomer, Turn& turn);
  void on_forward_join(const Link& from, const ForwardJoin& join, Turn& turn);
  void on_shuffle(const Link& from, const Shuffle& shuffle, Turn& turn);
  void on_shuffle_reply(const Link& from, const ShuffleReply& reply, Turn& turn);
  /// A neighbor is gone; `on_purpose`: it lives on, without this link.
  void on_neighbor_lost(const Link& link, bool on_purpose, Turn& turn);

  /// Dials, shuffles, timeouts. Returns the neighbors that have to go. `own`: this node's addresses;
  /// `settled`: presences are known; `established`: has a claim to a name, so is no newcomer any more.
  std::vector<LinkId> on_wake(const std::vector<NetAddress>& own, bool settled, bool established, Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Own dials of an earlier run, kept until newer ones have lived as long.
  void restore_anchor(const Anchor& anchor);
  /// Links to this one beside the view, for a while. False when it is a neighbor, or on the way to be one.
  bool visit(const MemberFacts& member, Turn& turn);
  /// Whether there is a place for it.
  [[nodiscard]] bool can_visit(Instant now) const;
  /// A member was heard of: no need to see whether it lives.
  void note_alive(const MemberKey& member, Instant now);

  [[nodiscard]] const PassiveView& passive() const { return passive_; }
  [[nodiscard]] const MembershipCounters& counters() const { return counters_; }

 private:
  static constexpr auto kFillPauseMin =
      std::chrono::milliseconds(250);              // after the first refusal; then it doubles
  static constexpr std::size_t kFewNeighbors = 3;  // fewer: several dials at once
  static constexpr std::size_t kDialsFew = 4;

  enum class Purpose : std::uint8_t {
    kFill,
    kTold,  // of a newcomer, by a neighbor
    kHeal,
    kProbe,
    kRewire
  };
  struct Candidate {
    LinkUp up;
    Purpose purpose = Purpose::kFill;
    bool asked = false;
    Instant deadline;
  };

  void set_mode();
  [[nodiscard]] bool has_room_for_inbound() const;
  [[nodiscard]] bool takes_inbound() const;
  [[nodiscard]] bool few_online() const;
  [[nodiscard]] bool dials_all() const;
  [[nodiscard]] bool can_trade(const Link& link) const;
  [[nodiscard]] bool has_room_for_extra() const;
  [[nodiscard]] std::optional<LinkId> pick_extra(Instant now) const;
  template <class Fits>
  std::optional<LinkId> pick_victim(Instant now, Fits fits);
  [[nodiscard]] std::vector<const Link*> own_dials() const;
  [[nodiscard]] bool is_steady(const Link& link) const;
  [[nodiscard]] bool can_lose_own() const;
  [[nodiscard]] bool lacks_own() const;
  void keep_anchors(Turn& turn);
  std::vector<LinkId> trim(Instant now);
  Outcome decide(Candidate& candidate, const std::optional<NeighborRequest>& request, Turn& turn);
  void close_candidate(const LinkUp& up, Turn& turn);
  [[nodiscard]] std::size_t pending(Purpose purpose) const;
  void fill(const std::vector<NetAddress>& own, Turn& turn);
  bool dial(const PeerEntry& peer, Purpose purpose, const std::vector<NetAddress>& own, Turn& turn,
            PeerSource source = 0);
  std::optional<PeerEntry> next_candidate();
  std::optional<PeerEntry> random_member();
  void rewire(const std::vector<NetAddress>& own, Turn& turn);
  [[nodiscard]] bool is_known_here(const NodeKey& node) const;
  void heal(const std::vector<NetAddress>& own, Turn& turn);
  void probe(const std::vector<NetAddress>& own, Turn& turn);
  void shuffle(Turn& turn);
  void learn(const std::vector<PeerEntry>& peers, PeerSource source,
             const std::vector<PeerEntry>& expendable);
  Link* random_neighbor(LinkId except);
  [[nodiscard]] PeerEntry entry_of(const Link& link) const;
  Duration jittered(Duration interval);
  std::uint32_t& heard_slot(const MemberKey& member);

  const ProtocolParameters& parameters_;
  const HeldDigest& digest_;
  Links& links_;
  const Roster& roster_;
  AddressBook& addresses_;
  NodeKey self_;
  Random random_;
  PassiveView passive_;
  std::vector<NetAddress> own_addresses_;
  bool partial_ = false;
  bool settled_ = false;
  bool wants_neighbors_ = true;  // as of the last look
  bool established_ = false;
  std::map<LinkId, Candidate> candidates_;
  std::map<NodeKey, Purpose> dialling_;
  std::vector<NodeKey> tried_;   // in this round of filling
  std::vector<PeerEntry> told_;  // in the last shuffle
  LinkId asked_ = 0;             // of whom it was asked; none: it was answered
  std::uint32_t next_shuffle_ = 1;
  std::vector<Anchor> anchors_;  // as stored
  bool waited_for_anchors_ = false;
  std::deque<std::pair<std::pair<NodeKey, std::uint32_t>, LinkId>> routes_;  // of shuffles that went on
  std::optional<Instant> extra_ends_;
  Instant fill_at_{};
  Duration fill_pause_{};
  Instant shuffle_at_{};
  Instant heal_at_{};
  Instant probe_at_{};
  Instant rewire_at_{};
  std::vector<std::uint32_t>
      heard_;  // seconds; a member's slot is shared by few, so one is probed a little late
  MembershipCounters counters_;
};

}  // namespace p2pmesh
