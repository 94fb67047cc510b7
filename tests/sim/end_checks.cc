#include "end_checks.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "bound_checks.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh::sim {
namespace {

constexpr std::size_t kPresenceNodesMax = 128;

/// Neighbors of each node, ascending.
using Graph = std::map<std::uint32_t, std::vector<std::uint32_t>>;

Graph read_graph(World& world, const std::vector<std::uint32_t>& honest) {
  Graph graph;
  for (std::uint32_t number : honest) {
    auto& neighbors = graph[number];
    for (const LinkView& link : world.node(number).core->links()) neighbors.push_back(world.find(link.node));
    std::sort(neighbors.begin(), neighbors.end());
  }
  return graph;
}

std::vector<std::uint32_t> parts_of(const Graph& graph) {
  std::map<std::uint32_t, std::uint32_t> root;
  for (const auto& [number, neighbors] : graph) root[number] = number;
  const auto find = [&](std::uint32_t number) {
    while (root[number] != number) number = root[number] = root[root[number]];
    return number;
  };
  for (const auto& [number, neighbors] : graph) {
    for (std::uint32_t other : neighbors) {
      if (root.contains(other)) root[find(number)] = find(other);
    }
  }
  std::map<std::uint32_t, std::uint32_t> sizes;
  for (const auto& [number, neighbors] : graph) ++sizes[find(number)];
  std::vector<std::uint32_t> parts;
  for (const auto& [number, size] : sizes) parts.push_back(size);
  std::sort(parts.rbegin(), parts.rend());
  return parts;
}

std::string list(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size() && i < 10; ++i)
    text += (i == 0 ? "" : " ") + std::to_string(numbers[i]);
  return text + (numbers.size() > 10 ? " ..." : "");
}

class EndCheck {
 public:
  EndCheck(World& world, const EndCheckOptions& options)
      : world_(world), options_(options), honest_(world.honest()) {}

  EndReport run(const BitSet& acknowledged) {
    std::set<std::uint32_t> lacking;
    if (options_.complete) check_complete(acknowledged, lacking);
    if (options_.transcript) {
      check_transcript(lacking);
      check_order_of_authors();
    }
    report_.unconverged = static_cast<std::uint32_t>(lacking.size());
    if (options_.links) check_links();
    if (options_.presence && world_.size() <= kPresenceNodesMax) check_presence();
    if (options_.records && world_.size() <= kPresenceNodesMax) check_records();
    if (options_.outboxes) check_outboxes();
    check_drafts();
    if (options_.bounds) check_bounds(world_, honest_, report_.violations);
    return std::move(report_);
  }

 private:
  void add(const char* check, std::uint32_t node, std::string expected, std::string found) {
    report_.violations.push_back({check, node, world_.now(), std::move(expected), std::move(found)});
  }

  /// What no member that is here holds is lost with those who held it; but an author here holds its own.
  void check_complete(const BitSet& acknowledged, std::set<std::uint32_t>& lacking) {
    BitSet here;
    acknowledged.for_each([&](std::uint32_t entry) {
      const std::uint32_t author = world_.pool()[entry].author;
      for (std::uint32_t number : honest_) {
        if (number == author || world_.node(number).disk.holds(entry)) {
          here.insert(entry);
          return;
        }
      }
    });
    for (std::uint32_t number : honest_) {
      std::uint32_t missing = 0;
      std::uint32_t first = kNone;
      here.for_each([&](std::uint32_t entry) {
        if (world_.node(number).disk.holds(entry) || may_lack(number, entry)) return;
        if (missing++ == 0) first = entry;
      });
      if (missing == 0) continue;
      lacking.insert(number);
      const PoolEntry& lost = world_.pool()[first];
      add("G4", number, "holds every acknowledged message",
          std::to_string(missing) + " are missing, the first is number " +
              std::to_string(lost.envelope->envelope.seq) + " of node " + std::to_string(lost.author));
    }
  }

