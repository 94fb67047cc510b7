// What this node has accepted and what it holds, by author: the durable truth behind de-duplication, and
// the digests that anti-entropy compares.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "held_digest.h"
#include "interval_set.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/messages.h"
#include "record_version.h"

namespace p2pmesh {

/// One author and epoch.
struct EpochLog {
  IntervalSet accepted;             ///< taken in by ingress; never taken in twice
  IntervalSet held;                 ///< committed, and maybe dropped since: counts in digests
  IntervalSet hidden;               ///< committed, and not held because it is refused by now
  std::uint64_t hidden_digest = 0;  ///< as ids_digest, of these
  WallMs newest_wall_ms = 0;
  Instant accepted_at{};         ///< the last one
  std::uint64_t shown = 0;       ///< the greatest one handed on to be shown
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() over what is held, the lowest id of forks
};

struct RecordKey {
  MemberKey author;
  std::uint16_t kind = 0;
  Bytes subject;
  bool operator==(const RecordKey&) const = default;
  friend std::strong_ordering operator<=>(const RecordKey& one, const RecordKey& other) {
    if (const auto by = one.author <=> other.author; by != 0) return by;
    if (one.kind != other.kind) return one.kind <=> other.kind;
    return as_text(one.subject) <=> as_text(other.subject);
  }
};

/// Logs, and the records that are no member records; those are the roster's.
/// Ordered by key throughout, so that no order of outputs depends on a hash.
class HeldIndex {
 public:
  explicit HeldIndex(HeldDigest& digest) : digest_(digest) {}

  void restore(const RestoredLog& log);
  void restore(const SealedEnvelope& record);

  /// `own`: written here; the limits are against others.
  AcceptResult accept_log(const SealedEnvelope& envelope, bool own, Instant now);
  /// Whether accept_log() would take a new number of this author and epoch.
  [[nodiscard]] bool can_accept(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const;
  void note_shown(const Envelope& envelope);
  void hold_log(const SealedEnvelope& envelope, Instant now);
  /// It was accepted, and is not held after all.
  void drop_brought(const Envelope& envelope, Instant now);
  /// Of a second id for one place the lower one counts: `shown` in place of `replaced`.
  void hold_fork(const SealedEnvelope& shown, const EnvelopeId& replaced, Instant now);
  /// What of an author is refused though it is held: it counts as if it were not there, in digests and
  /// listings, so that who has taken it in and who has refused it agree. All of it, by epoch.
  void set_hidden(const MemberKey& author, const std::vector<HiddenLog>& hidden, Instant now);
  /// kNew when it is newer than what is known.
  AcceptResult accept_record(const SealedEnvelope& envelope);
  /// One that gives way to others. It counts towards the limit of its author all the same: it is on the disk.
  void drop_record(const SealedEnvelope& envelope, Instant now);
  [[nodiscard]] bool can_accept_record(const RecordKey& key) const;
  /// How many were ever accepted: what tells progress from talk. Member records are told to it.
  [[nodiscard]] std::uint64_t accepted_count() const { return accepted_count_; }
  void count_accepted() { ++accepted_count_; }
  void hold_record(const SealedEnvelope& envelope, Instant now);

  /// From now on this author's records are not compared with others, but for the revocations that it
  /// published; they are held all the same.
  void leave_out_records(const MemberKey& author, Instant now);
  void compare_records_again(const MemberKey& author, Instant now);
  /// Of a kind; member records are the roster's, and asked for all the same.
  [[nodiscard]] bool is_left_out(const MemberKey& author, std::uint16_t kind) const {
    return kind != static_cast<std::uint16_t>(Kind::kRevocation) && left_out_.contains(author);
  }

  /// A neighbor has dropped what it carried of a range, and what is left of it has come: what is missing of
  /// it here counts as had, so that who has it no more and who never got it agree. It is taken in all the
  /// same when somebody has it, for nobody signed this.
  void note_gone(GoneRange gone, Instant now);
  /// What is not accepted of a range.
  [[nodiscard]] std::vector<IntervalSet::Interval> lacking(const MemberKey& author, std::uint64_t epoch,
                                                           std::uint64_t first, std::uint64_t last) const;
  /// What is neither accepted nor told to be gone of a range.
  [[nodiscard]] std::vector<IntervalSet::Interval> missing(const MemberKey& author, std::uint64_t epoch,
                                                           std::uint64_t first, std::uint64_t last) const;
  /// How many ranges were ever told of.
  [[nodiscard]] std::uint64_t gone_count() const { return gone_count_; }
  [[nodiscard]] bool knows_gone() const { return gone_size_ > 0; }
  [[nodiscard]] std::size_t gone_known() const { return gone_size_; }
  /// What was told to be gone: `visit(author, share)`.
  template <class Visit>
  void for_each_gone(Visit visit) const {
    for (const auto& [log, ranges] : gone_) {
      for (const auto& [first, range] : ranges) visit(log.first, range.ids_digest);
    }
  }
  /// Whether a range was told of as a whole.
  [[nodiscard]] bool is_gone(const HeldGone& range) const;
  /// Those of which all that is missing lies within a range, cut to it, ascending. Looks at `looks_left`,
  /// which it counts down.
  [[nodiscard]] std::vector<GoneRange> list_gone(const MemberKey& author, std::uint64_t epoch,
                                                 std::uint64_t first, std::uint64_t last,
                                                 std::size_t& looks_left) const;

  [[nodiscard]] const EpochLog* find(const MemberKey& author, std::uint64_t epoch) const;
  /// Of each epoch the greatest number that was accepted, the newest epochs first.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> newest(const MemberKey& author,
                                                                            std::size_t epochs_max) const;
  [[nodiscard]] std::uint64_t greatest_epoch(const MemberKey& author) const;
  [[nodiscard]] const RecordVersion* find_record(const RecordKey& key) const;

