#include "act_order.h"

#include <algorithm>

namespace p2pmesh {

ActOrder::ActOrder(const std::vector<const Act*>& acts, const std::vector<MemberKey>& authors) {
  for (const MemberKey& author : authors) authors_.emplace(author, authors_.size());
  for (const Act* act : acts) places_.emplace(act->id, places_.size());
  clocks_.resize(places_.size());
  std::vector<const Act*> by_place(places_.size());
  for (const Act* act : acts) by_place[places_.at(act->id)] = act;
  // Those that were seen first. Ids are hashes over what they name, so there is no circle.
  std::vector<bool> is_done(by_place.size());
  std::vector<std::size_t> waiting;
  for (std::size_t start = 0; start < by_place.size(); ++start) {
    waiting.push_back(start);
    while (!waiting.empty()) {
      const std::size_t place = waiting.back();
      const std::size_t before = waiting.size();
      if (!is_done[place]) {
        for (const EnvelopeId& id : by_place[place]->body.seen) {
          const auto seen = places_.find(id);
          if (seen != places_.end() && !is_done[seen->second]) waiting.push_back(seen->second);
        }
      }
      if (waiting.size() > before) continue;
      waiting.pop_back();
      if (is_done[place]) continue;
      is_done[place] = true;
      Clock& clock = clocks_[place];
      clock.resize(authors_.size());
      for (const EnvelopeId& id : by_place[place]->body.seen) {
        const auto seen = places_.find(id);
        if (seen == places_.end()) continue;
        const Clock& other = clocks_[seen->second];
        for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], other[i]);
        note(clock, *by_place[seen->second]);
      }
    }
  }
}

void ActOrder::note(Clock& clock, const Act& seen) const {
  const auto author = authors_.find(seen.author);
  if (author == authors_.end()) return;
  Position& last = clock[author->second];
  last = std::max(last, seen.position());
}

bool ActOrder::precedes(const Act& first, const Act& second) const {
  if (first.author == second.author) return first.position() < second.position();
  const auto author = authors_.find(first.author);
  const auto place = places_.find(second.id);
  return author != authors_.end() && place != places_.end() &&
         clocks_[place->second][author->second] >= first.position();
}

}  // namespace p2pmesh
