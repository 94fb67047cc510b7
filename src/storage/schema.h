// The tables of a mesh's database, and the check that a file is one.
#pragma once

#include "database.h"
#include "p2pmesh/base/ids.h"

namespace p2pmesh {

inline constexpr std::int64_t kApplicationId = 0x70326d65;  ///< "p2me"
inline constexpr std::int64_t kSchemaVersion = 7;

struct SchemaKind {
  std::int64_t application = 0;
  std::int64_t version = 0;
  const char* foreign = "";  ///< of another application: "it is not ..."
};
/// True: the file is empty, and tables are to be made in it. False: it is of this kind and version. Errors:
/// kDamagedInput, kConfig (newer version), kIo.
Result<bool> is_empty_or_of(Database& database, const SchemaKind& kind);

/// Creates the tables in an empty file; checks any other one: whose it is, of which version, whole, of this
/// mesh. Errors: kDamagedInput, kConfig (newer version, another mesh), kIo.
Result<void> prepare_schema(Database& database, const MeshId& mesh);

}  // namespace p2pmesh
