// What a set of acts comes to, whatever order they came in: who has a rank, and what is refused. The founder
// of the mesh first, then the moderators of the mesh, then the founder of a room, then its moderators; each
// rank is judged by what those above it have done.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "act_order.h"
#include "p2pmesh/core/moderation.h"

namespace p2pmesh {

/// An act that holds, and the rank with which it does.
struct HeldAct {
  const Act* act = nullptr;
  Rank rank = Rank::kNone;
};

/// A ban or silence that holds.
struct HeldRestriction {
  Restriction restriction;
  HeldAct held;
};

struct ModerationState {
  std::map<MemberKey, Rank> ranks;
  std::vector<HeldAct> held;  ///< of the mesh and, in a room's state, of the room; the highest rank first
  std::map<MemberKey, std::vector<HeldRestriction>> restrictions;  ///< of this scope alone
  bool is_topic_locked = false;
  const Act* topic_act = nullptr;  ///< the last that locked or unlocked it; null: none

  [[nodiscard]] Rank rank_of(const MemberKey& member) const {
    const auto found = ranks.find(member);
    return found == ranks.end() ? Rank::kNone : found->second;
  }
};

/// `acts` are those by the founder of the mesh and by whom it has named, in any scope. The result points into
/// them.
ModerationState judge_mesh(const std::vector<const Act*>& acts, const MemberKey& founder);

/// Who has opened a room: whose claim is the first that nobody of the mesh has ended. `claims` are in the
/// order of its transcript.
std::optional<MemberKey> find_room_founder(const std::vector<const Act*>& claims, const std::string& room,
                                           const ModerationState& mesh);

/// `acts` are those of the mesh and of the room; `mesh` is what judge_mesh() gave.
ModerationState judge_room(const std::vector<const Act*>& acts, const std::string& room,
                           const std::optional<MemberKey>& opened_by, const MemberKey& founder,
                           const ModerationState& mesh);

}  // namespace p2pmesh
