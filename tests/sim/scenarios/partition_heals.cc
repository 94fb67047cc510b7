// The mesh is cut into halves, both talk on; then the cut heals.
#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {

Report run_partition_heals(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  Stage stage(options, world);
  World& mesh = stage.world();
  const std::uint32_t nodes = options.nodes == 0 ? 32 : options.nodes;
  const double rate = options.rate == 0 ? 1 : options.rate;
  const SimTime lasts = options.virtual_s > 0 ? static_cast<SimTime>(options.virtual_s * 1e6) : 600 * kSecond;
  stage.gather(nodes, nodes > 100 ? 60 * kSecond : 10 * kSecond);
  stage.broadcast(5, 5, true);
  mesh.run_for(30 * kSecond);

  Partition cut;
  for (std::uint32_t number = 0; number < nodes; ++number)
    cut.side.push_back(static_cast<std::uint8_t>(mesh.draw().below(2)));
  stage.metrics().start();
  const std::uint32_t place = mesh.network().add_partition(cut);
  const std::uint32_t messages = options.messages != 0
                                     ? options.messages
                                     : static_cast<std::uint32_t>(static_cast<double>(lasts) / 1e6 * rate);
  stage.broadcast(messages, static_cast<double>(messages) * 1e6 / static_cast<double>(lasts), true);
  mesh.network().remove_partition(place);
  const SimTime healed = mesh.now();
  EndCheckOptions complete;
  complete.links = complete.presence = complete.bounds = false;
  const bool in_time =
      mesh.run_until_true([&] { return stage.is_at_rest(complete); }, 120 * kSecond, kSecond / 4);
  const SimTime took = mesh.now() - healed;
  stage.metrics().stop();
  stage.come_to_rest(300 * kSecond, {});
  stage.demand(in_time && took <= 10 * kSecond, "G4", "everything is everywhere within 10 s of the heal",
               std::to_string(static_cast<double>(took) / 1e6) + " s");
  Report report = stage.report();
  report.add("complete_after_heal_s", static_cast<double>(took) / 1e6);
  return report;
}

}  // namespace p2pmesh::sim
