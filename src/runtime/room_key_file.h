// The keys of private rooms of one mesh in a file of their own: they must outlive a damaged database.
#pragma once

#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/room_label.h"

namespace p2pmesh {

/// Lines of "<label> <64 hexadecimal digits>"; mode 0600.
class RoomKeyFile {
 public:
  explicit RoomKeyFile(std::string path) : path_(std::move(path)) {}

  /// No file: no keys. Errors: kIo, and kDamagedInput with what to do.
  Result<void> read();
  [[nodiscard]] const std::vector<RoomSecret>& keys() const { return keys_; }
  [[nodiscard]] bool has(const std::string& room) const;
  /// Adds one that is_room_secret(); on the disk when it returns. Errors: kTryAgain when there are
  /// kPrivateRoomsMax, kIo, kCannotCreate.
  Result<void> add(const RoomSecret& secret);

 private:
  std::string path_;
  std::vector<RoomSecret> keys_;
};

}  // namespace p2pmesh
