#include "tls_stream.h"

#include <algorithm>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMessageHeaderBytes = 4;
constexpr std::string_view kProtocol = "p2pmesh/1";
constexpr std::string_view kBindingLabel = "EXPORTER-p2pmesh-link-1";
// A record adds 22 bytes (RFC 8446, 5.2); an answer to a key update may go before it.
constexpr std::size_t kSealedMore = 256;

}  // namespace

TlsHello look_for_hello(ByteView first, std::size_t available) {
  const auto is = [&](std::size_t at, std::uint8_t low, std::uint8_t high) {
    return first.size() <= at || (first[at] >= low && first[at] <= high);
  };
  // Record header (type, version, length), then the handshake message's type.
  if (!is(0, kHandshakeRecord, kHandshakeRecord) || !is(1, 3, 3) || !is(2, 1, 4)) return TlsHello::kNone;
  if (!is(5, kClientHello, kClientHello)) return TlsHello::kNone;
  if (first.size() < kRecordHeaderBytes) return TlsHello::kPart;
  const std::size_t size = std::size_t{first[3]} << 8 | first[4];
  if (size == 0 || size > limits::kTlsHelloBytesMax) return TlsHello::kNone;
  if (first.size() < kTlsBeginBytes) return TlsHello::kPart;
  // The record holds all of the message: of one that is announced longer OpenSSL would make space for all.
  const std::size_t message = std::size_t{first[6]} << 16 | std::size_t{first[7]} << 8 | first[8];
  if (kMessageHeaderBytes + message != size) return TlsHello::kNone;
  return available >= kRecordHeaderBytes + size ? TlsHello::kWhole : TlsHello::kPart;
}

TlsStream::TlsStream(const TlsContext& context, bool dialler) {
  channel_ = context.make_channel(dialler, &peer_);
  bio_st* inside = nullptr;
  // inside's ring holds what is to be sent, outside's what was received.
  const int made = BIO_new_bio_pair(&inside, limits::kTlsRingBytes, &outside_, limits::kTlsRingBytes);
  P2P_CHECK(channel_ != nullptr && made == 1);
  SSL_set_bio(channel_, inside, inside);
  SSL_set_msg_callback(channel_, on_message);
  SSL_set_msg_callback_arg(channel_, this);
}

TlsStream::~TlsStream() {
  SSL_free(channel_);
  BIO_free(outside_);
}

void TlsStream::on_message(int is_sent, int /*version*/, int content_type, const void* /*bytes*/,
                           std::size_t /*size*/, ssl_st* /*channel*/, void* stream) {
  auto* self = static_cast<TlsStream*>(stream);
  if (is_sent == 0 && content_type == SSL3_RT_HANDSHAKE && self->is_established()) ++self->late_messages_;
}

std::span<std::uint8_t> TlsStream::receive_space() {
  char* space = nullptr;
  const int size = BIO_nwrite0(outside_, &space);
  if (size <= 0) return {};
  return {reinterpret_cast<std::uint8_t*>(space), static_cast<std::size_t>(size)};
}

void TlsStream::received(std::size_t bytes) {
  char* space = nullptr;
  BIO_nwrite(outside_, &space, static_cast<int>(bytes));
}

TlsResult TlsStream::read(std::span<std::uint8_t> plain) {
  if (!fault_.empty()) return {TlsStatus::kFailed, 0};
  ERR_clear_error();
  const int result = SSL_read(channel_, plain.data(), static_cast<int>(plain.size()));
  if (!is_established() && SSL_is_init_finished(channel_) == 1 && !establish()) {
    return {TlsStatus::kFailed, 0};
  }
  // Nobody needs to renew keys more often: a gibibyte is far below what one key may seal.
  if (late_messages_ > limits::kLateTlsMessagesMax + plain_bytes_ / (std::uint64_t{1} << 30)) {
    is_flooded_ = true;
    return fail("too many key updates");
  }
  if (result > 0) {
    plain_bytes_ += static_cast<std::uint64_t>(result);
    return {TlsStatus::kOk, static_cast<std::size_t>(result)};
  }
  switch (SSL_get_error(channel_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {TlsStatus::kWaiting, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {TlsStatus::kClosed, 0};
    default:
      break;
  }
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return fail(reason == nullptr ? "the channel broke off" : reason);
}

TlsResult TlsStream::fail(std::string why) {
  fault_ = std::move(why);
  return {TlsStatus::kFailed, 0};
}

/// What a handshake can leave open, each is asked for here: a client that offered no ALPN was never asked.
bool TlsStream::establish() {
  const unsigned char* chosen = nullptr;
  unsigned int chosen_size = 0;
  SSL_get0_alpn_selected(channel_, &chosen, &chosen_size);
  const auto protocol = std::string_view(reinterpret_cast<const char*>(chosen), chosen_size);
  if (protocol != kProtocol) {
    fail("no application protocol was agreed on");
  } else if (SSL_version(channel_) != TLS1_3_VERSION) {
    fail("another version than TLS 1.3");
  } else if (!peer_ || SSL_get0_peer_certificate(channel_) == nullptr ||
             SSL_get_verify_result(channel_) != X509_V_OK) {
    fail("no certificate was shown");
  } else if (SSL_session_reused(channel_) == 1) {
    fail("a session was resumed");
  } else {
    ChannelBinding binding{};
    if (SSL_export_keying_material(channel_, binding.data(), binding.size(), kBindingLabel.data(),
                                   kBindingLabel.size(), nullptr, 0, 0) == 1) {
      binding_ = binding;
      return true;
    }
    fail("the channel cannot be bound");
  }
  return false;
}

std::size_t TlsStream::write_space() const {
  if (!is_established() || !fault_.empty()) return 0;
  const std::size_t space = limits::kTlsRingBytes - BIO_ctrl_pending(outside_);
  return space <= kSealedMore ? 0 : std::min<std::size_t>(space - kSealedMore, SSL3_RT_MAX_PLAIN_LENGTH);
}

bool TlsStream::is_full() const {
  return BIO_ctrl_pending(outside_) + kSealedMore > limits::kTlsRingBytes;
}

bool TlsStream::write(ByteView plain) {
  ERR_clear_error();
  const int result = SSL_write(channel_, plain.data(), static_cast<int>(plain.size()));
  if (result == static_cast<int>(plain.size())) return true;
  ERR_clear_error();
  fail("the channel takes nothing more");
  return false;
}

void TlsStream::close() {
  if (!is_established() || !fault_.empty()) return;
  ERR_clear_error();
  SSL_shutdown(channel_);
  ERR_clear_error();
}

ByteView TlsStream::to_send() const {
  char* bytes = nullptr;
  const int size = BIO_nread0(outside_, &bytes);
  if (size <= 0) return {};
  return {reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)};
}

void TlsStream::sent(std::size_t bytes) {
  char* begin = nullptr;
  BIO_nread(outside_, &begin, static_cast<int>(bytes));
}

}  // namespace p2pmesh
