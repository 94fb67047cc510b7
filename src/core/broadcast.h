// Plumtree, the one way out: each new envelope is pushed along a tree of eager links that duplicates prune;
// the other, lazy links hear only that it is there, and graft what did not come.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common_tree.h"
#include "flat_map.h"
#include "links.h"
#include "missing_ids.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/wire/envelope.h"
#include "recent_payloads.h"
#include "tree_shaping.h"
#include "turn.h"

namespace p2pmesh {

struct BroadcastCounters {
  std::uint64_t payloads_sent = 0;
  std::uint64_t payloads_received = 0;  ///< duplicates included
  std::uint64_t duplicates = 0;
  std::uint64_t ihaves_sent = 0;  ///< frames
  std::uint64_t grafts_sent = 0;
  std::uint64_t prunes_sent = 0;
  std::uint64_t grafts_unanswered = 0;  ///< asked for here and no longer at hand
  std::uint64_t missing_over_limit = 0;
};

/// A link begins eager where a node has no way yet. In partial views one tree serves all authors: the common
/// one, and until the heartbeats have told of that the one that the first copies shape. In a full mesh there
/// is a tree an author: whoever is linked to it gets its envelopes from it alone, after the first one, and
/// who is not, through one that is.
class Broadcast {
 public:
  Broadcast(const ProtocolParameters& parameters, std::uint64_t seed)
      : parameters_(parameters), random_(seed) {}

  void set_partial(bool partial, Turn& turn);
  /// `merges`: between two components that found each other.
  void on_link_up(LinkId link, bool merges, Turn& turn);
  void on_link_down(LinkId link, Turn& turn);
  /// The member that the common tree hangs from, as this node believes; looked at with the heartbeats.
  void set_root(const MemberKey& root, bool is_self, Turn& turn);
  /// A neighbor's heartbeat.
  void on_place(LinkId from, const std::optional<TreePlace>& place, std::optional<Duration> rtt, Turn& turn);
  /// For this node's heartbeat.
  [[nodiscard]] std::optional<TreePlace> place_for(LinkId link, Instant now) const;

  /// Written here, or to be spread anew.
  void publish(const EnvelopePtr& envelope, Turn& turn);
  /// Came live, for the first time.
  void on_received(const EnvelopePtr& envelope, LinkId from, std::uint16_t round, Turn& turn);
  /// Came live, and was known already or is no use: nobody need be asked for it.
  void on_useless(const EnvelopeId& id) { missing_.arrived(id); }
  /// Came by repair: it is missing no more.
  void on_repaired(const EnvelopePtr& envelope, LinkId from, Instant now) {
    missing_.arrived(envelope->id);
    repaired_.add(envelope, {.payload = {}, .at = now, .from = from});
  }
  void on_duplicate(LinkId from, const EnvelopeId& id, std::uint16_t round, Turn& turn);
  void on_ihave(LinkId from, const IHave& ihave, Turn& turn);
  /// Returns the bytes of the answer. Without `may_answer` the link becomes a way, and nothing is answered.
  std::size_t on_graft(LinkId from, const Graft& graft, Turn& turn, bool may_answer = true);
  void on_prune(LinkId from, const Prune& prune, Turn& turn);

  /// The payloads that wait to share a frame: at the end nothing may be left behind.
  void send_waiting(Turn& turn);
  void on_wake(Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] const BroadcastCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }
  [[nodiscard]] std::size_t recent() const { return recent_.size(); }
  [[nodiscard]] std::size_t recent_repaired() const { return repaired_.size(); }
  [[nodiscard]] std::uint64_t given_up() const { return missing_.given_up(); }
  [[nodiscard]] std::size_t eager() const;
  /// Notes on each link whether it is pushed over.
  void note_tree(Links& links) const;

  /// Asks for the cache lines that a payload will touch.
  void prefetch() const {
    for (const auto& item : peers_) __builtin_prefetch(&item);
    recent_.prefetch();
    __builtin_prefetch(announced_.data() + announced_.size());
  }

