// How an invite into a closed mesh is handed from one person to another: one word that holds where members
// are, which mesh, and the secret. Whoever reads it may come in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// The 32 bytes from which the invite's pair of keys is drawn.
using InviteSecret = std::array<std::uint8_t, 32>;

struct InviteLink {
  std::vector<std::string> addresses;  ///< HOST:PORT or [IPV6]:PORT, at most kAddressesMax
  MeshId mesh;
  InviteSecret secret{};
};

/// It was meant as a link; it may still be damaged.
bool is_invite_link(std::string_view text);

/// `p2pmesh://HOST:PORT,HOST:PORT/<mesh>/<secret>`, the last two in hexadecimal: nothing that a shell or a
/// chat program takes apart.
std::string format_invite_link(const InviteLink& link);

/// Nothing when it is not whole. Does not look at the addresses.
std::optional<InviteLink> parse_invite_link(std::string_view text);

}  // namespace p2pmesh
