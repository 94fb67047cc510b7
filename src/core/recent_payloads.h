// What was broadcast in the last seconds: tells what an ihave is about, and answers grafts.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"

namespace p2pmesh {

/// Bounded in number, bytes and time. What lost its payload to the bound on bytes is still known.
class RecentPayloads {
 public:
  struct Entry {
    EnvelopePtr payload;
    Instant at;
    LinkId from = 0;          ///< 0: written here
    std::uint16_t round = 0;  ///< hops it had made when it came
  };

  RecentPayloads(std::size_t count_max, std::size_t bytes_max, Duration kept)
      : count_max_(count_max), bytes_max_(bytes_max), kept_(kept) {}

  void add(const EnvelopePtr& payload, LinkId from, std::uint16_t round, Instant now);
  [[nodiscard]] const Entry* find(const EnvelopeId& id) const;
  Entry* find(const EnvelopeId& id);
  /// The latest ones, oldest first, as `visit(id, entry)`.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const EnvelopeId& id : order_) visit(id, entries_.at(id));
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  void drop_oldest();

  std::size_t count_max_;
  std::size_t bytes_max_;
  Duration kept_;
  std::deque<EnvelopeId> order_;
  std::size_t with_payload_from_ = 0;  // place in order_ of the first one that still has its payload
  std::size_t bytes_ = 0;
  std::unordered_map<EnvelopeId, Entry> entries_;  // looked up, never iterated
};

}  // namespace p2pmesh
