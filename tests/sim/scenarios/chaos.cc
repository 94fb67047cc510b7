#include "chaos.h"

#include <algorithm>

#include "scenario.h"

namespace p2pmesh::sim {
namespace {

std::uint64_t dropped_of(const World& world) {
  std::uint64_t dropped = 0;
  for (std::uint32_t number = 0; number < world.size(); ++number)
    dropped += world.node(number).disk.dropped();
  return dropped;
}

/// Those whom nobody can tell from slow ones: what the honest hold comes to all of them all the same.
void keep_liars(ChaosPlan& plan) {
  constexpr auto kUnnoticed = static_cast<std::uint32_t>(Lie::kSilent | Lie::kLieInDigest);
  plan.liars_stay = true;
  plan.broadcast_alone = false;
  plan.parameters.anti_entropy = true;
  plan.faults.liars = std::max<std::uint32_t>(plan.faults.liars, 1);
  plan.faults.lies &= kUnnoticed;
  if (plan.faults.lies == 0) plan.faults.lies = kUnnoticed;
}

Report run(const RunOptions& options, ChaosPlan plan) {
  if (options.no_people) {
    plan.people.count = 0;
    plan.carry_max = 0;
    plan.namesakes = false;
  }
  if (options.liars_stay) keep_liars(plan);
  WorldOptions world = Stage::world_options(options);
  world.faults = plan.faults;
  world.parameters = plan.parameters;
  world.people = plan.people.count > 0;
  world.carry_max = plan.carry_max;
  Stage stage(options, world);
  const auto counted = run_chaos_plan(stage, plan);
  Report report = stage.report();
  for (const auto& [name, value] : counted) report.add(name, value);
  report.add("safety_virtual_s", static_cast<double>(plan.safety) / 1e6);
  report.add("liars", static_cast<std::uint64_t>(plan.faults.liars));
  report.add("lies", static_cast<std::uint64_t>(plan.faults.lies));
  report.add("broadcast_alone", static_cast<std::uint64_t>(plan.broadcast_alone));
  report.add("carry_max", static_cast<std::uint64_t>(plan.carry_max));
  report.add("carried_dropped", dropped_of(stage.world()));
  report.add("payload_window_ms", static_cast<double>(plan.parameters.payload_window.count()) / 1000);
  return report;
}

}  // namespace

Report run_chaos(const RunOptions& options) {
  ChaosPlan plan = draw_chaos(options.seed, options.nodes);
  if (options.virtual_s > 0) plan.safety = static_cast<SimTime>(options.virtual_s * 1e6);
  if (options.rate > 0) plan.rate = options.rate;
  return run(options, plan);
}

/// A few people and all that may befall them.
Report run_people(const RunOptions& options) {
  ChaosPlan plan = draw_chaos(options.seed, options.nodes != 0 ? options.nodes : 6);
  plan.broadcast_alone = plan.split = false;
  plan.parameters.anti_entropy = true;
  plan.safety = options.virtual_s > 0 ? static_cast<SimTime>(options.virtual_s * 1e6) : 90 * kSecond;
  plan.rate = options.rate > 0 ? options.rate : 1;
  plan.faults.liars = 0;
  plan.people.count = std::min<std::uint32_t>(plan.nodes, 6);
  plan.people.interval = kSecond / 4;
  plan.people.crash_ppm = plan.people.cut_off_ppm = 40'000;
  plan.namesakes = true;
  // In every second world the others soon drop what they carry, so that only its author has it.
  if (options.seed % 2 == 0) plan.carry_max = 1 + options.seed / 2 % 6;
  return run(options, plan);
}

/// A day of a sparse life: the same faults, each far more rarely.
Report run_long_chaos(const RunOptions& options) {
  ChaosPlan plan = draw_chaos(options.seed, options.nodes);
  plan.nodes = options.nodes != 0 ? options.nodes : 3 + static_cast<std::uint32_t>(options.seed % 14);
  plan.people.count = std::min(plan.people.count, plan.nodes);
  plan.safety = options.virtual_s > 0 ? static_cast<SimTime>(options.virtual_s * 1e6) : 24 * 3600 * kSecond;
  plan.rate = options.rate > 0 ? options.rate : 0.02;
  FaultOptions& faults = plan.faults;
  for (SimTime* interval : {&faults.kill_interval, &faults.power_cut_interval, &faults.pause_interval,
                            &faults.partition_interval, &faults.leave_interval, &faults.join_interval})
    *interval *= 120;
  faults.restart_after_max = 3600 * kSecond;
  faults.pause_max = 300 * kSecond;
  faults.partition_max = 1800 * kSecond;
  plan.people.interval *= 120;
  // A liar that floods for a day is another test.
  faults.lies &= ~static_cast<std::uint32_t>(Lie::kFlood);
  return run(options, plan);
}

}  // namespace p2pmesh::sim
