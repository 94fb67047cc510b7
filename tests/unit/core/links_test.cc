// Which of two links to one node stays.
#include "links.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

NodeKey key(std::uint8_t number) {
  NodeKey made;
  made.bytes.fill(number);
  return made;
}

LinkUp up_from(LinkId link, bool outbound) {
  LinkUp up;
  up.link = link;
  up.node = key(5);
  up.outbound = outbound;
  return up;
}

TEST_CASE("OfTwoCrossingLinksTheOneOfTheSmallerKeyStays") {
  for (const std::uint8_t self : {std::uint8_t{1}, std::uint8_t{9}}) {
    Links links;
    CHECK_FALSE(links.add(up_from(1, true), key(self), Instant{}));
    CHECK(links.add(up_from(2, false), key(self), Instant{}) == LinkId{self < 5 ? 2U : 1U});
  }
}

TEST_CASE("OfTwoInTheSameDirectionTheNewerStays") {
  Links links;
  CHECK_FALSE(links.add(up_from(1, true), key(1), Instant{}));
  CHECK(links.add(up_from(2, true), key(1), Instant{}) == LinkId{1});
}

TEST_CASE("OneThatHasFallenSilentMakesRoomWhoeverDialledIt") {
  Links links;
  CHECK_FALSE(links.add(up_from(1, true), key(1), Instant{}));
  links.find(1)->suspected = true;
  CHECK(links.add(up_from(2, false), key(1), Instant{}) == LinkId{1});
  CHECK(links.find(1) == nullptr);
  CHECK(links.find(2) != nullptr);
}

}  // namespace
}  // namespace p2pmesh
