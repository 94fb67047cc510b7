// Direct envelopes between others, that this node carries for them: how many there are of each author, which
// go first, and the ids of those that went.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pmesh/storage/mesh_store.h"
#include "position.h"
#include "statement.h"

namespace p2pmesh {

class CarriedTable {
 public:
  explicit CarriedTable(Database& database);

  // Inside a transaction.

  /// `arrived_ms`: by the clock of this node.
  Result<void> insert(std::int64_t row, std::int64_t author_no, std::size_t bytes, WallMs wall_ms,
                      WallMs arrived_ms);
  /// Nothing when it is not carried.
  Result<void> remove(std::int64_t row);
  Result<void> insert_gone(const LogPosition& position, const EnvelopeId& id);

  /// What is carried in all.
  Result<CarriedSum> total();
  /// The rows that go first, at most `rows_max`; none when all is within the quota.
  Result<std::vector<std::int64_t>> over(const CarryQuota& quota, WallMs now_ms, std::size_t rows_max);

  Result<std::optional<EnvelopeId>> gone_at(const LogPosition& position);
  /// Of all that is gone between two numbers; nothing when none is.
  Result<std::optional<std::uint64_t>> gone_digest(std::int64_t author_no, std::uint64_t epoch,
                                                   std::uint64_t first, std::uint64_t last);

  /// All that is gone of an author; ascending.
  struct Gone {
    std::uint64_t epoch = 0;
    std::uint64_t seq = 0;
    EnvelopeId id;
  };
  Result<std::vector<Gone>> gone_of(std::int64_t author_no);

  /// After a rollback.
  void forget();

 private:
  Result<void> remember();
  Result<void> append_oldest(std::int64_t author_no, CarriedSum& sum, std::uint64_t envelopes_max,
                             std::uint64_t bytes_max, std::size_t rows_max, std::vector<std::int64_t>& rows);

  Database& database_;
  bool remembered_ = false;
  std::map<std::int64_t, CarriedSum> by_author_;
  CarriedSum total_;
  bool any_gone_ = false;  // most databases never dropped one, and then nothing need be asked
  Statement insert_;
  Statement select_;
  Statement delete_;
  Statement select_sums_;
  Statement select_expired_;
  Statement select_oldest_;
  Statement insert_gone_;
  Statement select_gone_;
  Statement select_gone_at_;
  Statement select_gone_of_;
};

}  // namespace p2pmesh
