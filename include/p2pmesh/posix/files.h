// Files and directories of a profile: private modes, bounded reads, writes that are there whole or not at
// all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// Files that this process makes from now on are for its user alone (umask 077), whoever makes them.
void use_private_umask();

/// Makes the directory and what is missing above it, 0700. An existing one is left as it is, but must be a
/// directory that this process can write to, of its own user, and that nobody else can write to.
/// Errors: kCannotCreate with the path; kNoPermission with path, mode and owner.
Result<void> make_directories(const std::string& path);

/// The whole file; nothing when there is none. Errors: kIo (also when larger than `bytes_max`),
/// kNoPermission.
Result<std::optional<Bytes>> read_file(const std::string& path, std::size_t bytes_max);

/// Replaces the file (0600): after a crash it holds the old bytes or the new ones. On the disk when it
/// returns. Errors: kCannotCreate (directory unwritable), kIo (disk full and others); the old file is then
/// untouched.
Result<void> write_file_atomically(const std::string& path, ByteView bytes);

/// Makes a file (0600) that is not there yet; false when it is. On the disk when it returns. Errors: as
/// write_file_atomically().
Result<bool> create_file(const std::string& path, ByteView bytes);

/// Removes a file; fine when there is none.
Result<void> remove_file(const std::string& path);

/// The path from the root, without symbolic links; parts that do not exist yet are kept as they are.
/// Errors: kCannotCreate when it cannot be followed (a loop, a directory that may not be searched).
Result<std::string> absolute_path(const std::string& path);

/// A lock on a file, held while this object lives and freed by the kernel when the process ends in whatever
/// way. The file holds the process id and stays there when the lock is gone.
class LockFile {
 public:
  /// Errors: kTryAgain (another process holds it; its id is in the message), kCannotCreate, kIo.
  static Result<LockFile> acquire(const std::string& path);

  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace p2pmesh
