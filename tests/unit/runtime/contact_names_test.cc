#include "contact_names.h"

#include <doctest/doctest.h>

#include <map>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

MemberKey key_of(std::uint32_t number) {
  MemberKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return key;
}

const MemberKey kBob = key_of(1);
const MemberKey kMallory = key_of(2);

TEST_CASE("a name that goes from a contact to somebody else is noticed") {
  ContactNames names;
  CHECK_FALSE(names.taken_from("Bob", kMallory));
  names.learn(kBob, "Bob");
  CHECK_FALSE(names.taken_from("Bob", kBob));
  CHECK(names.taken_from("bob", kMallory) == kBob);
  CHECK_FALSE(names.taken_from("Rob", kMallory));
  names.learn(kBob, "Rob");  // is known by both then
  CHECK(names.taken_from("Bob", kMallory) == kBob);
  CHECK(names.taken_from("Rob", kMallory) == kBob);
}

TEST_CASE("a contact of that name is no stranger") {
  ContactNames names;
  names.learn(kBob, "Bob");
  names.learn(kMallory, "Mallory");
  CHECK_FALSE(names.taken_from("Bob", kMallory));
}

TEST_CASE("it is told once of each who takes the name, over restarts too") {
  ContactNames names;
  ContactNames::Settings kept = {{"read_cursor", "1.0"}, {"contact_names.zz", "Bob\n"}};
  names.learn(kBob, "Bob");
  CHECK(names.tell_once(kBob, "Bob", kMallory));
  CHECK_FALSE(names.tell_once(kBob, "Bob", kMallory));
  for (auto& change : names.take_changes()) kept.push_back(std::move(change));
  CHECK(names.take_changes().empty());
  ContactNames restored;
  restored.restore(kept);
  CHECK(restored.take_changes().empty());
  CHECK(restored.taken_from("Bob", kMallory) == kBob);
  CHECK_FALSE(restored.tell_once(kBob, "Bob", kMallory));
  CHECK(restored.tell_once(kBob, "Bob", key_of(3)));
}

TEST_CASE("names and contacts are bounded") {
  ContactNames names;
  for (std::size_t i = 0; i <= limits::kNamesOfContactMax; ++i) names.learn(kBob, "Name" + std::to_string(i));
  CHECK_FALSE(names.taken_from("Name0", kMallory));
  CHECK(names.taken_from("Name1", kMallory) == kBob);
  for (std::uint32_t i = 10; i < 10 + limits::kCorrespondentsMax; ++i)
    names.learn(key_of(i), "Member" + std::to_string(i));
  const std::string last = "Member" + std::to_string(9 + limits::kCorrespondentsMax);
  CHECK_FALSE(names.taken_from(last, kMallory));
  CHECK(names.taken_from("Member10", kMallory));
}

TEST_CASE("a forgotten contact's name is anybody's, after a restart too") {
  ContactNames names;
  MemberKey bob;
  bob.bytes.fill(1);
  MemberKey other;
  other.bytes.fill(2);
  names.learn(bob, "Bob");
  REQUIRE(names.taken_from("Bob", other) == bob);
  names.forget(bob);
  CHECK_FALSE(names.is_contact(bob));
  CHECK_FALSE(names.taken_from("Bob", other));
  ContactNames restored;
  // As the store keeps them: the last of each key.
  std::map<std::string, std::string> kept;
  for (const auto& [key, value] : names.take_changes()) kept[key] = value;
  restored.restore({kept.begin(), kept.end()});
  CHECK_FALSE(restored.is_contact(bob));
  CHECK_FALSE(restored.taken_from("Bob", other));
}

}  // namespace
}  // namespace p2pmesh
