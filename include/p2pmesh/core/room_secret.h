// A private room's label, which names its key without telling it.
#pragma once

#include <string>

#include "p2pmesh/base/room_label.h"

namespace p2pmesh {

/// `#board~1a2b3c4d` of `#board` and its key.
std::string private_room_label(const std::string& name, const RoomKey& key);

/// A checked name, and the label that the key gives it; what others send need be neither.
bool is_room_secret(const RoomSecret& secret);

}  // namespace p2pmesh
