// The system's words for an error number, in one place.
#pragma once

#include <string>
#include <system_error>

namespace p2pmesh {

inline std::string errno_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace p2pmesh
