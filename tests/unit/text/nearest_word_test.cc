#include "p2pmesh/text/nearest_word.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

std::string nearest(std::string_view word) {
  const std::vector<std::string_view> candidates = {"alice", "bob", "carol", "caroline"};
  const auto found = find_nearest_word(word, candidates);
  return found ? std::string(candidates[*found]) : "";
}

TEST_CASE("a mistyped word is found, a foreign one is not") {
  CHECK(nearest("bbo") == "bob");
  CHECK(nearest("aliec") == "alice");
  CHECK(nearest("alicce") == "alice");
  CHECK(nearest("crol") == "carol");
  CHECK(nearest("carolin") == "caroline");  // begins like it
  CHECK(nearest("al") == "alice");
  CHECK(nearest("zoe").empty());
  CHECK(nearest("xob") == "bob");
  CHECK(nearest("xyb").empty());  // two letters of three
  CHECK(nearest("").empty());
  CHECK(nearest(std::string(3000, 'b')).empty());
}

TEST_CASE("the nearest of several is chosen, the first of equals") {
  const std::vector<std::string_view> candidates = {"barbara1", "barbara", std::string_view{}};
  CHECK(find_nearest_word("barbaar", candidates) == 1);
  CHECK(find_nearest_word("barbar", candidates) == 0);
}

}  // namespace
}  // namespace p2pmesh
