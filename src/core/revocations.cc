#include "revocations.h"

#include <algorithm>
#include <limits>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

Bytes revocation_subject(const Revocation& revocation) {
  Writer writer;
  writer.id(revocation.key);
  if (!revocation.cut.epochs.empty())
    writer.raw(hash_tagged("p2pmesh revocation cut 1", encode_revocation(revocation)));
  return writer.take();
}

Revocations::Order Revocations::order_of(const SealedEnvelope& record, const LogCut& cut) const {
  std::uint64_t numbers = 0;
  for (const auto& [epoch, last] : cut.epochs)
    numbers += std::min(last, std::numeric_limits<std::uint64_t>::max() - numbers);
  return {!is_by_founder(record.envelope), cut.epochs.size(), numbers, record.id};
}

void Revocations::settle(Revoked& revoked) {
  bool is_first = true;
  revoked.by_founder = false;
  for (const auto& [order, record] : revoked.records) {
    const LogCut cut = decode_revocation(record->envelope.body)->cut;
    if (is_first)
      revoked.cut = cut;
    else
      revoked.cut.narrow(cut);
    is_first = false;
    revoked.by_founder = revoked.by_founder || !std::get<0>(order);
  }
  // More may have been published than are kept, and each could be the narrowest in some epoch.
  const bool is_full = revoked.records.size() >= limits::kRevocationRecordsMax;
  if (is_full && !revoked.by_founder) revoked.cut = {};
}

void Revocations::note_founder(const MemberKey& founder) {
  if (founder_) return;
  founder_ = founder;
  for (auto& [key, revoked] : keys_) {
    std::map<Order, EnvelopePtr> records;
    for (auto& [order, record] : revoked.records)
      records.emplace(order_of(*record, decode_revocation(record->envelope.body)->cut), std::move(record));
    revoked.records = std::move(records);
    settle(revoked);
  }
}

/// Of the one that gives way first.
std::optional<Revocations::KeyRank> Revocations::last_rank() const {
  std::optional<KeyRank> last;
  for (const auto& [key, revoked] : keys_) {
    const KeyRank rank(!revoked.by_founder, key);
    if (!last || *last < rank) last = rank;
  }
  return last;
}

/// The same author's word once more, with the same cut.
bool Revocations::is_same(const SealedEnvelope& one, const SealedEnvelope& other) {
  return one.envelope.author == other.envelope.author && one.envelope.subject == other.envelope.subject;
}

bool Revocations::keeps(const SealedEnvelope& record, const Revocation& revocation) const {
  const auto known = keys_.find(revocation.key);
  if (known == keys_.end()) {
    return keys_.size() < limits::kRevocationsMax ||
           KeyRank(!is_by_founder(record.envelope), revocation.key) < *last_rank();
  }
  const auto& records = known->second.records;
  const bool replaces = std::any_of(records.begin(), records.end(),
                                    [&](const auto& other) { return is_same(*other.second, record); });
  return replaces || records.size() < limits::kRevocationRecordsMax ||
         order_of(record, revocation.cut) < std::prev(records.end())->first;
}

std::vector<EnvelopePtr> Revocations::add(const EnvelopePtr& record, const Revocation& revocation) {
  std::vector<EnvelopePtr> gone;
  Revoked& revoked = keys_[revocation.key];
  std::erase_if(revoked.records, [&](const auto& other) { return is_same(*other.second, *record); });
  revoked.records.emplace(order_of(*record, revocation.cut), record);
  if (revoked.records.size() > limits::kRevocationRecordsMax) {
    const auto last = std::prev(revoked.records.end());
    gone.push_back(last->second);
    revoked.records.erase(last);
  }
  settle(revoked);
  if (keys_.size() > limits::kRevocationsMax) {
    const auto last = keys_.find(last_rank()->second);
    for (const auto& [order, other] : last->second.records) gone.push_back(other);
    keys_.erase(last);
  }
  return gone;
}

const LogCut* Revocations::cut_of(const MemberKey& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second.cut;
}

const EnvelopePtr& Revocations::record_of(const MemberKey& key) const {
  return keys_.at(key).records.begin()->second;
}

std::vector<MemberKey> Revocations::keys() const {
  std::vector<MemberKey> all;
  for (const auto& [key, revoked] : keys_) all.push_back(key);
  return all;
}

}  // namespace p2pmesh
