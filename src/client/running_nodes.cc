#include "running_nodes.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "node_connection.h"
#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/local_socket.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kProfilesMax = 4096;  // looked at; guess

}  // namespace

Result<std::vector<RunningNode>> find_running_nodes(const Environment& environment) {
  const auto directory = profiles_directory(environment);
  if (!directory) return tl::unexpected<Error>(directory.error());
  std::vector<RunningNode> nodes;
  std::error_code error;
  std::filesystem::directory_iterator at(*directory, error);
  for (std::size_t looked = 0; !error && at != std::filesystem::directory_iterator() && looked < kProfilesMax;
       ++looked) {
    const std::string data_dir = at->path().string();
    const auto name = parse_hex(at->path().filename().string());
    if (name && connect_local(control_socket_path(data_dir)))
      nodes.push_back({std::string(as_text(*name)), data_dir});
    at.increment(error);
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& one, const auto& other) { return one.name < other.name; });
  return nodes;
}

}  // namespace p2pmesh
