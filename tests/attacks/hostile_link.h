// A link of somebody who speaks the protocol as a node does, and then does with it what no node would.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "p2pmesh/core/handshake.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/unique_fd.h"
#include "p2pmesh/wire/frame.h"
#include "tls_stream.h"

namespace p2pmesh::attacks {

using Clock = std::chrono::steady_clock;

/// A key and what is shown of it.
struct HostileKey {
  std::unique_ptr<Signer> signer;
  std::unique_ptr<TlsContext> tls;
};
HostileKey make_hostile_key(const KeySeed& seed);

/// Blocking, each wait with a deadline.
class HostileLink {
 public:
  using OnFrame = std::function<void(const FrameView&)>;

  HostileLink(const HostileKey& key, const SocketAddress& source, const SocketAddress& target)
      : key_(key), source_(source), target_(target) {}

  /// One after the other; false when the far end did not go along. A link that has failed stays failed.
  bool connect(Clock::time_point deadline);
  bool shake_hands(Clock::time_point deadline);
  bool join(Clock::time_point deadline);
  bool enter(Clock::time_point deadline) {
    return connect(deadline) && shake_hands(deadline) && join(deadline);
  }

  /// Sends it all, and reads meanwhile; false when the link has ended or did not take it in time.
  bool send(ByteView bytes, Clock::time_point deadline);
  /// Reads what comes until then; false when the link has ended.
  bool read_until(Clock::time_point deadline);
  /// Reads and writes what is possible now.
  bool turn(std::chrono::milliseconds wait);

  [[nodiscard]] const NodeKey& peer() const { return handshake_->result().node; }
  [[nodiscard]] HandshakeFault fault() const {
    return handshake_ ? handshake_->fault() : HandshakeFault::kNone;
  }
  [[nodiscard]] const MeshId& mesh() const { return handshake_->result().mesh; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The mesh that the hello asks for; without it, whatever is there.
  void set_wanted(const std::optional<MeshId>& mesh) { wanted_ = mesh; }
  /// What the far end sends once the welcomes are through.
  void set_on_frame(OnFrame on_frame) { on_frame_ = std::move(on_frame); }

 private:
  bool fail();
  bool flush();
  bool receive();
  bool take_frames();

  const HostileKey& key_;
  SocketAddress source_;
  SocketAddress target_;
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;
  std::optional<Handshake> handshake_;
  FrameDecoder decoder_;
  OnFrame on_frame_;
  std::optional<MeshId> wanted_;
  bool granted_ = false;
  bool failed_ = false;
};

}  // namespace p2pmesh::attacks
