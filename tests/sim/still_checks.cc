#include "still_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "bound_checks.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kQuietBound = 120 * kSecond;  // sessions that were under way end; liars are noticed as gone
constexpr SimTime kQuiet = 10 * kSecond;        // five times the interval between two comparisons
constexpr SimTime kOneSided = 6 * kSecond;      // a request and its answer take less, silence takes longer
constexpr SimTime kDelivered = 10 * kSecond;    // what the issue grants a broadcast
constexpr SimTime kStep = 500 * kMillisecond;
constexpr std::uint32_t kWarmUp = 12;  // messages that make the tree
constexpr std::uint32_t kMeasured = 12;
constexpr SimTime kWalks = 10 * kSecond;  // longer than six hops
constexpr SimTime kAtHome = 20 * kSecond;

/// Counts how messages come to the nodes.
class Deliveries final : public Observer {
 public:
  void begin() { on_ = true; }
  void on_written(std::uint32_t, std::uint32_t entry, const std::vector<std::uint64_t>&, SimTime) override {
    if (on_) written_.insert(entry);
  }
  void on_announce(std::uint32_t, std::uint32_t entry, const Announce& announce, SimTime) override {
    if (!written_.contains(entry) || announce.context.own) return;
    ++shown;
    if (announce.context.repaired) ++repaired;
  }
  void on_envelope(std::uint32_t, std::uint32_t, std::uint32_t entry, Verdict, bool live, std::uint16_t,
                   bool) override {
    if (live && written_.contains(entry)) ++payloads;
  }
  [[nodiscard]] std::uint64_t messages() const { return written_.size(); }

  std::uint64_t shown = 0;
  std::uint64_t repaired = 0;
  std::uint64_t payloads = 0;

 private:
  bool on_ = false;
  std::set<std::uint32_t> written_;
};

class StillCheck {
 public:
  explicit StillCheck(Stage& stage) : stage_(stage), world_(stage.world()) {}

  void run() {
    if (world_.honest().size() < 2) return;
    check_comparisons_end();
    check_broadcast();
    check_newcomer();
    check_walks_end();
  }

 private:
  void demand(bool holds, const char* check, std::string expected, std::string found) {
    stage_.demand(holds, check, std::move(expected), std::move(found));
  }

  /// One that the core has no more cannot show anything: that is a violation.
  std::uint64_t counter_of(std::uint32_t number, std::string_view name) {
    const auto value = find_count(world_.node(number).core->counters(), name);
    demand(value.has_value(), "counter", "a node counts " + std::string(name), "it does not");
    return value.value_or(0);
  }

  /// Runs on, and looks twice a second for neighbors that only one end takes for such.
  void run_for(SimTime duration) {
    for (const SimTime end = world_.now() + duration; world_.now() < end;) {
      world_.run_for(std::min(kStep, end - world_.now()));
      std::map<std::pair<std::uint32_t, LinkId>, SimTime> one_sided;
      for (const auto& link : asymmetric_links(world_)) {
        auto known = one_sided_.find(link);
        const SimTime since = known == one_sided_.end() ? world_.now() : known->second;
        one_sided[link] = since;
        demand(world_.now() - since <= kOneSided, "symmetry", "a neighbor has this node as neighbor too",
               "node " + std::to_string(link.first) + " has one that has not, for " +
                   std::to_string((world_.now() - since) / kMillisecond) + " ms");
      }
      one_sided_ = std::move(one_sided);
    }
  }

  /// Comparisons that began because digests differed. A larger mesh makes new links for ever, and over each
  /// one who knows of something gone asks once for it, though the digests are equal.
  std::uint64_t sessions() {
    std::uint64_t sum = 0;
    for (std::uint32_t number : world_.honest())
      sum += counter_of(number, "sync_sessions") - counter_of(number, "sync_asked_for_gone");
    return sum;
  }

