// The keys of private rooms of one mesh in a file of their own: they must outlive a damaged database.
#pragma once

#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/room_label.h"
#include "sealed_file.h"

namespace p2pmesh {

/// Sealed lines of "<label> <64 hexadecimal digits>"; mode 0600.
class RoomKeyFile {
 public:
  RoomKeyFile(std::string path, const FileSeal& seal) : path_(std::move(path)), seal_(seal) {}

  /// No file: no keys. Errors: kIo, and kDamagedInput with what to do.
  Result<void> read();
  [[nodiscard]] const std::vector<RoomSecret>& keys() const { return keys_; }
  [[nodiscard]] bool has(const std::string& room) const;
  /// Adds one that is_room_secret(); on the disk when it returns. Errors: kTryAgain when there are
  /// kPrivateRoomsMax, kIo, kCannotCreate.
  Result<void> add(const RoomSecret& secret);

 private:
  std::string path_;
  const FileSeal& seal_;
  std::vector<RoomSecret> keys_;
};

}  // namespace p2pmesh
