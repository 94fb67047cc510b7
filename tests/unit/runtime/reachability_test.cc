// Who is asked to dial back, whom this node dials, and what it makes of the answers.
#include "reachability.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "address.h"

using namespace std::chrono_literals;

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

NetAddress at(const std::string& address) {
  return to_net(*SocketAddress::parse(address));
}

NodeKey node(std::uint8_t number) {
  NodeKey key;
  key.bytes.fill(number);
  return key;
}

struct Fixture {
  explicit Fixture(const std::string& listen = "0.0.0.0:9750") : reach(at(listen), actions()) {}
  ReachActions actions() {
    ReachActions made;
    made.is_open = [this](LinkId link) { return !closed.contains(link); };
    made.send = [this](LinkId link, Bytes frame) { sent.emplace_back(link, std::move(frame)); };
    made.not_reached = [this] { ++failures; };
    made.probe = [this](const NodeKey& who, const NetAddress& where, std::function<void(Reach)> done) {
      probed.push_back(to_socket(where).format());
      probed_nodes.push_back(who);
      answers.push_back(std::move(done));
    };
    return made;
  }
  void up(LinkId link, bool outbound, const std::string& remote,
          const std::string& observed = "10.0.0.1:4000", const std::string& local = "10.0.0.1:4000") {
    LinkUp made;
    made.link = link;
    made.node = node(static_cast<std::uint8_t>(link));
    made.outbound = outbound;
    made.remote = at(remote);
    made.observed = at(observed);
    made.local = at(local);
    reach.on_link_up(made, now);
  }
  std::optional<bool> hear(LinkId link, const Bytes& frame) {
    return reach.on_frame(
        link, {frame[limits::kFrameHeaderBytes - 1], ByteView(frame).subspan(limits::kFrameHeaderBytes)},
        now);
  }
  std::set<LinkId> closed;
  std::vector<std::pair<LinkId, Bytes>> sent;
  std::vector<std::string> probed;
  std::vector<NodeKey> probed_nodes;
  std::vector<std::function<void(Reach)>> answers;
  int failures = 0;
  Instant now = Instant(1h);
  Reachability reach;
};

TEST_CASE("ANeighborThatWasDialledIsAskedOnceInAWhile") {
  Fixture node;
  CHECK(node.reach.state().reachable == "unknown");
  node.up(1, true, "10.0.0.2:9750");
  REQUIRE(node.sent.size() == 1);
  CHECK(node.sent[0].first == 1);
  CHECK(node.sent[0].second == encode_frame_of(ReachAsk{9750}));
  node.up(2, true, "10.0.0.3:9750");
  CHECK(node.sent.size() == 1);
  // Without an answer the next one is asked.
  CHECK(node.reach.next_deadline() == node.now + limits::kReachPatience);
  node.now += limits::kReachPatience;
  node.reach.ask_due(node.now);
  REQUIRE(node.sent.size() == 2);
  CHECK(node.sent[1].first == 2);
  CHECK(node.hear(2, encode_frame_of(ReachTold{9750, Reach::kSilent})) == true);
  CHECK(node.reach.state().reachable == "no");
  CHECK(node.reach.state().why.find("got no answer from 10.0.0.1:9750") != std::string::npos);
  node.now += limits::kReachInterval - 1s;
  node.reach.ask_due(node.now);
  CHECK(node.sent.size() == 2);
  node.now += 1s;
  node.reach.ask_due(node.now);
  CHECK(node.sent.size() == 3);
  CHECK(node.hear(2, encode_frame_of(ReachTold{9750, Reach::kReached})) == true);
  CHECK(node.reach.state().reachable == "yes");
}

TEST_CASE("WithAnotherAddressItIsAskedAgainAtOnce") {
  Fixture node;
  node.up(1, true, "10.0.0.2:9750");
  node.hear(1, encode_frame_of(ReachTold{9750, Reach::kReached}));
  node.up(2, true, "10.0.0.3:9750");
  CHECK(node.sent.size() == 1);
  node.up(3, true, "10.0.0.4:9750", "10.0.0.99:4001");
  REQUIRE(node.sent.size() == 2);
  CHECK(node.sent[1].first == 3);
}

TEST_CASE("BehindARouterWhatItSendsOnIsAskedFor") {
  Fixture node;
  node.reach.hold_until(node.now + 15s);
  node.up(1, true, "203.0.113.9:9750", "203.0.113.5:4000");
  CHECK(node.sent.empty());
  node.reach.set_outside(at("203.0.113.5:4711"), node.now);
  REQUIRE(node.sent.size() == 1);
  CHECK(node.sent[0].second == encode_frame_of(ReachAsk{4711}));
  node.hear(1, encode_frame_of(ReachTold{9750, Reach::kReached}));
  CHECK(node.reach.state().reachable == "unknown");
  node.hear(1, encode_frame_of(ReachTold{4711, Reach::kReached}));
  CHECK(node.reach.state().why.find("has dialled 203.0.113.5:4711") != std::string::npos);
  // Another one is asked for at once, and nothing holds of what was found of the last.
  node.reach.set_outside(at("203.0.113.5:4712"), node.now);
  CHECK(node.reach.state().reachable == "unknown");
  REQUIRE(node.sent.size() == 2);
  CHECK(node.failures == 0);
  node.hear(1, encode_frame_of(ReachTold{4712, Reach::kSilent}));
  CHECK(node.failures == 1);
  // Who sees another address than the router's is dialled there as before.
  node.now += limits::kReachInterval;
  node.up(2, true, "192.168.7.30:9750", "192.168.7.20:4001", "192.168.7.20:4001");
  node.reach.ask_due(node.now);
  CHECK(node.sent.back().second == encode_frame_of(ReachAsk{9750}));
}

