// Where profiles keep their data when nobody says otherwise: the XDG base directory specification.
#pragma once

#include <optional>
#include <string>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// The environment variables that matter here; an empty one counts as missing.
struct Environment {
  std::optional<std::string> home;
  std::optional<std::string> xdg_data_home;

  static Environment read();
};

/// The directory of all profiles. Errors: kConfig when HOME is needed and missing.
Result<std::string> profiles_directory(const Environment& environment);

/// The default data directory of a name, which check_name() has passed: its bytes in hexadecimal.
Result<std::string> default_data_dir(const Environment& environment, const std::string& name);

}  // namespace p2pmesh
