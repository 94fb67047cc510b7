#include "sealed_file.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "p2pmesh/posix/files.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

TEST_CASE("WhatIsSealedComesBackWithTheMembersKeyAlone") {
  REQUIRE(init_crypto());
  TempDirectory directory;
  const std::string path = directory / "m.secret";
  const FileSeal ours(KeySeed{1});
  const auto none = ours.read(path, 100);
  REQUIRE(none);
  CHECK_FALSE(*none);
  REQUIRE(ours.write(path, as_bytes("a canary")));
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  const auto raw = read_file(path, 1000);
  REQUIRE(raw);
  CHECK(as_text(**raw).find("canary") == std::string_view::npos);
  const auto plain = ours.read(path, 100);
  REQUIRE(plain);
  CHECK(as_text(**plain) == "a canary");
  CHECK(FileSeal(KeySeed{2}).read(path, 100).error().status == ExitStatus::kDamagedInput);
  CHECK(ours.read(path, 7).error().status == ExitStatus::kIo);
}

TEST_CASE("ASealedFileThatWasChangedOrCutIsDamaged") {
  REQUIRE(init_crypto());
  TempDirectory directory;
  const std::string path = directory / "m.secret";
  const FileSeal seal(KeySeed{1});
  REQUIRE(seal.write(path, as_bytes("a canary")));
  const Bytes whole = **read_file(path, 1000);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    Bytes changed = whole;
    changed[i] ^= 1;
    REQUIRE(write_file_atomically(path, changed));
    CHECK(seal.read(path, 100).error().status == ExitStatus::kDamagedInput);
    REQUIRE(write_file_atomically(path, ByteView(whole).first(i)));
    CHECK(seal.read(path, 100).error().status == ExitStatus::kDamagedInput);
  }
}

}  // namespace
}  // namespace p2pmesh
