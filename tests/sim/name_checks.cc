#include "name_checks.h"

#include <map>

namespace p2pmesh::sim {

bool is_name_held(const World& world, std::uint32_t holder) {
  const RecordKey key{world.node(holder).key(), static_cast<std::uint16_t>(Kind::kMember), std::string()};
  for (std::uint32_t number = 0; number < world.size(); ++number) {
    const SimNode& node = world.node(number);
    if (!node.started_before) continue;
    if (node.core == nullptr ? node.disk.find_record(key) == nullptr
                             : node.core->shown_name(world.node(holder).key()) != world.node(holder).name)
      return false;
  }
  return true;
}

std::vector<Violation> check_names(const World& world, const std::vector<LateClaim>& late) {
  std::vector<Violation> violations;
  const auto add = [&](std::uint32_t node, std::string expected, std::string found) {
    violations.push_back({"names", node, world.now(), std::move(expected), std::move(found)});
  };
  std::map<MemberKey, std::pair<std::string, std::uint32_t>> shown;  // the name, and who says so
  for (const std::uint32_t number : world.honest()) {
    std::map<std::string, MemberKey> holders;
    for (const MemberView& member : world.node(number).core->members()) {
      const auto [known, is_first] = shown.try_emplace(member.key, member.name, number);
      if (known->second.first != member.name)
        add(number,
            "the same name as node " + std::to_string(known->second.second) +
                " shows: " + known->second.first,
            member.name + " for node " + std::to_string(world.find(member.key)));
      const auto [holder, is_only] = holders.try_emplace(member.name, member.key);
      if (!is_only)
        add(number, "no two members of one name",
            member.name + " for nodes " + std::to_string(world.find(holder->second)) + " and " +
                std::to_string(world.find(member.key)));
    }
  }
  const auto name_of = [&](std::uint32_t number) {
    const auto found = shown.find(world.node(number).key());
    return found == shown.end() ? std::string() : found->second.first;
  };
  if (const std::string founder = name_of(0); !founder.empty() && founder != world.node(0).name)
    add(0, "the founder keeps its name, " + world.node(0).name, founder);
  for (const LateClaim& claim : late) {
    if (name_of(claim.newcomer) == world.node(claim.newcomer).name)
      add(claim.newcomer, "a newcomer does not take the name of node " + std::to_string(claim.holder),
          name_of(claim.newcomer));
  }
  return violations;
}

}  // namespace p2pmesh::sim
