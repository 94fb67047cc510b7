#include "earlier_messages.h"

#include <algorithm>

namespace p2pmesh {

void sort_by_place(std::vector<control::ChatMessage>& messages) {
  std::sort(messages.begin(), messages.end(),
            [](const auto& one, const auto& other) { return place_of(one) < place_of(other); });
}

void EarlierMessages::add(control::ChatMessage message) {
  const TranscriptPlace place = place_of(message);
  if (kept_.contains(place)) return;
  ++total_;
  if (kept_.size() == kept_max_ && (kept_max_ == 0 || place < kept_.begin()->first)) return;
  kept_.emplace(place, std::move(message));
  if (kept_.size() > kept_max_) kept_.erase(kept_.begin());
}

std::vector<control::ChatMessage> EarlierMessages::take() {
  std::vector<control::ChatMessage> messages;
  messages.reserve(kept_.size());
  for (auto& [place, message] : kept_) messages.push_back(std::move(message));
  kept_.clear();
  return messages;
}

}  // namespace p2pmesh
