#include "stage.h"

#include <algorithm>
#include <cstdio>
#include <deque>

namespace p2pmesh::sim {
namespace {

constexpr SimTime kGatherBound = 120 * kSecond;
constexpr SimTime kGatherUnrepaired = 10 * kSecond;

}  // namespace

Stage::Stage(const RunOptions& options, const WorldOptions& world_options)
    : options_(options),
      begun_(std::chrono::steady_clock::now()),
      world_(world_options),
      checkers_(world_),
      metrics_(world_) {
  world_.add_observer(&checkers_);
  world_.add_observer(&metrics_);
}

WorldOptions Stage::world_options(const RunOptions& options) {
  WorldOptions world;
  world.seed = options.seed;
  world.real_crypto = options.real_crypto;
  world.progress = options.progress;
  world.prefetch = options.nodes > kManyNodes;
  return world;
}

void Stage::gather(std::uint32_t count, SimTime within) {
  EndCheckOptions linked;
  linked.complete = linked.transcript = linked.bounds = linked.presence = false;
  if (count > kManyNodes) {
    world_.start_members(count, 3);
  } else {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t number = world_.add_node();
      if (number == 0) {
        world_.open(number);
        continue;
      }
      const SimTime at = within * static_cast<SimTime>(i) / static_cast<SimTime>(count);
      world_.after(at, [this, number] {
        world_.join(number, static_cast<std::uint32_t>(world_.draw().below(number)));
      });
    }
  }
  world_.run_for(within + kSecond);
  const bool repairs = world_.options().parameters.anti_entropy;
  const bool known = world_.run_until_true(
      [&] {
        std::uint64_t online = 0;
        for (std::uint32_t number : world_.honest()) {
          if (world_.node(number).core->status().online >= count) ++online;
        }
        return online == count && is_at_rest(linked);
      },
      // Without repair nobody hears of those who came before.
      repairs ? kGatherBound : kGatherUnrepaired, kSecond);
  demand(known || !repairs, "presence", "everybody knows everybody after the joins",
         "not within " + std::to_string(kGatherBound / kSecond) + " s");
  const auto parts = component_sizes(world_);
  demand(parts.size() == 1 && parts.front() == count, "G7", "all members are connected after the joins",
         std::to_string(parts.size()) + " parts, the greatest of " +
             std::to_string(parts.empty() ? 0 : parts.front()));
}

void Stage::broadcast(std::uint32_t messages, double rate, bool random_authors) {
  const auto step = static_cast<SimTime>(1e6 / rate);
  for (std::uint32_t i = 0; i < messages; ++i) {
    std::uint32_t author = 0;
    const auto honest = world_.honest();
    if (honest.empty()) return;
    if (random_authors || !world_.is_running(0)) author = honest[world_.draw().below(honest.size())];
    world_.say(author, "message " + std::to_string(i));
    world_.run_for(step);
  }
}

void Stage::check_symmetry(std::set<std::pair<std::uint32_t, LinkId>> one_sided, SimTime since) {
  if (one_sided.empty()) return;
  const SimTime end = since + kAsymmetryMax;
  // At both ends of that time a link may be one-sided for a moment: as it begins, and as it is given up.
  do {
    if (world_.now() < end) world_.run_until(std::min(end, world_.now() + kSecond / 2));
    const auto now_so = asymmetric_links(world_);
    std::erase_if(one_sided, [&](const auto& link) { return !now_so.contains(link); });
  } while (world_.now() < end);
  for (const auto& [number, link] : one_sided) {
    checkers_.add({"symmetry", number, world_.now(), "a neighbor has this node as neighbor too",
                   "node " + std::to_string(world_.network().peer_of(link)) + " has not, for " +
                       std::to_string(kAsymmetryMax / kSecond) + " s"});
  }
}

bool Stage::is_at_rest(const EndCheckOptions& checks) {
  return check_end(world_, checkers_.acknowledged(), checks).violations.empty();
}

EndReport Stage::look_at_end(const EndCheckOptions& checks) {
  EndReport end = check_end(world_, checkers_.acknowledged(), checks);
  for (std::size_t i = 0; i < more_.size() && end.violations.empty(); ++i) end.violations = more_[i]();
  return end;
}

void Stage::come_to_rest(SimTime bound, const EndCheckOptions& checks) {
  // Looking at everything costs a large world more than running it for a second, and running it for as long
  // as a link may be known at one end only costs as much as its messages: so it is watched from now on.
  const bool large = world_.size() > kManyNodes;
  std::deque<std::pair<SimTime, std::set<std::pair<std::uint32_t, LinkId>>>> looks;
  const auto look = [&] {
    if (!checks.links) return;
    looks.emplace_back(world_.now(), asymmetric_links(world_));
    while (looks.size() > 1 && looks[1].first + kAsymmetryMax <= world_.now()) looks.pop_front();
  };
  const auto at_rest = [&] {
    if (large) look();
    return look_at_end(checks).violations.empty();
  };
  world_.run_until_true(at_rest, bound, large ? 5 * kSecond : kSecond);
  if (!large) look();
  if (checks.links) {
    for (const auto& later : looks)
      std::erase_if(looks.front().second, [&](const auto& link) { return !later.second.contains(link); });
    check_symmetry(looks.front().second, looks.front().first);
  }
  const EndReport end = look_at_end(checks);
  unconverged_ = end.unconverged;
  for (const Violation& violation : end.violations) checkers_.add(violation);
}

void Stage::demand(bool holds, const char* check, std::string expected, std::string found) {
  if (!holds) checkers_.add({check, kNone, world_.now(), std::move(expected), std::move(found)});
}

Report Stage::report() {
  if (options_.progress) std::fprintf(stderr, "\r%79s\r", "");
  metrics_.stop();
  Report report;
  report.scenario = options_.scenario;
  report.nodes = world_.size();
  report.seed = options_.seed;
  measure(report, metrics_, options_);
  report.unconverged = unconverged_;
  report.duplicates_shown = checkers_.duplicates_shown();
  report.order_inversions = checkers_.order_inversions();
  std::uint64_t bytes = 0;
  for (std::uint32_t number = 0; number < world_.size(); ++number)
    bytes += world_.network().traffic().bytes_sent(number);
  report.bytes_per_node = static_cast<double>(bytes) / std::max<std::uint32_t>(1, world_.size());
  report.trace_hash = world_.trace_hash();
  report.network = world_.network().counters();
  report.violations = checkers_.violations();
  if (!options_.real_crypto) report.stand_ins.push_back("signatures: XXH3-128 keyed with the world's secret");
  if (world_.options().people && !options_.real_crypto)
    report.stand_ins.push_back("key agreement: XXH3-128 keyed with the world's secret");
  report.stand_ins.push_back("envelopes of equal bytes share memory");
  if (world_.options().faults.commit_max == 0) report.stand_ins.push_back("commits take no time");
  if (world_.roster_is_shared()) {
    report.stand_ins.push_back("roster entries are shared between nodes");
    report.stand_ins.push_back(
        "nobody joins: all begin as members that know each other, with three contacts");
  }
  if (!world_.options().journal) report.stand_ins.push_back("a power cut loses nothing that was written");
  report.stand_ins.push_back(std::to_string(world_.options().seen_entries) + " entries in a seen table");
  report.add("events", world_.events());
  report.add("events_arrivals", world_.events(EventKind::kArrive));
  report.add("events_wakes", world_.events(EventKind::kWake));
  report.add("events_commits", world_.events(EventKind::kCommit));
  report.add("virtual_s", static_cast<double>(world_.now()) / 1e6);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  return report;
}

}  // namespace p2pmesh::sim
