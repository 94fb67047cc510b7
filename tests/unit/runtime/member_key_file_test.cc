#include "member_key_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/runtime/passphrase_change.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

struct KeyDirectory : TempDirectory {
  KeyDirectory() {
    init_crypto();
    use_private_umask();
  }
  [[nodiscard]] Result<KeySeed> open(const SecretText* passphrase = nullptr) const {
    return MemberKeyFile(path(), "Alice").open(passphrase);
  }
  [[nodiscard]] Result<void> change(const SecretText* current, const SecretText* wanted) const {
    return change_passphrase(path(), current, wanted);
  }
  [[nodiscard]] std::string content() const {
    std::ostringstream text;
    text << std::ifstream(*this / "identity.key").rdbuf();
    return text.str();
  }
};

TEST_CASE("APassphraseIsSetChangedAndRemovedAndTheKeyStaysTheSame") {
  const KeyDirectory directory;
  const SecretText first("first");
  const SecretText second("second");
  const auto seed = directory.open();
  REQUIRE(seed);
  REQUIRE(directory.change(nullptr, &first));
  CHECK(directory.content().find(format_hex(*seed)) == std::string::npos);
  CHECK(directory.open().error().status == ExitStatus::kNoPermission);
  CHECK(directory.open(&second).error().status == ExitStatus::kNoPermission);
  CHECK(directory.open(&first) == *seed);

  CHECK(directory.change(&second, &second).error().status == ExitStatus::kNoPermission);
  CHECK(directory.change(nullptr, &second).error().status == ExitStatus::kNoPermission);
  REQUIRE(directory.change(&first, &second));
  CHECK(directory.open(&second) == *seed);

  REQUIRE(directory.change(&second, nullptr));
  CHECK(directory.content() == format_hex(*seed) + "\n");
  CHECK(directory.open(&second).error().status == ExitStatus::kUsage);
  CHECK(directory.change(nullptr, nullptr).error().status == ExitStatus::kUsage);
}

TEST_CASE("ANewKeyIsLockedAtOnceAndNeverWrittenPlain") {
  const KeyDirectory directory;
  const SecretText passphrase("secret");
  const auto seed = directory.open(&passphrase);
  REQUIRE(seed);
  CHECK(directory.content().starts_with("p2pmesh locked key 1\n"));
  CHECK(directory.open(&passphrase) == *seed);
  struct stat status {};
  REQUIRE(::stat((directory / "identity.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("WhatIsNoPassphraseLocksNothing") {
  const KeyDirectory directory;
  REQUIRE(directory.open());
  const std::string before = directory.content();
  for (const std::string& passphrase : {std::string(), std::string("\xff"), std::string(1025, 'x')}) {
    const SecretText wanted(passphrase);
    CHECK(directory.change(nullptr, &wanted).error().status == ExitStatus::kUsage);
  }
  CHECK(directory.content() == before);
}

TEST_CASE("ADamagedLockedKeyIsToldApartAndNeverReplaced") {
  const KeyDirectory directory;
  const SecretText passphrase("secret");
  REQUIRE(directory.open(&passphrase));
  std::string text = directory.content();
  text[60] = text[60] == 'a' ? 'b' : 'a';
  std::ofstream(directory / "identity.key") << text;
  CHECK(directory.open(&passphrase).error().status == ExitStatus::kDamagedInput);
  CHECK(directory.change(&passphrase, nullptr).error().status == ExitStatus::kDamagedInput);
  CHECK(directory.content() == text);
  std::ofstream(directory / "identity.key") << "p2pmesh locked key 7\n";
  CHECK(directory.open(&passphrase).error().status == ExitStatus::kConfig);
  std::ofstream(directory / "identity.key") << "";
  CHECK(directory.open(&passphrase).error().status == ExitStatus::kDamagedInput);
}

TEST_CASE("WithoutAKeyNothingIsChanged") {
  const KeyDirectory directory;
  const SecretText passphrase("secret");
  CHECK(directory.change(nullptr, &passphrase).error().status == ExitStatus::kUsage);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("TwoDoNotChangeItAtOnceAndWhatWasLeftHalfWrittenGoes") {
  const KeyDirectory directory;
  const SecretText passphrase("secret");
  REQUIRE(directory.open());
  std::ofstream(directory / "identity.key.tmp") << "left by a kill";
  {
    const auto other = LockFile::acquire(directory / "identity.lock");
    REQUIRE(other);
    CHECK(directory.change(nullptr, &passphrase).error().status == ExitStatus::kTryAgain);
    CHECK(directory.open());
    CHECK(std::filesystem::exists(directory / "identity.key.tmp"));
  }
  CHECK(directory.open());
  CHECK_FALSE(std::filesystem::exists(directory / "identity.key.tmp"));
}

}  // namespace
}  // namespace p2pmesh
