#include "tree_shaping.h"

#include <algorithm>

namespace p2pmesh {
namespace {

constexpr auto kContested = std::chrono::seconds(1);  // two authors within this time write at once
constexpr std::size_t kSeenMax = 64;                  // of n random ids about ln n are kept

}  // namespace

void TreeShaping::note(const EnvelopeId& id, const MemberKey& author, Instant now) {
  std::erase_if(smallest_, [&](const Seen& seen) { return seen.at + kBetween + kMargin <= now; });
  const bool clear = smallest_.empty() || id < smallest_.front().id;
  const auto lately = std::find_if(smallest_.begin(), smallest_.end(),
                                   [&](const Seen& seen) { return seen.at + kBetween > now; });
  if (lately == smallest_.end() || id < lately->id) {
    std::erase_if(eligible_, [&](const Eligible& seen) { return seen.at + 3 * kBetween <= now; });
    if (eligible_.size() >= kSeenMax) eligible_.erase(eligible_.begin());
    eligible_.push_back({id, now, clear});
  }
  while (!smallest_.empty() && !(smallest_.back().id < id)) smallest_.pop_back();
  if (smallest_.size() < kSeenMax) smallest_.push_back({id, now});
  if (author == last_author_) return;
  last_author_ = author;
  contested_until_ = now + kContested;
}

bool TreeShaping::is_unbeaten(std::size_t place, Duration time) const {
  return place + 1 >= eligible_.size() || eligible_[place + 1].at > eligible_[place].at + time;
}

bool TreeShaping::is_eligible(const EnvelopeId& id) const {
  return std::any_of(eligible_.begin(), eligible_.end(), [&](const Eligible& seen) { return seen.id == id; });
}

/// The smallest around its time, by a margin, and the tree cannot be being cut for an earlier one, here or
/// elsewhere.
bool TreeShaping::is_chosen(const EnvelopeId& id) const {
  for (std::size_t place = 0; place < eligible_.size(); ++place) {
    const Eligible& seen = eligible_[place];
    if (seen.id != id) continue;
    if (!seen.clear || !is_unbeaten(place, wait_)) return false;
    for (std::size_t before = 0; before < place; ++before) {
      if (eligible_[before].at + kBetween + kMargin > seen.at && is_unbeaten(before, wait_ - kMargin))
        return false;
    }
    return true;
  }
  return false;
}

}  // namespace p2pmesh
