// A closed mesh lets in whom a member has let in. Its members share a secret, from which its id is made; an
// invite is a pair of keys. What both ends of a link show each other before they say anything else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/entry_body.h"
#include "p2pmesh/wire/member_body.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// What the secure channel below a link is known by at both ends, and no other channel is.
using ChannelBinding = std::array<std::uint8_t, 32>;

/// What the founder's nonce is made of in a closed mesh, so that its id stands for the secret too.
MeshNonce closed_mesh_nonce(const MeshSecret& secret);
/// Whether the secret and the founder make this mesh's id.
bool is_grant_of(const MeshGrant& grant, const MeshId& mesh);
/// What seals what goes over its links.
SharedSecret closed_mesh_key(const MeshSecret& secret, const MeshId& mesh);

/// A channel on which a dialler knocks.
struct Doorstep {
  MeshId mesh;
  ChannelBinding channel{};
  LinkNonce nonce{};  ///< the dialler's
  NodeKey dialler;
};

/// Knowledge of the secret, for this channel alone.
MemberProof prove_member(const MeshSecret& secret, const Doorstep& at, bool is_dialler);
/// For the member who dials.
InviteProof prove_invite(const Signer& invite, const Doorstep& at);
bool is_true(const InviteProof& proof, const MeshId& mesh, const MemberKey& member, const Verifier& verifier);

/// Entries that say who let `member` in, who let that one in, and so on, each checked; the nearest first.
/// Nothing when they are not that.
std::optional<std::vector<EnvelopePtr>> read_chain(const std::vector<Bytes>& shown, const MeshId& mesh,
                                                   const MemberKey& member, const Verifier& verifier);

/// What an acceptor answers.
struct DoorAnswer {
  std::optional<RefuseReason> refusal;
  WelcomeProof proof;  ///< otherwise
};

/// The door of a closed mesh as one node sees it. Called from inside a handshake, on the loop's thread.
class Door {
 public:
  virtual ~Door() = default;
  /// What the local node shows where it dials.
  [[nodiscard]] virtual HelloProof knock(const Doorstep& at) = 0;
  /// Whether who dials is let in; with an invite it may have become a member by it.
  [[nodiscard]] virtual DoorAnswer answer(const Doorstep& at, const HelloProof& shown) = 0;
  /// Whether `acceptor`, who was dialled, is of the mesh. What it grants is kept.
  [[nodiscard]] virtual bool trusts(const Doorstep& at, const NodeKey& acceptor,
                                    const WelcomeProof& shown) = 0;
};

}  // namespace p2pmesh
