// How a room is called on the wire: `#dev` for a public one, `#board~1a2b3c4d` for a private one, by its name
// and eight digits of a hash of its key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace p2pmesh {

/// What the holders of a private room share.
using RoomKey = std::array<std::uint8_t, 32>;

/// A private room as it is on the wire, and its key.
struct RoomSecret {
  std::string room;
  RoomKey key{};

  bool operator==(const RoomSecret&) const = default;
};

/// Where everybody is.
inline constexpr std::string_view kDefaultRoom = "#lobby";

inline constexpr std::size_t kRoomSuffixBytes = 9;  // `~` and eight hexadecimal digits

/// A label with a name and the suffix of a key. No public room can have one: `~` cannot be in a name.
inline bool is_private_room(std::string_view label) {
  if (label.size() < kRoomSuffixBytes + 2 || label.front() != '#') return false;
  const std::string_view suffix = label.substr(label.size() - kRoomSuffixBytes);
  return suffix.front() == '~' &&
         suffix.substr(1).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// `#board` of either.
inline std::string room_name(std::string_view label) {
  return std::string(is_private_room(label) ? label.substr(0, label.size() - kRoomSuffixBytes) : label);
}

}  // namespace p2pmesh
