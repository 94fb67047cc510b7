#include "tree_shaping.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

struct Arrival {
  EnvelopeId id;
  MemberKey author;
  Instant at;
};

/// Those that one node chooses, when each is asked for at its time.
std::vector<Arrival> chosen_of(std::vector<Arrival> arrivals) {
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& one, const Arrival& other) { return one.at < other.at; });
  TreeShaping shaping(1s);
  std::vector<Arrival> chosen;
  std::size_t asked = 0;
  for (const Arrival& arrival : arrivals) {
    for (; arrivals[asked].at + 1s < arrival.at; ++asked) {
      if (shaping.is_chosen(arrivals[asked].id)) chosen.push_back(arrivals[asked]);
    }
    shaping.note(arrival.id, arrival.author, arrival.at);
  }
  return chosen;
}

TEST_CASE("WhereBroadcastsComeAtOtherTimesNoTwoNodesChooseDifferentOnesCloseTogether") {
  Random random(3);
  std::vector<std::vector<Arrival>> at_node(6);
  Instant sent(100s);
  for (int i = 0; i < 20'000; ++i) {
    Arrival arrival;
    for (auto& byte : arrival.id.bytes) byte = static_cast<std::uint8_t>(random.below(256));
    for (auto& byte : arrival.author.bytes) byte = static_cast<std::uint8_t>(random.below(256));
    sent += std::chrono::milliseconds(random.below(100));
    for (auto& node : at_node) {
      arrival.at = sent + std::chrono::milliseconds(random.below(240));
      node.push_back(arrival);
    }
  }
  std::vector<std::vector<Arrival>> chosen;
  for (const auto& arrivals : at_node) chosen.push_back(chosen_of(arrivals));
  for (const auto& mine : chosen) {
    CHECK(mine.size() > 30);
    for (const auto& others : chosen) {
      for (const Arrival& one : mine) {
        for (const Arrival& other : others)
          CHECK((one.id == other.id || one.at + 2s < other.at || other.at + 2s < one.at));
      }
    }
  }
}

}  // namespace
}  // namespace p2pmesh
