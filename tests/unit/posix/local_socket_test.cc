#include "p2pmesh/posix/local_socket.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/stream_io.h"
#include "temp_directory.h"

using namespace p2pmesh;

namespace {
void talk_through(const std::string& path) {
  auto listener = listen_local(path);
  REQUIRE(listener);
  auto client = connect_local(path);
  REQUIRE(client);
  auto server = accept_local(listener->get());
  REQUIRE(server);
  REQUIRE(server->has_value());
  CHECK(write_some(client->get(), as_bytes("hi")).bytes == 2);
  std::array<std::uint8_t, 8> buffer;
  CHECK(read_some((*server)->get(), buffer).bytes == 2);
  const auto peer = peer_credentials((*server)->get());
  REQUIRE(peer);
  CHECK(peer->uid == own_uid());
  CHECK(peer->pid == ::getpid());
  auto nobody = accept_local(listener->get());
  REQUIRE(nobody);
  CHECK(!nobody->has_value());
}
}  // namespace

TEST_CASE("a local socket is private and knows who is at the other end") {
  TempDirectory directory;
  talk_through(directory / "s");
  struct stat found {};
  REQUIRE(::lstat((directory / "s").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a path longer than a socket address works") {
  TempDirectory directory;
  std::string path = directory.path();
  for (int i = 0; i < 4; ++i) path += "/" + std::string(100, 'd');
  REQUIRE(make_directories(path));
  talk_through(path + "/control.sock");
  talk_through(path + "/control.sock");  // the file left there is replaced
}

TEST_CASE("a file that is no socket is not replaced") {
  TempDirectory directory;
  std::ofstream(directory / "s") << "precious";
  const auto listener = listen_local(directory / "s");
  REQUIRE(!listener);
  CHECK(listener.error().status == ExitStatus::kUnavailable);
  CHECK(std::filesystem::file_size(directory / "s") == 8);
}

TEST_CASE("nobody there is told as unavailable") {
  TempDirectory directory;
  CHECK(connect_local(directory / "s").error().status == ExitStatus::kUnavailable);
  { REQUIRE(listen_local(directory / "s")); }
  CHECK(connect_local(directory / "s").error().status == ExitStatus::kUnavailable);  // a file left behind
  CHECK(connect_local("").error().status == ExitStatus::kUnavailable);
  CHECK(connect_local(directory / std::string(200, 'n')).error().status == ExitStatus::kUnavailable);
}

TEST_CASE("a missing directory cannot hold a socket") {
  TempDirectory directory;
  CHECK(listen_local(directory / "no/s").error().status == ExitStatus::kCannotCreate);
}