  /// Who holds the same compares no more.
  void check_comparisons_end() {
    const SimTime begun = world_.now();
    std::uint64_t before = sessions();
    SimTime quiet_since = world_.now();
    // What the others have dropped is brought by its authors, who go to one after the other.
    const bool drops = world_.node(world_.honest().front()).disk.drops_carried();
    const SimTime bound = drops ? 4 * kQuietBound : kQuietBound;
    while (world_.now() - quiet_since < kQuiet && world_.now() - begun < bound) {
      run_for(kSecond);
      const std::uint64_t now = sessions();
      if (now != before) quiet_since = world_.now();
      before = now;
    }
    demand(world_.now() - quiet_since >= kQuiet, "digest", "members that hold the same have equal digests",
           "they compare still, after " + std::to_string((world_.now() - begun) / kSecond) + " s");
  }

  void say(std::uint32_t author, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      world_.say(author, "still " + std::to_string(i));
      run_for(kStep);
    }
  }

  bool agree_on_views(const std::vector<std::uint32_t>& members) {
    const bool partial = world_.node(members.front()).core->status().partial;
    return std::all_of(members.begin(), members.end(), [&](std::uint32_t number) {
      return world_.node(number).core->status().partial == partial;
    });
  }

  void check_broadcast() {
    const auto members = world_.honest();
    const std::uint32_t author = members[world_.draw().below(members.size())];
    Deliveries deliveries;
    world_.add_observer(&deliveries);
    say(author, kWarmUp);
    run_for(5 * kSecond);
    deliveries.begin();
    const Traffic before = world_.network().traffic();
    say(author, kMeasured);
    run_for(kDelivered);
    world_.remove_observer(&deliveries);
    const std::uint64_t grafts = world_.network().traffic().since(before).of(FrameType::kGraft).frames;
    const std::uint64_t expected = deliveries.messages() * (members.size() - 1);
    const auto of = [&](std::uint64_t count) {
      return std::to_string(count) + " at " + std::to_string(expected) + " deliveries";
    };
    demand(deliveries.shown == expected, "broadcast", "a message is everywhere within 10 s",
           of(deliveries.shown));
    demand(deliveries.repaired * 10 <= expected, "broadcast", "it comes by broadcast, not by repair",
           of(deliveries.repaired) + " by repair");
    // Between seven and nine members some may have partial views and others none: their trees differ.
    demand(deliveries.payloads * 2 <= expected * 3 || !agree_on_views(members), "broadcast",
           "at most half a payload too many a member", of(deliveries.payloads));
    demand(grafts * 5 <= expected, "broadcast", "a tree that stands needs no grafts", of(grafts) + " grafts");
  }

  void check_newcomer() {
    const auto members = world_.honest();
    const std::uint32_t contact = members[world_.draw().below(members.size())];
    const Node& core = *world_.node(contact).core;
    if (!core.status().partial || core.links().size() < 3) return;
    const std::uint64_t joins = counter_of(contact, "joins");
    const std::uint64_t passed_on = counter_of(contact, "forward_joins_sent");
    const std::uint32_t newcomer = world_.add_node();
    world_.join(newcomer, contact);
    run_for(kAtHome);
    if (counter_of(contact, "joins") == joins) return;
    demand(counter_of(contact, "forward_joins_sent") > passed_on, "join",
           "the other neighbors hear of a newcomer",
           "node " + std::to_string(contact) + " has passed on none");
    const std::size_t links = world_.node(newcomer).core->links().size();
    demand(links >= 3, "join", "a newcomer has several neighbors within 20 s", std::to_string(links));
  }

  void check_walks_end() {
    run_for(kWalks);
    const Traffic before = world_.network().traffic();
    run_for(5 * kSecond);
    const std::uint64_t walks = world_.network().traffic().since(before).of(FrameType::kForwardJoin).frames;
    demand(walks == 0, "join", "a forward join ends",
           std::to_string(walks) + " in 5 s, long after the last join");
  }

  Stage& stage_;
  World& world_;
  std::map<std::pair<std::uint32_t, LinkId>, SimTime> one_sided_;  // since when
};

}  // namespace

void check_still(Stage& stage) {
  StillCheck(stage).run();
}

}  // namespace p2pmesh::sim