TEST_CASE("ARouterThatTakesItsTimeDoesNotKeepAnybodyFromAsking") {
  Fixture node;
  node.reach.hold_until(node.now + 15s);
  node.up(1, true, "203.0.113.9:9750");
  node.now += 15s - 1us;
  node.reach.ask_due(node.now);
  CHECK(node.sent.empty());
  CHECK(node.reach.next_deadline() == node.now + 1us);
  node.now += 1us;
  node.reach.ask_due(node.now);
  CHECK(node.sent.size() == 1);
  Fixture without;
  without.reach.hold_until(without.now + 15s);
  without.up(1, true, "203.0.113.9:9750");
  without.reach.set_outside(std::nullopt, without.now);
  CHECK(without.sent.size() == 1);
  without.reach.set_outside(std::nullopt, without.now + 1s);
  CHECK(without.sent.size() == 1);
}

TEST_CASE("WhoIsDialledFromElsewhereIsReachable") {
  Fixture node;
  node.up(1, true, "10.0.0.2:9750");
  node.hear(1, encode_frame_of(ReachTold{9750, Reach::kRefused}));
  CHECK(node.reach.state().reachable == "no");
  node.up(2, false, "10.0.0.3:5555");
  CHECK(node.reach.state().reachable == "yes");
  node.closed.insert(2);
  CHECK(node.reach.state().reachable == "no");
}

TEST_CASE("WhatIsOnThisMachineSaysNothing") {
  Fixture node;
  node.up(1, false, "127.0.0.1:5555");
  node.up(2, true, "10.0.0.1:9751");
  node.up(3, false, "10.0.0.1:5556");
  CHECK(node.sent.empty());
  CHECK(node.reach.state().reachable == "unknown");
  CHECK_FALSE(node.reach.next_deadline());
  Fixture loopback("127.0.0.1:9750");
  loopback.up(1, true, "10.0.0.2:9750");
  CHECK(loopback.sent.empty());
  CHECK(loopback.reach.state().reachable == "no");
}

TEST_CASE("OnlyWhoDialledIsDialledBackWhereItComesFromAndOnceInAWhile") {
  Fixture node;
  node.up(1, false, "10.0.0.2:41000");
  node.up(2, true, "10.0.0.3:9750");
  node.sent.clear();
  CHECK(node.hear(2, encode_frame_of(ReachAsk{22})) == true);
  CHECK(node.probed.empty());
  CHECK(node.hear(1, encode_frame_of(ReachAsk{9750})) == true);
  CHECK(node.probed == std::vector<std::string>{"10.0.0.2:9750"});
  CHECK(node.hear(1, encode_frame_of(ReachAsk{9751})) == true);
  CHECK(node.probed.size() == 1);
  node.answers[0](Reach::kReached);
  REQUIRE(node.sent.size() == 1);
  CHECK(node.sent[0].second == encode_frame_of(ReachTold{9750, Reach::kReached}));
  // A new link of the same node changes nothing, until the time is over.
  node.reach.on_link_down(1);
  node.up(1, false, "10.0.0.2:41001");
  node.hear(1, encode_frame_of(ReachAsk{9750}));
  CHECK(node.probed.size() == 1);
  node.now += limits::kReachInterval;
  node.hear(1, encode_frame_of(ReachAsk{9750}));
  CHECK(node.probed.size() == 2);
  // Who has gone is told nothing.
  node.reach.on_link_down(1);
  node.answers[1](Reach::kSilent);
  CHECK(node.sent.size() == 1);
}

TEST_CASE("FewAreDialledAtOnceAndFewAskersAreRemembered") {
  Fixture node;
  std::size_t asked = 0;
  const auto ask = [&](std::size_t number) {
    LinkUp up;
    up.link = 1000 + number;
    up.node.bytes[0] = static_cast<std::uint8_t>(number);
    up.node.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    up.remote = at("10.0.0.2:41000");
    up.local = at("10.0.0.1:9750");
    node.reach.on_link_up(up, node.now);
    node.hear(up.link, encode_frame_of(ReachAsk{9750}));
    ++asked;
  };
  for (std::size_t i = 0; i < limits::kReachDialsMax + 3; ++i) ask(i);
  CHECK(node.probed.size() == limits::kReachDialsMax);
  std::size_t ended = 0;
  for (std::size_t i = 0; i < 2 * limits::kReachAskersMax; ++i) {
    while (ended < node.answers.size()) node.answers[ended++](Reach::kSilent);
    ask(100 + i);
  }
  CHECK(node.probed.size() == limits::kReachAskersMax);
}

TEST_CASE("AMalformedFrameIsAFaultAndOthersAreNotTaken") {
  Fixture node;
  node.up(1, true, "10.0.0.2:9750");
  CHECK(node.reach.on_frame(1, {kReachAskType, {}}, node.now) == false);
  CHECK(node.reach.on_frame(1, {kReachToldType, {}}, node.now) == false);
  CHECK_FALSE(node.reach.on_frame(1, {0x92, {}}, node.now));
  // An answer that nobody asked for, or for another port, counts nothing.
  node.up(2, false, "10.0.0.2:41000");
  node.reach.on_link_down(2);
  node.hear(1, encode_frame_of(ReachTold{1, Reach::kReached}));
  CHECK(node.reach.state().reachable == "unknown");
}

}  // namespace
}  // namespace p2pmesh
