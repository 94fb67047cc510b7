// Files of secrets, sealed with a key that is drawn from the member's: a passphrase that locks that key
// guards them too, and a copy of the directory without it opens none of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

/// Threads: any; immutable after construction.
class FileSeal {
 public:
  explicit FileSeal(const KeySeed& member);
  ~FileSeal();
  FileSeal(const FileSeal&) = delete;
  FileSeal& operator=(const FileSeal&) = delete;

  /// What was sealed; nothing when there is no file. Errors: as read_file(), and kDamagedInput when another
  /// key sealed it, or it was changed.
  [[nodiscard]] Result<std::optional<Bytes>> read(const std::string& path, std::size_t bytes_max) const;
  /// Replaces the file (0600); on the disk when it returns. Errors: as write_file_atomically().
  [[nodiscard]] Result<void> write(const std::string& path, ByteView plain) const;

 private:
  SharedSecret key_;
};

}  // namespace p2pmesh
