// One copy of every envelope of the world, by number: nodes that hold the same bytes share them.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "p2pmesh/wire/envelope.h"
#include "sim_signature.h"

namespace p2pmesh::sim {

inline constexpr std::uint32_t kNone = UINT32_MAX;

/// A log envelope. Numbers ascend in the order in which the world first saw them.
struct PoolEntry {
  EnvelopePtr envelope;
  std::uint32_t log = 0;            ///< author and epoch, by number
  std::uint32_t author = kNone;     ///< node, or kNone for a key of no node
  std::uint32_t position = 0;       ///< the first entry of the same (author, epoch, sequence number)
  std::uint32_t next_fork = kNone;  ///< the next entry of the same position
  bool genuine = true;              ///< the author signed it, or is a liar
};

/// The interned copy of an envelope.
struct Interned {
  EnvelopePtr envelope;
  std::uint32_t entry = kNone;  ///< of a log envelope
  bool genuine = true;
};

class EnvelopePool {
 public:
  explicit EnvelopePool(const SignedLog& signed_log) : signed_(signed_log) {}

  void add_author(const MemberKey& key, std::uint32_t node) { authors_[key] = node; }
  void mark_liar(const MemberKey& key) { liars_[key] = true; }

  /// The shared copy of what ingress admitted or an author wrote.
  Interned intern(EnvelopePtr envelope);

  [[nodiscard]] const PoolEntry& operator[](std::uint32_t entry) const { return entries_[entry]; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  /// A log envelope's number, or kNone.
  [[nodiscard]] std::uint32_t find(const EnvelopeId& id) const;
  /// The first entry of a place, or kNone; the others follow by next_fork.
  [[nodiscard]] std::uint32_t at(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const;
  [[nodiscard]] std::uint32_t at(std::uint32_t log, std::uint64_t seq) const;
  [[nodiscard]] std::uint32_t logs() const { return static_cast<std::uint32_t>(log_heads_.size()); }
  /// Calls `use` with each entry of the range that the world has seen, ascending; false from it ends the
  /// walk.
  template <class Use>
  void for_each_at(std::uint32_t log, std::uint64_t first, std::uint64_t last, Use use) const {
    const LogHeads& heads = log_heads_[log];
    for (std::uint64_t seq = first; seq <= last && seq < heads.dense.size(); ++seq) {
      if (heads.dense[seq] != kNone && !use(heads.dense[seq])) return;
      if (seq == last) return;
    }
    for (auto far = heads.sparse.lower_bound(first); far != heads.sparse.end() && far->first <= last; ++far) {
      if (!use(far->second)) return;
    }
  }
  [[nodiscard]] std::uint32_t find_log(const MemberKey& author, std::uint64_t epoch) const;

 private:
  struct LogHeads {
    std::vector<std::uint32_t> dense;               // by sequence number
    std::map<std::uint64_t, std::uint32_t> sparse;  // far above all others: a liar's
  };
  bool is_genuine(const SealedEnvelope& envelope) const;
  void sweep();

  const SignedLog& signed_;
  std::vector<PoolEntry> entries_;
  std::unordered_map<EnvelopeId, std::uint32_t> by_id_;
  std::map<std::pair<MemberKey, std::uint64_t>, std::uint32_t> logs_;
  std::vector<LogHeads> log_heads_;
  std::unordered_map<MemberKey, std::uint32_t> authors_;
  std::map<MemberKey, bool> liars_;
  // Records and passing envelopes, while somebody holds them.
  std::unordered_map<EnvelopeId, Interned> others_;
  std::size_t sweep_at_ = 4096;
};

}  // namespace p2pmesh::sim
