// The one repair: digests, below the buckets that differ branches where they save something, listings, ranges
// of what the neighbor holds and this node has not accepted, newest first. This side pulls; the other side of
// a link pulls for itself.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "held_index.h"
#include "links.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/core/parameters.h"
#include "repair_pace.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

struct AntiEntropyCounters {
  std::uint64_t sessions = 0;
  std::uint64_t asked_for_gone = 0;  ///< of these, over a new link, with equal roots
  std::uint64_t timeouts = 0;
  std::uint64_t envelopes_served = 0;
  std::uint64_t requests_dropped = 0;  ///< the one before is being answered, or too many are
  std::uint64_t no_longer_held = 0;    ///< listed by a neighbor, not in its answer
  std::uint64_t put_off = 0;           ///< requests that waited for the pace of repair
};

/// A range that the neighbor holds and this node has not accepted.
struct SyncWant {
  MemberKey author;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  WallMs newest_wall_ms = 0;
};
/// One comparison that this node has begun.
struct SyncSession {
  LinkId link = 0;
  std::uint32_t id = 0;
  AsOfMs as_of_ms = kAsOfAll;
  bool first_on_link = false;
  bool without_gone = false;             // compares what is had, not what was told to be gone
  std::optional<bool> own_leaf_differs;  // known from the neighbor's branch, of which there is one at most
  bool listed = false;                   // a page has come
  bool listing_complete = false;
  std::uint64_t own_bucket = 0;  // of the digest that was sent
  std::uint64_t accepted_at_start = 0;
  bool truncated = false;       // more was listed than the bound on wants
  std::vector<SyncWant> wants;  // the last is fetched first
  std::vector<SyncWant> holes;  // nobody may have these: what is gone of them is asked for, after the wants
  std::vector<SyncRequest::Record> want_records;
  std::vector<std::pair<MemberKey, std::uint64_t>> forked;  // looked through when nothing is wanted
  std::pair<MemberKey, std::uint64_t> listed_log;           // author and epoch of the last piece of a log
  std::size_t listed_equal = 0;                             // intervals so far, if all are as held here
  std::optional<Instant> asks_at;                           // the pace of repair lets it go on then
  SyncRequest asked;
  bool asked_small = false;               // in ranges smaller than those in which is told what is gone
  std::uint64_t accepted_when_asked = 0;  // progress is what was accepted, not what was said
  std::uint64_t gone_when_asked = 0;
  std::size_t gone_items = 0;        // of the answer, so far
  std::uint64_t expected = 0;        // envelopes, at most
  std::size_t answered = 0;          // envelopes, so far
  std::size_t answered_records = 0;  // of these
  Instant progress_at{};
  Instant ends_at{};  // however it goes: then another neighbor has its turn
};

class AntiEntropy {
 public:
  AntiEntropy(const ProtocolParameters& parameters, const HeldDigest& digest, HeldIndex& index,
              const Roster& roster, Links& links, const MemberKey& self, std::uint64_t seed)
      : parameters_(parameters),
        digest_(digest),
        index_(index),
        roster_(roster),
        links_(links),
        self_(self),
        random_(seed) {}

  /// Up to when envelopes count in a comparison made now: without the last seconds.
  [[nodiscard]] static AsOfMs as_of(const Now& now);

  // The pulling side.

  /// A neighbor's root came, and `link.differs` says how it compares. The first one that differs starts a
  /// session; later ones do after a while, soon when the neighbor was itself just repaired.
  void on_root(Link& link, AsOfMs as_of_ms, bool repaired, Turn& turn);
  void on_branch(Link& link, const SyncBranch& theirs, Turn& turn);
  /// False when nobody asked for it.
  bool on_listing(Link& link, const SyncListing& listing, Turn& turn);
  void on_gone(Link& link, const SyncGone& gone, Turn& turn);
  void on_done(Link& link, const SyncDone& done, Turn& turn);
  /// An envelope has come as repair.
  void on_repaired(LinkId link, bool is_record);
  /// Somebody's live envelope was written: repair yields to what is said.
  void on_talk(Instant now) { talk_at_ = now; }
  /// This neighbor was asked, and has not sent as many as it was asked for.
  [[nodiscard]] bool awaits_repair(LinkId link) const;
  void on_link_down(LinkId link, Turn& turn);
  void on_wake(Turn& turn);
  /// An earlier envelope is missing: compare soon.
  void hurry(Turn& turn) {
    if (parameters_.anti_entropy) next_periodic_ = turn.now.monotonic;
  }
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// A session brought something: the neighbors ought to hear of it. True once.
  [[nodiscard]] bool take_repaired() { return std::exchange(repaired_, false); }

