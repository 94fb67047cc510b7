#include "act_choice.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

bool is_restricting(const Act& act) {
  return act.body.verb == ActVerb::kBan || act.body.verb == ActVerb::kSilence;
}

void append_first(ActList& list, const ActTable::OfAuthor& acts, std::size_t count) {
  for (const auto& [position, act] : acts) {
    if (count-- == 0) return;
    list.push_back(act);
  }
}

void add_named(std::set<MemberKey>& named, const ActList& acts) {
  for (const Act* act : acts) {
    if (act->body.verb == ActVerb::kMod) named.insert(act->body.subject);
  }
}

}  // namespace

std::size_t fair_share(std::vector<std::size_t> counts, std::size_t total) {
  std::sort(counts.begin(), counts.end());
  std::size_t left = counts.size();
  for (const std::size_t count : counts) {
    // All that are left have at least that many.
    if (count > total / left) return total / left;
    total -= count;
    --left;
  }
  return limits::kActsPerAuthorMax;
}

std::set<MemberKey> first_moderators(const ActTable& table, const MemberKey& founder) {
  ActList naming;
  if (const ActTable::OfAuthor* acts = table.of_author(founder)) {
    for (const auto& [position, act] : *acts) {
      if (act->room.empty() && act->body.verb == ActVerb::kMod) naming.push_back(act);
    }
  }
  std::sort(naming.begin(), naming.end(), [](const Act* one, const Act* other) {
    return ActTable::place_of(*one) < ActTable::place_of(*other);
  });
  std::set<MemberKey> members;
  for (const Act* act : naming) {
    if (members.size() < limits::kModeratorsMax && act->body.subject != founder)
      members.insert(act->body.subject);
  }
  return members;
}

MeshChoice choose_of_mesh(const ActTable& table, const std::optional<MemberKey>& founder,
                          const std::set<MemberKey>& moderators, std::size_t share_max) {
  MeshChoice choice;
  choice.share = share_max;
  if (!founder) return choice;
  ActList all;
  if (const ActTable::OfAuthor* acts = table.of_author(*founder))
    append_first(all, *acts, limits::kActsPerAuthorMax);
  std::vector<std::size_t> counts;
  for (const MemberKey& member : moderators) {
    const ActTable::OfAuthor* acts = table.of_author(member);
    counts.push_back(acts == nullptr ? 0 : acts->size());
  }
  choice.share = std::min(fair_share(std::move(counts), limits::kActsOfMeshMax - all.size()), share_max);
  for (const MemberKey& member : moderators) {
    if (const ActTable::OfAuthor* acts = table.of_author(member)) append_first(all, *acts, choice.share);
  }
  for (const Act* act : all) choice.by_room[act->room].push_back(act);
  return choice;
}

RoomChoice choose_in_room(const ActTable& table, const std::string& name, bool can_be_founded,
                          const MeshChoice& of_mesh, const ModerationState& mesh,
                          const std::function<bool(const MemberKey&)>& is_of_mesh, std::size_t share_max) {
  RoomChoice choice;
  const ActTable::Room* room = table.in_room(name);
  if (room == nullptr) return choice;
  // The first one of each author, and none that the mesh has ended: else whoever backdates enough of them
  // would keep the true one out for good.
  std::set<MemberKey> claimants;
  for (const auto& [place, claim] : room->claims) {
    if (choice.acts.size() >= limits::kRoomClaimsMax) break;
    if (claimants.insert(claim->author).second && find_room_founder({claim}, name, mesh))
      choice.acts.push_back(claim);
  }
  if (!choice.acts.empty()) choice.opened = ActTable::place_of(*choice.acts.front());
  if (can_be_founded) choice.founder = find_room_founder(choice.acts, name, mesh);
  std::set<MemberKey> named;
  if (const auto here = of_mesh.by_room.find(name); here != of_mesh.by_room.end())
    add_named(named, here->second);
  choice.is_named_of_mesh = !named.empty();
  if (choice.founder && !is_of_mesh(*choice.founder)) {
    choice.authors.insert(*choice.founder);
    if (const auto acts = room->by_author.find(*choice.founder); acts != room->by_author.end()) {
      ActList by_founder;
      append_first(by_founder, acts->second, limits::kActsUnrankedMax);
      add_named(named, by_founder);
      choice.acts.insert(choice.acts.end(), by_founder.begin(), by_founder.end());
    }
  }
  std::vector<const ActTable::OfAuthor*> further;
  std::vector<std::size_t> counts;
  for (const MemberKey& member : named) {
    if (is_of_mesh(member) || !choice.authors.insert(member).second) continue;
    const auto acts = room->by_author.find(member);
    if (acts == room->by_author.end()) continue;
    further.push_back(&acts->second);
    counts.push_back(acts->second.size());
  }
  choice.share =
      std::min(fair_share(std::move(counts), limits::kActsPerRoomMax - choice.acts.size()), share_max);
  for (const ActTable::OfAuthor* acts : further) append_first(choice.acts, *acts, choice.share);
  choice.restricts = std::any_of(choice.acts.begin(), choice.acts.end(),
                                 [](const Act* act) { return is_restricting(*act); });
  return choice;
}

std::set<std::string> choose_rooms(const std::map<std::string, const RoomChoice*>& rooms) {
  std::vector<const std::pair<const std::string, const RoomChoice*>*> sorted;
  for (const auto& room : rooms) sorted.push_back(&room);
  // The order of their names for those that are alike.
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* one, const auto* other) {
    const auto key = [](const RoomChoice& choice) {
      return std::tuple(!choice.is_named_of_mesh, !choice.opened, choice.opened);
    };
    return key(*one->second) < key(*other->second);
  });
  std::set<std::string> chosen;
  std::size_t acts = 0;
  std::size_t restricting = 0;
  for (const auto* room : sorted) {
    acts += room->second->acts.size();
    restricting += room->second->restricts ? 1 : 0;
    if (acts > limits::kActsOfRoomsMax || restricting > limits::kRestrictingRoomsMax) break;
    chosen.insert(room->first);
  }
  return chosen;
}

}  // namespace p2pmesh
