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
  const Place place(envelope.author, envelope.epoch, envelope.seq);
  if (waiting_.emplace(place, Waiting{std::move(store), deadline}).second) due_.emplace(deadline, place);
}

Store HeldBack::take(Iterator waiting) {
  due_.erase({waiting->second.deadline, waiting->first});
  Store store = std::move(waiting->second.store);
  waiting_.erase(waiting);
  return store;
}

std::optional<Store> HeldBack::release_after(const MemberKey& author, std::uint64_t epoch,
                                             std::uint64_t seq) {
  auto found = waiting_.find({author, epoch, seq + 1});
  if (found == waiting_.end()) return std::nullopt;
  return take(found);
}

bool HeldBack::contains(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const {
  return waiting_.contains(std::make_tuple(author, epoch, seq));
}

void HeldBack::hurry(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq, Instant now) {
  auto found = waiting_.find({author, epoch, seq});
  if (found == waiting_.end() || found->second.deadline <= now) return;
  due_.erase({found->second.deadline, found->first});
  found->second.deadline = now;
  due_.emplace(now, found->first);
}

std::vector<Store> HeldBack::release_due(Instant now) {
  std::map<std::pair<MemberKey, std::uint64_t>, std::uint64_t> last_due;  // by author and epoch
  for (auto item = due_.begin(); item != due_.end() && item->first <= now; ++item) {
    const auto& [author, epoch, seq] = item->second;
    std::uint64_t& last = last_due[{author, epoch}];
    last = std::max(last, seq);
  }
  // In the order of authors, epochs and sequence numbers: from an author's first to its last that is due.
  std::vector<Store> due;
  for (const auto& [log, last] : last_due) {
    const Place end(log.first, log.second, last);
    for (auto next = waiting_.lower_bound({log.first, log.second, 0});
         next != waiting_.end() && next->first <= end;) {
      due.push_back(take(next++));
    }
  }
  if (P2P_PLANTED(ReleasedOutOfOrder)) std::reverse(due.begin(), due.end());
  return due;
}

std::vector<Store> HeldBack::release_all() {
  std::vector<Store> all;
  for (auto& [key, waiting] : waiting_) all.push_back(std::move(waiting.store));
  waiting_.clear();
  due_.clear();
  return all;
}

std::optional<Instant> HeldBack::next_deadline() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

}  // namespace p2pmesh
