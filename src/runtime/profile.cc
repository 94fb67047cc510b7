#include "profile.h"

#include <algorithm>

#include "member_key_file.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr const char* kClosedMark = " closed";

constexpr std::size_t kFileBytesMax = 16384;

std::string format_line(const MeshId& mesh, bool closed) {
  return mesh.hex() + (closed ? kClosedMark : "") + "\n";
}

std::optional<ActiveMesh> parse_line(std::string_view line) {
  const auto mesh = MeshId::from_hex(line.substr(0, 2 * MeshId::kSize));
  return mesh ? std::optional(ActiveMesh{*mesh, line.ends_with(kClosedMark)}) : std::nullopt;
}

/// The first line of a small file; nothing when there is none.
Result<std::optional<std::string>> read_line(const std::string& path) {
  auto content = read_file(path, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return std::optional<std::string>();
  std::string line(as_text(**content));
  line.resize(std::min(line.size(), line.find('\n')));
  return std::optional(line);
}

}  // namespace

Result<Profile> Profile::open(const std::string& directory, const std::string& name,
                              const SecretText* passphrase) {
  Profile profile;
  profile.directory_ = directory;
  profile.name_ = name;
  auto owner = read_line(directory + "/name");
  if (!owner) return tl::unexpected(owner.error());
  if (*owner && name_key(**owner) != name_key(name)) {
    return fail(ExitStatus::kUsage, "the data directory " + directory + " belongs to " +
                                        format_safe_line(**owner) + ", not to " + format_safe_line(name) +
                                        "; start with that name, or give another --data-dir");
  }
  if (!*owner) {
    auto written = write_file_atomically(directory + "/name", as_bytes(name + "\n"));
    if (!written) return tl::unexpected(written.error());
  } else {
    profile.name_ = **owner;
  }
  auto seed = MemberKeyFile(directory, profile.name_).open(passphrase);
  if (!seed) return tl::unexpected(seed.error());
  profile.seed_ = *seed;
  wipe_secret(*seed);
  auto made = make_directories(profile.meshes_directory());
  if (!made) return tl::unexpected(made.error());
  return profile;
}

std::optional<MeshId> Profile::last_mesh() const {
  const auto line = read_line(directory_ + "/last_mesh");
  const auto last = line && *line ? parse_line(**line) : std::nullopt;
  return last ? std::optional(last->mesh) : std::nullopt;
}

std::vector<ActiveMesh> Profile::active_meshes() const {
  std::vector<ActiveMesh> meshes;
  const auto content = read_file(directory_ + "/active_meshes", kFileBytesMax);
  if (!content || !*content) return meshes;
  std::string_view rest = as_text(**content);
  while (!rest.empty() && meshes.size() < limits::kMeshesMax) {
    const std::size_t end = std::min(rest.size(), rest.find('\n'));
    if (const auto active = parse_line(rest.substr(0, end))) meshes.push_back(*active);
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  return meshes;
}

bool Profile::was_closed(const MeshId& mesh) const {
  const auto line = read_line(directory_ + "/last_mesh");
  std::vector<ActiveMesh> known = active_meshes();
  if (const auto last = line && *line ? parse_line(**line) : std::nullopt) known.push_back(*last);
  return std::any_of(known.begin(), known.end(),
                     [&](const ActiveMesh& active) { return active.mesh == mesh && active.closed; });
}

std::optional<std::uint16_t> Profile::last_port() const {
  auto line = read_line(directory_ + "/last_port");
  if (!line || !*line) return std::nullopt;
  auto port = parse_port(**line);
  return port && *port != 0 ? std::optional(*port) : std::nullopt;
}

Result<void> Profile::remember_mesh(const MeshId& mesh, bool closed) const {
  return write_file_atomically(directory_ + "/last_mesh", as_bytes(format_line(mesh, closed)));
}

Result<void> Profile::remember_active(const std::vector<ActiveMesh>& meshes) const {
  std::string lines;
  for (const ActiveMesh& active : meshes) lines += format_line(active.mesh, active.closed);
  return write_file_atomically(directory_ + "/active_meshes", as_bytes(lines));
}

Result<void> Profile::remember_port(std::uint16_t port) const {
  if (last_port() == port) return {};
  return write_file_atomically(directory_ + "/last_port", as_bytes(std::to_string(port) + "\n"));
}

std::string mesh_file(const std::string& meshes_directory, const MeshId& mesh, const char* ending) {
  return meshes_directory + "/" + mesh.hex() + ending;
}

}  // namespace p2pmesh
