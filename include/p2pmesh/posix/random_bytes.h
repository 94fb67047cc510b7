// Random bytes from the kernel, for programs that hold no library of cryptography.
#pragma once

#include <cstdint>
#include <span>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// Fills with bytes that may be a key. Errors: kIo.
Result<void> fill_random(std::span<std::uint8_t> out);

}  // namespace p2pmesh
