// What the local member has noted of others.
#pragma once

#include <vector>

#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

class PeopleTable {
 public:
  explicit PeopleTable(Database& database);

  /// Inside a transaction. Of whom nothing is noted any more, nothing is kept.
  Result<void> save(const StoredPerson& person);
  /// By key.
  Result<std::vector<StoredPerson>> list();

 private:
  Statement save_;
  Statement delete_;
  Statement select_;
};

}  // namespace p2pmesh
