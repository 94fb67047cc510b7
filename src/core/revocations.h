// Which keys count no more, the records that say so, and how far what such a key has signed counts all the
// same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "p2pmesh/wire/revocation.h"

namespace p2pmesh {

/// What a record of it has to be about: the key alone, or the key and a digest of what the body says. So
/// nobody can put another cut in the place of one that it has published: each is a record of its own.
[[nodiscard]] Bytes revocation_subject(const Revocation& revocation);

/// What it keeps depends on the set of records alone, not on what came first: of one key the
/// kRevocationRecordsMax whose cuts let through least, of more than kRevocationsMax keys the lowest. Records
/// by the founder of the mesh, and keys that it has revoked, come before all others.
class Revocations {
 public:
  /// Keys that it revokes stay whoever revokes others. Those that were kept before stay as they are.
  void note_founder(const MemberKey& founder);

  /// Whether add() would keep it.
  [[nodiscard]] bool keeps(const SealedEnvelope& record, const Revocation& revocation) const;
  /// One that is kept. Returns those that are no longer.
  std::vector<EnvelopePtr> add(const EnvelopePtr& record, const Revocation& revocation);

  [[nodiscard]] bool contains(const MemberKey& key) const { return keys_.contains(key); }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  /// Null unless it is revoked: what is beyond any of the cuts of its records is refused.
  [[nodiscard]] const LogCut* cut_of(const MemberKey& key) const;
  /// Of a revoked key: one of its records.
  [[nodiscard]] const EnvelopePtr& record_of(const MemberKey& key) const;
  [[nodiscard]] std::vector<MemberKey> keys() const;

 private:
  // By the founder; epochs and numbers of its cut; its id.
  using Order = std::tuple<bool, std::size_t, std::uint64_t, EnvelopeId>;
  struct Revoked {
    std::map<Order, EnvelopePtr> records;
    LogCut cut;
    bool by_founder = false;
  };
  using KeyRank = std::pair<bool, MemberKey>;
  [[nodiscard]] bool is_by_founder(const Envelope& record) const { return founder_ == record.author; }
  [[nodiscard]] Order order_of(const SealedEnvelope& record, const LogCut& cut) const;
  static void settle(Revoked& revoked);
  static bool is_same(const SealedEnvelope& one, const SealedEnvelope& other);
  [[nodiscard]] std::optional<KeyRank> last_rank() const;

  std::optional<MemberKey> founder_;
  std::map<MemberKey, Revoked> keys_;
};

}  // namespace p2pmesh
