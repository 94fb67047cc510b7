// The members of the mesh as their records say, which of them are here, and who holds which name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "held_digest.h"
#include "member_facts.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/messages.h"
#include "record_version.h"
#include "shared_buckets.h"

namespace p2pmesh {

enum class Presence : std::uint8_t {
  kUnknown,  ///< from an earlier run; nothing heard yet
  kOnline,
  kLeft,     ///< by a Remove Peer
  kOffline,  ///< without one
};

/// One member. A malformed record keeps its place, so that it can be compared and served; it is no member.
struct MemberRow {
  MemberFactsPtr facts;
  std::uint64_t held_share = 0;  ///< what the committed record adds to the digest; 0: none is committed
  WallMs offline_since_ms = 0;   ///< with kOffline
  std::uint64_t key_order = 0;   ///< eight bytes of the key behind the one that chooses the bucket
  std::uint32_t suspicion = 0;   ///< the number of the one under way; 0: none
  Presence presence = Presence::kUnknown;
  bool holds_name = false;
  bool revoked = false;  ///< gone for good: it holds no name, hosts nobody, and is compared with nobody

  [[nodiscard]] const MemberKey& key() const { return facts->key; }
  [[nodiscard]] WallMs since_ms() const {
    return presence == Presence::kOffline ? offline_since_ms : facts->since_ms;
  }
};

/// A member whose shown name changed.
struct Rename {
  MemberKey member;
  std::string from;
  std::string to;
};

struct RosterCounts {
  std::size_t members = 0;  ///< well-formed ones
  std::size_t online = 0;
  std::size_t offline = 0;  ///< without a Remove Peer
  std::size_t unknown = 0;  ///< of an earlier run, their records say online
};

/// Ordered by key throughout. About 330 bytes a member; tests/unit/core/roster_test.cc measures it.
class Roster {
 public:
  Roster(const MeshId& mesh, const Verifier& verifier, HeldDigest& digest)
      : mesh_(mesh), verifier_(verifier), digest_(digest) {}

  /// A record of kind kMember without subject. kNew: it is newer than the one known, and find() gives it.
  /// Renames are appended, its own first appearance not among them.
  AcceptResult accept(const SealedEnvelope& record, std::vector<Rename>& renames);
  /// Whether accept() would take a record of this member that is new.
  [[nodiscard]] bool can_accept(const MemberKey& member) const;
  /// The record is committed: it can be served and counts in the digest.
  void hold(const SealedEnvelope& record, Instant now);
  /// As accept() and hold(), of an earlier run.
  void restore(const SealedEnvelope& record);
  void set_presence(const MemberKey& member, Presence presence, const Now& now);
  void set_suspicion(const MemberKey& member, std::uint32_t number);
  /// Its key counts no more. Renames of others are appended.
  void revoke(const MemberKey& member, const Now& now, std::vector<Rename>& renames);
  /// It is not revoked after all.
  void give_back(const MemberKey& member, Instant now, std::vector<Rename>& renames);

  [[nodiscard]] const MemberRow* find(const MemberKey& member) const;
  /// The members whose records name this node.
  [[nodiscard]] std::vector<MemberKey> hosted_by(const NodeKey& node) const;
  [[nodiscard]] const RosterCounts& counts() const { return counts_; }
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t bucket = 0; bucket < Rows::kBuckets; ++bucket) {
      for (const MemberRow& row : rows_.at(bucket)) visit(row);
    }
  }
  /// The one with the smallest key; null when there is none.
  [[nodiscard]] const MemberRow* first_online() const;
  /// One for which `wanted(row)` holds, from a random place on; null when there is none.
  template <class Wanted>
  const MemberRow* pick(Random& random, Wanted wanted) const {
    const std::size_t start = random.below(Rows::kBuckets);
    for (std::size_t i = 0; i <= Rows::kBuckets; ++i) {
      const auto& rows = rows_.at((start + i) % Rows::kBuckets);
      const std::size_t from = i == 0 ? random.below(rows.size()) : 0;
      for (std::size_t j = from; j < rows.size(); ++j) {
        if (wanted(rows[j])) return &rows[j];
      }
    }
    return nullptr;
  }

  /// Another key than `member` holds the name.
  [[nodiscard]] bool is_held_by_another(const std::string& name, const MemberKey& member) const;
  /// With a suffix when another key holds the name; `~` and a piece of the key when nothing is known.
  [[nodiscard]] std::string shown_name(const MemberKey& member) const;

  /// What is held in these leaves of the digest: `add(HeldRecord)`.
  template <class Add>
  void list(const LeafSet& leaves, Add add) const {
    for_each_in(leaves, [&](const MemberRow& row) {
      if (row.held_share != 0 && !row.revoked) add(held_record_of(row));
    });
  }
  /// `record()` for each that list() would add. Returns how many rows had to be looked at.
  template <class Record>
  std::size_t measure(const LeafSet& leaves, Record record) const {
    return for_each_in(leaves, [&](const MemberRow& row) {
      if (row.held_share != 0) record();
    });
  }
  /// What it adds to the digest, with what is believed: `add(member, share)`.
  template <class Add>
  void for_each_share(const LeafSet& leaves, Add add) const {
    for_each_in(leaves, [&](const MemberRow& row) { add(row.key(), share_of(row)); });
  }

  /// A copy that shares its memory with this one until either is written to.
  struct Tables {
    SharedBuckets<MemberRow> rows;
    struct NameRow {
      std::uint64_t hash = 0;
      MemberKey member;
      auto operator<=>(const NameRow&) const = default;
    };
    SharedBuckets<NameRow> names;
    std::map<NodeKey, std::set<MemberKey>> by_other_node;
    RosterCounts counts;
    std::size_t row_count = 0;
  };
  [[nodiscard]] Tables share() const { return {rows_, names_, by_other_node_, counts_, row_count_}; }
  void adopt(const Tables& tables);

 private:
  using Rows = SharedBuckets<MemberRow>;
  using NameRow = Tables::NameRow;

  [[nodiscard]] std::size_t position_of(const MemberKey& member) const;
  MemberRow* edit(const MemberKey& member);
  [[nodiscard]] std::vector<MemberKey> claimants(std::uint64_t hash, const std::string& name) const;
  void settle_name(std::uint64_t hash, const std::string& name, const MemberKey* newcomer,
                   std::vector<Rename>& renames);
  void count(const MemberRow& row, bool in);
  void index_node(const MemberFacts& facts, bool in);
  void add_name(const MemberFacts& facts, const MemberKey* newcomer, std::vector<Rename>& renames);
  void drop_name(const MemberFacts& facts);
  static HeldRecord held_record_of(const MemberRow& row);
  static std::uint64_t share_of(const MemberRow& row);
  template <class Visit>
  std::size_t for_each_in(const LeafSet& leaves, Visit visit) const {
    std::size_t rows = 0;
    for (std::size_t bucket = 0; bucket < Rows::kBuckets; ++bucket) {
      if (leaves[bucket] == 0) continue;
      rows += rows_.at(bucket).size();
      for (const MemberRow& row : rows_.at(bucket)) {
        if (HeldDigest::contains(leaves, row.key())) visit(row);
      }
    }
    return rows;
  }

  MeshId mesh_;
  const Verifier& verifier_;
  HeldDigest& digest_;
  Rows rows_;
  SharedBuckets<NameRow> names_;
  std::map<NodeKey, std::set<MemberKey>> by_other_node_;  // where the node's key is not the member's
  RosterCounts counts_;
  std::size_t row_count_ = 0;  // malformed records too
};

}  // namespace p2pmesh
