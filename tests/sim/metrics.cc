#include "metrics.h"

#include <algorithm>
#include <utility>

namespace p2pmesh::sim {

void Metrics::start() {
  on_ = true;
  before_ = world_.network().traffic();
  started_ = world_.now();
}

void Metrics::stop() {
  if (!on_) return;
  on_ = false;
  traffic_ = world_.network().traffic().since(before_);
  measured_ = world_.now() - started_;
}

void Metrics::on_text(std::uint32_t, std::uint64_t token, SimTime now) {
  if (on_) sent_at_[token] = now;
}

void Metrics::on_written(std::uint32_t node, std::uint32_t entry, const std::vector<std::uint64_t>& tokens,
                         SimTime now) {
  // Several texts may share an envelope; the one that waited longest stands for it.
  SimTime sent = now;
  bool measured = false;
  for (std::uint64_t token : tokens) {
    auto found = sent_at_.find(token);
    if (found == sent_at_.end()) continue;
    measured = true;
    sent = std::min(sent, found->second);
    sent_at_.erase(found);
  }
  if (!measured) return;
  if (by_entry_.size() <= entry) by_entry_.resize(entry + 1, kNone);
  by_entry_[entry] = static_cast<std::uint32_t>(messages_.size());
  MessageFate fate;
  fate.entry = entry;
  fate.author = node;
  fate.sent_at = sent;
  BitSet awaited;
  for (const std::uint32_t number : world_.honest()) {
    if (number == node) continue;
    awaited.insert(number);
    ++fate.expected;
  }
  messages_.push_back(fate);
  awaited_.push_back(std::move(awaited));
}

void Metrics::on_envelope(std::uint32_t, std::uint32_t, std::uint32_t entry, Verdict verdict, bool live,
                          std::uint16_t round, bool) {
  if (!live || entry == kNone) return;
  MessageFate* fate = find(entry);
  if (fate == nullptr) return;
  if (verdict == Verdict::kFresh || verdict == Verdict::kDuplicate) ++fate->payloads;
  if (verdict == Verdict::kFresh) fate->hops = std::max(fate->hops, round);
}

void Metrics::on_announce(std::uint32_t node, std::uint32_t entry, const Announce&, SimTime now) {
  MessageFate* fate = find(entry);
  if (fate == nullptr) return;
  const SimTime latency = now - fate->sent_at;
  if (deadline_ != 0 && latency > deadline_) return;
  // Who came later was not expected, and who shows it again after a crash had it.
  BitSet& awaited = awaited_[by_entry_[entry]];
  if (!awaited.contains(node)) return;
  awaited.erase(node);
  ++fate->deliveries;
  fate->last_latency = std::max(fate->last_latency, latency);
  latency_.add(latency);
}

}  // namespace p2pmesh::sim