  /// What others wrote to each other is dropped in time. That who it is for has it people_checks.cc looks at.
  bool may_lack(std::uint32_t number, std::uint32_t entry) const {
    const PoolEntry& known = world_.pool()[entry];
    return world_.node(number).disk.drops_carried() && known.author != number &&
           known.envelope->envelope.kind == static_cast<std::uint16_t>(Kind::kDirect);
  }

  /// Of a line that was kept one envelope is made, and of none that is here two, whatever crashed when.
  void check_drafts() {
    for (std::uint32_t number : honest_) {
      const VirtualDisk& disk = world_.node(number).disk;
      if (disk.drafts_sent_twice() > 0) {
        add("outbox", number, "one envelope a line that was kept",
            "a second one for " + std::to_string(disk.drafts_sent_twice()) + " lines");
      }
      if (options_.outboxes && !disk.drafts().empty()) {
        add("outbox", number, "every line that was kept is sent",
            std::to_string(disk.drafts().size()) + " still wait, the first is " +
                std::to_string(disk.drafts().begin()->first));
      }
    }
  }

  void check_transcript(std::set<std::uint32_t>& lacking) {
    std::map<std::uint64_t, std::vector<std::uint32_t>> by_hash;
    for (std::uint32_t number : honest_) by_hash[hash_transcript(world_, number)].push_back(number);
    if (by_hash.size() <= 1) return;
    const auto most = std::max_element(by_hash.begin(), by_hash.end(), [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    });
    for (const auto& [hash, numbers] : by_hash) {
      if (hash == most->first) continue;
      for (std::uint32_t number : numbers) lacking.insert(number);
      add("G6", numbers.front(),
          "the same transcript as node " + std::to_string(most->second.front()) +
              describe(most->second.front()),
          "another one on nodes " + list(numbers) + describe(numbers.front()));
    }
  }

  /// The history shows what one author said in a room in the order in which it was said, kills or not.
  void check_order_of_authors() {
    using Place = std::tuple<std::uint64_t, WallMs, EnvelopeId>;
    std::map<std::tuple<std::uint32_t, std::string, std::uint64_t, std::uint64_t>, Place> by_number;
    for (std::uint32_t entry = 0; entry < world_.pool().size(); ++entry) {
      const PoolEntry& known = world_.pool()[entry];
      if (!known.genuine || known.author == kNone || world_.is_liar(known.author) ||
          known.position != entry || known.next_fork != kNone || honest_.empty() ||
          !world_.node(honest_.front()).disk.holds(entry))
        continue;
      const Envelope& envelope = known.envelope->envelope;
      if (envelope.room.empty()) continue;
      by_number[{known.author, envelope.room, envelope.epoch, envelope.seq}] = {
          envelope.depth, envelope.wall_ms, known.envelope->id};
    }
    for (auto now = by_number.begin(); now != by_number.end(); ++now) {
      const auto next = std::next(now);
      if (next == by_number.end()) return;
      const auto& [author, room, epoch, seq] = now->first;
      if (std::tie(author, room) != std::tie(std::get<0>(next->first), std::get<1>(next->first))) continue;
      if (now->second < next->second) continue;
      add("G5 place", author, "the history keeps an author's order",
          "number " + std::to_string(std::get<3>(next->first)) + " of epoch " +
              std::to_string(std::get<2>(next->first)) + " comes before number " + std::to_string(seq) +
              " of epoch " + std::to_string(epoch) + " in " + room + ", at places " +
              std::to_string(std::get<0>(next->second)) + " and " + std::to_string(std::get<0>(now->second)));
    }
  }

  std::string describe(std::uint32_t number) const {
    const VirtualDisk& disk = world_.node(number).disk;
    return " (" + std::to_string(disk.held().count()) + " envelopes, " + std::to_string(disk.rows().size()) +
           " places)";
  }

  void check_links() {
    const Graph graph = read_graph(world_, honest_);
    const auto parts = parts_of(graph);
    if (parts.size() > 1) add("G7", kNone, "the honest members are connected", "parts of " + list(parts));
  }

