// The founder goes while the mesh is young; the others stay together, talk, and take newcomers.
#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {

Report run_founder_leaves_first(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  Stage stage(options, world);
  World& mesh = stage.world();
  const std::uint32_t nodes = options.nodes == 0 ? 12 : options.nodes;
  const std::uint32_t messages = options.messages == 0 ? 60 : options.messages;
  stage.gather(nodes, 5 * kSecond);
  stage.broadcast(5, 5, true);
  mesh.leave(0);
  stage.metrics().start();
  stage.broadcast(messages, options.rate == 0 ? 10 : options.rate, true);
  for (int i = 0; i < 3; ++i) {
    const std::uint32_t newcomer = mesh.add_node();
    mesh.join(newcomer, 1 + static_cast<std::uint32_t>(mesh.draw().below(nodes - 1)));
  }
  stage.broadcast(messages, options.rate == 0 ? 10 : options.rate, true);
  mesh.run_for(5 * kSecond);
  stage.metrics().stop();
  stage.come_to_rest(120 * kSecond, {});
  return stage.report();
}

}  // namespace p2pmesh::sim
