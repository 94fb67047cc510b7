// The public distributed-systems challenge: 25 nodes, 100 ms a hop, 100 operations a second of which half are
// broadcasts and half reads. A read is answered by the node itself and costs no frame.
#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {

Report run_constrained_broadcast(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  world.faults.delay_min = world.faults.delay_median = world.faults.delay_max = 100 * kMillisecond;
  world.faults.jitter_max = 0;
  // The challenge's nodes have no disk; a commit takes no time here.
  world.faults.commit_min = world.faults.commit_max = 0;
  world.journal = false;
  // Nothing is lost in the challenge, so ihaves may be rare; and nobody is cut off, so 25 may all be
  // neighbors.
  world.parameters.ihave_interval = world.parameters.ihave_interval_full = Duration(60 * kSecond);
  world.parameters.graft_timeout = Duration(5 * kSecond);
  // Nor does anybody wait to be told what others have stored; those frames are counted all the same.
  world.parameters.taken_gather = Duration(120 * kSecond);
  world.parameters.active_view_max = 24;  // a full mesh
  if (options.tuned == "cost") {
    world.parameters.shared_tree = true;  // a star around the first author
    world.parameters.optimisation_hops = 1;
    world.parameters.optimisation_interval = Duration(kSecond);
    world.parameters.payload_window = Duration(222 * kMillisecond);
  }
  const std::uint32_t nodes = options.nodes == 0 ? 25 : options.nodes;
  const double operations = options.rate == 0 ? 100 : options.rate;
  // 120 s: what is gathered for so long and for half of it is counted as often as it goes.
  const std::uint32_t broadcasts = options.messages == 0 ? 6000 : options.messages;
  Stage stage(options, world);
  stage.gather(nodes, 10 * kSecond);
  // The tree grows from one author, then all write.
  stage.broadcast(options.tuned == "cost" ? 600 : 10, 1, false);
  stage.broadcast(500, operations / 2, true);
  stage.world().run_for(20 * kSecond);
  stage.metrics().start();
  stage.broadcast(broadcasts, operations / 2, true);
  stage.world().run_for(5 * kSecond);
  stage.metrics().stop();
  stage.come_to_rest(60 * kSecond, {});
  Report report = stage.report();
  const Traffic& traffic = stage.metrics().traffic();
  const auto frames =
      static_cast<double>(traffic.of(FrameType::kGossip).frames + traffic.of(FrameType::kIHave).frames +
                          traffic.of(FrameType::kGraft).frames + traffic.of(FrameType::kPrune).frames +
                          traffic.of(FrameType::kTaken).frames);
  const double all = 2.0 * static_cast<double>(report.messages);
  report.add("operations", static_cast<std::uint64_t>(all));
  report.add("frames_per_operation", all == 0 ? 0 : frames / all);
  report.stand_ins.emplace_back(
      "ihaves are gathered for 60 s and takens for 120 s, longer than a node's configuration allows");
  report.add("payload_window_ms", static_cast<double>(world.parameters.payload_window.count()) / 1000);
  return report;
}

}  // namespace p2pmesh::sim
