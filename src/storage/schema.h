// The tables of a mesh's database, and the check that a file is one.
#pragma once

#include "database.h"
#include "p2pmesh/base/ids.h"

namespace p2pmesh {

inline constexpr std::int64_t kApplicationId = 0x70326d65;  ///< "p2me"
inline constexpr std::int64_t kSchemaVersion = 7;

/// Creates the tables in an empty file; checks any other one: whose it is, of which version, whole, of this
/// mesh. Errors: kDamagedInput, kConfig (newer version, another mesh), kIo.
Result<void> prepare_schema(Database& database, const MeshId& mesh);

}  // namespace p2pmesh
