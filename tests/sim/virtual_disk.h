// What storage/mesh_store does, in memory: commits that take their time, row numbers, forks, records, outbox,
// peers, people; and what a power cut takes away.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bit_set.h"
#include "envelope_pool.h"
#include "p2pmesh/core/node.h"
#include "people_tables.h"
#include "sim_time.h"

namespace p2pmesh::sim {

using RecordKey = std::tuple<MemberKey, std::uint16_t, std::string>;
using RecordTable = std::map<RecordKey, EnvelopePtr>;

RecordKey record_key(const Envelope& envelope);

/// A finished commit, in the order in which the driver tells the core.
struct CommitResult {
  std::vector<Committed> committed;
  std::vector<ForkKept> forks;
  std::vector<StoreDraft> drafts;
  std::vector<DiskQuestion> questions;
};

class VirtualDisk {
 public:
  explicit VirtualDisk(EnvelopePool& pool) : pool_(&pool) {}

  /// Records that many nodes hold alike; own ones lie over them.
  void set_base_records(std::shared_ptr<const RecordTable> records) { base_records_ = std::move(records); }
  /// Without a journal a power cut loses nothing; worlds without power cuts save its memory.
  void set_journal(bool on) { journaled_ = on; }
  /// Worlds without direct messages save the tables of people.
  void keep_people(const MemberKey& self) { people_ = std::make_unique<PeopleTables>(self); }

  /// Of each author so many direct envelopes between others are carried, and the oldest dropped; 0: all are.
  void set_carry_max(std::size_t carry_max) { carry_max_ = carry_max; }
  [[nodiscard]] bool drops_carried() const { return carry_max_ > 0; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] bool has_dropped(std::uint32_t entry) const { return gone_.contains(entry); }

  // One commit at a time: what comes meanwhile waits for the next.

  void store(Store store) { waiting_.items.push_back(std::move(store)); }
  void note_taken(const EnvelopeId& id) { waiting_.taken.push_back(id); }
  void store(StoreDraft draft) { waiting_.drafts.push_back(std::move(draft)); }
  void drop_draft(std::uint64_t number) { waiting_.dropped.push_back(number); }
  void change(PeopleChange change) { waiting_.people.push_back(std::move(change)); }
  void note_peer(const StorePeer& peer, WallMs wall_ms);
  void note_anchors(std::vector<Anchor> anchors) { anchors_ = std::move(anchors); }
  [[nodiscard]] bool has_work() const { return !waiting_.empty(); }
  [[nodiscard]] bool is_committing() const { return committing_; }
  void begin_commit();
  void finish_commit(SimTime now, CommitResult& result);
  void draw_notice_row() { ++last_row_; }

  /// The process ends. The running commit is through or not, as `running_done` says; what waits is lost.
  void kill(bool running_done, SimTime now);
  /// The machine ends. Returns the log envelopes whose rows are gone.
  std::vector<std::uint32_t> cut_power(SimTime now);
  /// Everything is committed and synced and the stop is marked as clean.
  void stop_cleanly(SimTime now);

  [[nodiscard]] Loaded load(const Load& load) const;
  /// What the core needs after a restart. Marks the store as unclean. Without base records.
  RestoredState restore();

  [[nodiscard]] bool holds(std::uint32_t entry) const { return held_.contains(entry); }
  [[nodiscard]] const BitSet& held() const { return held_; }
  [[nodiscard]] bool holds_position(std::uint32_t entry) const;
  /// Of the held entries of a position the one with the lowest id; kNone when none is held.
  [[nodiscard]] std::uint32_t shown_at(std::uint32_t position) const;
  [[nodiscard]] EnvelopePtr find_record(const RecordKey& key) const;
  /// Without base records.
  [[nodiscard]] const RecordTable& records() const { return records_; }
  [[nodiscard]] bool knows_peers() const { return !peers_.empty(); }
  [[nodiscard]] std::size_t outbox_size() const { return outbox_.size(); }
  [[nodiscard]] const std::map<std::uint64_t, StoreDraft>& drafts() const { return drafts_; }
  /// Of which two envelopes were made.
  [[nodiscard]] std::uint64_t drafts_sent_twice() const { return drafts_sent_twice_; }
  /// Null in a world without direct messages.
  [[nodiscard]] const PeopleTables* people() const { return people_.get(); }
  [[nodiscard]] std::vector<EnvelopePtr> unopened(std::uint64_t first_row) const;
  [[nodiscard]] std::uint64_t last_row() const { return last_row_; }
  [[nodiscard]] const std::vector<std::uint32_t>& rows() const { return rows_; }

 private:
  struct Queue {
    std::vector<Store> items;
    std::vector<EnvelopeId> taken;
    std::vector<StoreDraft> drafts;
    std::vector<std::uint64_t> dropped;
    std::vector<PeopleChange> people;
    [[nodiscard]] bool empty() const {
      return items.empty() && taken.empty() && drafts.empty() && dropped.empty() && people.empty();
    }
  };
  enum class ChangeKind : std::uint8_t { kRow, kFork, kRecord, kOutboxAdded, kOutboxTaken, kPeople };
  struct Change {
    SimTime at = 0;
    ChangeKind kind = ChangeKind::kRow;
    std::uint32_t entry = 0;
    RecordKey record;
    EnvelopePtr old_record;
    std::function<void()> undo;  // kPeople
  };

  void apply(Queue& queue, SimTime now, CommitResult& result);
  std::uint64_t apply_log(const Store& store, SimTime now, CommitResult& result);
  std::uint64_t apply_record(const Store& store, SimTime now);
  std::uint64_t apply_opened(const Store& store, SimTime now);
  void carry(std::uint32_t entry);
  void add_direct(std::uint32_t entry, std::uint64_t row, const DirectMessagePtr& direct, SimTime now);
  /// True: with a full sync.
  bool apply(const PeopleChange& change, SimTime now, CommitResult& result);
  void note(Change change);
  void note_undo(SimTime now, std::function<void()> undo);
  void sync_if_due(SimTime now);
  void append_heads(RestoredState& state) const;
  [[nodiscard]] bool is_row(std::uint32_t entry) const;

  EnvelopePool* pool_;
  std::shared_ptr<const RecordTable> base_records_;
  RecordTable records_;
  BitSet held_;                      // rows and forks
  std::vector<std::uint32_t> rows_;  // in the order of commits
  std::vector<std::uint32_t> forks_;
  std::map<std::uint32_t, bool> outbox_;
  // Not journaled: what is kept or leaves is so with a full sync.
  std::map<std::uint64_t, StoreDraft> drafts_;
  std::set<std::uint64_t> drafts_sent_;
  std::uint64_t drafts_sent_twice_ = 0;
  std::uint64_t last_draft_ = 0;
  std::unique_ptr<PeopleTables> people_;
  std::size_t carry_max_ = 0;
  std::map<std::uint32_t, std::deque<std::uint32_t>> carried_;  // by author
  BitSet gone_;
  std::uint64_t dropped_ = 0;
  std::map<std::pair<NodeKey, NetAddress>, RestoredPeer> peers_;
  std::vector<Anchor> anchors_;
  std::uint64_t last_row_ = 0;
  bool clean_ = false;
  bool committing_ = false;
  Queue waiting_;
  Queue running_;
  bool journaled_ = true;
  std::deque<Change> journal_;  // since the last full sync
};

}  // namespace p2pmesh::sim
