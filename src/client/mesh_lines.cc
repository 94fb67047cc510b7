#include "mesh_lines.h"

#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIdDigitsShown = 8;

}  // namespace

std::string describe_mesh(const control::MeshEntry& mesh) {
  std::string line = format_safe_line(mesh.label);
  if (mesh.current) line += ", current";
  line += mesh.closed ? ", closed, " : ", open, ";
  line += count_of(mesh.members, "member") + ", " + std::to_string(mesh.online) + " online, " +
          std::to_string(mesh.unread) + " unread";
  if (mesh.neighbors == 0) line += ", no neighbor";
  return line + ", mesh " + mesh.mesh.hex().substr(0, kIdDigitsShown);
}

std::string describe_rendezvous(const control::RendezvousEntry& server) {
  std::string line = format_safe_line(server.place);
  line += server.registered ? ", registered" : server.linked ? ", linked, not registered" : ", not there";
  if (!server.trouble.empty()) line += ": " + format_safe_line(server.trouble);
  return line;
}

}  // namespace p2pmesh