  /// What is held in these leaves: `add(HeldLog)`, in pieces of at most `intervals_max`, and
  /// `add(HeldRecord)`.
  template <class Add>
  void list(const LeafSet& leaves, std::size_t intervals_max, Add add) const {
    for_each_in(leaves, logs_, [&](const MemberKey& author, const auto& epochs) {
      for (const auto& [epoch, log] : epochs) list_log(author, epoch, log, intervals_max, add);
    });
    for_each_in(leaves, records_, [&](const RecordKey& key, const RecordState& state) {
      if (!state.held || is_left_out(key.author, key.kind)) return;
      add(HeldRecord{key.author, key.kind, key.subject, state.held->epoch, state.held->version,
                     state.held->id, false});
    });
    for_each_in(leaves, gone_, [&](const LogKey& log, const auto& ranges) {
      for (const auto& [first, range] : ranges) add(HeldGone{log.first, log.second, first, range.last});
    });
  }
  /// What list() would add: `log(intervals)` for each log, `record(bytes of its subject)` for each record,
  /// `gone(ranges)` for each log of which something was told to be gone. Returns how many rows had to be
  /// looked at.
  template <class Log, class Record, class Gone>
  std::size_t measure(const LeafSet& leaves, Log log, Record record, Gone gone) const {
    std::size_t rows = 0;
    rows += for_each_in(leaves, logs_, [&](const MemberKey&, const auto& epochs) {
      rows += epochs.size();
      for (const auto& [epoch, held] : epochs) log(held.held.intervals().size());
    });
    rows += for_each_in(leaves, records_, [&](const RecordKey& key, const RecordState& state) {
      if (state.held) record(key.subject.size());
    });
    rows += for_each_in(leaves, gone_, [&](const LogKey&, const auto& ranges) {
      rows += ranges.size();
      gone(ranges.size());
    });
    return rows;
  }
  /// What it adds to the digest: `add(author, share)`.
  template <class Add>
  void for_each_share(const LeafSet& leaves, Add add) const {
    for_each_in(leaves, logs_, [&](const MemberKey& author, const auto& epochs) {
      for (const auto& [epoch, log] : epochs) add(author, log.ids_digest);
    });
    for_each_in(leaves, records_, [&](const RecordKey& key, const RecordState& state) {
      if (state.held && !is_left_out(key.author, key.kind)) add(key.author, id_digest(state.held->id));
    });
    for_each_in(leaves, gone_, [&](const LogKey& log, const auto& ranges) {
      for (const auto& [first, range] : ranges) add(log.first, range.ids_digest);
    });
    for_each_in(leaves, brought_,
                [&](const BroughtKey& key, std::uint64_t share) { add(key.first.first, share); });
  }

