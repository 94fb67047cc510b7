#include "p2pmesh/base/invite_link.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kScheme = "p2pmesh://";

/// What stands before the next `end`, which is taken off too; all that is left when there is none.
std::string_view take_until(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return taken;
}

}  // namespace

bool is_invite_link(std::string_view text) {
  return text.starts_with(kScheme);
}

std::string format_invite_link(const InviteLink& link) {
  std::string text(kScheme);
  for (const std::string& address : link.addresses) {
    if (&address != &link.addresses.front()) text += ',';
    text += address;
  }
  return text + '/' + link.mesh.hex() + '/' + format_hex(link.secret);
}

std::optional<InviteLink> parse_invite_link(std::string_view text) {
  if (!is_invite_link(text)) return std::nullopt;
  std::string_view rest = text.substr(kScheme.size());
  std::string_view addresses = take_until(rest, '/');
  const auto mesh = MeshId::from_hex(take_until(rest, '/'));
  const auto secret = parse_hex(rest);
  InviteLink link;
  if (!mesh || mesh->is_zero() || !secret || secret->size() != link.secret.size()) return std::nullopt;
  link.mesh = *mesh;
  std::copy(secret->begin(), secret->end(), link.secret.begin());
  while (!addresses.empty()) {
    link.addresses.emplace_back(take_until(addresses, ','));
    if (link.addresses.back().empty() || link.addresses.size() > limits::kAddressesMax) return std::nullopt;
  }
  return link.addresses.empty() ? std::nullopt : std::optional(std::move(link));
}

}  // namespace p2pmesh
