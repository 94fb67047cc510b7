// HyParView with whole nodes: partial views, what becomes of them when members join, leave and die.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/membership_messages.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Words = std::vector<std::string>;

/// `count` nodes, each joined through one that was there before.
struct Crowd : TestMesh {
  explicit Crowd(std::size_t count, Duration pause = 100ms) {
    for (std::size_t i = 0; i < count; ++i) {
      TestNode& node = add("Node" + std::to_string(i));
      node.start();
      if (i > 0) link(node, *nodes[i / 2]);
      run(pause);
    }
  }
  [[nodiscard]] std::size_t alive() const {
    return static_cast<std::size_t>(
        std::count_if(nodes.begin(), nodes.end(), [](const auto& node) { return node->node != nullptr; }));
  }
  /// Nodes that the first living one reaches over links.
  [[nodiscard]] std::size_t reached() const {
    std::map<NodeKey, const TestNode*> by_key;
    for (const auto& node : nodes) {
      if (node->node) by_key[node->node_key()] = node.get();
    }
    std::set<NodeKey> seen{by_key.begin()->first};
    std::vector<NodeKey> next{by_key.begin()->first};
    while (!next.empty()) {
      const NodeKey at = next.back();
      next.pop_back();
      for (const LinkView& view : by_key.at(at)->node->links()) {
        if (by_key.contains(view.node) && seen.insert(view.node).second) next.push_back(view.node);
      }
    }
    return seen.size();
  }
  [[nodiscard]] bool is_symmetric() const {
    std::set<std::pair<NodeKey, NodeKey>> links;
    for (const auto& node : nodes) {
      if (!node->node) continue;
      for (const LinkView& view : node->node->links()) links.emplace(node->node_key(), view.node);
    }
    return std::all_of(links.begin(), links.end(), [&](const auto& link) {
      return links.contains({link.second, link.first});
    });
  }
};

TEST_CASE("AboveNineOnlineViewsArePartialAndBounded") {
  Crowd crowd(40);
  crowd.run(20s);
  for (auto& node : crowd.nodes) {
    const NodeStatus status = node->node->status();
    CHECK(status.partial);
    CHECK(status.online == 40);
    CHECK(status.neighbors <= 8);
    CHECK(status.neighbors >= 3);
    CHECK(status.passive >= 1);
    const auto views = node->node->links();
    CHECK(std::count_if(views.begin(), views.end(), [](const LinkView& view) { return view.outbound; }) >= 3);
    CHECK(node->counter("frames_over_budget") == 0);
  }
  CHECK(crowd.reached() == 40);
  CHECK(crowd.is_symmetric());
}

TEST_CASE("AMessageCostsOnePayloadAMemberOnceTheTreeHasGrown") {
  Crowd crowd(40);
  crowd.run(10s);
  crowd.nodes[7]->say("grow");
  crowd.run(3s);
  const std::size_t before = crowd.live_payloads;
  for (int i = 0; i < 20; ++i) {
    crowd.nodes[7]->say("line " + std::to_string(i));
    crowd.run(100ms);
  }
  crowd.run(3s);
  // A shorter way is tried now and then, and costs one payload too many.
  CHECK(crowd.live_payloads - before >= 20 * 39);
  CHECK(crowd.live_payloads - before <= 20 * 39 * 102 / 100);
  for (auto& node : crowd.nodes) CHECK(node->heard().size() == 21);
}

TEST_CASE("WhenHalfDieAtOnceTheRestStayTogetherAndDeliver") {
  Crowd crowd(40);
  crowd.run(10s);
  for (std::size_t i = 0; i < 40; i += 2) crowd.nodes[i]->crash();
  crowd.run(1s);
  crowd.nodes[1]->say("still here");
  crowd.run(10s);
  CHECK(crowd.reached() == 20);
  CHECK(crowd.is_symmetric());
  for (auto& node : crowd.nodes) {
    if (!node->node) continue;
    CHECK(node->heard() == Words{"still here"});
    CHECK(node->node->status().online == 20);
  }
}

