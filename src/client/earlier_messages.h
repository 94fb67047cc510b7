// The messages that were missed while no screen was there: all are counted, the newest are kept.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "p2pmesh/control/chat_message.h"

namespace p2pmesh {

/// A place in the transcript, the same on every node.
struct TranscriptPlace {
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  control::MessageId id;
  auto operator<=>(const TranscriptPlace&) const = default;
};

inline TranscriptPlace place_of(const control::ChatMessage& message) {
  return {message.depth, message.wall_ms, message.id};
}

/// Sorts into the order of the transcript.
void sort_by_place(std::vector<control::ChatMessage>& messages);

/// Holds at most the `kept_max` newest in transcript order, whatever order they come in.
class EarlierMessages {
 public:
  explicit EarlierMessages(std::size_t kept_max) : kept_max_(kept_max) {}

  void add(control::ChatMessage message);
  /// All that were added, kept or not.
  [[nodiscard]] std::size_t total() const { return total_; }
  /// The kept ones in transcript order; none are left.
  std::vector<control::ChatMessage> take();

 private:
  std::size_t kept_max_;
  std::size_t total_ = 0;
  std::map<TranscriptPlace, control::ChatMessage> kept_;
};

}  // namespace p2pmesh
