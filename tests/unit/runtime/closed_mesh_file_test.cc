#include "closed_mesh_file.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "p2pmesh/core/closed_mesh.h"
#include "p2pmesh/crypto/hash.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

ClosedMesh sample() {
  ClosedMesh mesh;
  mesh.grant.secret.fill(1);
  mesh.grant.founder.bytes.fill(2);
  mesh.let_in_by.bytes.fill(3);
  mesh.invite.emplace().fill(4);
  return mesh;
}

MeshId id_of(const ClosedMesh& mesh) {
  return hash_mesh(mesh.grant.founder, closed_mesh_nonce(mesh.grant.secret));
}

const FileSeal& seal() {
  static const FileSeal kSeal(KeySeed{1});
  return kSeal;
}

TEST_CASE("WhatMakesAMemberComesBackFromItsFileForItsOwnerAlone") {
  TempDirectory directory;
  const std::string path = directory / "m.closed";
  const auto none = read_closed_mesh(path, id_of(sample()), seal());
  REQUIRE(none);
  CHECK_FALSE(*none);
  for (const bool has_invite : {true, false}) {
    ClosedMesh mesh = sample();
    if (!has_invite) mesh.invite.reset();
    REQUIRE(write_closed_mesh(path, mesh, seal()));
    const auto read = read_closed_mesh(path, id_of(mesh), seal());
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->grant.secret == mesh.grant.secret);
    CHECK((*read)->grant.founder == mesh.grant.founder);
    CHECK((*read)->let_in_by == mesh.let_in_by);
    CHECK((*read)->invite == mesh.invite);
  }
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("ADamagedFileIsNeverTakenForAnOpenMesh") {
  TempDirectory directory;
  const std::string path = directory / "m.closed";
  REQUIRE(write_closed_mesh(path, sample(), seal()));
  const auto content = seal().read(path, 4096);
  REQUIRE(content);
  const Bytes whole = **content;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i));
    REQUIRE(seal().write(path, cut));
    const auto read = read_closed_mesh(path, id_of(sample()), seal());
    CAPTURE(i);
    // Without its last lines it is one of a member that has no invite to show.
    if (read) CHECK((*read)->grant.secret == sample().grant.secret);
    if (!read) CHECK(read.error().status == ExitStatus::kDamagedInput);
    if (i < 200) CHECK_FALSE(read);
  }
  REQUIRE(write_closed_mesh(path, sample(), seal()));
  CHECK(read_closed_mesh(path, MeshId{}, seal()).error().status == ExitStatus::kDamagedInput);
}

}  // namespace
}  // namespace p2pmesh
