#include "report.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace p2pmesh::sim {
namespace {

std::string number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// "1" is said of all alone: what is missing is not rounded away.
std::string share(double value) {
  char text[64];
  for (const int digits : {6, 9, 17}) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (value >= 1 || std::strcmp(text, "1") != 0) break;
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) json += c;
  }
  return json + '"';
}

double ratio(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

std::string latency_json(const Histogram& histogram) {
  std::string json = "[";
  histogram.for_each([&](SimTime sample, std::uint64_t count) {
    if (json.size() > 1) json += ",";
    json += "[" + number(static_cast<double>(sample) / 1000) + "," + std::to_string(count) + "]";
  });
  return json + "]";
}

std::string fates_json(const Metrics& metrics) {
  std::string json = "[";
  for (const MessageFate& fate : metrics.messages()) {
    if (json.size() > 1) json += ",";
    json += "[" + number(static_cast<double>(fate.sent_at) / 1e6) + "," + std::to_string(fate.deliveries) +
            "," + std::to_string(fate.expected) + "," + std::to_string(fate.payloads) + "," +
            std::to_string(fate.hops) + "]";
  }
  return json + "]";
}

std::vector<std::pair<const char*, std::uint64_t>> network_counts(const NetworkCounters& network) {
  return {{"dials", network.dials},
          {"dials_failed", network.dials_failed},
          {"links_up", network.links_up},
          {"resets", network.resets},
          {"frames_lost", network.frames_lost},
          {"frames_duplicated", network.frames_duplicated},
          {"frames_reordered", network.frames_reordered},
          {"frames_tailed", network.frames_tailed},
          {"clogs", network.clogs},
          {"frames_stalled", network.frames_stalled},
          {"live_dropped", network.live_dropped},
          {"queues_overfull", network.queues_overfull},
          {"queue_bytes_greatest", network.queue_bytes_greatest}};
}

void add_traffic(Report& report, const Metrics& metrics) {
  const Traffic& traffic = metrics.traffic();
  const double seconds = static_cast<double>(metrics.measured_time()) / 1e6;
  const double node_seconds = seconds * report.nodes;
  const auto frames = [&](auto... types) { return (traffic.of(types).frames + ...); };
  const auto bytes = [&](auto... types) { return (traffic.of(types).bytes + ...); };
  report.add("heartbeat_frames_per_node_s",
             ratio(static_cast<double>(frames(FrameType::kPing, FrameType::kPong)), node_seconds));
  report.add("heartbeat_bytes_per_node_s",
             ratio(static_cast<double>(bytes(FrameType::kPing, FrameType::kPong)), node_seconds));
  report.add("shuffle_frames", frames(FrameType::kShuffle, FrameType::kShuffleReply));
  report.add("gossip_frames", frames(FrameType::kGossip));
  report.add("ihave_frames", frames(FrameType::kIHave));
  report.add("graft_frames", frames(FrameType::kGraft));
  report.add("prune_frames", frames(FrameType::kPrune));
  report.add("taken_frames", frames(FrameType::kTaken));
  report.add("sync_frames", frames(FrameType::kSyncDigest, FrameType::kSyncBranch, FrameType::kSyncDescend,
                                   FrameType::kSyncListing, FrameType::kSyncRequest, FrameType::kSyncDone,
                                   FrameType::kRepair));
  report.add("frames", traffic.total().frames);
  report.add("bytes_per_node_s", ratio(static_cast<double>(traffic.total().bytes), node_seconds));
  report.add("measured_virtual_s", seconds);
}

}  // namespace

void Report::add(const std::string& key, double value) {
  extra.emplace_back(key, number(value));
}
void Report::add(const std::string& key, std::uint64_t value) {
  extra.emplace_back(key, std::to_string(value));
}