  [[nodiscard]] std::size_t authors() const { return logs_.size(); }

 private:
  struct RecordState {
    RecordVersion accepted;
    std::optional<RecordVersion> held;
  };
  [[nodiscard]] std::uint64_t records_share(const MemberKey& author) const;
  using LogKey = std::pair<MemberKey, std::uint64_t>;
  struct Gone {
    std::uint64_t last = 0;
    std::uint64_t ids_digest = 0;
  };
  using BroughtKey = std::pair<LogKey, std::uint64_t>;
  using GoneRanges = std::map<std::uint64_t, Gone>;  // by their first numbers; none overlap

  static const MemberKey& author_of(const LogKey& key) { return key.first; }
  static MemberKey& author_of(LogKey& key) { return key.first; }
  static const MemberKey& author_of(const BroughtKey& key) { return author_of(key.first); }
  static MemberKey& author_of(BroughtKey& key) { return author_of(key.first); }
  static const MemberKey& author_of(const MemberKey& key) { return key; }
  static const MemberKey& author_of(const RecordKey& key) { return key.author; }
  static MemberKey& author_of(MemberKey& key) { return key; }
  static MemberKey& author_of(RecordKey& key) { return key.author; }
  /// `visit(key, value)` for what a map by author has in these leaves. Returns how many entries there are in
  /// their buckets.
  template <class Map, class Visit>
  static std::size_t for_each_in(const LeafSet& leaves, const Map& map, Visit visit) {
    std::size_t entries = 0;
    for (std::size_t bucket = 0; bucket < limits::kDigestBuckets; ++bucket) {
      if (leaves[bucket] == 0) continue;
      typename Map::key_type from;
      author_of(from).bytes[0] = static_cast<std::uint8_t>(bucket);
      for (auto item = map.lower_bound(from);
           item != map.end() && HeldDigest::bucket_of(author_of(item->first)) == bucket; ++item) {
        ++entries;
        if (HeldDigest::contains(leaves, author_of(item->first))) visit(item->first, item->second);
      }
    }
    return entries;
  }
  template <class Add>
  static void list_log(const MemberKey& author, std::uint64_t epoch, const EpochLog& log,
                       std::size_t intervals_max, Add& add) {
    const auto& held = log.held.intervals();
    for (std::size_t from = 0; from < held.size(); from += intervals_max) {
      const auto begin = held.begin() + static_cast<std::ptrdiff_t>(from);
      const std::size_t count = std::min(intervals_max, held.size() - from);
      add(HeldLog{author,
                  epoch,
                  log.newest_wall_ms,
                  log.ids_digest,
                  {begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
  }

  [[nodiscard]] const GoneRanges* gone_of(const MemberKey& author, std::uint64_t epoch) const;
  /// The first range that ends at or behind a number.
  static GoneRanges::const_iterator gone_at(const GoneRanges& ranges, std::uint64_t seq);
  void split_gone(GoneRanges& ranges, GoneRanges::const_iterator whole, const GoneRange& part,
                  bool rest_is_behind);
  [[nodiscard]] bool has_room_for_gone(const MemberKey& author) const;
  void count_gone_less(const MemberKey& author);
  std::uint64_t take_brought(const Envelope& envelope);
  /// One is there after all.
  void take_back_gone(const Envelope& envelope, std::uint64_t share, const EpochLog& log, Instant now);

  HeldDigest& digest_;
  std::set<MemberKey> left_out_;
  std::map<MemberKey, std::map<std::uint64_t, EpochLog>> logs_;
  std::map<RecordKey, RecordState> records_;
  std::map<MemberKey, std::size_t> records_of_;  // how many an author has
  std::uint64_t accepted_count_ = 0;
  std::map<LogKey, GoneRanges> gone_;         // told of; beside the logs, since nobody signed it
  std::map<MemberKey, std::size_t> gone_of_;  // how many ranges of an author
  // Shares of what was told to be gone, has come and waits for its commit. They count all the while, as of
  // any time: else each neighbor would see other roots, for the time of a commit or, of a clock that is
  // ahead, for as long as what is young is left out.
  std::map<BroughtKey, std::uint64_t> brought_;
  std::size_t gone_size_ = 0;
  std::uint64_t gone_count_ = 0;
};

}  // namespace p2pmesh
