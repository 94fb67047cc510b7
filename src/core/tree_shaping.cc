#include "tree_shaping.h"

namespace p2pmesh {
namespace {

constexpr auto kContested = std::chrono::seconds(1);  // two authors within this time write at once
constexpr std::size_t kSeenMax = 64;                  // of n random ids about ln n are kept

}  // namespace

void TreeShaping::note(const EnvelopeId& id, const MemberKey& author, Instant now) {
  std::erase_if(smallest_, [&](const Seen& seen) { return seen.at + kBetween <= now; });
  const bool is_smallest = smallest_.empty() || id < smallest_.front().id;
  while (!smallest_.empty() && !(smallest_.back().id < id)) smallest_.pop_back();
  if (smallest_.size() < kSeenMax) smallest_.push_back({id, now});
  if (is_smallest) {
    eligible_.push_back({id, now});
    while (eligible_.size() > 1 &&
           (eligible_.size() > kSeenMax || eligible_.front().at + 2 * kBetween <= now)) {
      if (is_chosen(0, last_chosen_at_)) last_chosen_at_ = eligible_.front().at;
      eligible_.erase(eligible_.begin());
    }
  }
  if (author == last_author_) return;
  last_author_ = author;
  contested_until_ = now + kContested;
}

/// No smaller one came soon after it, nor may the tree still be being cut for an earlier one.
bool TreeShaping::is_chosen(std::size_t place, Instant last_chosen_at) const {
  const Seen& seen = eligible_[place];
  const bool is_beaten = place + 1 < eligible_.size() && eligible_[place + 1].at <= seen.at + wait_;
  return !is_beaten && (last_chosen_at == Instant{} || last_chosen_at + kBetween <= seen.at);
}

bool TreeShaping::is_chosen(const EnvelopeId& id) const {
  Instant last_chosen_at = last_chosen_at_;
  for (std::size_t place = 0; place < eligible_.size(); ++place) {
    const bool chosen = is_chosen(place, last_chosen_at);
    if (eligible_[place].id == id) return chosen;
    if (chosen) last_chosen_at = eligible_[place].at;
  }
  return false;
}

}  // namespace p2pmesh
