#include "p2pmesh/posix/profile_directory.h"

#include <cstdlib>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {
namespace {

std::optional<std::string> read_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

}  // namespace

Environment Environment::read() {
  return {read_variable("HOME"), read_variable("XDG_DATA_HOME")};
}

Result<std::string> profiles_directory(const Environment& environment) {
  // A relative path is to be ignored, says the specification.
  if (environment.xdg_data_home && environment.xdg_data_home->starts_with('/')) {
    return *environment.xdg_data_home + "/p2pmesh";
  }
  if (environment.home) return *environment.home + "/.local/share/p2pmesh";
  return fail(ExitStatus::kConfig,
              "HOME is not set, so there is no place for data. Set HOME, or give --data-dir DIR.");
}

Result<std::string> default_data_dir(const Environment& environment, const std::string& name) {
  return profiles_directory(environment).map([&](const std::string& directory) {
    return directory + "/" + format_hex(as_bytes(name));
  });
}

}  // namespace p2pmesh
