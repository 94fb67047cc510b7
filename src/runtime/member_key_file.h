// The file of the member's key: plain, or locked by a passphrase.
#pragma once

#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/crypto/locked_seed.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

/// DIRECTORY/identity.key, mode 0600: the seed as 64 hexadecimal digits, or what lock_seed() makes of it.
/// What is there is replaced by change() alone.
class MemberKeyFile {
 public:
  /// `owner` is named in errors.
  MemberKeyFile(const std::string& directory, std::string owner);

  /// The seed. Without a file it is drawn, and locked when there is a passphrase. Errors: kDamagedInput,
  /// kConfig (of a newer version), kNoPermission (locked and no passphrase, or a wrong one), kUsage (not
  /// locked, and there is one; or one that cannot be set), kTryAgain (memory), kCannotCreate, kIo.
  Result<KeySeed> open(const SecretText* passphrase);

  /// Locks the key with `wanted` instead of `current`; null: not locked. After a crash the file is the old or
  /// the new one. Errors: as open(); kUsage without a key, or when nothing is locked before and after;
  /// kTryAgain when another one is changing it.
  Result<void> change(const SecretText* current, const SecretText* wanted);

 private:
  Result<std::string> read() const;
  Result<KeySeed> unlock(const std::string& content, const SecretText* passphrase) const;
  Result<std::string> format(const KeySeed& seed, const SecretText* passphrase) const;
  void remove_half_written() const;

  std::string path_;
  std::string lock_path_;
  std::string owner_;
};

}  // namespace p2pmesh
