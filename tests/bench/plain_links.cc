// TlsStream without TLS: the same rings, a hello that names the key, and no secrecy at all. Linked in its
// place into programs of the benchmarks alone, so that the cost of the channels can be seen beside the same
// node without them.
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "tls_stream.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kHelloBytes = 2 * kKeyBytes;  // the key, and bytes of chance

struct Ring {
  std::array<std::uint8_t, limits::kTlsRingBytes> bytes;
  std::size_t size = 0;

  void put(ByteView more) {
    P2P_CHECK(more.size() <= bytes.size() - size);
    std::copy(more.begin(), more.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += more.size();
  }
  void drop(std::size_t count) {
    std::memmove(bytes.data(), bytes.data() + count, size - count);
    size -= count;
  }
};

struct Plain {
  Ring in;
  Ring out;
  std::array<std::uint8_t, kHelloBytes> hello;
};

Plain& plain_of(ssl_st* channel) {
  return *reinterpret_cast<Plain*>(channel);
}

/// The context knows it by its certificate alone.
PublicKey own_key(const TlsContext& context) {
  static std::map<const TlsContext*, PublicKey> known;
  if (const auto found = known.find(&context); found != known.end()) return found->second;
  std::optional<PublicKey> unused;
  ssl_st* channel = context.make_channel(true, &unused);
  PublicKey key{};
  std::size_t size = key.size();
  P2P_CHECK(EVP_PKEY_get_raw_public_key(X509_get0_pubkey(SSL_get_certificate(channel)), key.data(), &size) ==
            1);
  SSL_free(channel);
  return known[&context] = key;
}

}  // namespace

TlsHello look_for_hello(ByteView /*first*/, std::size_t available) {
  return available >= kHelloBytes ? TlsHello::kWhole : TlsHello::kPart;
}

TlsStream::TlsStream(const TlsContext& context, bool /*dialler*/) {
  auto* plain = new Plain;
  channel_ = reinterpret_cast<ssl_st*>(plain);
  const PublicKey key = own_key(context);
  std::copy(key.begin(), key.end(), plain->hello.begin());
  randombytes_buf(plain->hello.data() + kKeyBytes, kHelloBytes - kKeyBytes);
  plain->out.put(plain->hello);
}

TlsStream::~TlsStream() {
  delete &plain_of(channel_);
}

std::span<std::uint8_t> TlsStream::receive_space() {
  Ring& in = plain_of(channel_).in;
  return std::span(in.bytes).subspan(in.size);
}

void TlsStream::received(std::size_t bytes) {
  plain_of(channel_).in.size += bytes;
}

TlsResult TlsStream::read(std::span<std::uint8_t> plain) {
  Plain& state = plain_of(channel_);
  if (!binding_) {
    if (state.in.size < kHelloBytes) return {TlsStatus::kWaiting, 0};
    peer_.emplace();
    std::copy_n(state.in.bytes.begin(), kKeyBytes, peer_->begin());
    binding_.emplace();
    for (std::size_t i = 0; i < binding_->size(); ++i)
      (*binding_)[i] = state.hello[kKeyBytes + i] ^ state.in.bytes[kKeyBytes + i];
    state.in.drop(kHelloBytes);
  }
  const std::size_t size = std::min(plain.size(), state.in.size);
  if (size == 0) return {TlsStatus::kWaiting, 0};
  std::copy_n(state.in.bytes.begin(), size, plain.begin());
  state.in.drop(size);
  return {TlsStatus::kOk, size};
}

std::size_t TlsStream::write_space() const {
  return binding_ ? limits::kTlsRingBytes - plain_of(channel_).out.size : 0;
}

bool TlsStream::is_full() const {
  return plain_of(channel_).out.size == limits::kTlsRingBytes;
}

bool TlsStream::write(ByteView plain) {
  plain_of(channel_).out.put(plain);
  return true;
}

void TlsStream::close() {}

ByteView TlsStream::to_send() const {
  const Ring& out = plain_of(channel_).out;
  return ByteView(out.bytes).first(out.size);
}

void TlsStream::sent(std::size_t bytes) {
  plain_of(channel_).out.drop(bytes);
}

}  // namespace p2pmesh
