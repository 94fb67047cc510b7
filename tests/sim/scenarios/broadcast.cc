// A stable mesh where one member or many speak; `flood` is the same without the tree, the reference.
#include <algorithm>

#include "../stage.h"
#include "scenario.h"

namespace p2pmesh::sim {
namespace {

constexpr double kBesideMessages = 16;  // virtual seconds: to make the tree, to come to rest

bool all_delivered(const Metrics& metrics) {
  return std::all_of(metrics.messages().begin(), metrics.messages().end(),
                     [](const MessageFate& fate) { return fate.deliveries >= fate.expected; });
}

Report run(const RunOptions& options, bool plumtree) {
  WorldOptions world = Stage::world_options(options);
  world.parameters.plumtree = plumtree;
  world.journal = false;
  const std::uint32_t nodes = options.nodes == 0 ? 32 : options.nodes;
  if (nodes > kManyNodes) world.faults.commit_min = world.faults.commit_max = 0;
  const double rate = options.rate == 0 ? 20 : options.rate;
  const std::uint32_t messages = options.messages == 0 ? 200 : options.messages;
  // As many rounds as asked for, from the time when all are there to the end.
  if (options.rounds > 0)
    world.parameters.shuffle_interval =
        Duration(static_cast<Duration::rep>((messages / rate + kBesideMessages) / options.rounds * 1e6));
  Stage stage(options, world);
  stage.gather(nodes, 10 * kSecond);
  const SimTime gathered = stage.world().now();
  if (options.virtual_s > 0) stage.world().run_for(static_cast<SimTime>(options.virtual_s * 1e6));
  // The first floods make the tree; they are not measured.
  if (!options.cold) {
    stage.broadcast(20, rate, options.random_authors);
    stage.world().run_for(5 * kSecond);
  }
  stage.metrics().start();
  stage.broadcast(messages, rate, options.random_authors);
  // What announces the last of them counts too.
  stage.world().run_for(2 * kSecond);
  stage.world().run_until_true([&] { return all_delivered(stage.metrics()); }, 8 * kSecond);
  stage.metrics().stop();
  stage.come_to_rest(120 * kSecond, {});
  const auto interval = static_cast<SimTime>(world.parameters.shuffle_interval.count());
  if (const SimTime end = gathered + options.rounds * interval; stage.world().now() < end)
    stage.world().run_until(end);
  Report report = stage.report();
  report.add("shuffle_interval_s", static_cast<double>(interval) / 1e6);
  report.add("shuffle_rounds",
             static_cast<double>(stage.world().now() - gathered) / static_cast<double>(interval));
  return report;
}

}  // namespace

Report run_flood(const RunOptions& options) {
  return run(options, false);
}

Report run_broadcast(const RunOptions& options) {
  return run(options, true);
}

}  // namespace p2pmesh::sim
