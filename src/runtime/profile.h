// What a data directory remembers beside its meshes: whose it is, the key, the last mesh and port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

/// A mesh that this profile is in, and resumes at each start.
struct ActiveMesh {
  MeshId mesh;
  bool closed = false;  ///< so without its secret it is not to be opened
};

/// Files in the directory: `name`, `identity.key` (see MemberKeyFile), `last_mesh`, `active_meshes`,
/// `last_port`, `meshes/`.
class Profile {
 public:
  /// Reads or makes the profile. The directory is locked by the caller. Errors: kUsage when the directory is
  /// another member's, kDamagedInput when the key file is no key (it is never replaced), kCannotCreate, kIo,
  /// and as MemberKeyFile::open().
  static Result<Profile> open(const std::string& directory, const std::string& name,
                              const SecretText* passphrase = nullptr);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const KeySeed& seed() const { return seed_; }
  /// Once the keys are made of it.
  void forget_seed() { wipe_secret(seed_); }
  [[nodiscard]] std::string meshes_directory() const { return directory_ + "/meshes"; }
  [[nodiscard]] std::optional<MeshId> last_mesh() const;
  /// At most kMeshesMax; lines that say nothing are left out.
  [[nodiscard]] std::vector<ActiveMesh> active_meshes() const;
  /// It was when it was last open.
  [[nodiscard]] bool was_closed(const MeshId& mesh) const;
  [[nodiscard]] std::optional<std::uint16_t> last_port() const;
  Result<void> remember_mesh(const MeshId& mesh, bool closed) const;
  Result<void> remember_active(const std::vector<ActiveMesh>& meshes) const;
  Result<void> remember_port(std::uint16_t port) const;

 private:
  std::string directory_;
  std::string name_;
  KeySeed seed_{};
};

/// A file of one mesh, below Profile::meshes_directory().
std::string mesh_file(const std::string& meshes_directory, const MeshId& mesh, const char* ending);

}  // namespace p2pmesh
