#include "p2pmesh/core/handshake.h"

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

void append(Bytes& out, const Bytes& frame) {
  out.insert(out.end(), frame.begin(), frame.end());
}

HandshakeFault fault_of(RefuseReason reason) {
  switch (reason) {
    case RefuseReason::kVersion:
      return HandshakeFault::kOtherVersion;
    case RefuseReason::kOtherMesh:
      return HandshakeFault::kOtherMesh;
    case RefuseReason::kSelf:
      return HandshakeFault::kSelf;
    case RefuseReason::kBusy:
      return HandshakeFault::kBusy;
    case RefuseReason::kMalformed:
      return HandshakeFault::kMalformed;
    case RefuseReason::kClosed:
      return HandshakeFault::kClosed;
    case RefuseReason::kInviteUnknown:
      return HandshakeFault::kInviteUnknown;
    case RefuseReason::kInviteExpired:
      return HandshakeFault::kInviteExpired;
    case RefuseReason::kInviteUsedUp:
      return HandshakeFault::kInviteUsedUp;
    case RefuseReason::kBanned:
      return HandshakeFault::kBanned;
    case RefuseReason::kCannotAdmit:
      return HandshakeFault::kCannotAdmit;
    case RefuseReason::kRendezvous:
      return HandshakeFault::kRendezvous;
  }
  return HandshakeFault::kMalformed;
}

}  // namespace

Bytes Handshake::start() {
  if (!terms_.dialler) return {};
  Hello hello;
  hello.node = to_node(terms_.node_signer->public_key());
  hello.nonce = terms_.nonce;
  hello.wanted_mesh = terms_.mesh;
  if (terms_.door != nullptr && terms_.mesh) hello.proof = terms_.door->knock(doorstep(*terms_.mesh));
  return encode_frame_of(hello);
}

void Handshake::on_frame(std::uint8_t type, ByteView payload, Bytes& out) {
  if (fault_ != HandshakeFault::kNone || done()) return;
  if (type == static_cast<std::uint8_t>(FrameType::kHello) && !terms_.dialler && !welcomed_)
    return on_hello(payload, out);
  if (type == static_cast<std::uint8_t>(FrameType::kWelcome) && (terms_.dialler || welcomed_)) {
    return on_welcome(payload, out);
  }
  if (type == static_cast<std::uint8_t>(FrameType::kRefuse)) return on_refuse(payload);
  if ((type & kSkippableFrameBit) != 0 && welcomed_) return;
  fault_ = HandshakeFault::kNotOurProtocol;
}

void Handshake::on_hello(ByteView payload, Bytes& out) {
  auto hello = decode_hello(payload);
  if (!hello) {
    fault_ = HandshakeFault::kNotOurProtocol;
    return;
  }
  peer_version_ = hello->version;
  if (hello->version != kProtocolVersion)
    return refuse(RefuseReason::kVersion, HandshakeFault::kOtherVersion, out);
  if (hello->node == to_node(terms_.node_signer->public_key())) {
    return refuse(RefuseReason::kSelf, HandshakeFault::kSelf, out);
  }
  if (terms_.choose) {
    MeshTerms chosen = terms_.choose(hello->wanted_mesh);
    if (!chosen.mesh) return refuse(chosen.refusal, fault_of(chosen.refusal), out);
    terms_.mesh = chosen.mesh;
    terms_.addresses = std::move(chosen.addresses);
    terms_.heads = std::move(chosen.heads);
    terms_.door = chosen.door;
  }
  if (!terms_.mesh) return refuse(RefuseReason::kBusy, HandshakeFault::kBusy, out);
  if (hello->wanted_mesh && *hello->wanted_mesh != *terms_.mesh) {
    return refuse(RefuseReason::kOtherMesh, HandshakeFault::kOtherMesh, out);
  }
  if (terms_.channel_peer && *terms_.channel_peer != hello->node) {
    fault_ = HandshakeFault::kBadSignature;
    return;
  }
  peer_nonce_ = hello->nonce;
  peer_node_ = hello->node;
  DoorAnswer answer;
  if (terms_.door != nullptr) answer = terms_.door->answer(doorstep(*terms_.mesh), hello->proof);
  if (answer.refusal) return refuse(*answer.refusal, fault_of(*answer.refusal), out);
  welcomed_ = true;
  append(out, encode_frame_of(make_welcome(*terms_.mesh, answer.proof)));
}

