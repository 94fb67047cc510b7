// Which rows hold acts and entries, and which are held but refused by one, so that they are neither shown nor
// handed on.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "statement.h"

namespace p2pmesh {

class HiddenTable {
 public:
  explicit HiddenTable(Database& database);

  // Inside a transaction.
  Result<void> insert(std::int64_t row, std::int64_t author_no);
  Result<void> remove(std::int64_t row);
  Result<void> insert_act(std::int64_t row);
  Result<void> insert_entry(std::int64_t row);

  Result<bool> contains(std::int64_t row);
  /// Ascending in the logs of their authors; of each the earliest `each_max`, or, lest they be more than
  /// `all_max`, as many of each as may be. `has_more`: there are others.
  Result<std::vector<std::int64_t>> acts(std::size_t each_max, std::size_t all_max, bool& has_more);
  /// Likewise.
  Result<std::vector<std::int64_t>> entries(std::size_t each_max, std::size_t all_max, bool& has_more);
  Result<std::vector<std::int64_t>> acts_of(std::int64_t author_no, std::size_t most);
  /// After a rollback.
  void forget();

 private:
  Result<void> remember();
  static Result<std::vector<std::int64_t>> list(Statement& select, std::size_t each_max, std::size_t all_max,
                                                bool& has_more);

  bool remembered_ = false;
  std::set<std::int64_t> rows_;
  Statement select_;
  Statement insert_;
  Statement delete_;
  Statement insert_act_;
  Statement select_acts_;
  Statement select_acts_of_;
  Statement insert_entry_;
  Statement select_entries_;
};

}  // namespace p2pmesh
