// Which acts are judged when there are more than may be. By the set of acts and the standing of their authors
// alone, never by what came first: of each author the earliest ones of its log, of many authors as many of
// each.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "act_table.h"
#include "moderation_state.h"

namespace p2pmesh {

using ActList = std::vector<const Act*>;

/// The greatest number such that no more than `total` are taken when each gives at most that many.
std::size_t fair_share(std::vector<std::size_t> counts, std::size_t total);

/// `share_max` below: acts beyond it may be kept no more.

/// By the founder of the mesh and those it has named for the mesh, the first kModeratorsMax.
struct MeshChoice {
  std::map<std::string, ActList> by_room;  ///< the empty name: the mesh
  std::size_t share = 0;                   ///< of each moderator; the founder has kActsPerAuthorMax
};
std::set<MemberKey> first_moderators(const ActTable& table, const MemberKey& founder);
MeshChoice choose_of_mesh(const ActTable& table, const std::optional<MemberKey>& founder,
                          const std::set<MemberKey>& moderators, std::size_t share_max);

/// By members without a rank in the mesh: who says to have opened the room, who has, and who was named there.
struct RoomChoice {
  ActList acts;
  std::optional<MemberKey> founder;
  std::set<MemberKey> authors;    ///< whose acts count here, but for claims
  std::size_t share = 0;          ///< of each who was named there
  bool is_named_of_mesh = false;  ///< somebody of the mesh has named somebody here
  std::optional<ActTable::Place> opened;
  bool restricts = false;  ///< with a ban or a silence among them
};
/// `can_be_founded`: the default room is the mesh founder's.
RoomChoice choose_in_room(const ActTable& table, const std::string& room, bool can_be_founded,
                          const MeshChoice& of_mesh, const ModerationState& mesh,
                          const std::function<bool(const MemberKey&)>& is_of_mesh, std::size_t share_max);

/// Of rooms with so many acts those that count, the rooms in which somebody of the mesh has named somebody
/// first, then those that stand first in their transcripts.
std::set<std::string> choose_rooms(const std::map<std::string, const RoomChoice*>& rooms);

}  // namespace p2pmesh
