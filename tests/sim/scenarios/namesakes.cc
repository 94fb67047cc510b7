#include "namesakes.h"

#include <string>
#include <utility>

namespace p2pmesh::sim {
namespace {

constexpr std::int64_t kTo1970Ms = -1'700'000'000'000;
constexpr std::int64_t kTo2100Ms = 2'402'444'800'000;

}  // namespace

Namesakes::Namesakes(World& world) : world_(world), draw_(derive_seed(world.options().seed, 0xc4a06)) {}

void Namesakes::schedule(SimTime end) {
  end_ = end;
  const SimTime span = end - world_.now();
  world_.after(draw_.between(span / 4, span / 2), [this] { cut_and_join(); });
  for (int i = 0; i < 2; ++i) world_.after(draw_.between(span / 4, span - 1), [this] { join_late(); });
}

std::uint32_t Namesakes::pick_contact(const Partition* cut, std::uint8_t side) {
  std::vector<std::uint32_t> members = world_.honest();
  std::erase_if(members, [&](std::uint32_t number) {
    return !world_.node(number).joined || (cut != nullptr && cut->side_of(number) != side);
  });
  return members.empty() ? kNone : members[draw_.below(members.size())];
}

void Namesakes::join(std::uint32_t newcomer, std::uint32_t contact) {
  const auto clock = draw_.below(3);
  if (clock != 0) world_.node(newcomer).clock.set_wall_offset(clock == 1 ? kTo1970Ms : kTo2100Ms);
  world_.join(newcomer, contact);
}

void Namesakes::cut_and_join() {
  Partition cut;
  for (std::uint32_t i = 0; i < world_.size(); ++i)
    cut.side.push_back(static_cast<std::uint8_t>(draw_.below(2)));
  const std::uint32_t contacts[] = {pick_contact(&cut, 0), pick_contact(&cut, 1)};
  if (contacts[0] == kNone || contacts[1] == kNone) return;
  const std::string name = "twin" + std::to_string(++pairs_);
  const std::uint32_t twins[] = {world_.add_node(name), world_.add_node(name)};
  cut.side.push_back(0);
  cut.side.push_back(1);
  const std::uint32_t place = world_.network().add_partition(std::move(cut));
  for (int i = 0; i < 2; ++i) join(twins[i], contacts[i]);
  const SimTime lasts = std::min(draw_.between(5 * kSecond, 30 * kSecond), end_ - world_.now());
  world_.after(std::max<SimTime>(1, lasts), [this, place] {
    if (world_.now() <= end_) world_.network().remove_partition(place);
  });
}

void Namesakes::join_late() {
  const std::uint32_t contact = pick_contact(nullptr, 0);
  const auto holder = static_cast<std::uint32_t>(draw_.below(2) == 0 ? 0 : draw_.below(world_.size()));
  if (contact == kNone) return;
  const bool is_held = is_name_held(world_, holder);
  const std::uint32_t newcomer = world_.add_node(world_.node(holder).name);
  if (is_held) late_.push_back({newcomer, holder});
  join(newcomer, contact);
}

}  // namespace p2pmesh::sim
