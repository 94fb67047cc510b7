// Ranks, and what a node tells of who keeps order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/act_body.h"

namespace p2pmesh {

/// The greater one outranks the smaller one.
enum class Rank : std::uint8_t {
  kNone = 0,
  kRoomModerator = 1,
  kRoomFounder = 2,
  kModerator = 3,  ///< of the whole mesh
  kFounder = 4,    ///< likewise
};

/// Somebody with a rank in a room, or in the mesh.
struct RankView {
  MemberKey member;
  Rank rank = Rank::kNone;
};

/// A ban or a silence that holds.
struct RestrictionView {
  MemberKey member;
  std::string room;  ///< empty: the whole mesh
  bool is_ban = false;
  MemberKey by;
  WallMs since_ms = 0;
  WallMs end_ms = 0;  ///< 0: for good
  std::string reason;
};

/// Why something may not be done.
enum class ActVerdict : std::uint8_t {
  kAllowed,
  kNoRank,     ///< the local member has none here
  kOutranked,  ///< the subject has a higher one
  kNotNamer,   ///< moderators name none
  kSelf,
  kTooMany,  ///< kModeratorsMax are named, or kActsPerAuthorMax acts written
};

/// An act that holds.
struct ActView {
  ActVerb verb = ActVerb::kFound;
  MemberKey by;
  MemberKey subject;
  std::string room;  ///< empty: the whole mesh
  WallMs end_ms = 0;
  std::string reason;
};

/// The topic of a room was locked or unlocked: what counts is what stands behind that in the transcript, else
/// the topic that its author named.
struct TopicLock {
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  EnvelopeId id;
  EnvelopeId topic;  ///< zero: there was none
  bool is_locked = false;
  std::vector<MemberKey> allowed;  ///< while it is locked: who may set another one
};

}  // namespace p2pmesh
