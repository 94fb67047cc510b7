// One end of a TLS channel, without its socket: sealed bytes in and out on one side, plain ones on the other.
// On the way of a frame: between the socket and the frame decoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/core/handshake.h"
#include "tls_context.h"

struct bio_st;

namespace p2pmesh {

enum class TlsStatus : std::uint8_t {
  kOk,       ///< bytes were moved
  kWaiting,  ///< for sealed bytes of the far end, or for room for those to be sent
  kClosed,   ///< the far end has said that it sends nothing more
  kFailed,   ///< fault() says why; what is left to send is the alert
};

struct TlsResult {
  TlsStatus status = TlsStatus::kWaiting;
  std::size_t bytes = 0;
};

/// What a TLS client says first, as far as it can be told without a channel.
enum class TlsHello : std::uint8_t { kNone, kPart, kWhole };
/// `first`: what is there of the first kTlsBeginBytes; `available`: how many bytes are there in all.
TlsHello look_for_hello(ByteView first, std::size_t available);
inline constexpr std::size_t kTlsBeginBytes = 9;

/// Both directions go through rings of a fixed size: whatever the far end sends, nothing grows.
/// Threads: the loop's. Not movable: OpenSSL knows where it is.
class TlsStream {
 public:
  /// `context` outlives the stream.
  TlsStream(const TlsContext& context, bool dialler);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Where sealed bytes of the far end are to be put; empty when read() has to be called first.
  std::span<std::uint8_t> receive_space();
  /// So many were put there.
  void received(std::size_t bytes);

  /// Moves the handshake on and takes what plain bytes there are. To be called until it no longer says kOk.
  TlsResult read(std::span<std::uint8_t> plain);

  /// How many plain bytes write() takes now.
  [[nodiscard]] std::size_t write_space() const;
  /// Seals them all; at most write_space(), and only once established. False: the channel has failed.
  bool write(ByteView plain);
  /// Says that nothing more is sent.
  void close();

  /// Sealed bytes for the far end; not all of them when they lie around the ring's end.
  [[nodiscard]] ByteView to_send() const;
  void sent(std::size_t bytes);
  /// What is to be sent leaves no room for a message of the channel's own.
  [[nodiscard]] bool is_full() const;

  /// The handshake is through, and the far end is what a node has to be.
  [[nodiscard]] bool is_established() const { return binding_.has_value(); }
  /// Of the certificate; once established.
  [[nodiscard]] const PublicKey& peer() const { return *peer_; }
  /// The same at both ends of this channel, and of no other (RFC 9266's idea under a label of ours).
  [[nodiscard]] const ChannelBinding& binding() const { return *binding_; }
  /// The far end is at fault, whatever happened on the way: it has sent more key updates than anybody needs.
  [[nodiscard]] bool is_flooded() const { return is_flooded_; }
  /// What went wrong, in OpenSSL's words or ours.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  static void on_message(int is_sent, int version, int content_type, const void* bytes, std::size_t size,
                         ssl_st* channel, void* stream);
  TlsResult fail(std::string why);
  bool establish();

  std::optional<PublicKey> peer_;
  std::optional<ChannelBinding> binding_;
  ssl_st* channel_ = nullptr;
  bio_st* outside_ = nullptr;  // the socket's end of the rings
  std::uint64_t plain_bytes_ = 0;
  std::uint64_t late_messages_ = 0;  // of the handshake protocol, after the handshake
  bool is_flooded_ = false;
  std::string fault_;
};

}  // namespace p2pmesh
