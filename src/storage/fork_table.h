// Second validly signed envelopes for one place in an author's sequence, kept as proof.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "p2pmesh/wire/envelope.h"
#include "position.h"
#include "statement.h"

namespace p2pmesh {

struct Fork {
  std::int64_t no = 0;
  EnvelopePtr envelope;
};

/// Bounded: at each position the lowest kForksPerPositionMax ids are kept, in all kForksPerAuthorMax an
/// author.
class ForkTable {
 public:
  explicit ForkTable(Database& database);

  /// The forks at a position, by id; the envelope first accepted is not among them.
  Result<std::vector<Fork>> at(const LogPosition& position);
  Result<bool> is_forked(const LogPosition& position);
  /// Looks an id up; a null envelope when it is no fork.
  Result<Fork> find(const EnvelopeId& id);
  Result<EnvelopePtr> read(std::int64_t no);

  /// Keeps a fork, inside a transaction. 0 when it is known or over the bounds, else its number. `dropped`:
  /// the one that is no longer kept in its place.
  Result<std::int64_t> insert(const LogPosition& position, const SealedEnvelope& envelope,
                              std::optional<Fork>& dropped);

  /// After a rollback.
  void forget() { any_ = Any::kUnknown; }

 private:
  Result<bool> any();
  Result<EnvelopePtr> decode(const Query& query, int column) const;

  enum class Any { kUnknown, kNo, kYes };
  Database& database_;
  Any any_ = Any::kUnknown;  // most databases never hold one, and then nothing need be asked
  Statement select_any_;
  Statement select_at_;
  Statement select_by_id_;
  Statement select_by_no_;
  Statement count_author_;
  Statement insert_;
  Statement delete_;
};

/// Rebuilds an envelope from its columns. Errors: kDamagedInput.
Result<EnvelopePtr> decode_stored(const Database& database, ByteView id, ByteView encoded);

}  // namespace p2pmesh