TEST_CASE("FewerThanSevenOnlineAreAFullMeshAgain") {
  Crowd crowd(14);
  crowd.run(5s);
  CHECK(crowd.nodes[0]->node->status().partial);
  for (std::size_t i = 6; i < 14; ++i) {
    crowd.nodes[i]->handle(Leave{});
    crowd.run(100ms);
    crowd.nodes[i]->crash();
  }
  crowd.run(5s);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK_FALSE(crowd.nodes[i]->node->status().partial);
    CHECK(crowd.nodes[i]->node->status().neighbors == 5);
  }
}

TEST_CASE("EightThatAreLeftOfALargerMeshLeaveTheirLinksAlone") {
  Crowd crowd(14);
  crowd.run(5s);
  // As behind a router: it reaches nobody, so that all its links are dialled by others.
  crowd.links_allowed = [&](const TestNode& from, const TestNode&) { return &from != crowd.nodes[0].get(); };
  for (std::size_t i = 8; i < 14; ++i) crowd.nodes[i]->crash();
  for (std::size_t i = 1; i < 8; ++i) crowd.cut(*crowd.nodes[0], *crowd.nodes[i]);
  crowd.run(60s);
  std::uint64_t granted = 0;
  std::uint64_t granted_later = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(crowd.nodes[i]->node->status().partial);  // not below seven
    CHECK(crowd.nodes[i]->node->status().neighbors == 7);
    granted += crowd.nodes[i]->counter("neighbors_granted");
  }
  crowd.run(60s);
  for (std::size_t i = 0; i < 8; ++i) granted_later += crowd.nodes[i]->counter("neighbors_granted");
  CHECK(granted_later == granted);
}

TEST_CASE("ACrashIsKnownToAllWithPartialViews") {
  Crowd crowd(30);
  crowd.run(10s);
  crowd.nodes[12]->node.reset();  // hangs: its links stay open
  crowd.run(10s);
  for (auto& node : crowd.nodes) {
    if (node->node) CHECK(node->node->status().online == 29);
  }
}

TEST_CASE("HalvesOfALargeMeshFindEachOtherAgainAndCatchUp") {
  Crowd crowd(30);
  crowd.run(10s);
  crowd.links_allowed = [&](const TestNode& a, const TestNode& b) {
    return (a.listen.port % 2) == (b.listen.port % 2);
  };
  crowd.cut_forbidden();
  crowd.run(20s);
  for (auto& node : crowd.nodes) CHECK(node->node->status().online == 15);
  crowd.nodes[0]->say("left");
  crowd.nodes[1]->say("right");
  crowd.run(5s);
  crowd.links_allowed = nullptr;
  crowd.run(10s);
  CHECK(crowd.reached() == 30);
  for (auto& node : crowd.nodes) {
    CHECK(node->heard().size() == 2);
    CHECK(node->node->status().online == 30);
  }
}

/// Somebody with as many keys as it likes, all for one node.
struct Captor {
  Captor(Crowd& target_crowd, TestNode& target) : crowd(target_crowd), victim(target) {
    crowd.answers_dial = [this](TestNode& from, const Dial& dial) {
      if (&from != &victim || !is_own(dial.node)) return false;
      come(dial.node, true);
      reply();
      return true;
    };
  }
  ~Captor() { crowd.answers_dial = nullptr; }

