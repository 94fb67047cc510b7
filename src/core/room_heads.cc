#include "room_heads.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
/// Bounded: a room that nobody here writes in and that was quiet for longest makes place.
RoomHeads::Room* RoomHeads::room_of(const std::string& name) {
  auto found = rooms_.find(name);
  if (found == rooms_.end()) {
    if (rooms_.size() >= limits::kRoomsMax) {
      auto oldest = std::min_element(rooms_.begin(), rooms_.end(), [](const auto& a, const auto& b) {
        return std::make_pair(a.second.has_own(), a.second.used) <
               std::make_pair(b.second.has_own(), b.second.used);
      });
      rooms_.erase(oldest);
    }
    found = rooms_.emplace(name, Room{}).first;
  }
  found->second.used = ++uses_;
  return &found->second;
}

void RoomHeads::restore(const RestoredHead& head, const MemberKey& self) {
  Room* room = room_of(head.room);
  if (room == nullptr) return;
  if (head.is_head) add_head(*room, head.head.id, head.head.depth);
  note_depth(*room, head.author, head.head.depth);
  if (head.author == self) room->own_depth = std::max(room->own_depth, head.head.depth);
}

void RoomHeads::on_envelope(const SealedEnvelope& sealed) {
  Room* room = room_of(sealed.envelope.room);
  if (room == nullptr) return;
  const std::uint64_t depth = sealed.envelope.depth;
  for (const EnvelopeId& parent : sealed.envelope.parents) {
    // Who lies names what is deeper than itself: else one envelope could put away all heads of a room.
    if (const auto head = room->heads.find(parent); head != room->heads.end()) {
      if (head->second < depth) room->heads.erase(head);
      continue;
    }
    auto [known, is_new] = referenced_.try_emplace(parent, depth);
    known->second = std::max(known->second, depth);
    if (!is_new) continue;
    referenced_order_.push_back(parent);
    if (referenced_order_.size() > limits::kMissingParentsMax) {
      referenced_.erase(referenced_order_.front());
      referenced_order_.pop_front();
    }
  }
  note_depth(*room, sealed.envelope.author, depth);
  const auto namer = referenced_.find(sealed.id);
  if (namer == referenced_.end() || namer->second <= depth) add_head(*room, sealed.id, depth);
}

void RoomHeads::on_own(const SealedEnvelope& sealed) {
  if (P2P_PLANTED(HeadsForgetOwn)) return;
  on_envelope(sealed);
  if (Room* room = room_of(sealed.envelope.room)) room->own_last = {sealed.id, sealed.envelope.depth};
}

void RoomHeads::add_head(Room& room, const EnvelopeId& id, std::uint64_t depth) {
  room.heads.emplace(id, depth);
  if (room.heads.size() <= limits::kHeadsPerRoomMax) return;
  auto shallowest = std::min_element(room.heads.begin(), room.heads.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  room.heads.erase(shallowest);
}

void RoomHeads::note_depth(Room& room, const MemberKey& author, std::uint64_t depth) {
  std::uint64_t& greatest = room.greatest_depths[author];
  greatest = std::max(greatest, depth);
  if (room.greatest_depths.size() <= limits::kHeadAuthorsMax) return;
  room.greatest_depths.erase(
      std::min_element(room.greatest_depths.begin(), room.greatest_depths.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; }));
}

bool RoomHeads::is_followed(const Room& room, std::uint64_t depth) {
  if (depth <= limits::kDepthLeadMax || room.greatest_depths.size() <= 1) return true;
  // Two authors are that deep: one liar alone cannot vouch for itself with a second envelope.
  return std::count_if(room.greatest_depths.begin(), room.greatest_depths.end(), [&](const auto& author) {
           return author.second >= depth - limits::kDepthLeadMax;
         }) >= 2;
}

Placement RoomHeads::place(const std::string& name) const {
  Placement placement;
  auto found = rooms_.find(name);
  if (found == rooms_.end()) return placement;
  const Room& room = found->second;
  std::vector<Head> heads;
  for (const auto& [id, depth] : room.heads) {
    if (is_followed(room, depth) && id != room.own_last.id) heads.push_back({id, depth});
  }
  std::sort(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
    return a.depth != b.depth ? a.depth > b.depth : a.id < b.id;
  });
  const bool has_own = !room.own_last.id.is_zero();
  heads.resize(std::min(heads.size(), limits::kParentsMax - (has_own ? 1 : 0)));
  if (has_own) heads.push_back(room.own_last);
  std::uint64_t deepest = room.own_depth;
  for (const Head& head : heads) {
    placement.parents.push_back(head.id);
    deepest = std::max(deepest, head.depth);
  }
  std::sort(placement.parents.begin(), placement.parents.end());
  placement.depth = std::min(deepest + 1, limits::kDepthMax);
  return placement;
}

std::size_t RoomHeads::authors(const std::string& room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? 0 : found->second.greatest_depths.size();
}

std::vector<Head> RoomHeads::deepest(std::size_t count) const {
  std::vector<Head> heads;
  for (const auto& [name, room] : rooms_) {
    for (const auto& [id, depth] : room.heads) {
      if (is_followed(room, depth)) heads.push_back({id, depth});
    }
  }
  std::sort(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
    return a.depth != b.depth ? a.depth > b.depth : a.id < b.id;
  });
  heads.resize(std::min(heads.size(), count));
  return heads;
}

}  // namespace p2pmesh
