#include "closed_mesh_file.h"

#include <algorithm>
#include <string_view>

#include "p2pmesh/core/closed_mesh.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 1024;  // four lines of at most 75 bytes, and more

/// What follows the word that a line begins with; takes the line off.
std::string_view take_line(std::string_view& rest, std::string_view word) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (!line.starts_with(word)) return {};
  line.remove_prefix(word.size());
  return line;
}

bool take_bytes(std::string_view& rest, std::string_view word, std::array<std::uint8_t, 32>& out) {
  const auto bytes = parse_hex(take_line(rest, word));
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

}  // namespace

Result<std::optional<ClosedMesh>> read_closed_mesh(const std::string& path, const MeshId& mesh,
                                                   const FileSeal& seal) {
  const auto content = seal.read(path, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return std::nullopt;
  std::string_view rest = as_text(**content);
  ClosedMesh read;
  bool is_whole = take_bytes(rest, "secret ", read.grant.secret) &&
                  take_bytes(rest, "founder ", read.grant.founder.bytes) &&
                  take_bytes(rest, "let_in_by ", read.let_in_by.bytes);
  if (!rest.empty())
    is_whole = is_whole && take_bytes(rest, "invite ", read.invite.emplace()) && rest.empty();
  if (!is_whole || !is_grant_of(read.grant, mesh)) {
    return fail(ExitStatus::kDamagedInput,
                "the file " + path +
                    " does not hold the secret of the closed mesh; put back a copy, or move the mesh's files "
                    "away and come in again with a new invite");
  }
  return read;
}

Result<void> write_closed_mesh(const std::string& path, const ClosedMesh& mesh, const FileSeal& seal) {
  std::string content = "secret " + format_hex(mesh.grant.secret) + "\nfounder " + mesh.grant.founder.hex() +
                        "\nlet_in_by " + mesh.let_in_by.hex() + "\n";
  if (mesh.invite) content += "invite " + format_hex(*mesh.invite) + "\n";
  return seal.write(path, as_bytes(content));
}

}  // namespace p2pmesh