  void check_presence() {
    for (std::uint32_t number : honest_) {
      for (const MemberView& member : world_.node(number).core->members()) {
        const std::uint32_t other = world_.find(member.node);
        if (other == kNone) continue;
        const bool here = world_.is_running(other) && !world_.node(other).left;
        if (member.online == here) continue;
        add("presence", number,
            "node " + std::to_string(other) + (here ? " is shown online" : " is shown offline"), "it is not");
        break;
      }
    }
  }

  void check_records() {
    std::map<RecordKey, std::map<EnvelopeId, std::vector<std::uint32_t>>> holders;
    for (std::uint32_t number : honest_) {
      for (const auto& [key, record] : world_.node(number).disk.records())
        holders[key][record->id].push_back(number);
    }
    for (const auto& [key, by_id] : holders) {
      std::size_t count = 0;
      for (const auto& [id, numbers] : by_id) count += numbers.size();
      if (by_id.size() == 1 && count == honest_.size()) continue;
      const std::uint32_t author = world_.find(NodeKey{std::get<MemberKey>(key).bytes});
      add("records", by_id.rbegin()->second.front(),
          "everybody holds the same record of kind " + std::to_string(std::get<std::uint16_t>(key)) +
              " of node " + std::to_string(author),
          std::to_string(by_id.size()) + " versions, " + std::to_string(count) + " nodes that hold one");
      return;
    }
  }

  void check_outboxes() {
    if (honest_.size() < 2) return;
    for (std::uint32_t number : honest_) {
      const SimNode& node = world_.node(number);
      const std::uint64_t pending = node.core->status().pending;
      if (pending == 0 && node.disk.outbox_size() == 0) continue;
      add("outbox", number, "a neighbor has taken every envelope",
          std::to_string(pending) + " messages are pending, " + std::to_string(node.disk.outbox_size()) +
              " envelopes in the outbox");
    }
  }

  World& world_;
  EndCheckOptions options_;
  std::vector<std::uint32_t> honest_;
  EndReport report_;
};

}  // namespace

EndReport check_end(World& world, const BitSet& acknowledged, const EndCheckOptions& options) {
  return EndCheck(world, options).run(acknowledged);
}

std::set<std::pair<std::uint32_t, LinkId>> asymmetric_links(World& world) {
  std::set<std::pair<std::uint32_t, LinkId>> found;
  const auto honest = world.honest();
  const Graph graph = read_graph(world, honest);
  for (std::uint32_t number : honest) {
    for (const LinkView& link : world.node(number).core->links()) {
      const std::uint32_t peer = world.find(link.node);
      if (peer != kNone && world.is_liar(peer) && world.is_running(peer))
        continue;  // what it holds is unknown
      const auto there = graph.find(peer);
      if (there == graph.end() || !std::binary_search(there->second.begin(), there->second.end(), number))
        found.insert({number, link.link});
    }
  }
  return found;
}

std::uint64_t hash_transcript(const World& world, std::uint32_t node) {
  const VirtualDisk& disk = world.node(node).disk;
  std::vector<const SealedEnvelope*> shown;
  for (std::uint32_t row : disk.rows()) {
    const PoolEntry& entry = world.pool()[row];
    const bool is_dropped_in_time =
        disk.drops_carried() && entry.envelope->envelope.kind == static_cast<std::uint16_t>(Kind::kDirect);
    if (!is_dropped_in_time) shown.push_back(world.pool()[disk.shown_at(entry.position)].envelope.get());
  }
  std::sort(shown.begin(), shown.end(), [](const SealedEnvelope* a, const SealedEnvelope* b) {
    return std::tie(a->envelope.depth, a->envelope.wall_ms, a->id) <
           std::tie(b->envelope.depth, b->envelope.wall_ms, b->id);
  });
  Bytes ids;
  for (const SealedEnvelope* sealed : shown)
    ids.insert(ids.end(), sealed->id.bytes.begin(), sealed->id.bytes.end());
  return hash_tagged_64("transcript", ids);
}

std::vector<std::uint32_t> component_sizes(World& world) {
  return parts_of(read_graph(world, world.honest()));
}

}  // namespace p2pmesh::sim
