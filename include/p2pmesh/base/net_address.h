// An IP address and port as it travels: no names, no scopes, no text form (posix/socket.h has that).
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>

namespace p2pmesh {

struct NetAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> ip{};  ///< network order; IPv4 uses the first four
  std::uint16_t port = 0;

  auto operator<=>(const NetAddress&) const = default;

  [[nodiscard]] bool is_loopback() const {
    if (!v6) return ip[0] == 127;
    return ip[15] == 1 && std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t b) { return b == 0; });
  }
  [[nodiscard]] bool is_link_local() const {
    return v6 ? ip[0] == 0xFE && (ip[1] & 0xC0) == 0x80 : ip[0] == 169 && ip[1] == 254;
  }
  [[nodiscard]] bool is_wildcard() const {
    return std::all_of(ip.begin(), ip.end(), [](std::uint8_t b) { return b == 0; });
  }
};

}  // namespace p2pmesh
