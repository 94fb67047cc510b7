// The door of a closed mesh: as a member of it sees it, and as somebody does who has an invite and nothing
// else.
#pragma once

#include <memory>
#include <optional>

#include "closed_mesh_file.h"
#include "p2pmesh/core/closed_mesh.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/node.h"

namespace p2pmesh {

/// What a member's door needs of who runs the node.
class DoorKeeper {
 public:
  virtual ~DoorKeeper() = default;
  [[nodiscard]] virtual Node& node() = 0;
  [[nodiscard]] virtual WallMs wall_ms() const = 0;
  virtual void handle(const Input& input) = 0;
};

class MemberDoor final : public Door {
 public:
  MemberDoor(DoorKeeper& keeper, const ClosedMesh& mesh, const Verifier& verifier);

  HelloProof knock(const Doorstep& at) override;
  DoorAnswer answer(const Doorstep& at, const HelloProof& shown) override;
  bool trusts(const Doorstep& at, const NodeKey& acceptor, const WelcomeProof& shown) override;

 private:
  void let_in(const MemberKey& member, const InviteProof& by);
  [[nodiscard]] bool is_known(const MemberKey& member, const std::vector<Bytes>& chain);
  [[nodiscard]] WelcomeProof as_member(const Doorstep& at);

  DoorKeeper& keeper_;
  MeshGrant grant_;
  const Verifier& verifier_;
  std::unique_ptr<Signer> invite_;  // by which the local member came in
};

class InviteDoor final : public Door {
 public:
  /// `founder`: whose mesh it has to be, if that is known.
  InviteDoor(const MeshId& mesh, const InviteSecret& secret, const Verifier& verifier,
             const std::optional<MemberKey>& founder = std::nullopt)
      : mesh_(mesh),
        secret_(secret),
        founder_(founder),
        invite_(make_ed25519_signer(secret)),
        verifier_(verifier) {}
  [[nodiscard]] bool is_of(const MeshId& mesh, const InviteSecret& secret,
                           const std::optional<MemberKey>& founder) const {
    return mesh_ == mesh && secret_ == secret && founder_ == founder;
  }

  HelloProof knock(const Doorstep& at) override;
  DoorAnswer answer(const Doorstep& at, const HelloProof& shown) override;
  bool trusts(const Doorstep& at, const NodeKey& acceptor, const WelcomeProof& shown) override;

  /// What the local node is as a member from now on, `let_in_by` left out; nothing before it was let in.
  [[nodiscard]] std::optional<ClosedMesh> gained() const;

 private:
  MeshId mesh_;
  InviteSecret secret_;
  std::optional<MemberKey> founder_;
  std::unique_ptr<Signer> invite_;
  const Verifier& verifier_;
  std::optional<MeshGrant> grant_;
};

}  // namespace p2pmesh
