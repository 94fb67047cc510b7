// Members come, crash, return and leave all the time, while many speak.
#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {
namespace {

/// One thing befalls one member; never so many that fewer than half of them run.
void churn_once(World& mesh) {
  Draw& draw = mesh.draw();
  const auto number = static_cast<std::uint32_t>(draw.below(mesh.size()));
  const bool may_stop = mesh.honest().size() * 2 > mesh.size();
  if (!mesh.is_running(number)) return mesh.restart(number);
  if (!may_stop) return;
  switch (draw.below(4)) {
    case 0:
      return mesh.kill(number);
    case 1:
      return mesh.cut_power(number);
    case 2:
      return mesh.leave(number);
    default: {
      const std::uint32_t newcomer = mesh.add_node();
      return mesh.join(newcomer, number);
    }
  }
}

}  // namespace

Report run_churn(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  Stage stage(options, world);
  World& mesh = stage.world();
  const std::uint32_t nodes = options.nodes == 0 ? 24 : options.nodes;
  const double rate = options.rate == 0 ? 5 : options.rate;
  const std::uint32_t messages = options.messages == 0 ? 300 : options.messages;
  stage.gather(nodes, 10 * kSecond);
  stage.metrics().start();
  for (std::uint32_t i = 0; i < messages; ++i) {
    // About one change in ten seconds for thirty members.
    if (mesh.draw().below(10) == 0) churn_once(mesh);
    stage.broadcast(1, rate, true);
  }
  stage.metrics().stop();
  for (std::uint32_t number = 0; number < mesh.size(); ++number) mesh.restart(number);
  stage.come_to_rest(300 * kSecond, {});
  return stage.report();
}

}  // namespace p2pmesh::sim
