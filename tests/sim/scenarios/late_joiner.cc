// Somebody joins after a long talk and gets all of it.
#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {

Report run_late_joiner(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  Stage stage(options, world);
  World& mesh = stage.world();
  const std::uint32_t nodes = options.nodes == 0 ? 8 : options.nodes;
  stage.gather(nodes, 5 * kSecond);
  stage.metrics().start();
  stage.broadcast(options.messages == 0 ? 500 : options.messages, options.rate == 0 ? 50 : options.rate,
                  true);
  mesh.run_for(10 * kSecond);
  stage.metrics().stop();
  const std::uint32_t late = mesh.add_node();
  mesh.join(late, static_cast<std::uint32_t>(mesh.draw().below(nodes)));
  const SimTime begun = mesh.now();
  EndCheckOptions complete;
  complete.links = complete.presence = complete.bounds = false;
  mesh.run_until_true([&] { return stage.is_at_rest(complete); }, 120 * kSecond, kSecond / 4);
  const SimTime took = mesh.now() - begun;
  stage.come_to_rest(120 * kSecond, {});
  Report report = stage.report();
  report.add("history_complete_s", static_cast<double>(took) / 1e6);
  return report;
}

}  // namespace p2pmesh::sim
