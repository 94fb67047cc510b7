// Own envelopes that no neighbor has taken yet: what `pending` counts and `sent` waits for.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// Only an account: anti-entropy carries the envelopes, as it does everything.
class Outbox {
 public:
  void add(const RestoredOwn& own) {
    if (entries_.emplace(own.id, own).second) messages_ += own.messages;
  }
  /// One more neighbor says that it has taken it.
  void count_taker(const EnvelopeId& id) {
    if (auto found = takers_.find(id); found != takers_.end()) ++found->second;
  }
  /// 0: waiting.
  [[nodiscard]] std::size_t takers_of(const EnvelopeId& id) const {
    if (entries_.contains(id)) return 0;
    const auto found = takers_.find(id);
    return found == takers_.end() ? 1 : found->second;
  }
  /// True when it was waiting.
  bool take(const EnvelopeId& id) {
    auto found = entries_.find(id);
    if (found == entries_.end()) return false;
    messages_ -= found->second.messages;
    entries_.erase(found);
    held_at_.erase(id);
    // Only of the newest is it known how many have.
    if (takers_.emplace(id, 1).second) counted_.push_back(id);
    if (counted_.size() > limits::kTakersCountedMax) {
      takers_.erase(counted_.front());
      counted_.pop_front();
    }
    return true;
  }
  /// The waiting ones that a neighbor says it holds.
  [[nodiscard]] std::vector<EnvelopeId> covered_by(const std::vector<HeldLog>& held) const {
    std::vector<EnvelopeId> covered;
    for (const auto& [id, own] : entries_) {
      for (const HeldLog& log : held) {
        if (log.epoch != own.epoch) continue;
        for (const auto& [first, last] : log.intervals) {
          if (own.seq >= first && own.seq <= last) covered.push_back(id);
        }
      }
    }
    return covered;
  }
  [[nodiscard]] std::vector<EnvelopeId> all() const {
    std::vector<EnvelopeId> ids;
    for (const auto& [id, own] : entries_) ids.push_back(id);
    return ids;
  }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  /// It is on the disk since then; what an earlier run left is so since ever.
  void note_held(const EnvelopeId& id, Instant now) {
    if (entries_.contains(id)) held_at_[id] = now;
  }
  /// On the disk before this instant.
  [[nodiscard]] bool is_held_since(const EnvelopeId& id, Instant instant) const {
    const auto found = held_at_.find(id);
    return found == held_at_.end() || found->second <= instant;
  }
  [[nodiscard]] const RestoredOwn* find(const EnvelopeId& id) const {
    auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
  }

 private:
  std::map<EnvelopeId, RestoredOwn> entries_;
  std::map<EnvelopeId, Instant> held_at_;
  std::uint64_t messages_ = 0;
  std::map<EnvelopeId, std::size_t> takers_;
  std::deque<EnvelopeId> counted_;  // in takers_, oldest first
};

}  // namespace p2pmesh