  static NodeKey key_of(std::uint32_t number) {
    NodeKey node;
    node.bytes[0] = static_cast<std::uint8_t>(number * 11);
    for (std::size_t i = 1; i <= 4; ++i) node.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (i - 1)));
    node.bytes[31] = 0xCA;
    return node;
  }
  [[nodiscard]] static bool is_own(const NodeKey& node) { return node == key_of(number_of(node)); }
  static std::uint32_t number_of(const NodeKey& node) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i >= 1; --i) number = number << 8 | node.bytes[i];
    return number;
  }
  static PeerEntry entry_of(std::uint32_t number) {
    NetAddress address;
    address.ip = {127, 0, 0, 1};
    address.port = static_cast<std::uint16_t>(20'000 + number % 40'000);
    return {key_of(number), {address}};
  }

  void come(const NodeKey& node, bool outbound) {
    LinkUp up;
    up.link = ++last;
    up.node = node;
    up.outbound = outbound;
    up.addresses = entry_of(number_of(node)).addresses;
    up.remote = up.addresses.front();
    links.push_back(last);
    victim.handle(up);
  }
  void send(LinkId link, const Bytes& frame) {
    const auto type = static_cast<FrameType>(frame[4]);
    victim.handle(FrameReceived{link, type, ByteView(frame).subspan(5)});
  }
  void reply() { send(last, encode_frame_of(NeighborReply{true})); }
  /// A new key dials in and asks; all that are neighbors tell of others.
  void step() {
    come(key_of(++drawn), false);
    const NeighborPriority priority = drawn % 2 == 0 ? NeighborPriority::kHigh : NeighborPriority::kBalance;
    send(last, drawn % 3 == 0 ? encode_join() : encode_frame_of(NeighborRequest{priority, 0, 0}));
    std::erase_if(links, [&](LinkId link) { return !victim.node->is_neighbor(link); });
    for (const LinkId link : std::vector<LinkId>(links)) {
      send(link, encode_frame_of(ForwardJoin{entry_of(++drawn), 0}));
      send(link,
           encode_frame_of(Shuffle{key_of(drawn), drawn, 0, {entry_of(drawn + 1), entry_of(drawn + 2)}}));
    }
  }
  [[nodiscard]] std::size_t honest_own_dials() const {
    const auto views = victim.node->links();
    return static_cast<std::size_t>(std::count_if(views.begin(), views.end(), [](const LinkView& view) {
      return view.outbound && !is_own(view.node);
    }));
  }
  void vanish() {
    for (const LinkId link : links) victim.handle(LinkDown{link});
  }

  Crowd& crowd;
  TestNode& victim;
  std::vector<LinkId> links;
  LinkId last = 1'000'000;
  std::uint32_t drawn = 0;
};

std::size_t honest_links(const Captor& captor) {
  const auto views = captor.victim.node->links();
  return static_cast<std::size_t>(std::count_if(
      views.begin(), views.end(), [](const LinkView& view) { return !Captor::is_own(view.node); }));
}

TEST_CASE("FiveHundredKeysOfOneLiarDoNotCaptureANode") {
  Crowd crowd(30);
  crowd.run(20s);
  TestNode& victim = *crowd.nodes[7];
  Captor captor(crowd, victim);
  std::size_t fewest = 100;
  for (int i = 0; i < 500; ++i) {
    captor.step();
    crowd.run(100ms);
    fewest = std::min(fewest, captor.honest_own_dials());
  }
  CHECK(captor.drawn >= 500);
  const std::size_t captured = victim.node->links().size() - honest_links(captor);
  CHECK(captured >= 3);
  CHECK(captured <= 5);
  CHECK(fewest >= 3);
  captor.vanish();
  victim.say("still here");
  crowd.run(10s);
  CHECK(crowd.reached() == 30);
  for (auto& node : crowd.nodes) {
    if (node.get() != &victim) CHECK(node->heard() == Words{"still here"});
  }
}

TEST_CASE("ALinkOfTheTreeIsNotGivenUpForOneThatOnlyTrades") {
  Crowd crowd(40);
  crowd.run(30s);
  std::uint64_t granted = 0;
  std::uint64_t declined = 0;
  for (auto& node : crowd.nodes) {
    granted -= node->counter("neighbors_granted");
    declined -= node->counter("neighbors_declined");
    Captor captor(crowd, *node);
    for (std::uint32_t i = 1; i <= 8; ++i) {
      const std::uint64_t ways = node->counter("eager_links");
      REQUIRE(ways > 0);
      captor.come(Captor::key_of(i), false);
      captor.send(captor.last, encode_frame_of(NeighborRequest{NeighborPriority::kTrade, 0, 0}));
      CHECK(node->counter("eager_links") == ways);
    }
    captor.vanish();
    granted += node->counter("neighbors_granted");
    declined += node->counter("neighbors_declined");
  }
  CHECK(granted >= 40);
  CHECK(declined >= 1);
}

