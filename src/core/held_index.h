// What this node has accepted and what it holds, by author: the durable truth behind de-duplication, and
// the digests that anti-entropy compares.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "held_digest.h"
#include "interval_set.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/messages.h"
#include "record_version.h"

namespace p2pmesh {

/// One author and epoch.
struct EpochLog {
  IntervalSet accepted;  ///< taken in by ingress; never taken in twice
  IntervalSet held;      ///< committed: can be served, counts in digests
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
    if (const auto author = one.author <=> other.author; author != 0) return author;
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
  /// Of a second id for one place the lower one counts: `shown` in place of `replaced`.
  void hold_fork(const SealedEnvelope& shown, const EnvelopeId& replaced, Instant now);
  /// kNew when it is newer than what is known.
  AcceptResult accept_record(const SealedEnvelope& envelope);
  [[nodiscard]] bool can_accept_record(const RecordKey& key) const;
  /// How many were ever accepted: what tells progress from talk. Member records are told to it.
  [[nodiscard]] std::uint64_t accepted_count() const { return accepted_count_; }
  void count_accepted() { ++accepted_count_; }
  void hold_record(const SealedEnvelope& envelope, Instant now);

  [[nodiscard]] const EpochLog* find(const MemberKey& author, std::uint64_t epoch) const;
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
      if (!state.held) return;
      add(HeldRecord{key.author, key.kind, key.subject, state.held->epoch, state.held->version,
                     state.held->id, false});
    });
  }
  /// What list() would add: `log(intervals)` for each log, `record(bytes of its subject)` for each record.
  /// Returns how many rows had to be looked at.
  template <class Log, class Record>
  std::size_t measure(const LeafSet& leaves, Log log, Record record) const {
    std::size_t rows = 0;
    rows += for_each_in(leaves, logs_, [&](const MemberKey&, const auto& epochs) {
      rows += epochs.size();
      for (const auto& [epoch, held] : epochs) log(held.held.intervals().size());
    });
    rows += for_each_in(leaves, records_, [&](const RecordKey& key, const RecordState& state) {
      if (state.held) record(key.subject.size());
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
      if (state.held) add(key.author, id_digest(state.held->id));
    });
  }

  [[nodiscard]] std::size_t authors() const { return logs_.size(); }

 private:
  struct RecordState {
    RecordVersion accepted;
    std::optional<RecordVersion> held;
  };
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

  HeldDigest& digest_;
  std::map<MemberKey, std::map<std::uint64_t, EpochLog>> logs_;
  std::map<RecordKey, RecordState> records_;
  std::map<MemberKey, std::size_t> records_of_;  // how many an author has
  std::uint64_t accepted_count_ = 0;
};

}  // namespace p2pmesh
