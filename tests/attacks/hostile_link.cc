#include "hostile_link.h"

#include <algorithm>
#include <array>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "address.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/wire/membership_messages.h"

namespace p2pmesh::attacks {

HostileKey make_hostile_key(const KeySeed& seed) {
  HostileKey key{make_ed25519_signer(seed), nullptr};
  auto tls = TlsContext::make(seed);
  P2P_CHECK(tls.has_value());
  key.tls = std::move(*tls);
  return key;
}

bool HostileLink::fail() {
  failed_ = true;
  fd_.reset();
  return false;
}

bool HostileLink::connect(Clock::time_point deadline) {
  sockaddr_storage from{};
  sockaddr_storage to{};
  const std::uint32_t from_size = source_.to_system(&from);
  const std::uint32_t to_size = target_.to_system(&to);
  fd_.reset(::socket(from.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&from), from_size) != 0 ||
      ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), to_size) != 0 ||
      !set_nonblocking(fd_.get(), true))
    return fail();
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  tls_ = std::make_unique<TlsStream>(*key_.tls, true);
  if (!receive()) return false;  // nothing yet: this makes the first message
  while (!tls_->is_established()) {
    if (Clock::now() > deadline || !turn(std::chrono::milliseconds(50))) return fail();
  }
  return true;
}

bool HostileLink::shake_hands(Clock::time_point deadline) {
  HandshakeTerms terms;
  terms.dialler = true;
  terms.mesh = wanted_;
  terms.node_signer = key_.signer.get();
  terms.verifier = &ed25519_verifier();
  draw_random(terms.nonce);
  terms.channel_peer = to_node(tls_->peer());
  terms.channel = tls_->binding();
  terms.observed = to_net(target_);
  handshake_.emplace(std::move(terms));
  if (!send(handshake_->start(), deadline)) return false;
  while (!handshake_->done()) {
    if (Clock::now() > deadline || !turn(std::chrono::milliseconds(50))) return fail();
  }
  return flush();
}

bool HostileLink::join(Clock::time_point deadline) {
  if (!send(encode_join(), deadline)) return false;
  while (!granted_) {
    if (Clock::now() > deadline || !turn(std::chrono::milliseconds(50))) return fail();
  }
  return true;
}

bool HostileLink::send(ByteView bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    if (failed_) return false;
    const std::size_t size = std::min(tls_->write_space(), bytes.size());
    if (size > 0 && !tls_->write(bytes.first(size))) return fail();
    bytes = bytes.subspan(size);
    if (!flush()) return false;
    if (bytes.empty() || tls_->write_space() > 0) continue;
    if (Clock::now() > deadline || !turn(std::chrono::milliseconds(50))) return fail();
  }
  return true;
}

bool HostileLink::read_until(Clock::time_point deadline) {
  while (Clock::now() < deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (!turn(std::min(left, std::chrono::milliseconds(50)))) return false;
  }
  return true;
}

bool HostileLink::turn(std::chrono::milliseconds wait) {
  if (failed_ || !flush()) return false;
  pollfd poll{fd_.get(), POLLIN, 0};
  if (!tls_->to_send().empty()) poll.events |= POLLOUT;
  if (::poll(&poll, 1, static_cast<int>(wait.count())) > 0 && (poll.revents & ~POLLOUT) != 0 && !receive())
    return false;
  return flush();
}

bool HostileLink::flush() {
  for (ByteView sealed = tls_->to_send(); !sealed.empty(); sealed = tls_->to_send()) {
    const IoResult result = write_some(fd_.get(), sealed);
    if (result.status == IoStatus::kWouldBlock) return true;
    if (result.status != IoStatus::kOk) return fail();
    tls_->sent(result.bytes);
  }
  return true;
}

/// At most some records, so that who reads can also write.
bool HostileLink::receive() {
  std::array<std::uint8_t, 16 * 1024> plain;
  for (int records = 0; records < 16; ++records) {
    const std::span<std::uint8_t> space = tls_->receive_space();
    const IoResult result = space.empty() ? IoResult{} : read_some(fd_.get(), space);
    if (result.status == IoStatus::kOk) tls_->received(result.bytes);
    TlsResult got = tls_->read(plain);
    for (; got.status == TlsStatus::kOk; got = tls_->read(plain)) {
      decoder_.push(ByteView(plain).first(got.bytes));
      if (!take_frames()) return fail();
    }
    if (got.status == TlsStatus::kClosed || got.status == TlsStatus::kFailed) return fail();
    if (result.status == IoStatus::kWouldBlock) return true;
    if (result.status != IoStatus::kOk) return fail();
  }
  return true;
}

bool HostileLink::take_frames() {
  while (const auto frame = decoder_.next()) {
    if (!handshake_) return false;
    if (!handshake_->done()) {
      Bytes out;
      handshake_->on_frame(frame->type, frame->payload, out);
      if (handshake_->fault() != HandshakeFault::kNone) return false;
      if (!out.empty() && !tls_->write(out)) return false;
      if (handshake_->done()) decoder_.set_frame_bytes_max(limits::kFrameBytesMax);
      continue;
    }
    if (frame->type == static_cast<std::uint8_t>(FrameType::kNeighborReply)) {
      const auto reply = decode_neighbor_reply(frame->payload);
      granted_ = granted_ || (reply && reply->granted);
    }
    if (on_frame_) on_frame_(*frame);
  }
  return decoder_.error() == FrameError::kNone;
}

}  // namespace p2pmesh::attacks
