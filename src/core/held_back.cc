#include "held_back.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {

bool HeldBack::has_room() const {
  return waiting_.size() < limits::kHeldBackMax || P2P_PLANTED(HeldBackUnbounded);
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

bool HeldBack::contains(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const {
  return waiting_.contains(std::make_tuple(author, epoch, seq));
}

void HeldBack::hurry(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq, Instant now) {
  auto found = waiting_.find(std::make_tuple(author, epoch, seq));
  if (found != waiting_.end()) found->second.deadline = std::min(found->second.deadline, now);
}

std::vector<Store> HeldBack::release_due(Instant now) {
  std::vector<Store> due;
  // In the order of authors, epochs and sequence numbers: from an author's first to its last that is due.
  for (auto first = waiting_.begin(); first != waiting_.end();) {
    const auto same_log = [&](const auto& item) {
      return std::get<0>(item.first) == std::get<0>(first->first) &&
             std::get<1>(item.first) == std::get<1>(first->first);
    };
    auto end = first;
    auto past_due = first;
    for (; end != waiting_.end() && same_log(*end); ++end) {
      if (end->second.deadline <= now) past_due = std::next(end);
    }
    while (first != past_due) {
      due.push_back(std::move(first->second.store));
      first = waiting_.erase(first);
    }
    first = end;
  }
  if (P2P_PLANTED(ReleasedOutOfOrder)) std::reverse(due.begin(), due.end());
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
