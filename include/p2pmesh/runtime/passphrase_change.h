// Sets, changes or takes away the passphrase of a data directory's key, whether its node runs or not.
#pragma once

#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"

namespace p2pmesh {

/// Null: not locked, before or after. The directory must be there. A running node is not asked: it has read
/// its key. Errors: kNoPermission (wrong or missing passphrase), kUsage (no key, none locked before and
/// after, a passphrase that cannot be set), kTryAgain, kDamagedInput, kConfig, kCannotCreate, kIo.
Result<void> change_passphrase(const std::string& data_dir, const SecretText* current,
                               const SecretText* wanted);

}  // namespace p2pmesh
