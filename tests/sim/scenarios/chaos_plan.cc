#include <cmath>
#include <memory>

#include "../still_checks.h"
#include "chaos.h"
#include "namesakes.h"

namespace p2pmesh::sim {
namespace {

constexpr std::int64_t kYearMs = 365LL * 24 * 3600 * 1000;

std::uint32_t ppm(Draw& draw, std::uint32_t percent_max) {
  return static_cast<std::uint32_t>(draw.below(percent_max * 10'000 + 1));
}

/// Half of the knobs are off in a given world, so that each fault is also seen without the others.
bool wanted(Draw& draw) {
  return draw.below(2) == 0;
}

class Mischief {
 public:
  Mischief(Stage& stage, const ChaosPlan& plan)
      : world_(stage.world()), faults_(plan.faults), draw_(derive_seed(world_.options().seed, 0xc4a05)) {}

  /// Halves, until the faults end.
  void split() {
    Partition cut;
    for (std::uint32_t i = 0; i < world_.size(); ++i) cut.side.push_back(static_cast<std::uint8_t>(i % 2));
    world_.network().add_partition(std::move(cut));
  }

  /// Lets each kind of fault happen every now and then until `end`.
  void schedule(SimTime end) {
    end_ = end;
    repeat(faults_.kill_interval, [this] { crash(false); });
    repeat(faults_.power_cut_interval, [this] { crash(true); });
    repeat(faults_.pause_interval, [this] { pause(); });
    repeat(faults_.partition_interval, [this] { partition(); });
    repeat(faults_.leave_interval, [this] { leave(); });
    repeat(faults_.join_interval, [this] { join(); });
  }

 private:
  template <class Action>
  void repeat(SimTime interval, Action action) {
    if (interval == 0) return;
    const SimTime next = draw_.between(interval / 10, interval * 2);
    if (world_.now() + next >= end_) return;
    world_.after(next, [this, interval, action] {
      action();
      repeat(interval, action);
    });
  }

  [[nodiscard]] std::uint32_t pick_running() {
    const auto honest = world_.honest();
    return honest.empty() ? kNone : honest[draw_.below(honest.size())];
  }
  [[nodiscard]] SimTime until_end(SimTime longest) {
    return std::max<SimTime>(1, std::min(draw_.between(kMillisecond, longest), end_ - world_.now()));
  }

  void crash(bool power) {
    const std::uint32_t number = pick_running();
    if (number == kNone) return;
    power ? world_.cut_power(number) : world_.kill(number);
    // Some stay away until the liveness phase.
    if (draw_.below(4) == 0) return;
    world_.after(until_end(faults_.restart_after_max), [this, number] { world_.restart(number); });
  }
  void pause() {
    const std::uint32_t number = pick_running();
    if (number != kNone) world_.pause(number, until_end(faults_.pause_max));
  }
  void leave() {
    const std::uint32_t number = pick_running();
    if (number == kNone || world_.honest().size() <= 2) return;
    world_.leave(number);
    if (draw_.below(2) == 0)
      world_.after(kSecond + until_end(faults_.restart_after_max),
                   [this, number] { world_.restart(number); });
  }
  void join() {
    const std::uint32_t contact = pick_running();
    if (contact == kNone || world_.size() >= 64) return;
    const std::uint32_t newcomer = world_.add_node();
    world_.join(newcomer, contact);
  }

  void partition() {
    Partition cut;
    cut.side.resize(world_.size());
    const auto kind = draw_.below(5);
    if (kind == 1) {  // one node
      cut.side[draw_.below(cut.side.size())] = 1;
    } else {  // halves
      for (auto& side : cut.side) side = static_cast<std::uint8_t>(draw_.below(2));
    }
    if (kind == 2) cut.side[draw_.below(cut.side.size())] = 2;  // a bridge
    cut.one_way = kind == 3;
    const SimTime lasts = until_end(faults_.partition_max);
    if (kind != 4) return cut_for(std::move(cut), lasts);
    // Flapping: ten short cuts.
    for (int i = 0; i < 10; ++i)
      world_.after(lasts * i / 10, [this, cut, lasts] { cut_for(cut, std::max<SimTime>(1, lasts / 20)); });
  }
  void cut_for(Partition cut, SimTime lasts) {
    const std::uint32_t number = world_.network().add_partition(std::move(cut));
    world_.after(lasts, [this, number] {
      if (world_.now() <= end_) world_.network().remove_partition(number);
    });
  }

  World& world_;
  FaultOptions faults_;
  Draw draw_;
  SimTime end_ = 0;
};

}  // namespace

/// What came later is drawn from a stream of its own, so that it moves no older knob.
void draw_more(Draw draw, ChaosPlan& plan) {
  FaultOptions& faults = plan.faults;
  if (draw.below(3) == 0) plan.parameters.passive_view_max = static_cast<std::size_t>(draw.between(8, 48));
  if (faults.wall_off_ppm > 0 && wanted(draw)) faults.wall_step_ppm = 500'000;
  if (faults.liars > 0) {
    if (wanted(draw)) faults.lies |= Lie::kTwoRecords;
    if (plan.nodes <= 12 && wanted(draw)) faults.lies |= Lie::kAnnounce;
    if (plan.nodes <= 12 && wanted(draw)) faults.lies |= Lie::kLeaveGaps;
  }
  const auto kind = draw.below(8);
  if (kind == 1 && plan.nodes >= 20) {
    plan.split = true;
    faults.liars = 0;
    for (SimTime* interval : {&faults.kill_interval, &faults.power_cut_interval, &faults.pause_interval,
                              &faults.partition_interval, &faults.leave_interval, &faults.join_interval})
      *interval = 0;
  }
  if (kind != 0) return;
  plan.broadcast_alone = true;
  plan.parameters.anti_entropy = false;
  faults.payload_loss_ppm = static_cast<std::uint32_t>(draw.between(20'000, 60'000));
  faults.loss_ppm = faults.clog_ppm = faults.liars = 0;
  plan.rate = std::max(plan.rate, 2.0);
}

ChaosPlan draw_chaos(std::uint64_t seed, std::uint32_t nodes) {
  Draw draw(derive_seed(seed, 0xc4a0));
  ChaosPlan plan;
  // Small worlds are cheap and find most; every size up to 64 occurs.
  const bool small = draw.below(3) != 0;
  plan.nodes = static_cast<std::uint32_t>(small ? draw.between(3, 12) : draw.between(13, 64));
  if (nodes != 0) plan.nodes = nodes;
  plan.safety = draw.between(30, 120) * kSecond;
  plan.rate = 0.5 + static_cast<double>(draw.below(80)) / 10;
  FaultOptions& faults = plan.faults;
  if (wanted(draw)) faults.loss_ppm = ppm(draw, 10);
  if (wanted(draw)) faults.duplication_ppm = ppm(draw, 10);
  if (wanted(draw)) faults.reordering_ppm = ppm(draw, 20);
  faults.delay_median = draw.between(1, 80) * kMillisecond;
  faults.delay_min = std::max<SimTime>(faults.delay_median / 10, 100);
  faults.delay_max = faults.delay_median * draw.between(1, 6);
  faults.jitter_max = draw.between(0, faults.delay_median / 2);
  if (wanted(draw)) faults.tail_ppm = ppm(draw, 1);
  if (wanted(draw)) faults.clog_ppm = static_cast<std::uint32_t>(draw.below(500));
  faults.commit_max = draw.between(1, 50) * kMillisecond;
  if (wanted(draw)) {
    faults.wall_off_ppm = ppm(draw, 50);
    faults.wall_off_max_ms = draw.below(2) == 0 ? 10 * kYearMs : 60'000;
  }
  if (wanted(draw)) faults.drift_max_ppm = draw.between(0, 500);
  const auto every = [&](std::int64_t low_s, std::int64_t high_s) {
    return wanted(draw) ? draw.between(low_s, high_s) * kSecond : 0;
  };
  faults.kill_interval = every(5, 60);
  faults.power_cut_interval = every(5, 60);
  faults.pause_interval = every(10, 60);
  faults.pause_max = draw.between(1, 120) * kSecond;
  faults.partition_interval = every(10, 60);
  faults.partition_max = draw.between(1, 60) * kSecond;
  faults.leave_interval = every(10, 60);
  faults.join_interval = every(10, 60);
  if (draw.below(3) == 0) {
    faults.liars = static_cast<std::uint32_t>(draw.between(1, std::max<std::int64_t>(1, plan.nodes / 5)));
    faults.lies = static_cast<std::uint32_t>(1 + draw.below(63));
    // A flood costs a large world seconds and shows nothing that a small one does not.
    if (plan.nodes > 12) faults.lies &= ~static_cast<std::uint32_t>(Lie::kFlood);
  }
  plan.parameters.payload_window =
      draw.below(4) == 0 ? Duration(draw.between(1, 100) * kMillisecond) : Duration(0);
  draw_more(Draw(derive_seed(seed, 0xc4a4)), plan);
  // People and namesakes each in every third world, on streams of their own.
  Draw more(derive_seed(seed, 0xc4a6));
  const auto company = more.below(9);
  if (!plan.broadcast_alone && !plan.split) {
    const auto honest = plan.nodes - std::min(faults.liars, plan.nodes - std::min(plan.nodes, 3U));
    if (company % 3 == 0)
      plan.people.count =
          static_cast<std::uint32_t>(more.between(std::min(honest, 3U), std::min(honest, 8U)));
    plan.people.interval = more.between(kSecond / 5, 2 * kSecond);
    plan.namesakes = company / 3 == 0;
    if (Draw carry(derive_seed(seed, 0xc4a8)); plan.people.count > 0 && carry.below(3) == 0)
      plan.carry_max = static_cast<std::size_t>(carry.between(1, 8));
  }
  // Else only meshes of a thousand and more members would ever look at leaves.
  if (Draw(derive_seed(seed, 0xc4a5)).below(2) == 0) plan.parameters.branch_pays = 0;
  return plan;
}

/// Of a payload the share that is likely to miss everybody who is not its author: it comes over a link, or a
/// graft asks for it over another one, so a node of two links has two ways. (Without repair a mesh of four
/// may stay a ring, in which two do not hear of each other.)
double miss_share(const World& world, double loss) {
  const auto honest = world.honest();
  double sum = 0;
  for (const std::uint32_t number : honest) {
    const std::size_t ways = std::clamp<std::size_t>(world.node(number).core->links().size(), 1, 3);
    sum += std::pow(loss, static_cast<double>(ways));
  }
  return sum / static_cast<double>(honest.size());
}

/// The broadcast alone, in a mesh where nobody fails: what is lost of it are payloads, as full send queues
/// lose them, and ihaves and grafts have to make up for that.
void run_broadcast_alone(Stage& stage, const ChaosPlan& plan) {
  World& world = stage.world();
  Draw draw(derive_seed(world.options().seed, 0xc4a03));
  world.run_for(20 * kSecond);  // all have joined
  stage.metrics().start();
  const double loss = static_cast<double>(plan.faults.payload_loss_ppm) / 1e6;
  double share = miss_share(world, loss);
  for (const SimTime end = world.now() + plan.safety; world.now() < end;) {
    const auto honest = world.honest();
    world.say(honest[draw.below(honest.size())], "text");
    world.run_for(static_cast<SimTime>(static_cast<double>(draw.between(1, 2'000'000)) / plan.rate));
  }
  world.run_for(20 * kSecond);
  stage.metrics().stop();
  share = std::max(share, miss_share(world, loss));
  std::uint64_t expected = 0;
  std::uint64_t missed = 0;
  for (const MessageFate& fate : stage.metrics().messages()) {
    expected += fate.expected;
    missed += fate.expected - std::min(fate.expected, fate.deliveries);
  }
  // Of the author's ways all may fail, and then it misses everywhere, so that misses come in pairs; four
  // deviations above the mean are granted.
  const double mean = 2 * static_cast<double>(expected) * share;
  const auto most = static_cast<std::uint64_t>(mean + 4 * std::sqrt(2 * mean) + 2);
  stage.demand(missed <= most, "broadcast", "what is lost on one way comes on another",
               std::to_string(missed) + " of " + std::to_string(expected) + " deliveries are missing");
  world.end_faults();
  EndCheckOptions checks;
  checks.complete = checks.transcript = checks.presence = false;
  // Without repair not everybody knows everybody, so the views and the tree need not settle.
  stage.come_to_rest(plan.rest_bound, checks);
}

/// Twice a second; a bound that holds at the end alone is none.
void watch_bounds(Stage& stage, SimTime end) {
  World& world = stage.world();
  if (world.now() >= end) return;
  EndCheckOptions bounds;
  bounds.complete = bounds.transcript = bounds.links = bounds.presence = false;
  for (Violation& violation : check_end(world, {}, bounds).violations)
    stage.checkers().add(std::move(violation));
  world.after(kSecond / 2, [&stage, end] { watch_bounds(stage, end); });
}

std::vector<std::pair<std::string, std::uint64_t>> count_people(const PeopleCounts& counts) {
  return {{"lines", counts.lines},
          {"lines_kept", counts.kept},
          {"lines_cancelled", counts.cancelled},
          {"accepted", counts.accepted},
          {"declined", counts.declined},
          {"hidden", counts.hidden},
          {"blocked", counts.blocked},
          {"receipts", counts.receipts},
          {"receipts_read", counts.read},
          {"opened_late", counts.opened_late}};
}

std::vector<std::pair<std::string, std::uint64_t>> run_chaos_plan(Stage& stage, const ChaosPlan& plan) {
  World& world = stage.world();
  Draw draw(derive_seed(world.options().seed, 0xc4a02));
  std::unique_ptr<PeopleActs> people;
  if (plan.people.count > 1) people = std::make_unique<PeopleActs>(stage, plan.people);
  Namesakes namesakes(world);
  stage.add_end_check([&] { return check_names(world, namesakes.late()); });
  for (std::uint32_t i = 0; i < plan.nodes; ++i) {
    const std::uint32_t number = world.add_node();
    if (people != nullptr) people->prepare(number);
    if (number == 0) {
      world.open(0);
      continue;
    }
    world.after(draw.between(0, 10 * kSecond), [&world, number] { world.join(number, 0); });
  }
  if (plan.broadcast_alone) {
    run_broadcast_alone(stage, plan);
    return {};
  }
  const std::uint32_t liars = plan.faults.liars;
  for (std::uint32_t i = 0; i < liars && i + 3 < plan.nodes; ++i)
    world.make_liar(plan.nodes - 1 - i, plan.faults.lies);

  const SimTime end = world.now() + plan.safety;
  Mischief mischief(stage, plan);
  mischief.schedule(end);
  if (plan.split) world.after(20 * kSecond, [&mischief] { mischief.split(); });
  if (people != nullptr) people->schedule(end);
  if (plan.namesakes) namesakes.schedule(end);
  watch_bounds(stage, end);
  stage.metrics().start();
  std::uint32_t texts = 0;
  while (world.now() < end) {
    const auto honest = world.honest();
    if (!honest.empty()) {
      const std::uint32_t author = honest[draw.below(honest.size())];
      // Now and then somebody pours in lines, so that envelopes hold several and budgets count.
      const std::uint64_t lines = draw.below(50) == 0 ? draw.below(300) : 1;
      for (std::uint64_t line = 0; line < lines && world.is_running(author); ++line)
        world.say(author, "text " + std::to_string(++texts), draw.below(8) == 0 ? "#other" : "#lobby");
    }
    world.run_for(static_cast<SimTime>(static_cast<double>(draw.between(1, 2'000'000)) / plan.rate));
  }
  stage.metrics().stop();

  // Liveness: no more faults, everybody is back but the liars, if these do not stay.
  world.end_faults();
  for (std::uint32_t number = 0; number < world.size(); ++number) {
    if (world.is_liar(number) && !plan.liars_stay) {
      number % 2 == 0 ? world.kill(number) : world.cut_power(number);
      continue;
    }
    world.resume(number);
    // Those who left too: two members that knew each other only through them could not meet without.
    world.restart(number);
  }
  if (people != nullptr) people->come_home();
  EndCheckOptions all;
  all.records = all.outboxes = true;
  stage.come_to_rest(plan.rest_bound, all);
  // One that never came to rest has shown what is wrong with it. Beside liars no tree stands, and comparisons
  // do not end.
  if (stage.checkers().violations().empty() && !plan.liars_stay) {
    check_still(stage);
    stage.come_to_rest(plan.rest_bound, all);
  }
  std::vector<std::pair<std::string, std::uint64_t>> counted;
  if (people != nullptr) counted = count_people(people->checks().counts());
  stage.clear_end_checks();
  return counted;
}

}  // namespace p2pmesh::sim
