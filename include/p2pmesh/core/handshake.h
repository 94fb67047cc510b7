// Hello and welcome, sans I/O: who is there, which mesh, and that each holds its key.
// On the way of a frame: between the decoder and ingress until both welcomes are through.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/core/closed_mesh.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// A mesh that a node is in, as it shows itself there. The door outlives the handshake.
struct MeshTerms {
  std::optional<MeshId> mesh;  ///< nothing: refused for this:
  RefuseReason refusal = RefuseReason::kBusy;
  std::vector<NetAddress> addresses{};  ///< where this node listens
  std::vector<Head> heads{};            ///< deepest ones held
  Door* door = nullptr;                 ///< of a closed mesh
};

/// What this end says. The signer, the verifier and the door outlive the handshake.
struct HandshakeTerms {
  bool dialler = false;
  const Signer* node_signer = nullptr;
  const Verifier* verifier = nullptr;
  LinkNonce nonce{};           ///< fresh
  std::optional<MeshId> mesh;  ///< dialler: the wanted one, or whatever is there; acceptor: its own
  /// Acceptor: which of its meshes it is, once the dialler has said what it wants; in place of what is above
  /// and below of a mesh.
  std::function<MeshTerms(const std::optional<MeshId>& wanted)> choose = nullptr;
  std::optional<NodeKey> expected;      ///< dialler: whom the address is said to belong to
  std::optional<NodeKey> channel_peer;  ///< whom the channel has shown the far end to be
  ChannelBinding channel{};             ///< zeros without a channel, as in the simulator
  NetAddress observed;                  ///< the far end of the connection
  std::vector<NetAddress> addresses;    ///< where this node listens
  std::vector<Head> heads;              ///< deepest ones held
  Door* door = nullptr;                 ///< of a closed mesh
};

enum class HandshakeFault : std::uint8_t {
  kNone,
  kNotOurProtocol,
  kOtherVersion,
  kOtherMesh,  ///< the far end is not in the wanted mesh
  kSelf,       ///< the far end is this node
  kBusy,
  kOtherNode,  ///< another key answers there
  kBadSignature,
  kMalformed,
  kClosed,         ///< the mesh there lets in whom it knows alone
  kInviteUnknown,  ///< of the invite that was shown
  kInviteExpired,
  kInviteUsedUp,
  kBanned,
  kCannotAdmit,  ///< the member there can let nobody in now
  kNotOfMesh,    ///< who answers has not shown to be a member
  kRendezvous,   ///< no member answers there, but a rendezvous
};

struct HandshakeResult {
  NodeKey node;
  MeshId mesh;
  NetAddress observed;                ///< this end as the far end sees it
  std::vector<NetAddress> addresses;  ///< where the far end listens
  std::vector<Head> heads;
};

/// hello ->, <- welcome, welcome ->. Both welcomes are signed over both nonces, both keys and the channel's
/// binding: nobody can stand between two channels.
class Handshake {
 public:
  explicit Handshake(HandshakeTerms terms) : terms_(std::move(terms)) {}

  /// The dialler's first bytes; empty for the acceptor.
  Bytes start();

  /// Takes the next frame and appends what is to be sent. After a fault the frames appended (a refusal)
  /// are flushed and the link is closed.
  void on_frame(std::uint8_t type, ByteView payload, Bytes& out);

  [[nodiscard]] bool is_closed() const { return terms_.door != nullptr; }
  /// Those that this end has said it holds.
  [[nodiscard]] const std::vector<Head>& heads_given() const { return terms_.heads; }
  [[nodiscard]] bool done() const { return result_.has_value(); }
  [[nodiscard]] const HandshakeResult& result() const { return *result_; }
  [[nodiscard]] HandshakeFault fault() const { return fault_; }
  /// With kOtherVersion: the far end's.
  [[nodiscard]] std::uint16_t peer_version() const { return peer_version_; }

 private:
  void on_hello(ByteView payload, Bytes& out);
  void on_welcome(ByteView payload, Bytes& out);
  void on_refuse(ByteView payload);
  [[nodiscard]] Doorstep doorstep(const MeshId& mesh) const;
  Welcome make_welcome(const MeshId& mesh, WelcomeProof proof) const;
  Bytes signing_bytes(const Welcome& welcome, bool by_dialler) const;
  void refuse(RefuseReason reason, HandshakeFault fault, Bytes& out);

  HandshakeTerms terms_;
  LinkNonce peer_nonce_{};
  NodeKey peer_node_;
  bool welcomed_ = false;  // acceptor: our welcome is out
  std::optional<HandshakeResult> result_;
  HandshakeFault fault_ = HandshakeFault::kNone;
  std::uint16_t peer_version_ = 0;
};

}  // namespace p2pmesh
