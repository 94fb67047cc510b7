// Lines that wait until they may become envelopes.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

class DraftTable {
 public:
  explicit DraftTable(Database& database);

  // Inside a transaction.
  Result<void> save(const StoredDraft& draft);
  Result<void> remove(std::uint64_t number);

  /// By number.
  Result<std::vector<StoredDraft>> list();
  /// The greatest number ever saved; 0: none.
  Result<std::uint64_t> last_number();

 private:
  Database& database_;
  Statement insert_;
  Statement raise_last_;
  Statement delete_;
  Statement select_;
  Statement select_last_;
};

}  // namespace p2pmesh
