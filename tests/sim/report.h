// The result of a run: one JSON object, and what the checkers found, for a human.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "metrics.h"
#include "run_options.h"
#include "violation.h"
#include "virtual_network.h"

namespace p2pmesh::sim {

struct Report {
  std::string scenario;
  std::uint32_t nodes = 0;
  std::uint64_t seed = 0;
  std::uint64_t messages = 0;
  double reliability = 1;  ///< mean over the messages of deliveries / expected, which is at most 1
  double rmr = 0;          ///< mean of payloads received by gossip / (n - 1), less 1
  double ldh_mean = 0;     ///< last delivery hop
  std::uint64_t ldh_max = 0;
  double payloads_per_message = 0;  ///< received by gossip
  double control_per_message = 0;   ///< ihave, graft and prune frames a payload received
  double latency_ms_p50 = 0;        ///< from the author's send to the announcement at each node
  double latency_ms_p99 = 0;
  double latency_ms_max = 0;
  std::uint32_t unconverged = 0;  ///< nodes that lack something at the end
  std::uint64_t duplicates_shown = 0;
  std::uint64_t order_inversions = 0;
  double bytes_per_node = 0;  ///< sent, mean
  std::uint64_t trace_hash = 0;
  double wall_s = 0;
  std::vector<std::string> stand_ins;
  std::vector<std::pair<std::string, std::string>> extra;  ///< further keys; values as JSON
  NetworkCounters network;                                 ///< the last keys
  std::vector<Violation> violations;

  void add(const std::string& key, double value);
  void add(const std::string& key, std::uint64_t value);
};

/// Fills in what follows from the measured messages and their traffic.
void measure(Report& report, const Metrics& metrics, const RunOptions& options);

std::string to_json(const Report& report);
/// One paragraph a violation, with the command that replays it.
std::string describe_violations(const Report& report, const RunOptions& options);

}  // namespace p2pmesh::sim
