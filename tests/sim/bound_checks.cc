#include "bound_checks.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh::sim {
namespace {

std::string at_most(std::uint64_t most, std::string_view what) {
  return "at most " + std::to_string(most) + " " + std::string(what);
}

class BoundCheck {
 public:
  BoundCheck(const World& world, std::vector<Violation>& found) : world_(world), found_(found) {}

  void check_node(std::uint32_t number, bool all_are_honest) {
    const Node& core = *world_.node(number).core;
    const Counts counters = core.counters();
    check(number, counters, "held_back", limits::kHeldBackMax);
    check(number, counters, "ids_missing", limits::kMissingIdsMax);
    // No frame is over the budgets of honest neighbors.
    check(number, counters, "frames_over_budget", all_are_honest ? 0 : UINT64_MAX);
    check(number, core.uses(), "peers_max", limits::kPeersMax);
    add_if(core.links().size(), limits::kLinksMax, number, "links");
    check_views(number, core.status());
  }

  void check_queues() {
    // The frame that makes a queue too long is in it when the link is closed.
    constexpr std::size_t kMost = limits::kSendQueueBytesMax + limits::kFrameBytesMax;
    add_if(world_.network().counters().queue_bytes_greatest, kMost, kNone, "bytes in a send queue");
  }

 private:
  void check(std::uint32_t number, const Counts& counts, std::string_view name, std::uint64_t most) {
    if (auto violation = check_count(counts, name, most, number, world_.now()))
      found_.push_back(std::move(*violation));
  }

  void add_if(std::uint64_t value, std::uint64_t most, std::uint32_t number, std::string_view what) {
    if (value > most)
      found_.push_back({"bound", number, world_.now(), at_most(most, what), std::to_string(value)});
  }

  void check_views(std::uint32_t number, const NodeStatus& status) {
    const ProtocolParameters& parameters = world_.options().parameters;
    const std::size_t active_max = parameters.active_view_max + parameters.merge_links;
    if (status.partial) add_if(status.neighbors, active_max, number, "neighbors in the active view");
    add_if(status.passive, parameters.passive_view_max, number, "nodes in the passive view");
  }

  const World& world_;
  std::vector<Violation>& found_;
};

}  // namespace

std::optional<std::uint64_t> find_count(const Counts& counts, std::string_view name) {
  for (const auto& [counter, value] : counts) {
    if (counter == name) return value;
  }
  return std::nullopt;
}

std::optional<Violation> check_count(const Counts& counts, std::string_view name, std::uint64_t most,
                                     std::uint32_t node, SimTime now) {
  const auto value = find_count(counts, name);
  if (!value) return Violation{"counter", node, now, "a node counts " + std::string(name), "it does not"};
  if (*value <= most) return std::nullopt;
  return Violation{"bound", node, now, at_most(most, name), std::to_string(*value)};
}

void check_bounds(const World& world, const std::vector<std::uint32_t>& honest,
                  std::vector<Violation>& found) {
  BoundCheck check(world, found);
  for (std::uint32_t number : honest) check.check_node(number, honest.size() == world.size());
  check.check_queues();
}

}  // namespace p2pmesh::sim
