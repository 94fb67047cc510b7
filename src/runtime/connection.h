// One TCP connection of the mesh: bytes in, frames out; frames in, bytes out.
// On the way of a frame: after posix/event_loop, before ingress; its TLS channel is in between.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frame_pace.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/outputs.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/unique_fd.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/reach_messages.h"
#include "tls_stream.h"

namespace p2pmesh {

/// What waits to be sent over one link, in two queues: repair waits for everything else.
class SendQueue {
 public:
  /// False when the frame was dropped, because the queue is long and repair can bring it later.
  bool push(SharedBytes frame, FrameClass frame_class);
  /// Copies the bytes that are next, as many as there is space for; they stay.
  std::size_t peek(std::span<std::uint8_t> out) const;
  /// Takes off what peek() has shown, nothing having been pushed since.
  void pop(std::size_t bytes);
  [[nodiscard]] bool empty() const { return urgent_.empty() && repair_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// So long that the link has to be closed.
  [[nodiscard]] bool is_overfull() const;

 private:
  std::deque<SharedBytes> urgent_;
  std::deque<SharedBytes> repair_;
  // A frame that was begun is ended before the other queue's: which queue, and how much of its front is out.
  bool in_repair_ = false;
  std::size_t sent_of_front_ = 0;
  std::size_t bytes_ = 0;
};

/// kSecuring: the TLS handshake; kHandshaking: hello and welcomes inside the channel.
enum class ConnectionState : std::uint8_t { kConnecting, kSecuring, kHandshaking, kUp, kClosing };

/// State of one connection; LinkServer moves it.
struct Connection {
  LinkId id = 0;
  UniqueFd fd;
  SocketAddress remote;
  SocketAddress local;  ///< the near end's, once it is up
  bool outbound = false;
  ConnectionState state = ConnectionState::kConnecting;
  Instant since{};                 ///< of the dial, or of being accepted
  std::unique_ptr<TlsStream> tls;  ///< nothing while connecting
  std::optional<Handshake> handshake;
  FrameDecoder decoder;
  FramePace pace;  ///< of what is in the decoder
  SendQueue queue;
  Instant deadline{};                  ///< of the handshake, or of the closing
  std::optional<NodeKey> expected;     ///< who has to answer
  std::optional<MeshId> wanted;        ///< dialled for this mesh
  std::uint64_t join = 0;              ///< dialled on behalf of a user: the ticket of the request
  std::function<void(Reach)> probe{};  ///< dialled to see whether `expected` answers, and no more
  bool dirty = false;                  ///< has something to send this turn
  bool write_blocked = false;
  bool write_broken = false;  ///< what comes is still read
  bool read_held = false;     ///< the channel has to send something before more is read
  bool peer_closed = false;   ///< its close frame is here
  bool said_close = false;    ///< the channel's end is among what is sent
};

}  // namespace p2pmesh