TEST_CASE("ANeighborThatShufflesAHundredThousandPeersLeavesHalfOfThePassiveView") {
  Crowd crowd(60);
  crowd.run(60s);
  TestNode& victim = *crowd.nodes[7];
  Captor captor(crowd, victim);
  const auto honest = [&] {
    const auto view = victim.node->passive_view();
    return std::count_if(view.begin(), view.end(), [](const NodeKey& node) { return !Captor::is_own(node); });
  };
  REQUIRE(honest() >= 24);
  const auto before = honest();
  captor.come(Captor::key_of(1), false);
  captor.send(captor.last, encode_join());
  REQUIRE(victim.node->is_neighbor(captor.last));
  for (std::uint32_t i = 0; i < 3125; ++i) {
    Shuffle shuffle{Captor::key_of(1), i, 0, {}};
    for (std::uint32_t j = 0; j < limits::kShufflePeersMax; ++j)
      shuffle.peers.push_back(Captor::entry_of(2 + i * 32 + j));
    crowd.now.monotonic += 16ms;  // within the budget of such frames
    captor.send(captor.last, encode_frame_of(shuffle));
  }
  CHECK(victim.counter("frames_over_budget") == 0);
  CHECK(victim.node->passive_view().size() > static_cast<std::size_t>(honest()));
  CHECK(honest() * 2 >= before);
}

TEST_CASE("AShuffleReplyThatNobodyAskedForTeachesNothing") {
  Crowd crowd(30);
  crowd.run(20s);
  TestNode& victim = *crowd.nodes[7];
  Captor captor(crowd, victim);
  captor.come(Captor::key_of(1), false);
  captor.send(captor.last, encode_join());
  for (std::uint32_t id = 0; id < 50; ++id)
    captor.send(captor.last,
                encode_frame_of(ShuffleReply{victim.node_key(), id, {Captor::entry_of(2 + id)}}));
  const auto view = victim.node->passive_view();
  CHECK(std::none_of(view.begin(), view.end(), Captor::is_own));
  CHECK(victim.counter("shuffle_replies_unasked") == 50);
}

TEST_CASE("AfterARestartOwnDialsThatLivedLongAreDialledFirst") {
  Crowd crowd(20);
  crowd.run(100s);
  TestNode& node = *crowd.nodes[7];
  const std::vector<Anchor> anchors = node.store.anchors;
  REQUIRE(anchors.size() >= 2);
  CHECK(anchors.size() <= limits::kAnchorsMax);
  node.crash();
  crowd.run(3s);
  std::set<NodeKey> expected;
  for (const Anchor& anchor : anchors) expected.insert(anchor.node);
  SUBCASE("they are there") {
    node.start();
    std::set<NodeKey> dialled;
    for (const Dial& dial : node.dials) dialled.insert(dial.node);
    CHECK(dialled == expected);
    crowd.run(10s);
    for (const Anchor& anchor : anchors) {
      const auto views = node.node->links();
      CHECK(std::any_of(views.begin(), views.end(),
                        [&](const LinkView& view) { return view.outbound && view.node == anchor.node; }));
    }
  }
  SUBCASE("they are gone") {
    for (auto& other : crowd.nodes) {
      if (expected.contains(other->node_key())) other->crash();
    }
    node.start();
    crowd.run(3s);
  }
  CHECK(node.node->status().neighbors >= 3);
}

/// The founder dies as soon as somebody has a link to it; `followers` join through that one, who has been
/// told nothing yet; then the founder is back and knows nobody.
std::size_t reached_after_an_early_death(std::size_t followers) {
  Crowd crowd(0);
  TestNode& founder = crowd.add("Founder");
  TestNode& first = crowd.add("First");
  founder.start();
  first.start();
  crowd.link(first, founder);
  founder.crash();
  for (std::size_t i = 0; i < followers; ++i) {
    TestNode& node = crowd.add("Node" + std::to_string(i));
    node.start();
    crowd.link(node, first);
    crowd.run(100ms);
  }
  crowd.run(20s);
  founder.start();
  crowd.run(90s);  // an address is tried every minute at least
  return crowd.reached();
}

TEST_CASE("ANewcomerWhoseContactDiedAtOnceMeetsItWhenItIsBack") {
  CHECK(reached_after_an_early_death(0) == 2);
  CHECK(reached_after_an_early_death(5) == 7);
}

TEST_CASE("AndWithAllWhoJoinedThroughItMeanwhile") {
  CHECK(reached_after_an_early_death(12) == 14);
  CHECK(reached_after_an_early_death(40) == 42);
}

}  // namespace
}  // namespace p2pmesh::test
