#include "lan_dials.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

NodeKey node(std::uint8_t number) {
  NodeKey key;
  key.bytes.fill(number);
  return key;
}

MeshId mesh(std::uint8_t number) {
  MeshId id;
  id.bytes.fill(number);
  return id;
}

LanNeed alone(std::vector<NodeKey> heard) {
  return {mesh(1), true, std::move(heard), {}};
}

const Instant kStart{1h};

}  // namespace

TEST_CASE("WhoIsAloneDialsSomeOfThoseThatAreHeardAtOnce") {
  LanDials dials(node(1), 7);
  CHECK(dials.choose({alone({})}, kStart).empty());
  const auto chosen = dials.choose({alone({node(2), node(3), node(4), node(5), node(6)})}, kStart);
  CHECK(chosen.size() == 3);
  CHECK(dials.under_way() == 3);
}

TEST_CASE("OfTwoThatHearEachOtherTheLesserDials") {
  LanDials lesser(node(1), 7), greater(node(2), 7);
  CHECK(lesser.choose({alone({node(2)})}, kStart).size() == 1);
  CHECK(greater.choose({alone({node(1)})}, kStart).empty());
  CHECK(greater.choose({alone({node(1)})}, kStart + 2s).size() == 1);
}

TEST_CASE("WhoDoesNotAnswerIsDialledLessAndLessOften") {
  LanDials dials(node(1), 7);
  int dialled = 0;
  for (Duration passed = 0s; passed < 10min; passed += 1s) {
    for (const LanDial& dial : dials.choose({alone({node(2)})}, kStart + passed)) {
      ++dialled;
      CHECK(dial.node == node(2));
      dials.on_ended(dial.node, kStart + passed);
    }
  }
  CHECK(dialled >= 10);
  CHECK(dialled <= 20);
}

TEST_CASE("OnAnotherNetworkItIsDialledAtOnce") {
  LanDials dials(node(1), 7);
  for (Duration passed = 0s; passed < 2min; passed += 1s) {
    for (const LanDial& dial : dials.choose({alone({node(2)})}, kStart + passed))
      dials.on_ended(dial.node, kStart + passed);
  }
  CHECK(dials.choose({alone({node(2)})}, kStart + 2min).empty());
  dials.forget_failures();
  CHECK(dials.choose({alone({node(2)})}, kStart + 2min).size() == 1);
}

TEST_CASE("AMeshWithNeighborsDialsOneThatItDoesNotKnowOnline") {
  LanDials dials(node(1), 7);
  LanNeed need{mesh(1), false, {node(2), node(3), node(4)}, {}};
  CHECK(dials.choose({need}, kStart).empty());
  need.seen_offline = {node(3), node(4)};
  const auto chosen = dials.choose({need}, kStart);
  REQUIRE(chosen.size() == 1);
  CHECK(chosen.front().node != node(2));
}

TEST_CASE("DialsAtOnceAreBoundedOverAllMeshes") {
  LanDials dials(node(1), 7);
  std::vector<LanNeed> needs;
  for (std::uint8_t i = 0; i < 10; ++i) {
    const auto first = static_cast<std::uint8_t>(2 + 3 * i);
    needs.push_back({mesh(i), true, {node(first), node(first + 1), node(first + 2)}, {}});
  }
  CHECK(dials.choose(needs, kStart).size() == limits::kLanDialsMax);
  CHECK(dials.choose(needs, kStart + 1s).empty());
}
