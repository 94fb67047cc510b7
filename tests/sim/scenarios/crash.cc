// One member loses its power at a time, without a word to anybody: how long until all others show it as
// offline, and until it is back everywhere.
#include <algorithm>

#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kKnown = 10 * kSecond;     // issue "ten thousand members"
constexpr SimTime kKnownFull = 5 * kSecond;  // in a full mesh
constexpr SimTime kBound = 120 * kSecond;
constexpr SimTime kStep = 100 * kMillisecond;

/// Each member that runs counts those that run as online, and no others.
bool is_known(const World& mesh) {
  const auto honest = mesh.honest();
  return std::all_of(honest.begin(), honest.end(), [&](std::uint32_t number) {
    return mesh.node(number).core->status().online == honest.size();
  });
}

}  // namespace

Report run_crash(const RunOptions& options) {
  WorldOptions world = Stage::world_options(options);
  const std::uint32_t nodes = options.nodes == 0 ? 64 : options.nodes;
  if (nodes > kManyNodes) world.faults.commit_min = world.faults.commit_max = 0;
  Stage stage(options, world);
  World& mesh = stage.world();
  stage.gather(nodes, nodes > 100 ? 60 * kSecond : 10 * kSecond);
  mesh.run_for(options.virtual_s > 0 ? static_cast<SimTime>(options.virtual_s * 1e6) : 60 * kSecond);
  std::vector<SimTime> known;
  SimTime back = 0;
  const std::uint32_t crashes = options.messages == 0 ? 5 : options.messages;
  stage.metrics().start();
  for (std::uint32_t i = 0; i < crashes; ++i) {
    const auto honest = mesh.honest();
    const std::uint32_t victim = honest[mesh.draw().below(honest.size())];
    const SimTime crashed = mesh.now();
    mesh.cut_power(victim);
    stage.demand(mesh.run_until_true([&] { return is_known(mesh); }, kBound, kStep), "presence",
                 "all show as offline who lost its power", "not after 120 s");
    known.push_back(mesh.now() - crashed);
    const SimTime restarted = mesh.now();
    mesh.restart(victim);
    stage.demand(mesh.run_until_true([&] { return is_known(mesh); }, kBound, kStep), "presence",
                 "all show as online who has come back", "not after 120 s");
    back = std::max(back, mesh.now() - restarted);
    mesh.run_for(10 * kSecond);
  }
  stage.metrics().stop();
  std::sort(known.begin(), known.end());
  const SimTime bound = nodes <= world.parameters.full_mesh_max() ? kKnownFull : kKnown;
  stage.demand(known.back() <= bound, "presence",
               "a crash is known everywhere within " + std::to_string(bound / kSecond) + " s",
               std::to_string(static_cast<double>(known.back()) / 1e6) + " s");
  stage.come_to_rest(120 * kSecond, {});
  Report report = stage.report();
  report.add("crashes", static_cast<std::uint64_t>(crashes));
  report.add("crash_known_s_median", static_cast<double>(known[known.size() / 2]) / 1e6);
  report.add("crash_known_s_max", static_cast<double>(known.back()) / 1e6);
  report.add("back_known_s_max", static_cast<double>(back) / 1e6);
  return report;
}

}  // namespace p2pmesh::sim
