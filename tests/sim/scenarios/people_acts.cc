#include "people_acts.h"

#include <numeric>

namespace p2pmesh::sim {
namespace {

constexpr int kHomeTriesMax = 30;
constexpr SimTime kLook = kSecond / 2;
// A node keeps three prekeys: whoever is cut off for long may still seal to the first one.
constexpr std::uint32_t kPrekeysDrawnMax = 3;

std::set<std::uint32_t> first_nodes(std::uint32_t count) {
  std::set<std::uint32_t> nodes;
  for (std::uint32_t i = 0; i < count; ++i) nodes.insert(i);
  return nodes;
}

}  // namespace

PeopleActs::PeopleActs(Stage& stage, const PeoplePlan& plan)
    : world_(stage.world()),
      plan_(plan),
      draw_(derive_seed(stage.world().options().seed, 0xc4a07)),
      checks_(stage.world(), stage.checkers(), first_nodes(plan.count)) {
  world_.add_observer(&checks_);
  stage.add_end_check([this] { return checks_.check_end(); });
}

PeopleActs::~PeopleActs() {
  world_.remove_observer(&checks_);
}

void PeopleActs::prepare(std::uint32_t node) {
  if (node < plan_.count && draw_.below(6) == 0) world_.node(node).person->prekeys.clear();
}

void PeopleActs::schedule(SimTime end) {
  end_ = end;
  act_after_a_while();
  look_after_a_while();
}

void PeopleActs::act_after_a_while() {
  const SimTime next = draw_.between(1, 2 * plan_.interval);
  if (world_.now() + next >= end_) return;
  world_.after(next, [this] {
    act(static_cast<std::uint32_t>(draw_.below(plan_.count)));
    act_after_a_while();
  });
}

void PeopleActs::look_after_a_while() {
  checks_.look();
  world_.after(kLook, [this] { look_after_a_while(); });
}

bool PeopleActs::can_act(std::uint32_t node) const {
  return world_.node(node).state == HostState::kRunning && !world_.node(node).left;
}

void PeopleActs::act(std::uint32_t node) {
  auto other = static_cast<std::uint32_t>(draw_.below(plan_.count - 1));
  if (other >= node) ++other;
  const auto kind = draw_.below(100);
  if (!can_act(node)) return;
  if (draw_.chance(plan_.cut_off_ppm)) cut_off(node);
  if (kind < 40)
    tell(node, other);
  else if (kind < 50)
    say(node);
  else if (kind < 65)
    answer(node, other);
  else if (kind < 75)
    read(node, other);
  else if (kind < 82)
    cancel(node);
  else if (kind < 90)
    hide(node, world_.node(node).core->status().discoverable);
  else if (kind < 95)
    block(node, other, !world_.node(node).person->blocked.contains(world_.node(other).key()));
  else if (kind < 97)
    renew(node);
  else
    world_.node(node).handle(OpenConversation{world_.node(other).key(), kind == 97});
  if (draw_.chance(plan_.crash_ppm)) crash_in_a_moment(node);
}

void PeopleActs::tell(std::uint32_t node, std::uint32_t other) {
  // Now and then somebody asks first, and now and then one pours in lines.
  const auto kind = draw_.below(12);
  if (kind == 0) return void(world_.tell(node, other, {}));
  const std::uint64_t lines = kind == 1 ? 1 + draw_.below(30) : 1 + draw_.below(2);
  for (std::uint64_t i = 0; i < lines; ++i)
    world_.tell(node, other, checks_.say(node, other, world_.next_token()));
}

void PeopleActs::say(std::uint32_t node) {
  world_.say(node, checks_.say(node, kNone, world_.next_token()));
}

void PeopleActs::answer(std::uint32_t node, std::uint32_t other) {
  const MemberKey& key = world_.node(other).key();
  for (const CorrespondentView& person : world_.node(node).core->correspondents()) {
    if (person.member != key) continue;
    const bool accepts = draw_.below(10) < 6;
    checks_.answer(node, other, accepts);
    world_.node(node).handle(AnswerRequest{key, accepts});
    return;
  }
}

void PeopleActs::cancel(std::uint32_t node) {
  const auto drafts = world_.node(node).core->drafts();
  if (drafts.empty()) return;
  const std::uint64_t number = drafts[draw_.below(drafts.size())].number;
  checks_.cancel(node, number);
  world_.node(node).cancel(number);
}

void PeopleActs::read(std::uint32_t node, std::uint32_t other) {
  const MemberKey& key = world_.node(other).key();
  if (!world_.node(node).core->is_shown(key)) return;
  checks_.read(node, other);
  world_.node(node).read(key);
}

void PeopleActs::hide(std::uint32_t node, bool hidden) {
  checks_.hide(node, hidden);
  world_.node(node).set_discoverable(!hidden);
}

void PeopleActs::block(std::uint32_t node, std::uint32_t other, bool blocked) {
  checks_.block(node, other, blocked);
  world_.node(node).set_blocked(world_.node(other).key(), blocked);
}

void PeopleActs::renew(std::uint32_t node) {
  if (world_.node(node).person->drawn < kPrekeysDrawnMax) world_.node(node).renew_prekey();
}

/// Before, during or after the commit of what was just done.
void PeopleActs::crash_in_a_moment(std::uint32_t node) {
  const bool power = draw_.below(2) == 0;
  const SimTime back = draw_.between(kSecond, 10 * kSecond);
  world_.after(draw_.between(0, 60 * kMillisecond), [this, node, power, back] {
    if (!can_act(node) || world_.now() >= end_) return;
    power ? world_.cut_power(node) : world_.kill(node);
    world_.after(back, [this, node] { world_.restart(node); });
  });
}

void PeopleActs::cut_off(std::uint32_t node) {
  Partition cut;
  cut.side.assign(world_.size(), 0);
  cut.side[node] = 1;
  const std::uint32_t place = world_.network().add_partition(std::move(cut));
  world_.after(draw_.between(kSecond, 25 * kSecond), [this, place] {
    if (world_.now() < end_) world_.network().remove_partition(place);
  });
}

void PeopleActs::come_home() {
  for (std::uint32_t node = 0; node < plan_.count; ++node) come_home(node, 0);
}

/// One that was just leaving is back a little later.
void PeopleActs::come_home(std::uint32_t node, int tries) {
  if (!can_act(node)) {
    if (tries < kHomeTriesMax) world_.after(kSecond, [this, node, tries] { come_home(node, tries + 1); });
    return;
  }
  const bool seen_first = draw_.below(2) == 0;
  if (seen_first) hide(node, false);
  for (std::uint32_t other = 0; other < plan_.count; ++other) {
    if (other != node) block(node, other, false);
    if (other != node && draw_.below(3) == 0) answer(node, other);
  }
  if (!seen_first) hide(node, false);
  if (world_.node(node).person->prekeys.empty()) world_.node(node).renew_prekey();
}

}  // namespace p2pmesh::sim
