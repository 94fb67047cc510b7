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

/// `acts` are all acts that are known, in any scope; `founder` is the mesh's. The result points into them.
ModerationState judge_mesh(const std::vector<const Act*>& acts, const MemberKey& founder);

/// `acts` are those of the mesh and of the room; `mesh` is what judge_mesh() gave. `can_be_founded`: the
/// default room is the mesh founder's.
ModerationState judge_room(const std::vector<const Act*>& acts, const std::string& room, bool can_be_founded,
                           const MemberKey& founder, const ModerationState& mesh);

}  // namespace p2pmesh
