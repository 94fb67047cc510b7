// How rooms are printed and typed: a private one by its name alone, where that leaves no doubt.
#pragma once

#include <set>
#include <string>

namespace p2pmesh {

/// `#board` for the joined private room `#board~1a2b3c4d`, unless the public `#board` or another private one
/// of that name is joined too; and `#board~public` for the public room beside it. Else the label itself.
std::string short_room(const std::string& label, const std::set<std::string>& joined);

/// The room that short_room() would print so.
std::string room_called(const std::string& typed, const std::set<std::string>& joined);

/// What to type to follow an invitation.
std::string room_to_join(const std::string& label, const std::set<std::string>& joined);

}  // namespace p2pmesh