void Handshake::on_welcome(ByteView payload, Bytes& out) {
  auto welcome = decode_welcome(payload);
  if (!welcome) {
    fault_ = HandshakeFault::kMalformed;
    return;
  }
  if (terms_.dialler) {
    peer_nonce_ = welcome->nonce;
    peer_node_ = welcome->node;
    if (peer_node_ == to_node(terms_.node_signer->public_key())) {
      fault_ = HandshakeFault::kSelf;
      return;
    }
  }
  const bool same_peer = welcome->node == peer_node_ && welcome->nonce == peer_nonce_ &&
                         (!terms_.channel_peer || *terms_.channel_peer == welcome->node);
  if (!same_peer || !terms_.verifier->verify(welcome->node.view(), signing_bytes(*welcome, !terms_.dialler),
                                             welcome->signature)) {
    fault_ = HandshakeFault::kBadSignature;
    return;
  }
  if (terms_.expected && *terms_.expected != welcome->node) {
    fault_ = HandshakeFault::kOtherNode;
    return;
  }
  if (terms_.mesh && *terms_.mesh != welcome->mesh) {
    fault_ = HandshakeFault::kOtherMesh;
    return;
  }
  // Before this end says anything else: an outsider in a member's place learns that it was dialled.
  if (terms_.dialler && terms_.door != nullptr &&
      !terms_.door->trusts(doorstep(welcome->mesh), welcome->node, welcome->proof)) {
    fault_ = HandshakeFault::kNotOfMesh;
    return;
  }
  if (terms_.dialler) append(out, encode_frame_of(make_welcome(welcome->mesh, {})));
  result_ =
      HandshakeResult{welcome->node, welcome->mesh, welcome->observed, welcome->addresses, welcome->heads};
}

void Handshake::on_refuse(ByteView payload) {
  auto refusal = decode_refuse(payload);
  if (!refusal) {
    fault_ = HandshakeFault::kNotOurProtocol;
    return;
  }
  peer_version_ = refusal->version;
  fault_ = fault_of(refusal->reason);
}

Doorstep Handshake::doorstep(const MeshId& mesh) const {
  const NodeKey own = to_node(terms_.node_signer->public_key());
  return {mesh, terms_.channel, terms_.dialler ? terms_.nonce : peer_nonce_,
          terms_.dialler ? own : peer_node_};
}

Welcome Handshake::make_welcome(const MeshId& mesh, WelcomeProof proof) const {
  Welcome welcome;
  welcome.node = to_node(terms_.node_signer->public_key());
  welcome.nonce = terms_.nonce;
  welcome.mesh = mesh;
  welcome.observed = terms_.observed;
  welcome.addresses = terms_.addresses;
  welcome.heads = terms_.heads;
  welcome.proof = std::move(proof);
  welcome.signature = terms_.node_signer->sign(signing_bytes(welcome, terms_.dialler));
  return welcome;
}

Bytes Handshake::signing_bytes(const Welcome& welcome, bool by_dialler) const {
  const NodeKey own = to_node(terms_.node_signer->public_key());
  Writer writer;
  writer.raw(as_bytes("p2pmesh link 3:")).u8(by_dialler ? 1 : 0);
  const auto& dialler_nonce = terms_.dialler ? terms_.nonce : peer_nonce_;
  const auto& acceptor_nonce = terms_.dialler ? peer_nonce_ : terms_.nonce;
  writer.raw(dialler_nonce).raw(acceptor_nonce);
  writer.id(terms_.dialler ? own : peer_node_).id(terms_.dialler ? peer_node_ : own);
  writer.raw(terms_.channel);
  return writer.raw(encode_unsigned_welcome(welcome)).take();
}

void Handshake::refuse(RefuseReason reason, HandshakeFault fault, Bytes& out) {
  Refuse refusal;
  refusal.reason = reason;
  append(out, encode_frame_of(refusal));
  fault_ = fault;
}

}  // namespace p2pmesh
