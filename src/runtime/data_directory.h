// The directory of a node or a discovery server: made, locked, and known by its whole path.
#pragma once

#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {

/// The first thing that a host does: what it writes from now on is its user's alone. `directory` becomes
/// absolute. Errors: as make_directories() and LockFile::acquire(), kIo without a random source.
Result<LockFile> claim_data_directory(std::string& directory);

}  // namespace p2pmesh
