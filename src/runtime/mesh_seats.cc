#include "mesh_seats.h"

#include <algorithm>

#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIdDigits = 8;      // of an id, where there is no name
constexpr std::size_t kSuffixDigits = 4;  // as behind a member's name
constexpr std::size_t kIdDigitsMin = 4;   // that somebody types

}  // namespace

MeshSeat& MeshSeats::add(std::unique_ptr<MeshRunner> runner, std::unique_ptr<ControlRequests> requests) {
  auto seat = std::make_unique<MeshSeat>();
  seat->runner = std::move(runner);
  seat->requests = std::move(requests);
  if (!current_) current_ = seat->runner->mesh();
  seats_.push_back(std::move(seat));
  return *seats_.back();
}

void MeshSeats::remove(const MeshId& mesh) {
  std::erase_if(homes_, [&](const auto& home) { return home.second == mesh; });
  std::erase_if(seats_, [&](const auto& seat) { return seat->runner->mesh() == mesh; });
}

MeshSeat* MeshSeats::find_seat(const MeshId& mesh) const {
  const auto found = std::find_if(seats_.begin(), seats_.end(),
                                  [&](const auto& seat) { return seat->runner->mesh() == mesh; });
  return found == seats_.end() ? nullptr : found->get();
}

MeshRunner* MeshSeats::find(const MeshId& mesh) const {
  const MeshSeat* seat = find_seat(mesh);
  return seat == nullptr || seat->leave_by ? nullptr : seat->runner.get();
}

MeshRunner* MeshSeats::current() const {
  const MeshSeat* seat = current_ ? find_seat(*current_) : nullptr;
  return seat == nullptr ? nullptr : seat->runner.get();
}

MeshRunner* MeshSeats::for_anybody() const {
  MeshRunner* current = current_ ? find(*current_) : nullptr;
  if (current != nullptr && !current->is_closed()) return current;
  for (const auto& seat : seats_) {
    if (!seat->leave_by && !seat->runner->is_closed()) return seat->runner.get();
  }
  return current;
}

std::vector<MeshSeat*> MeshSeats::snapshot() const {
  std::vector<MeshSeat*> seats;
  for (const auto& seat : seats_) seats.push_back(seat.get());
  return seats;
}

std::size_t MeshSeats::staying() const {
  return static_cast<std::size_t>(
      std::count_if(seats_.begin(), seats_.end(), [](const auto& seat) { return !seat->leave_by; }));
}

std::vector<ActiveMesh> MeshSeats::active() const {
  std::vector<ActiveMesh> meshes;
  for (const auto& seat : seats_) {
    if (!seat->leave_by) meshes.push_back({seat->runner->mesh(), seat->runner->is_closed()});
  }
  return meshes;
}

MeshRunner* MeshSeats::home_of(LinkId link) const {
  const auto home = homes_.find(link);
  const MeshSeat* seat = home == homes_.end() ? nullptr : find_seat(home->second);
  return seat == nullptr ? nullptr : seat->runner.get();
}

std::vector<LinkId> MeshSeats::links_of(const MeshId& mesh) const {
  std::vector<LinkId> links;
  for (const auto& [link, home] : homes_) {
    if (home == mesh) links.push_back(link);
  }
  std::sort(links.begin(), links.end());
  return links;
}

std::string MeshSeats::plain_label(const MeshRunner& runner) const {
  if (const auto found = conversations_.find(runner.mesh()); found != conversations_.end())
    return format_safe_line(found->second.name);
  const std::vector<RankView> ranks = runner.node().ranks({});
  const bool has_founder = !ranks.empty() && ranks.front().rank == Rank::kFounder;
  const std::string name = has_founder ? runner.node().shown_name(ranks.front().member) : std::string();
  const bool is_name = !name.empty() && name.front() != '~';
  return is_name ? format_safe_line(name) : runner.mesh().hex().substr(0, kIdDigits);
}

std::string MeshSeats::label_of(const MeshRunner& runner) const {
  std::string label = plain_label(runner);
  const bool is_alone = std::none_of(seats_.begin(), seats_.end(), [&](const auto& seat) {
    return seat->runner.get() != &runner && name_key(plain_label(*seat->runner)) == name_key(label);
  });
  if (!is_alone) label += '-' + runner.mesh().hex().substr(0, kSuffixDigits);
  return label;
}

control::MeshEntry MeshSeats::describe(const MeshRunner& runner) const {
  const NodeStatus status = runner.node().status();
  control::MeshEntry entry;
  entry.mesh = runner.mesh();
  entry.label = label_of(runner);
  entry.name = status.name;
  entry.current = current_ == runner.mesh();
  entry.closed = runner.is_closed();
  entry.members = status.members;
  entry.online = status.online;
  entry.neighbors = status.neighbors;
  entry.read_cursor = runner.read_cursor();
  if (const auto found = conversations_.find(runner.mesh()); found != conversations_.end())
    entry.with = found->second.with;
  for (const control::RoomEntry& room : runner.list_rooms().rooms)
    entry.unread += room.joined ? room.unread : 0;
  return entry;
}

Result<MeshRunner*> MeshSeats::find_called(std::string_view wanted) const {
  std::vector<MeshRunner*> called, numbered;
  std::string labels;
  for (const auto& seat : seats_) {
    if (seat->leave_by) continue;
    const std::string label = label_of(*seat->runner);
    labels += (labels.empty() ? "" : ", ") + label;
    if (name_key(label) == name_key(std::string(wanted))) called.push_back(seat->runner.get());
    if (wanted.size() >= kIdDigitsMin && seat->runner->mesh().hex().starts_with(wanted))
      numbered.push_back(seat->runner.get());
  }
  if (called.size() == 1) return called.front();
  if (numbered.size() == 1) return numbered.front();
  const std::string shown = format_safe_line(std::string(wanted));
  if (numbered.size() > 1) {
    return fail(ExitStatus::kUsage,
                "The ids of several meshes here begin with " + shown + "; type more of it.");
  }
  return fail(ExitStatus::kUsage, "No mesh here is called " + shown + ". There is: " + labels + ".");
}

}  // namespace p2pmesh
