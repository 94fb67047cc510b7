#include "held_back.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

bool HeldBack::has_room() const {
  return waiting_.size() < limits::kHeldBackMax;
}

void HeldBack::hold(Store store, Instant deadline) {
  const Envelope& envelope = store.envelope->envelope;
  const auto key = std::make_tuple(envelope.author, envelope.epoch, envelope.seq);
  waiting_.emplace(key, Waiting{std::move(store), deadline});
}

std::optional<Store> HeldBack::release_after(const MemberKey& author, std::uint64_t epoch,
                                             std::uint64_t seq) {
  auto found = waiting_.find(std::make_tuple(author, epoch, seq + 1));
  if (found == waiting_.end()) return std::nullopt;
  Store store = std::move(found->second.store);
  waiting_.erase(found);
  return store;
}

std::vector<Store> HeldBack::release_due(Instant now) {
  std::vector<Store> due;
  for (auto item = waiting_.begin(); item != waiting_.end();) {
    if (item->second.deadline > now) {
      ++item;
      continue;
    }
    due.push_back(std::move(item->second.store));
    item = waiting_.erase(item);
  }
  return due;
}

std::vector<Store> HeldBack::release_all() {
  std::vector<Store> all;
  for (auto& [key, waiting] : waiting_) all.push_back(std::move(waiting.store));
  waiting_.clear();
  return all;
}

std::optional<Instant> HeldBack::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [key, waiting] : waiting_) {
    if (!next || waiting.deadline < *next) next = waiting.deadline;
  }
  return next;
}

}  // namespace p2pmesh
