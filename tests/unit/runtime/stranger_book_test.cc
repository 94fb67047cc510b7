// Whom one talks with apart from all meshes: kept over restarts, found by name and key, bounded.
#include "stranger_book.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

const FileSeal& seal() {
  static const FileSeal kSeal(KeySeed{1});
  return kSeal;
}

Stranger stranger(std::uint8_t member, std::uint8_t mesh, StrangerState state,
                  const std::string& name = "Bob") {
  Stranger made;
  made.member.bytes.fill(member);
  made.name = name;
  made.state = state;
  made.invite.mesh.bytes.fill(mesh);
  made.invite.secret.fill(3);
  made.invite.addresses = {"10.0.0.7:9750"};
  made.since_ms = 1'700'000'000'000;
  return made;
}

TEST_CASE("everything is there after a restart") {
  TempDirectory directory;
  const std::string path = directory / "strangers";
  StrangerBook book(path, seal());
  REQUIRE(book.read());
  CHECK(book.all().empty());
  Stranger asked = stranger(1, 11, StrangerState::kAsked);
  asked.sealed = {1, 2, 3};
  asked.place = {"::1", 9750};
  Stranger asks = stranger(2, 12, StrangerState::kAsks, "Zoe");
  asks.is_delivered = true;
  asks.is_declined = true;
  REQUIRE(book.keep(asked));
  REQUIRE(book.keep(asks));
  StrangerBook again(path, seal());
  REQUIRE(again.read());
  REQUIRE(again.all().size() == 2);
  const Stranger& one = again.all()[0];
  CHECK(one.member == asked.member);
  CHECK(one.name == "Bob");
  CHECK(one.state == StrangerState::kAsked);
  CHECK(one.invite.mesh == asked.invite.mesh);
  CHECK(one.invite.secret == asked.invite.secret);
  CHECK(one.invite.addresses == asked.invite.addresses);
  CHECK(one.since_ms == asked.since_ms);
  CHECK_FALSE(one.is_delivered);
  CHECK(one.sealed == asked.sealed);
  CHECK(one.place.host == "::1");
  CHECK(one.place.port == 9750);
  CHECK(again.all()[1].is_delivered);
  CHECK(again.all()[1].is_declined);
  CHECK_FALSE(one.is_declined);
  asked.state = StrangerState::kTogether;
  REQUIRE(again.keep(asked));
  CHECK(again.all().size() == 2);
  REQUIRE(again.drop(asks.invite.mesh));
  StrangerBook third(path, seal());
  REQUIRE(third.read());
  REQUIRE(third.all().size() == 1);
  CHECK(third.all()[0].state == StrangerState::kTogether);
}

TEST_CASE("the best of several conversations with one is the one that both are in") {
  TempDirectory directory;
  StrangerBook book(directory / "strangers", seal());
  REQUIRE(book.keep(stranger(1, 12, StrangerState::kAsked)));
  REQUIRE(book.keep(stranger(1, 11, StrangerState::kAccepted)));
  REQUIRE(book.keep(stranger(1, 10, StrangerState::kLeft)));
  const MemberKey bob = book.all()[0].member;
  CHECK(book.find_talk(bob)->invite.mesh.bytes[0] == 12);
  CHECK(book.find_incoming(bob)->invite.mesh.bytes[0] == 11);
  REQUIRE(book.keep(stranger(1, 11, StrangerState::kTogether)));
  CHECK(book.find_talk(bob)->invite.mesh.bytes[0] == 11);
  CHECK(book.find_incoming(bob) == nullptr);
  REQUIRE(book.keep(stranger(1, 12, StrangerState::kTogether)));
  // Both ends choose the same one.
  CHECK(book.find_talk(bob)->invite.mesh.bytes[0] == 11);
  CHECK(book.find_talk(MemberKey{}) == nullptr);
  CHECK(book.find_incoming(MemberKey{}) == nullptr);
}

TEST_CASE("a request takes the place of an earlier one") {
  TempDirectory directory;
  StrangerBook book(directory / "strangers", seal());
  const Stranger first = stranger(1, 11, StrangerState::kAsks);
  REQUIRE(book.keep(first));
  REQUIRE(book.replace(first.invite.mesh, stranger(1, 12, StrangerState::kDeclined)));
  REQUIRE(book.all().size() == 1);
  CHECK(book.find(first.invite.mesh) == nullptr);
  CHECK(book.all()[0].state == StrangerState::kDeclined);
}