  /// The last listing showed more of our own current epoch than we have; the caller draws a new epoch.
  [[nodiscard]] std::uint64_t foreign_own_seq(std::uint64_t epoch) const;
  /// What the neighbor of the last listing page holds of our own epochs: that much it has taken.
  [[nodiscard]] const std::vector<HeldLog>& own_held_by_neighbor() const { return own_held_; }
  /// The last listing showed that the neighbor holds all that we hold of our own.
  [[nodiscard]] bool neighbor_holds_all_own() const { return neighbor_holds_all_own_; }

  // The serving side.

  void on_digest(Link& link, const SyncDigest& digest, Turn& turn);
  void on_descend(Link& link, const SyncDescend& descend, Turn& turn);
  void on_request(Link& link, SyncRequest request, Turn& turn);
  void on_loaded(const Loaded& loaded, Turn& turn);

  [[nodiscard]] const AntiEntropyCounters& counters() const { return counters_; }
  /// The one begun here, and what is being read from the store for others'.
  [[nodiscard]] std::size_t sessions() const { return serving_.size() + (session_ ? 1 : 0); }
  [[nodiscard]] std::size_t answers() const { return serving_.size(); }
  [[nodiscard]] std::size_t reads() const { return reads_; }

 private:
  struct Serving {
    LinkId link = 0;
    std::uint32_t session = 0;
    std::optional<Load> deferred;  // waits for the link's repair budget, or for others' reads
    Instant due{};
    std::vector<SyncRequest::Range> ranges;
  };

  struct RepairBudget {
    double left = 0;  // bytes
    Instant since;
    std::optional<std::uint32_t> branched;  // the session that was sent a branch and may descend
  };
  struct ListingSize {
    std::size_t rows = 0;  // looked at
    std::size_t bytes = 0;
  };

  /// It may have what others have dropped: each neighbor is asked once more when something new is told to be
  /// gone.
  [[nodiscard]] bool may_have_gone(const Link& link) const {
    return !P2P_PLANTED(GoneNeverAsked) && index_.knows_gone() && link.gone_asked != index_.gone_count();
  }
  void start(Link& link, Turn& turn);
  Duration soon_after_repair();
  void note_caught_up(Instant now);
  [[nodiscard]] bool others_talk(Instant now) const;
  [[nodiscard]] bool is_paced(Instant now) const;
  std::uint64_t take_want(std::vector<SyncWant>& wants, std::uint64_t piece, SyncRequest& request);
  void want_hole(const MemberKey& author, std::uint64_t epoch, std::uint64_t last);
  struct Room {
    std::uint64_t envelopes = 0;
    std::uint64_t records = 0;
    bool paced = false;
  };
  Room find_room(Instant now) const;
  bool put_off(const Room& room, Instant now);
  SyncRequest draw_request(const Room& room);
  void ask_next(Turn& turn);
  void note_repaired();
  void finish(Turn& turn);
  void start_waiting(Turn& turn);

  [[nodiscard]] std::vector<SyncBranch::Bucket> branch(const LeafSet& wanted, AsOfMs as_of_ms,
                                                       Instant now) const;
  [[nodiscard]] std::vector<Bytes> list(std::uint32_t session, const LeafSet& leaves) const;
  [[nodiscard]] ListingSize measure(const LeafSet& leaves) const;
  void send_gone(const Serving& serving, const std::vector<GoneRange>& gone, Turn& turn);
  RepairBudget& budget_of(LinkId link, Instant now);
  void read_next(Turn& turn);
  void want_log(const HeldLog& log, Turn& turn);
  void want_gone(const HeldGone& gone);
  void want(std::vector<SyncWant>& wants, const SyncWant& wanted);
  bool is_forked(const HeldLog& log, const EpochLog& mine);
  std::vector<SyncRequest::Range> draw_look(const MemberKey& author, std::uint64_t epoch, std::uint64_t most);

  const ProtocolParameters& parameters_;
  const HeldDigest& digest_;
  HeldIndex& index_;
  const Roster& roster_;
  Links& links_;
  MemberKey self_;
  Random random_;
  std::optional<SyncSession> session_;
  std::uint32_t next_session_ = 1;
  std::optional<Instant> next_periodic_;
  RepairPace pace_;
  RepairPace records_pace_;
  bool caught_up_ = false;  // with all neighbors, once; not since there was none
  std::optional<Instant> linked_since_;
  Instant talk_at_{};
  std::vector<HeldLog> own_held_;
  bool neighbor_holds_all_own_ = false;
  bool repaired_ = false;
  std::map<std::uint64_t, Serving> serving_;  // by Load request
  std::map<LinkId, RepairBudget> repair_;
  std::uint64_t next_request_ = 1;
  std::size_t reads_ = 0;  // of serving_, those that are being read
  AntiEntropyCounters counters_;
};

}  // namespace p2pmesh
