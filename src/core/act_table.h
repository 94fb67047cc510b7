// The acts that are known, by author and by room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "act_order.h"

namespace p2pmesh {

class ActTable {
 public:
  using Position = std::pair<std::uint64_t, std::uint64_t>;
  using Place = std::tuple<std::uint64_t, WallMs, EnvelopeId>;  // in a room's transcript
  using OfAuthor = std::map<Position, const Act*>;
  struct Room {
    std::map<MemberKey, OfAuthor> by_author;  ///< but for the claims to have opened it
    std::map<Place, const Act*> claims;
  };

  static Place place_of(const Act& act) { return {act.depth, act.wall_ms, act.id}; }

  /// One whose id and position are new. It stays where it is until it is erased.
  const Act& insert(Act act);
  void erase(const Act& act);

  [[nodiscard]] const Act* find(const EnvelopeId& id) const;
  /// Null without any, or when there is none at that position.
  [[nodiscard]] const OfAuthor* of_author(const MemberKey& author) const;
  [[nodiscard]] const Act* at(const MemberKey& author, const Position& position) const;
  /// The empty name: the mesh. Null without any.
  [[nodiscard]] const Room* in_room(const std::string& name) const;
  [[nodiscard]] const std::map<EnvelopeId, Act>& all() const { return acts_; }
  [[nodiscard]] const std::map<std::string, Room>& rooms() const { return rooms_; }
  [[nodiscard]] std::size_t size() const { return acts_.size(); }

 private:
  std::map<EnvelopeId, Act> acts_;
  std::map<MemberKey, OfAuthor> by_author_;
  std::map<std::string, Room> rooms_;
};

}  // namespace p2pmesh
