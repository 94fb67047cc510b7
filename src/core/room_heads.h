// The heads of each room: envelopes that no other held one names as parent. What a new envelope names.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

/// Parents and depth for the next envelope of a room.
struct Placement {
  std::vector<EnvelopeId> parents;  ///< strictly ascending
  std::uint64_t depth = 1;
};

class RoomHeads {
 public:
  void restore(const RestoredHead& head, const MemberKey& self);

  /// A log envelope was accepted, in any order.
  void on_envelope(const SealedEnvelope& sealed);
  /// The author of this node wrote it: it stays among the parents until the next own one.
  void on_own(const SealedEnvelope& sealed);

  /// At most kParentsMax of the deepest heads, the own last one among them. A head that lies more than
  /// kDepthLeadMax deeper than everything else held is not followed: one liar could use up all depths.
  [[nodiscard]] Placement place(const std::string& room) const;

  /// Of all rooms, the deepest first.
  [[nodiscard]] std::vector<Head> deepest(std::size_t count) const;
  [[nodiscard]] std::size_t rooms() const { return rooms_.size(); }
  /// Of a room, those whose depth is followed.
  [[nodiscard]] std::size_t authors(const std::string& room) const;
  /// Parents that were named and have not come, or are no heads any more.
  [[nodiscard]] std::size_t referenced() const { return referenced_.size(); }

 private:
  struct Room {
    std::map<EnvelopeId, std::uint64_t> heads;           ///< id to depth
    std::map<MemberKey, std::uint64_t> greatest_depths;  // by author
    std::uint64_t used = 0;                              // when, in rooms touched
    std::uint64_t own_depth = 0;                         // the greatest of an earlier run
    Head own_last;
    [[nodiscard]] bool has_own() const { return own_depth > 0 || !own_last.id.is_zero(); }
  };
  Room* room_of(const std::string& name);
  void add_head(Room& room, const EnvelopeId& id, std::uint64_t depth);
  void note_depth(Room& room, const MemberKey& author, std::uint64_t depth);
  [[nodiscard]] static bool is_followed(const Room& room, std::uint64_t depth);

  std::map<std::string, Room> rooms_;
  std::uint64_t uses_ = 0;
  // Parents named before they arrived (or long superseded), to the depth of who named them first: they are no
  // heads when they come, unless they are as deep.
  std::unordered_map<EnvelopeId, std::uint64_t> referenced_;
  std::deque<EnvelopeId> referenced_order_;
};

}  // namespace p2pmesh
