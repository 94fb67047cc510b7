#include "mesh_lines.h"

#include "clock_text.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIdDigitsShown = 8;

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

std::string describe_rendezvous(const control::RendezvousEntry& server) {
  std::string line = format_safe_line(server.place);
  line += server.registered ? ", registered" : server.linked ? ", linked, not registered" : ", not there";
  if (!server.trouble.empty()) line += ": " + format_safe_line(server.trouble);
  return line;
}

}  // namespace p2pmesh
