#include "act_table.h"

namespace p2pmesh {

const Act& ActTable::insert(Act act) {
  const EnvelopeId id = act.id;
  const Act& kept = acts_.emplace(id, std::move(act)).first->second;
  by_author_[kept.author].emplace(kept.position(), &kept);
  Room& room = rooms_[kept.room];
  if (kept.body.verb == ActVerb::kFound)
    room.claims.emplace(place_of(kept), &kept);
  else
    room.by_author[kept.author].emplace(kept.position(), &kept);
  return kept;
}

void ActTable::erase(const Act& act) {
  const auto author = by_author_.find(act.author);
  author->second.erase(act.position());
  if (author->second.empty()) by_author_.erase(author);
  const auto room = rooms_.find(act.room);
  if (act.body.verb == ActVerb::kFound) {
    room->second.claims.erase(place_of(act));
  } else {
    const auto here = room->second.by_author.find(act.author);
    here->second.erase(act.position());
    if (here->second.empty()) room->second.by_author.erase(here);
  }
  if (room->second.claims.empty() && room->second.by_author.empty()) rooms_.erase(room);
  acts_.erase(EnvelopeId(act.id));
}

const Act* ActTable::find(const EnvelopeId& id) const {
  const auto found = acts_.find(id);
  return found == acts_.end() ? nullptr : &found->second;
}

const ActTable::OfAuthor* ActTable::of_author(const MemberKey& author) const {
  const auto found = by_author_.find(author);
  return found == by_author_.end() ? nullptr : &found->second;
}

const Act* ActTable::at(const MemberKey& author, const Position& position) const {
  const OfAuthor* acts = of_author(author);
  if (acts == nullptr) return nullptr;
  const auto found = acts->find(position);
  return found == acts->end() ? nullptr : found->second;
}

const ActTable::Room* ActTable::in_room(const std::string& name) const {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : &found->second;
}

}  // namespace p2pmesh
