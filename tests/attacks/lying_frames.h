// Frames whose counts and lengths are as large as their fields.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh::attacks {

/// Each with what it lies about: of every kind that has a count, once with nothing behind it, and once with
/// as much as a frame holds.
std::vector<std::pair<std::string, Bytes>> lying_frames();

}  // namespace p2pmesh::attacks
