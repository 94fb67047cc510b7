// Long keys (authors, rooms) to the small numbers that the other tables use for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "p2pmesh/base/bytes.h"
#include "statement.h"

namespace p2pmesh {

/// Keeps at most `cached_max` numbers in memory; the rest is looked up.
class NumberTable {
 public:
  NumberTable(Database& database, const char* select_sql, const char* insert_sql, std::size_t cached_max)
      : database_(database),
        select_(database, select_sql),
        insert_(database, insert_sql),
        cached_max_(cached_max) {}

  /// The key's number; nothing when it has none.
  Result<std::optional<std::int64_t>> find(ByteView key);
  /// The key's number, given now when it had none. Inside a transaction.
  Result<std::int64_t> number_of(ByteView key);
  /// Forgets what is cached: a transaction that gave numbers was rolled back.
  void forget() { cached_.clear(); }

 private:
  void remember(ByteView key, std::int64_t number);
  Database& database_;
  Statement select_;
  Statement insert_;
  std::size_t cached_max_;
  std::unordered_map<std::string, std::int64_t> cached_;
};

}  // namespace p2pmesh
