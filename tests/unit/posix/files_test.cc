#include "p2pmesh/posix/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"
#include "temp_directory.h"

using namespace p2pmesh;

namespace {
unsigned mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}
}  // namespace

TEST_CASE("directories are made private, whatever is missing") {
  TempDirectory directory;
  REQUIRE(make_directories(directory / "a/b//c/"));
  CHECK(mode_of(directory / "a") == 0700);
  CHECK(mode_of(directory / "a/b/c") == 0700);
  CHECK(make_directories(directory / "a/b/c"));
}

TEST_CASE("a directory that cannot be is told with its path") {
  TempDirectory directory;
  std::ofstream(directory / "file") << "x";
  for (const std::string& path :
       {directory / "file", directory / "file/below", std::string(), std::string("/proc/nowhere")}) {
    const auto made = make_directories(path);
    REQUIRE(!made);
    CHECK(made.error().status == ExitStatus::kCannotCreate);
    CHECK(made.error().message.find(path) != std::string::npos);
  }
  if (::geteuid() != 0) {
    REQUIRE(::chmod(directory.path().c_str(), 0500) == 0);
    CHECK(make_directories(directory.path()).error().status == ExitStatus::kCannotCreate);
    CHECK(make_directories(directory / "new").error().status == ExitStatus::kCannotCreate);
    ::chmod(directory.path().c_str(), 0700);
  }
}

TEST_CASE("a directory that others may write to is refused with its mode and what to type") {
  TempDirectory directory;
  const std::string path = directory / "d";
  REQUIRE(make_directories(path));
  for (const mode_t mode : {0770U, 0720U, 0702U, 0777U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto made = make_directories(path);
    REQUIRE(!made);
    CHECK(made.error().status == ExitStatus::kNoPermission);
    char octal[8];
    std::snprintf(octal, sizeof octal, "%04o", mode);
    for (const std::string& word :
         {path, std::string(octal), "user " + std::to_string(::geteuid()), "chmod 700 " + path})
      CHECK(made.error().message.find(word) != std::string::npos);
  }
  REQUIRE(::chmod(path.c_str(), 01777) == 0);  // as /tmp: nobody is told to close that to others
  CHECK(make_directories(path).error().status == ExitStatus::kNoPermission);
  CHECK(make_directories(path).error().message.find("chmod") == std::string::npos);
  for (const mode_t mode : {0700U, 0750U, 0755U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(make_directories(path));
    CHECK(mode_of(path) == mode);
  }
}

TEST_CASE("a directory of another user is refused with its owner") {
  if (::geteuid() != 0) return;  // nobody else can give one away
  TempDirectory directory;
  const std::string path = directory / "d";
  REQUIRE(make_directories(path));
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  const auto made = make_directories(path);
  REQUIRE(!made);
  CHECK(made.error().status == ExitStatus::kNoPermission);
  for (const std::string& word : {path, std::string("user 65534"), "chown 0 " + path})
    CHECK(made.error().message.find(word) != std::string::npos);
}

TEST_CASE("a file is written whole and private, and read back within a bound") {
  TempDirectory directory;
  const std::string path = directory / "key";
  CHECK(!read_file(path, 100)->has_value());
  REQUIRE(write_file_atomically(path, as_bytes("first")));
  REQUIRE(write_file_atomically(path, as_bytes("second")));
  CHECK(mode_of(path) == 0600);
  const auto bytes = read_file(path, 6);
  REQUIRE(bytes);
  CHECK(as_text(**bytes) == "second");
  CHECK(read_file(path, 5).error().status == ExitStatus::kIo);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) ++files;
  CHECK(files == 1);
}

TEST_CASE("a write that fails leaves the old file") {
  TempDirectory directory;
  CHECK(write_file_atomically(directory / "no/file", as_bytes("x")).error().status ==
        ExitStatus::kCannotCreate);
  REQUIRE(make_directories(directory / "d/inside"));
  CHECK(!write_file_atomically(directory / "d", as_bytes("x")));  // a directory is in its place
  CHECK(std::filesystem::is_directory(directory / "d/inside"));
  CHECK(!std::filesystem::exists(directory / "d.tmp"));
  CHECK(write_file_atomically("/dev/full/x", as_bytes("x")).error().status == ExitStatus::kCannotCreate);
}

TEST_CASE("reading a directory is an error, not a crash") {
  TempDirectory directory;
  CHECK(read_file(directory.path(), 10).error().status == ExitStatus::kIo);
}

TEST_CASE("removing is fine when there is nothing") {
  TempDirectory directory;
  CHECK(remove_file(directory / "x"));
  std::ofstream(directory / "x") << "x";
  CHECK(remove_file(directory / "x"));
  CHECK(!std::filesystem::exists(directory / "x"));
}

TEST_CASE("a path is made absolute, also when it does not exist yet") {
  TempDirectory directory;
  CHECK(*absolute_path(directory / "a/../b/c/") ==
        std::filesystem::canonical(directory.path()).string() + "/b/c");
  CHECK((*absolute_path("x")).front() == '/');
  CHECK(!absolute_path(""));
}

TEST_CASE("a lock is held by one, names its holder, and goes with it") {
  TempDirectory directory;
  const std::string path = directory / "lock";
  {
    auto first = LockFile::acquire(path);
    REQUIRE(first);
    auto second = LockFile::acquire(path);
    REQUIRE(!second);
    CHECK(second.error().status == ExitStatus::kTryAgain);
    CHECK(second.error().message.find(std::to_string(own_pid())) != std::string::npos);
    LockFile moved = std::move(*first);
    CHECK(!LockFile::acquire(path));
  }
  CHECK(LockFile::acquire(path));
  CHECK(mode_of(path) == 0600);
  CHECK(LockFile::acquire(directory / "no/lock").error().status == ExitStatus::kCannotCreate);
}
