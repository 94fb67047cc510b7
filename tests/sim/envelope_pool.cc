#include "envelope_pool.h"

namespace p2pmesh::sim {

bool EnvelopePool::is_genuine(const SealedEnvelope& sealed) const {
  const MemberKey& author = sealed.envelope.author;
  // A liar may sign what it likes; a key of no node signs nothing.
  return liars_.contains(author) || signed_.contains(author, sealed.id);
}

Interned EnvelopePool::intern(EnvelopePtr envelope) {
  const Envelope& fields = envelope->envelope;
  if (fields.envelope_class != EnvelopeClass::kLog) {
    if (others_.size() >= sweep_at_) sweep();
    auto [found, is_new] = others_.try_emplace(envelope->id);
    if (is_new) {
      found->second.genuine = is_genuine(*envelope);
      found->second.envelope = std::move(envelope);
    } else if (found->second.envelope->encoded != envelope->encoded) {
      return {std::move(envelope), kNone, found->second.genuine};
    }
    return found->second;
  }
  auto [known, is_new] = by_id_.try_emplace(envelope->id, size());
  if (!is_new) {
    const PoolEntry& entry = entries_[known->second];
    const bool same = entry.envelope->encoded == envelope->encoded;
    return {same ? entry.envelope : std::move(envelope), known->second, entry.genuine};
  }
  PoolEntry entry;
  entry.genuine = is_genuine(*envelope);
  auto author = authors_.find(fields.author);
  if (author != authors_.end()) entry.author = author->second;
  auto [log, new_log] = logs_.try_emplace({fields.author, fields.epoch}, logs());
  if (new_log) log_heads_.emplace_back();
  entry.log = log->second;
  const std::uint32_t number = size();
  LogHeads& heads = log_heads_[entry.log];
  std::uint32_t* head = nullptr;
  if (fields.seq < heads.dense.size() + 4096) {
    if (heads.dense.size() <= fields.seq) heads.dense.resize(fields.seq + 1, kNone);
    while (!heads.sparse.empty() && heads.sparse.begin()->first < heads.dense.size()) {
      heads.dense[heads.sparse.begin()->first] = heads.sparse.begin()->second;
      heads.sparse.erase(heads.sparse.begin());
    }
    head = &heads.dense[fields.seq];
  } else {
    head = &heads.sparse.try_emplace(fields.seq, kNone).first->second;
  }
  if (*head == kNone) {
    *head = number;
    entry.position = number;
  } else {
    entry.position = *head;
    std::uint32_t last = *head;
    while (entries_[last].next_fork != kNone) last = entries_[last].next_fork;
    entries_[last].next_fork = number;
  }
  entry.envelope = std::move(envelope);
  entries_.push_back(std::move(entry));
  return {entries_.back().envelope, number, entries_.back().genuine};
}

/// Keeps what somebody else holds too. The order of removal shows nowhere.
void EnvelopePool::sweep() {
  std::erase_if(others_, [](const auto& item) { return item.second.envelope.use_count() == 1; });
  sweep_at_ = others_.size() * 2 + 4096;
}

std::uint32_t EnvelopePool::find(const EnvelopeId& id) const {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? kNone : found->second;
}

std::uint32_t EnvelopePool::find_log(const MemberKey& author, std::uint64_t epoch) const {
  auto found = logs_.find({author, epoch});
  return found == logs_.end() ? kNone : found->second;
}

std::uint32_t EnvelopePool::at(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const {
  const std::uint32_t log = find_log(author, epoch);
  return log == kNone ? kNone : at(log, seq);
}

std::uint32_t EnvelopePool::at(std::uint32_t log, std::uint64_t seq) const {
  const LogHeads& heads = log_heads_[log];
  if (seq < heads.dense.size()) return heads.dense[seq];
  auto found = heads.sparse.find(seq);
  return found == heads.sparse.end() ? kNone : found->second;
}

}  // namespace p2pmesh::sim
