// How the messages of a measurement fared: who got them, when, over how many hops, at what cost.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "bit_set.h"
#include "histogram.h"
#include "observer.h"
#include "traffic.h"
#include "world.h"

namespace p2pmesh::sim {

struct MessageFate {
  std::uint32_t entry = 0;
  std::uint32_t author = 0;
  std::uint32_t expected = 0;    ///< honest members that were here when it was sent, without the author
  std::uint32_t deliveries = 0;  ///< of these, announced there in time; each once
  std::uint32_t payloads = 0;    ///< received by gossip, everywhere
  std::uint16_t hops = 0;        ///< the greatest round of a first delivery by gossip
  SimTime sent_at = 0;
  SimTime last_latency = 0;
};

class Metrics final : public Observer {
 public:
  explicit Metrics(const World& world) : world_(world) {}

  /// Messages said from now on are measured, until stop(); traffic is counted between the two.
  void start();
  void stop();
  /// Deliveries that take longer do not count; none: however long.
  void set_deadline(SimTime deadline) { deadline_ = deadline; }

  [[nodiscard]] const std::vector<MessageFate>& messages() const { return messages_; }
  [[nodiscard]] const Histogram& latency() const { return latency_; }
  /// Traffic between start() and stop(), all stretches added up.
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] SimTime measured_time() const { return measured_; }

  void on_text(std::uint32_t node, std::uint64_t token, SimTime now) override;
  void on_written(std::uint32_t node, std::uint32_t entry, const std::vector<std::uint64_t>& tokens,
                  SimTime now) override;
  void on_envelope(std::uint32_t node, std::uint32_t from, std::uint32_t entry, Verdict verdict, bool live,
                   std::uint16_t round, bool genuine) override;
  void on_announce(std::uint32_t node, std::uint32_t entry, const Announce& announce, SimTime now) override;

 private:
  MessageFate* find(std::uint32_t entry) {
    if (entry >= by_entry_.size() || by_entry_[entry] == kNone) return nullptr;
    return &messages_[by_entry_[entry]];
  }

  const World& world_;
  bool on_ = false;
  SimTime deadline_ = 0;
  std::unordered_map<std::uint64_t, SimTime> sent_at_;  // by token
  std::vector<MessageFate> messages_;
  std::vector<BitSet> awaited_;  // by message: the expected nodes where it is not announced yet
  std::vector<std::uint32_t> by_entry_;
  Histogram latency_;
  Traffic before_;
  Traffic traffic_;
  SimTime started_ = 0;
  SimTime measured_ = 0;
};

}  // namespace p2pmesh::sim
