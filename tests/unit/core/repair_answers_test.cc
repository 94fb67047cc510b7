// The serving side of anti-entropy under those who ask too much.
#include <doctest/doctest.h>

#include "anti_entropy.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

struct Fixture {
  Fixture() {
    for (LinkId link = 1; link <= limits::kLinksMax + 5; ++link) {
      LinkUp up;
      up.link = link;
      up.node.bytes[0] = static_cast<std::uint8_t>(link);
      links.add(up, NodeKey{}, now.monotonic);
    }
  }
  void ask(LinkId link) {
    Turn turn{now, outputs};
    server.on_request(*links.find(link), SyncRequest{}, turn);
  }
  void answer(std::uint64_t request) {
    Turn turn{now, outputs};
    server.on_loaded(Loaded{request, {}, true, {}}, turn);
  }
  /// The requests to the store since the last call.
  std::vector<std::uint64_t> loads() {
    std::vector<std::uint64_t> requests;
    for (const Output& output : outputs) {
      if (const auto* load = std::get_if<Load>(&output)) requests.push_back(load->request);
    }
    outputs.clear();
    return requests;
  }

  ProtocolParameters parameters;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, ed25519_verifier(), digest};
  Links links;
  Now now{Instant(100s), 1'700'000'000'000};
  Outputs outputs;
  AntiEntropy server{parameters, digest, index, roster, links, MemberKey{}, 1};
};

TEST_CASE_FIXTURE(Fixture, "EachLinkHasOneAnswerAndAllHaveABound") {
  for (int again = 0; again < 10; ++again) {
    for (LinkId link = 1; link <= limits::kLinksMax + 5; ++link) ask(link);
  }
  CHECK(server.answers() == limits::kRepairAnswersMax);
  CHECK(server.reads() == limits::kRepairReadsMax);
  CHECK(loads().size() == limits::kRepairReadsMax);
  CHECK(server.counters().requests_dropped == 10 * (limits::kLinksMax + 5) - limits::kRepairAnswersMax);
  CHECK_FALSE(server.next_deadline());  // an answer of the store comes first
}

TEST_CASE_FIXTURE(Fixture, "WhoWaitsIsReadForInItsTurn") {
  for (LinkId link = 1; link <= limits::kLinksMax; ++link) ask(link);
  std::vector<std::uint64_t> under_way = loads();
  std::size_t answered = 0;
  while (!under_way.empty() && answered < 1000) {
    answer(under_way.front());
    under_way.erase(under_way.begin());
    ++answered;
    for (const std::uint64_t request : loads()) under_way.push_back(request);
    CHECK(under_way.size() <= limits::kRepairReadsMax);
  }
  CHECK(answered == limits::kLinksMax);
  CHECK(server.answers() == 0);
  CHECK(server.reads() == 0);
}

TEST_CASE_FIXTURE(Fixture, "ALinkThatEndsMakesWay") {
  for (LinkId link = 1; link <= limits::kLinksMax; ++link) ask(link);
  loads();
  Turn turn{now, outputs};
  server.on_link_down(1, turn);                  // was being read for
  server.on_link_down(limits::kLinksMax, turn);  // waited
  CHECK(loads().size() == 1);
  CHECK(server.reads() == limits::kRepairReadsMax);
  CHECK(server.answers() == limits::kRepairAnswersMax - 2);
}

}  // namespace
}  // namespace p2pmesh
