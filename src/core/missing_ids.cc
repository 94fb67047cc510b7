#include "missing_ids.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
bool MissingIds::announce(const EnvelopeId& id, LinkId link, std::uint16_t round, Instant due) {
  auto found = missing_.find(id);
  if (found == missing_.end()) {
    std::size_t& of_link = of_link_[link];
    const bool full = missing_.size() >= limits::kMissingIdsMax || of_link >= limits::kMissingPerLinkMax;
    if (full && !P2P_PLANTED(MissingIdsUnbounded)) return false;
    ++of_link;
    missing_.emplace(id, Missing{link, {{link, round}}, due});
    by_time_.emplace(due, id);
    return true;
  }
  std::vector<Announcer>& announcers = found->second.announcers;
  const bool known = std::any_of(announcers.begin(), announcers.end(),
                                 [&](const Announcer& announcer) { return announcer.link == link; });
  if (announcers.size() >= limits::kAnnouncersMax || known) return true;
  const auto place = std::find_if(announcers.begin(), announcers.end(),
                                  [&](const Announcer& announcer) { return announcer.round > round; });
  announcers.insert(place, {link, round});
  return true;
}

void MissingIds::arrived(const EnvelopeId& id) {
  auto found = missing_.find(id);
  if (found == missing_.end()) return;
  by_time_.erase({found->second.due, id});
  forget(found);
}

void MissingIds::forget(std::map<EnvelopeId, Missing>::iterator missing) {
  auto of_link = of_link_.find(missing->second.first);
  if (of_link != of_link_.end() && --of_link->second == 0) of_link_.erase(of_link);
  missing_.erase(missing);
}

void MissingIds::on_link_down(LinkId link) {
  for (auto& [id, missing] : missing_)
    std::erase_if(missing.announcers, [&](const Announcer& announcer) { return announcer.link == link; });
}

std::vector<std::pair<LinkId, EnvelopeId>> MissingIds::take_due(Instant now, Duration retry) {
  std::vector<std::pair<LinkId, EnvelopeId>> due;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    const EnvelopeId id = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    auto found = missing_.find(id);
    Missing& missing = found->second;
    const auto next = std::find_if(missing.announcers.begin(), missing.announcers.end(),
                                   [](const Announcer& announcer) { return !announcer.asked; });
    if (next == missing.announcers.end()) {
      ++given_up_;
      forget(found);
      continue;
    }
    due.emplace_back(next->link, id);
    next->asked = true;
    missing.due = now + retry;
    by_time_.emplace(missing.due, id);
  }
  return due;
}

std::optional<Instant> MissingIds::next_deadline() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

}  // namespace p2pmesh
