// What this node has accepted and what it holds, by author: the durable truth behind de-duplication, and
// the digests that anti-entropy compares.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "interval_set.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// One author and epoch.
struct EpochLog {
  IntervalSet accepted;  ///< taken in by ingress; never taken in twice
  IntervalSet held;      ///< committed: can be served, counts in digests
  WallMs newest_wall_ms = 0;
  EnvelopeId greatest_id;  ///< of the greatest accepted sequence number
  Instant accepted_at{};   ///< the last one
  std::uint64_t digest = 0;
};

struct RecordKey {
  MemberKey author;
  std::uint16_t kind = 0;
  Bytes subject;
  auto operator<=>(const RecordKey&) const = default;
};

/// The order of the versions of one record: of two, the greater is the newer.
struct RecordVersion {
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  EnvelopeId id;  ///< breaks a tie: the smaller id is the newer

  [[nodiscard]] bool is_newer_than(const RecordVersion& other) const {
    return std::tie(epoch, version) != std::tie(other.epoch, other.version)
               ? std::tie(epoch, version) > std::tie(other.epoch, other.version)
               : id < other.id;
  }
};

enum class AcceptResult : std::uint8_t { kNew, kAlready, kTooMany };

/// Ordered by key throughout, so that no order of outputs depends on a hash.
class HeldIndex {
 public:
  void restore(const RestoredLog& log);
  void restore(const SealedEnvelope& record);

  /// `own`: written here; the limits are against others.
  AcceptResult accept_log(const SealedEnvelope& envelope, bool own, Instant now);
  /// Whether accept_log() would take a new number of this author and epoch.
  [[nodiscard]] bool can_accept(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const;
  void hold_log(const Envelope& envelope);
  /// kNew when it is newer than what is known.
  AcceptResult accept_record(const SealedEnvelope& envelope);
  [[nodiscard]] bool can_accept_record(const RecordKey& key) const;
  /// How many were ever accepted: what tells progress from talk.
  [[nodiscard]] std::uint64_t accepted_count() const { return accepted_count_; }
  void hold_record(const SealedEnvelope& envelope);

  [[nodiscard]] const EpochLog* find(const MemberKey& author, std::uint64_t epoch) const;
  [[nodiscard]] std::uint64_t greatest_epoch(const MemberKey& author) const;
  [[nodiscard]] const RecordVersion* find_record(const RecordKey& key) const;

  /// One number a bucket of authors, the root over all of them.
  [[nodiscard]] const std::array<std::uint64_t, limits::kDigestBuckets>& buckets() const { return buckets_; }
  [[nodiscard]] std::uint64_t root() const;
  static std::size_t bucket_of(const MemberKey& author) { return author.bytes[0]; }

  /// What is held in the buckets whose bit is set, in pages of at most kSyncPageBytes.
  [[nodiscard]] std::vector<SyncListing> list(
      const std::array<std::uint8_t, limits::kDigestBuckets / 8>& differing) const;

  [[nodiscard]] std::size_t authors() const { return logs_.size(); }

 private:
  struct RecordState {
    RecordVersion accepted;
    std::optional<RecordVersion> held;
    std::uint64_t digest = 0;
  };
  void refresh_digest(const MemberKey& author, std::uint64_t epoch, EpochLog& log);
  void fold(const MemberKey& author, std::uint64_t& digest, std::uint64_t renewed);

  std::map<MemberKey, std::map<std::uint64_t, EpochLog>> logs_;
  std::map<RecordKey, RecordState> records_;
  std::map<MemberKey, std::size_t> other_records_;  // beside the member record
  std::size_t member_records_ = 0;
  std::uint64_t accepted_count_ = 0;
  std::array<std::uint64_t, limits::kDigestBuckets> buckets_{};
};

}  // namespace p2pmesh
