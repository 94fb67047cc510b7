// The common tree: which neighbor is the way to the root, and what becomes of it when links and roots go.
#include "common_tree.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr LinkId kA = 10;
constexpr LinkId kB = 20;
constexpr LinkId kC = 30;
constexpr Duration kKept = 5s;

MemberKey key(std::uint8_t first) {
  MemberKey key;
  key.bytes[0] = first;
  key.bytes[17] = first;
  return key;
}

/// One node whose root is another one.
struct Fixture {
  Fixture() { tree.set_root(key(1), false); }

  void hear(LinkId link, std::uint16_t distance, bool over_this_link = false, Duration rtt = 20ms,
            std::uint8_t root = 1) {
    tree.on_place(link, TreePlace{root, distance, 0, over_this_link}, rtt, now);
    tree.choose(now);
  }
  void lose(LinkId link) {
    tree.on_link_down(link);
    tree.choose(now);
  }
  void pass(Duration time) {
    now += time;
    tree.choose(now);
  }

  Instant now{100s};
  CommonTree tree{kKept};
};

TEST_CASE_FIXTURE(Fixture, "TheRootIsAtNoDistanceAndNeedsNoWay") {
  CHECK_FALSE(tree.is_attached());
  CHECK_FALSE(tree.place_for(kA, now));
  tree.set_root(key(1), true);
  hear(kA, 30);
  CHECK(tree.is_attached());
  CHECK(tree.way() == 0);
  REQUIRE(tree.place_for(kA, now));
  CHECK(tree.place_for(kA, now)->root == 1);
  CHECK(tree.place_for(kA, now)->distance == 0);
  CHECK_FALSE(tree.place_for(kA, now)->over_this_link);
}

TEST_CASE_FIXTURE(Fixture, "TheWayLeadsOverTheNeighborWithTheLeastDistanceAndDelay") {
  hear(kA, 100, false, 20ms);
  CHECK(tree.way() == kA);
  CHECK(tree.place_for(kB, now)->distance == 120);  // half a round trip, and 10 for the hop
  hear(kB, 59, false, 80ms);
  CHECK(tree.way() == kB);
  CHECK(tree.place_for(kB, now)->distance == 109);
  CHECK(tree.place_for(kB, now)->over_this_link);
  CHECK_FALSE(tree.place_for(kA, now)->over_this_link);
  hear(kC, 90, false, 1ms);  // better by less than 10
  CHECK(tree.way() == kB);
  hear(kC, 80, false, 1ms);
  CHECK(tree.way() == kC);
}

TEST_CASE_FIXTURE(Fixture, "WhoNamesAnotherRootOrNoPlaceIsNoWay") {
  hear(kA, 10, false, 20ms, 2);
  CHECK_FALSE(tree.is_attached());
  hear(kB, 50);
  CHECK(tree.way() == kB);
  CHECK_FALSE(tree.is_spare(kA, now));
  tree.on_place(kB, std::nullopt, 20ms, now);
  tree.choose(now);
  CHECK_FALSE(tree.is_attached());
  tree.set_root(key(2), false);
  tree.choose(now);
  CHECK(tree.way() == kA);
}

TEST_CASE_FIXTURE(Fixture, "WhoseWayLeadsOverThisNodeIsNoWayAndNotSpare") {
  hear(kA, 50);
  hear(kB, 55);
  CHECK(tree.is_spare(kB, now));
  hear(kB, 20, true);
  CHECK(tree.way() == kA);
  CHECK_FALSE(tree.is_spare(kB, now));
  hear(kB, 55);
  CHECK(tree.is_spare(kB, now));
  tree.on_chosen(kB, true);  // before its next heartbeat
  CHECK_FALSE(tree.is_spare(kB, now));
  CHECK_FALSE(tree.is_spare(kA, now));
}

TEST_CASE_FIXTURE(Fixture, "WhatANeighborSaidCountsForAWhile") {
  hear(kA, 50);
  hear(kB, 55);
  pass(kKept - 1s);
  CHECK(tree.way() == kA);
  hear(kB, 55);
  pass(1s);
  CHECK(tree.way() == kB);
  CHECK_FALSE(tree.is_spare(kA, now));
}

TEST_CASE_FIXTURE(Fixture, "WhatTheRootSaidAgesOnItsWay") {
  tree.on_place(kA, TreePlace{1, 50, 4000, false}, 20ms, now);
  tree.choose(now);
  CHECK(tree.place_for(kB, now)->age_cs == 4000);
  pass(2s);
  CHECK(tree.place_for(kB, now)->age_cs == 4200);
  tree.on_place(kA, TreePlace{1, 50, 4500, false}, 20ms, now);
  tree.choose(now);
  CHECK_FALSE(tree.is_attached());
  tree.on_place(kA, TreePlace{1, 50, 100, false}, 20ms, now);
  tree.choose(now);
  CHECK(tree.way() == kA);
}

