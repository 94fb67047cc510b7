#include "mesh_lines.h"

#include <algorithm>
#include <string_view>
#include "clock_text.h"

#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIdDigitsShown = 8;
constexpr std::size_t kNamesShown = 8;
constexpr std::string_view kDroppedPrefix = "lan_dropped_";

}  // namespace

std::string describe_mesh(const control::MeshEntry& mesh) {
  std::string line = format_safe_line(mesh.label);
  if (mesh.current) line += ", current";
  line += mesh.with ? ", conversation of two, " : mesh.closed ? ", closed, " : ", open, ";
  line += count_of(mesh.members, "member") + ", " + std::to_string(mesh.online) + " online, " +
          std::to_string(mesh.unread) + " unread";
  if (mesh.neighbors == 0) line += ", no neighbor";
  return line + ", mesh " + mesh.mesh.hex().substr(0, kIdDigitsShown);
}

std::string describe_registered(const control::RegisteredPerson& person) {
  return format_safe_line(person.name) +
         (person.online ? ", online" : ", last seen " + format_local_minute(person.seen_ms));
}

std::string describe_registered_mesh(const control::RegisteredMesh& mesh) {
  std::string line =
      "the mesh of " + format_safe_line(mesh.label) + ", " + std::to_string(mesh.online) + " online";
  for (std::size_t i = 0; i < mesh.names.size(); ++i)
    line += (i == 0 ? ": " : ", ") + format_safe_line(mesh.names[i]);
  if (mesh.names.size() < mesh.online) line += mesh.names.empty() ? "" : ", ...";
  return line;
}

std::string describe_lan_mesh(const control::LanMeshEntry& mesh) {
  std::string line = format_safe_line(mesh.label);
  if (mesh.ours) line += ", yours";
  line += ", " + std::to_string(mesh.online) + " online";
  for (std::size_t i = 0; i < mesh.names.size() && i < kNamesShown; ++i)
    line += (i == 0 ? ": " : ", ") + format_safe_line(mesh.names[i]);
  if (mesh.names.size() > kNamesShown)
    line += " and " + std::to_string(mesh.names.size() - kNamesShown) + " more";
  return line + "; " + format_safe_line(mesh.interface) + ", " + format_safe_line(mesh.address) + ", mesh " +
         mesh.mesh.hex().substr(0, kIdDigitsShown);
}

std::vector<std::string> describe_lan(const control::LanReply& lan) {
  if (!lan.on)
    return {"This node runs without --lan: it hears nobody on the local network, and is not heard"};
  std::vector<std::string> lines;
  for (const control::LanMeshEntry& mesh : lan.meshes) lines.push_back(describe_lan_mesh(mesh));
  if (lines.empty()) lines.emplace_back("No mesh is heard on the local network");
  for (const control::LanInterfaceEntry& one : lan.interfaces) {
    lines.push_back("interface " + format_safe_line(one.name) +
                    (one.left_out.empty() ? " is used" : " is left out: " + format_safe_line(one.left_out)));
  }
  std::string dropped;
  for (const auto& [name, count] : lan.counters) {
    if (count == 0 || !name.starts_with(kDroppedPrefix) || name == "lan_dropped_own") continue;
    std::string why = name.substr(kDroppedPrefix.size());
    std::replace(why.begin(), why.end(), '_', ' ');
    dropped += (dropped.empty() ? "" : ", ") + std::to_string(count) + " " + format_safe_line(why);
  }
  if (!dropped.empty()) lines.push_back("dropped: " + dropped);
  return lines;
}

std::string describe_rendezvous(const control::RendezvousEntry& server) {
  std::string line = format_safe_line(server.place);
  line += server.registered ? ", registered" : server.linked ? ", linked, not registered" : ", not there";
  if (!server.trouble.empty()) line += ": " + format_safe_line(server.trouble);
  return line;
}

}  // namespace p2pmesh
