#include "recent_payloads.h"

namespace p2pmesh {

void RecentPayloads::add(const EnvelopePtr& payload, LinkId from, std::uint16_t round, Instant now) {
  while (!order_.empty() && (order_.size() >= count_max_ || entries_.at(order_.front()).at + kept_ <= now)) {
    drop_oldest();
  }
  if (!entries_.emplace(payload->id, Entry{payload, now, from, round}).second) return;
  order_.push_back(payload->id);
  bytes_ += payload->encoded.size();
  while (bytes_ > bytes_max_ && with_payload_from_ < order_.size()) {
    Entry& oldest = entries_.at(order_[with_payload_from_++]);
    bytes_ -= oldest.payload->encoded.size();
    oldest.payload.reset();
  }
}

void RecentPayloads::drop_oldest() {
  auto found = entries_.find(order_.front());
  if (found->second.payload) bytes_ -= found->second.payload->encoded.size();
  entries_.erase(found);
  order_.pop_front();
  if (with_payload_from_ > 0) --with_payload_from_;
}

const RecentPayloads::Entry* RecentPayloads::find(const EnvelopeId& id) const {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

RecentPayloads::Entry* RecentPayloads::find(const EnvelopeId& id) {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace p2pmesh