TEST_CASE_FIXTURE(Fixture, "AfterALossOnlyWhoIsNoFartherIsAWayAtOnce") {
  hear(kA, 100);
  hear(kB, 130);
  SUBCASE("one that is about as near") {
    lose(kA);
    CHECK(tree.way() == kB);
  }
  SUBCASE("those farther away may be behind this node") {
    hear(kB, 131);
    lose(kA);
    CHECK_FALSE(tree.is_attached());
    pass(kKept - 1s);
    hear(kB, 131);
    CHECK_FALSE(tree.is_attached());
    pass(1s);
    CHECK(tree.way() == kB);
  }
}

TEST_CASE_FIXTURE(Fixture, "AWayThatFailsTwiceIsAvoidedForAWhile") {
  hear(kA, 50);
  hear(kB, 55);
  const auto fail = [&] {
    tree.on_way_failed(now);
    tree.choose(now);
  };
  const auto pass_heard = [&](Duration time) {
    for (Duration passed{}; passed < time; passed += 1s) {
      now += 1s;
      hear(kA, 50);
      hear(kB, 55);
    }
  };
  fail();
  fail();  // for the same reason
  CHECK(tree.way() == kA);
  SUBCASE("soon again") {
    pass_heard(6s);
    fail();
    CHECK(tree.way() == kB);
    tree.on_place(kA, std::nullopt, 20ms, now);  // which does not make it forgotten
    pass_heard(29s);
    hear(kA, 1);
    CHECK(tree.way() == kB);
    pass_heard(1s);
    hear(kA, 1);
    CHECK(tree.way() == kA);
  }
  SUBCASE("much later") {
    pass_heard(60s);
    fail();
    CHECK(tree.way() == kA);
  }
}

/// Many nodes with a common clock, their heartbeats in turn.
struct Mesh {
  Mesh(std::size_t nodes, std::size_t degree) {
    for (std::size_t node = 0; node < nodes; ++node) {
      trees.emplace_back(kKept);
      trees[node].set_root(key(1), node == 0);
    }
    links.resize(nodes);
    for (std::size_t node = 0; node < nodes; ++node) {
      while (links[node].size() < degree) connect(node, random.below(nodes));
    }
  }
  void connect(std::size_t one, std::size_t other) {
    if (one == other) return;
    links[one].push_back(other);
    links[other].push_back(one);
  }
  void beat() {
    now += 2s;
    for (std::size_t node = 0; node < trees.size(); ++node) {
      trees[node].choose(now);
      for (const std::size_t other : links[node]) {
        trees[other].on_place(node + 1, trees[node].place_for(other + 1, now), 20ms, now);
        trees[other].choose(now);
      }
    }
  }
  /// Hops to the root along the ways; nothing where they do not lead there.
  std::optional<std::size_t> depth(std::size_t node) const {
    for (std::size_t hops = 0; hops <= trees.size(); ++hops) {
      if (node == 0) return hops;
      if (trees[node].way() == 0) return std::nullopt;
      node = trees[node].way() - 1;
    }
    return std::nullopt;
  }

  Instant now{100s};
  Random random{5};
  std::vector<CommonTree> trees;
  std::vector<std::vector<std::size_t>> links;
};

TEST_CASE("TheWaysOfAllAreATreeOfFewHops") {
  Mesh mesh(500, 5);
  for (int beat = 0; beat < 12; ++beat) mesh.beat();
  for (std::size_t node = 0; node < mesh.trees.size(); ++node) {
    REQUIRE(mesh.depth(node));
    CHECK(*mesh.depth(node) <= 6);
  }
  // Those it left hold each other up no longer than what it said lives.
  for (const std::size_t other : mesh.links[0]) {
    std::erase(mesh.links[other], 0);
    mesh.trees[other].on_link_down(1);
  }
  mesh.links[0].clear();
  const auto attached = [&] {
    return std::count_if(mesh.trees.begin() + 1, mesh.trees.end(),
                         [](const CommonTree& tree) { return tree.is_attached(); });
  };
  for (int beat = 0; beat < 24; ++beat) mesh.beat();
  CHECK(attached() == 0);
  // And with the next one they are a tree again.
  for (std::size_t node = 1; node < mesh.trees.size(); ++node) mesh.trees[node].set_root(key(2), node == 1);
  for (int beat = 0; beat < 12; ++beat) mesh.beat();
  CHECK(attached() == 499);
}

}  // namespace
}  // namespace p2pmesh
