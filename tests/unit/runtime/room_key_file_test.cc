#include "room_key_file.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/room_secret.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

RoomSecret secret_of(std::uint8_t byte) {
  RoomSecret secret;
  secret.key.fill(byte);
  secret.room = private_room_label("#board", secret.key);
  return secret;
}

const FileSeal& seal() {
  static const FileSeal kSeal(KeySeed{1});
  return kSeal;
}

TEST_CASE("keys are kept in a file for its owner alone") {
  TempDirectory directory;
  const std::string path = directory / "m.roomkeys";
  RoomKeyFile file(path, seal());
  REQUIRE(file.read());
  CHECK(file.keys().empty());
  REQUIRE(file.add(secret_of(1)));
  REQUIRE(file.add(secret_of(2)));
  REQUIRE(file.add(secret_of(1)));
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  RoomKeyFile again(path, seal());
  REQUIRE(again.read());
  CHECK(again.keys() == std::vector<RoomSecret>{secret_of(1), secret_of(2)});
  CHECK(again.has(secret_of(2).room));
  CHECK_FALSE(again.has(secret_of(3).room));
}

TEST_CASE("keys are bounded, and one that cannot be written is not held") {
  TempDirectory directory;
  RoomKeyFile file(directory / "m.roomkeys", seal());
  for (std::size_t i = 0; i < limits::kPrivateRoomsMax; ++i)
    REQUIRE(file.add(secret_of(static_cast<std::uint8_t>(i))));
  CHECK(file.add(secret_of(200)).error().status == ExitStatus::kTryAgain);
  REQUIRE(file.read());
  CHECK(file.keys().size() == limits::kPrivateRoomsMax);
  RoomKeyFile nowhere(directory / "none/m.roomkeys", seal());
  CHECK_FALSE(nowhere.add(secret_of(1)));
  CHECK(nowhere.keys().empty());
}

TEST_CASE("a file that holds something else is refused and left alone") {
  TempDirectory directory;
  const std::string path = directory / "m.roomkeys";
  const std::string good = secret_of(1).room + " " + format_hex(secret_of(1).key);
  for (const std::string& content :
       {std::string("\n"), std::string("x"), good + "0\n", "#Board" + good.substr(6), good + "\n\n",
        secret_of(2).room + good.substr(good.find(' ')), std::string(100000, 'x')}) {
    REQUIRE(seal().write(path, as_bytes(content)));
    RoomKeyFile file(path, seal());
    CHECK_FALSE(file.read());
  }
  REQUIRE(seal().write(path, as_bytes(good)));
  CHECK(RoomKeyFile(path, seal()).read());
}

}  // namespace
}  // namespace p2pmesh