void measure(Report& report, const Metrics& metrics, const RunOptions& options) {
  const auto& messages = metrics.messages();
  const auto count = static_cast<double>(messages.size());
  report.messages = messages.size();
  double reliability = 0;
  double redundancy = 0;
  double hops = 0;
  double payloads = 0;
  std::vector<SimTime> complete;
  for (const MessageFate& fate : messages) {
    reliability += fate.expected == 0 ? 1 : ratio(fate.deliveries, fate.expected);
    redundancy += fate.expected == 0 ? 0 : ratio(fate.payloads, fate.expected) - 1;
    hops += fate.hops;
    payloads += fate.payloads;
    report.ldh_max = std::max<std::uint64_t>(report.ldh_max, fate.hops);
    if (fate.deliveries >= fate.expected) complete.push_back(fate.last_latency);
  }
  if (!messages.empty()) {
    report.reliability = reliability / count;
    report.rmr = redundancy / count;
    report.ldh_mean = hops / count;
    report.payloads_per_message = payloads / count;
  }
  const Traffic& traffic = metrics.traffic();
  const auto control =
      static_cast<double>(traffic.of(FrameType::kIHave).frames + traffic.of(FrameType::kGraft).frames +
                          traffic.of(FrameType::kPrune).frames);
  report.control_per_message = ratio(control, count);
  report.add("control_per_payload", ratio(control, payloads));
  const Histogram& latency = metrics.latency();
  report.latency_ms_p50 = static_cast<double>(latency.at(500)) / 1000;
  report.latency_ms_p99 = static_cast<double>(latency.at(990)) / 1000;
  report.latency_ms_max = static_cast<double>(latency.greatest()) / 1000;
  // When the last node had it: what the public broadcast challenge measures.
  std::sort(complete.begin(), complete.end());
  if (!complete.empty()) {
    report.add("everywhere_ms_p50", static_cast<double>(complete[complete.size() / 2]) / 1000);
    report.add("everywhere_ms_max", static_cast<double>(complete.back()) / 1000);
  }
  report.add("everywhere_messages", static_cast<std::uint64_t>(complete.size()));
  add_traffic(report, metrics);
  if (options.histogram) report.extra.emplace_back("latency_ms_histogram", latency_json(latency));
  if (options.fates) report.extra.emplace_back("fates", fates_json(metrics));
}

std::string to_json(const Report& report) {
  std::string json = "{";
  const auto key = [&](const char* name, const std::string& value) {
    if (json.size() > 1) json += ", ";
    json += quoted(name) + ": " + value;
  };
  char hash[32];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(report.trace_hash));
  key("scenario", quoted(report.scenario));
  key("nodes", std::to_string(report.nodes));
  key("seed", std::to_string(report.seed));
  key("messages", std::to_string(report.messages));
  key("reliability", share(report.reliability));
  key("rmr", number(report.rmr));
  key("ldh_mean", number(report.ldh_mean));
  key("ldh_max", std::to_string(report.ldh_max));
  key("payloads_per_message", number(report.payloads_per_message));
  key("control_per_message", number(report.control_per_message));
  key("latency_ms_p50", number(report.latency_ms_p50));
  key("latency_ms_p99", number(report.latency_ms_p99));
  key("latency_ms_max", number(report.latency_ms_max));
  key("unconverged", std::to_string(report.unconverged));
  key("duplicates_shown", std::to_string(report.duplicates_shown));
  key("order_inversions", std::to_string(report.order_inversions));
  key("bytes_per_node", number(report.bytes_per_node));
  key("trace_hash", quoted(hash));
  key("wall_s", number(report.wall_s));
  key("violations", std::to_string(report.violations.size()));
  std::string stand_ins = "[";
  for (const std::string& name : report.stand_ins)
    stand_ins += (stand_ins.size() > 1 ? ", " : "") + quoted(name);
  key("stand_ins", stand_ins + "]");
  for (const auto& [name, value] : report.extra) key(name.c_str(), value);
  for (const auto& [name, value] : network_counts(report.network)) key(name, std::to_string(value));
  return json + "}";
}

std::string describe_violations(const Report& report, const RunOptions& options) {
  std::string text;
  for (const Violation& violation : report.violations) {
    char at[32];
    std::snprintf(at, sizeof at, "%.6f", static_cast<double>(violation.at) / 1e6);
    text += "VIOLATION " + violation.check + ": scenario " + report.scenario + ", seed " +
            std::to_string(report.seed) + ", " +
            (violation.node == kNone ? "all nodes" : "node " + std::to_string(violation.node)) + ", at " +
            at + " s\n  expected: " + violation.expected + "\n  found:    " + violation.found + "\n";
  }
  if (!text.empty()) text += "  replay:   " + options.command() + " --json\n";
  return text;
}

}  // namespace p2pmesh::sim