TEST_CASE("by a name as it is typed") {
  TempDirectory directory;
  StrangerBook book(directory / "strangers", seal());
  REQUIRE(book.keep(stranger(0x1a, 11, StrangerState::kAsked)));
  const MemberKey bob = book.all()[0].member;
  CHECK(*book.find_called("bob", is_talk) == bob);
  CHECK(*book.find_called("Bob~1a1a", is_talk) == bob);
  CHECK_FALSE(*book.find_called("bob", is_incoming));
  CHECK_FALSE(*book.find_called("Bob~1b1b", is_talk));
  CHECK_FALSE(*book.find_called("Bob~1a", is_talk));
  CHECK_FALSE(*book.find_called("Bo", is_talk));
  CHECK_FALSE(*book.find_called("", is_talk));
  CHECK_FALSE(*book.find_called("~1a1a", is_talk));
  CHECK(*book.find_called(bob.hex(), is_talk) == bob);
  CHECK(book.shown_name(book.all()[0]) == "Bob");
  // A request of another one takes no name from whom one talks with.
  REQUIRE(book.keep(stranger(0x2b, 12, StrangerState::kAsks, "BOB")));
  CHECK(*book.find_called("Bob", is_talk) == bob);
  CHECK(book.shown_name(book.all()[0]) == "Bob");
  CHECK(book.shown_name(book.all()[1]) == "BOB~2b2b");
  REQUIRE(book.keep(stranger(0x2b, 12, StrangerState::kTogether, "BOB")));
  const auto several = book.find_called("Bob", is_talk);
  REQUIRE_FALSE(several);
  CHECK(several.error().status == ExitStatus::kUsage);
  CHECK(several.error().message.find("Bob~1a1a, BOB~2b2b") != std::string::npos);
  CHECK(*book.find_called("bob~2B2B", is_talk) == book.all()[1].member);
  CHECK(book.shown_name(book.all()[0]) == "Bob~1a1a");
}

TEST_CASE("there is room for so many, and who was declined makes room") {
  TempDirectory directory;
  StrangerBook book(directory / "strangers", seal());
  std::uint8_t number = 0;
  for (std::size_t i = 0; i < limits::kStrangerMeshesMax; ++i) {
    Stranger one = stranger(1, 1, StrangerState::kTogether);
    one.invite.mesh.bytes[0] = static_cast<std::uint8_t>(number);
    one.invite.mesh.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    ++number;
    REQUIRE(book.keep(one));
  }
  const Stranger further = stranger(2, 99, StrangerState::kAsks);
  const auto kept = book.keep(further);
  REQUIRE_FALSE(kept);
  CHECK(kept.error().status == ExitStatus::kTryAgain);
  CHECK(book.all().size() == limits::kStrangerMeshesMax);
  Stranger declined = book.all()[5];
  declined.state = StrangerState::kDeclined;
  REQUIRE(book.keep(declined));
  REQUIRE(book.keep(further));
  CHECK(book.find(declined.invite.mesh) == nullptr);
  CHECK(book.count(StrangerState::kAsks) == 1);
}

TEST_CASE("a file that is damaged is told and left alone") {
  TempDirectory directory;
  const std::string path = directory / "strangers";
  StrangerBook book(path, seal());
  REQUIRE(book.keep(stranger(1, 11, StrangerState::kAsked)));
  REQUIRE(seal().write(path, as_bytes("\x01\x00\x00\x00\x02short")));
  const auto read = book.read();
  REQUIRE_FALSE(read);
  CHECK(read.error().status == ExitStatus::kDamagedInput);
  CHECK(read.error().message.find(path) != std::string::npos);
  const FileSeal other(KeySeed{2});
  StrangerBook foreign(path, other);
  CHECK_FALSE(foreign.read());
}

TEST_CASE("what the disk does not take does not count") {
  TempDirectory directory;
  StrangerBook book(directory / "nowhere/strangers", seal());
  CHECK_FALSE(book.keep(stranger(1, 11, StrangerState::kAsked)));
  CHECK(book.all().empty());
}

}  // namespace
}  // namespace p2pmesh
