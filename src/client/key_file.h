// The file in which the members of a private room hand on its key.
#pragma once

#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/room_label.h"

namespace p2pmesh {

struct KeyFile {
  RoomKey key{};
  bool is_new = false;  ///< there was no file: the key was drawn, and is in it now
};

/// Whether a private room can have this name, which check_room_label() has passed: to be asked before a file
/// is made. Errors: kUsage.
Result<void> check_private_name(const std::string& room);

/// One line of 64 hexadecimal digits, or of 32 bytes in base64. Errors: kDamagedInput, and as the functions
/// of posix/files.h.
Result<KeyFile> open_key_file(const std::string& path);

}  // namespace p2pmesh
