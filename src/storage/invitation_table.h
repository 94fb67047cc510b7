// Invitations to private rooms that have come: who, which room, its key.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

class InvitationTable {
 public:
  explicit InvitationTable(Database& database);

  /// Inside a transaction. One that the same member has sent before for the room is replaced. Of more than
  /// kInvitationsMax the oldest go, those of people who are not talked to first.
  Result<void> insert(std::int64_t row, const StoredInvitation& invitation);

  /// The newest first.
  Result<std::vector<StoredInvitation>> list();

 private:
  Database& database_;
  Statement insert_;
  Statement trim_;
  Statement select_;
};

}  // namespace p2pmesh
