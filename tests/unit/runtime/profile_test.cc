#include "profile.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "peer_file.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

struct Directory : TempDirectory {
  Directory() {
    init_crypto();
    use_private_umask();
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(*this / name) << text; }
};

TEST_CASE("AProfileKeepsItsKeyNamePortAndMesh") {
  Directory directory;
  auto first = Profile::open(directory.path(), "Alice");
  REQUIRE(first);
  CHECK_FALSE(first->last_port());
  CHECK_FALSE(first->last_mesh());
  MeshId mesh;
  mesh.bytes[3] = 4;
  REQUIRE(first->remember_mesh(mesh, false));
  REQUIRE(first->remember_port(9751));
  auto second = Profile::open(directory.path(), "Alice");
  REQUIRE(second);
  CHECK(second->seed() == first->seed());
  CHECK(second->last_port() == 9751);
  CHECK(second->last_mesh() == mesh);
  struct stat status {};
  REQUIRE(::stat((directory.path() + "/identity.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("AProfileKeepsTheMeshesThatItIsIn") {
  Directory directory;
  const auto profile = Profile::open(directory.path(), "Alice");
  REQUIRE(profile);
  CHECK(profile->active_meshes().empty());
  MeshId open, closed;
  open.bytes[0] = 1;
  closed.bytes[0] = 2;
  REQUIRE(profile->remember_active({{open, false}, {closed, true}}));
  const auto kept = profile->active_meshes();
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].mesh == open);
  CHECK(kept[1].mesh == closed);
  CHECK_FALSE(profile->was_closed(open));
  CHECK(profile->was_closed(closed));
  // A line that says nothing hides none of the others.
  directory.write("active_meshes", open.hex() + "\nxx\n\n" + closed.hex() + " closed");
  CHECK(profile->active_meshes().size() == 2);
  std::string many;
  for (std::size_t i = 0; i < limits::kMeshesMax + 3; ++i) many += open.hex() + "\n";
  directory.write("active_meshes", many);
  CHECK(profile->active_meshes().size() == limits::kMeshesMax);
}

TEST_CASE("AnotherMembersDirectoryIsRefusedByName") {
  Directory directory;
  REQUIRE(Profile::open(directory.path(), "Alice"));
  auto other = Profile::open(directory.path(), "Bob");
  REQUIRE_FALSE(other);
  CHECK(other.error().status == ExitStatus::kUsage);
  CHECK(other.error().message.find("Alice") != std::string::npos);
  CHECK(Profile::open(directory.path(), "ALICE"));  // the same name by case folding
}

TEST_CASE("ADamagedKeyIsAnErrorAndNeverReplaced") {
  Directory directory;
  directory.write("identity.key", "not a key\n");
  auto opened = Profile::open(directory.path(), "Alice");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().status == ExitStatus::kDamagedInput);
  std::ifstream file(directory.path() + "/identity.key");
  std::string line;
  std::getline(file, line);
  CHECK(line == "not a key");
}

TEST_CASE("ThePeerFileSurvivesARestartAndSkipsWhatIsNoPeer") {
  Directory directory;
  const std::string path = directory.path() + "/mesh.peers";
  NodeKey node;
  node.bytes[0] = 1;
  NetAddress address;
  address.ip = {127, 0, 0, 1};
  address.port = 5;
  PeerFile(path).note(node, address);
  {
    std::ofstream file(path, std::ios::app);
    file << "garbage 1.2.3.4:5\n" << node.hex() << " nowhere\n";
  }
  const auto peers = PeerFile(path).read();
  REQUIRE(peers.size() == 1);
  CHECK(peers[0].node == node);
  CHECK(peers[0].address == address);
}

}  // namespace
}  // namespace p2pmesh
