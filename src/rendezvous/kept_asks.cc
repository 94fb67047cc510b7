#include "kept_asks.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using Numbers = std::map<MemberKey, std::set<std::uint64_t>>;

std::size_t count_of(const Numbers& numbers, const MemberKey& member) {
  const auto found = numbers.find(member);
  return found == numbers.end() ? 0 : found->second.size();
}

void remove(Numbers& numbers, const MemberKey& member, std::uint64_t number) {
  const auto found = numbers.find(member);
  if (found == numbers.end()) return;
  found->second.erase(number);
  if (found->second.empty()) numbers.erase(found);
}

}  // namespace

std::uint64_t KeptAsks::add(const Entry& entry) {
  const std::uint64_t number = next_;
  restore(number, entry);
  return number;
}

void KeptAsks::restore(std::uint64_t number, const Entry& entry) {
  next_ = std::max(next_, number + 1);
  entries_.emplace(number, entry);
  numbers_.emplace(entry.id, number);
  by_asker_[entry.asker].insert(number);
  if (entry.delivered) return;
  by_recipient_[entry.recipient].insert(number);
  ++waiting_;
}

const KeptAsks::Entry* KeptAsks::find(const AskId& id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? nullptr : &entries_.at(found->second);
}

std::optional<std::uint64_t> KeptAsks::find_full(const MemberKey& asker, const MemberKey& recipient) const {
  if (count_of(by_asker_, asker) >= limits::kAsksPerAsker) return limits::kAsksPerAsker;
  if (count_of(by_recipient_, recipient) >= limits::kAsksPerRecipient) return limits::kAsksPerRecipient;
  if (entries_.size() >= limits::kAsksMax) return limits::kAsksMax;
  return std::nullopt;
}

void KeptAsks::mark_delivered(const AskId& id) {
  const std::uint64_t number = numbers_.at(id);
  Entry& entry = entries_.at(number);
  if (entry.delivered) return;
  entry.delivered = true;
  remove(by_recipient_, entry.recipient, number);
  --waiting_;
}

void KeptAsks::drop(const AskId& id) {
  mark_delivered(id);
  const auto found = numbers_.find(id);
  remove(by_asker_, entries_.at(found->second).asker, found->second);
  entries_.erase(found->second);
  numbers_.erase(found);
}

std::vector<AskEntry> KeptAsks::list(const MemberKey& asker) const {
  std::vector<AskEntry> listed;
  const auto found = by_asker_.find(asker);
  if (found == by_asker_.end()) return listed;
  for (const std::uint64_t number : found->second) {
    const Entry& entry = entries_.at(number);
    listed.push_back({entry.id, entry.recipient, entry.since_ms,
                      entry.delivered ? AskState::State::kDelivered : AskState::State::kWaiting});
  }
  return listed;
}

std::vector<std::uint64_t> KeptAsks::next_for(const MemberKey& recipient, std::uint64_t until) const {
  std::vector<std::uint64_t> next;
  const auto found = by_recipient_.find(recipient);
  if (found == by_recipient_.end()) return next;
  std::size_t ahead = 0;  // handed over before, and not taken yet
  for (const std::uint64_t number : found->second) {
    if (ahead == limits::kAsksAhead) break;
    ++ahead;
    if (number > until) next.push_back(number);
  }
  return next;
}

std::optional<AskId> KeptAsks::find_older(WallMs than_ms) const {
  if (entries_.empty() || entries_.begin()->second.since_ms >= than_ms) return std::nullopt;
  return entries_.begin()->second.id;
}

}  // namespace p2pmesh