 private:
  // Small, since every broadcast walks over all peers.
  struct Waiting {
    std::vector<std::pair<EnvelopePtr, std::uint16_t>> payloads;  // waiting to share a frame
    std::size_t bytes = 0;
    Instant due{};
    Instant used_until{};  // by the windows of the frames that were sent
  };
  struct Peer {
    bool eager = true;                  // partial views
    std::uint64_t lazy_from = 0;        // the first of announced_ that it was not pushed
    Instant grafted_at{};               // it asked for what is new
    Instant repaired_at{};              // one end missed something that the other had
    Instant pruned_at{};                // by this node; payloads may still be on their way
    std::unique_ptr<Waiting> waiting;   // with a payload window
    std::set<MemberKey> pruned;         // full mesh: authors whose envelopes it gets otherwise
    std::vector<IHave::Item> catch_up;  // what was broadcast just before it became a neighbor
  };
  struct Announced {
    EnvelopeId id;
    std::uint16_t round = 0;
    LinkId from = 0;
    MemberKey author;
  };
  void spread(const EnvelopePtr& envelope, LinkId from, std::uint16_t round, Turn& turn);
  void push(LinkId link, Peer& peer, const EnvelopePtr& envelope, std::uint16_t round, SharedBytes& frame,
            Turn& turn);
  void ask_for(LinkId link, Turn& turn);
  void announce_later(Instant now);
  [[nodiscard]] bool is_told(LinkId link, const Peer& peer, std::size_t place) const;
  void make_eager(LinkId link, Peer& peer, Turn& turn);
  void make_lazy(Peer& peer);
  void optimise(LinkId from, Peer& announcer, const RecentPayloads::Entry& entry, std::uint16_t round,
                Turn& turn);
  void send_payloads(LinkId link, Peer& peer, Turn& turn);
  void send_ihaves(LinkId link, Peer& peer, SharedBytes& shared, Turn& turn);
  void send_ihaves(LinkId link, const std::vector<IHave::Item>& items, SharedBytes& frame, Turn& turn);
  void send_all_ihaves(Turn& turn);
  void prune(LinkId link, Peer& peer, Turn& turn);
  void note_due(Instant at);
  /// The link that brought what was new is there and eager.
  [[nodiscard]] bool has_way() const;
  void note_first(LinkId from);
  void prune_if_other_way(LinkId link, const EnvelopeId& id, Turn& turn);
  void prune_contested(Turn& turn);
  void choose_way(Turn& turn);
  void take_way(LinkId link, Turn& turn);
  void leave_old_way(Turn& turn);
  void mend(LinkId link, Turn& turn);
  void prune_if_spare(LinkId link, Peer& peer, Duration since_repair, Turn& turn);
  void forget_copies(LinkId link);
  static bool has_just_grafted(const Peer& peer, Instant now);
  void prune_author(LinkId link, const MemberKey& author, Turn& turn);
  [[nodiscard]] bool is_eager(const Peer& peer, const MemberKey& author) const {
    return partial_ ? peer.eager : !peer.pruned.contains(author);
  }
  [[nodiscard]] Duration ihave_interval() const {
    return partial_ ? parameters_.ihave_interval : parameters_.ihave_interval_full;
  }

  /// Until the slowest ihave about it has come and gone.
  [[nodiscard]] Duration recent_kept() const {
    const Duration ihaves = std::max(parameters_.ihave_interval, parameters_.ihave_interval_full);
    return std::max<Duration>(limits::kRecentKept, 2 * ihaves);
  }

  const ProtocolParameters& parameters_;
  Random random_;
  bool partial_ = false;
  Instant first_link_at_{};
  FlatMap<LinkId, Peer> peers_;
  // What the lazy links are to be told of, all of them at the same time.
  std::vector<Announced> announced_;
  std::uint64_t told_ = 0;  // the number of the first of them
  Instant announce_at_{};
  RecentPayloads recent_{limits::kRecentMax, limits::kRecentBytesMax, recent_kept(), random_.next()};
  RecentPayloads repaired_{limits::kRecentRepairedMax, 0, recent_kept(), random_.next()};
  MissingIds missing_;
  BroadcastCounters counters_;

  // The link that brings what is new, and the one that was faster the last times.
  LinkId parent_ = 0;
  LinkId challenger_ = 0;
  int challenger_wins_ = 0;
  LinkId optimised_ = 0;  // grafted to see whether it is the shorter way
  Instant optimise_from_{};
  Duration optimise_pause_{};

  CommonTree tree_{parameters_.silence_partial};
  LinkId old_way_ = 0;  // to be left

  // Several authors at once: the tree is that of one broadcast at a time, nearly everywhere the same one.
  struct Duplicate {
    LinkId link = 0;
    EnvelopeId id;
    Instant due{};  // to be weighed
  };
  TreeShaping shaping_{parameters_.prune_gather};
  std::vector<Duplicate> contested_;  // in the order of their coming
  std::optional<Instant> next_due_;   // of the peers' frames of payloads
};

}  // namespace p2pmesh
