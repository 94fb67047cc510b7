#include "p2pmesh/runtime/address_check.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "address.h"
#include "address_race.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/posix/unique_fd.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/messages.h"
#include "tls_context.h"
#include "tls_stream.h"

namespace p2pmesh {
namespace {

constexpr auto kOthersTimeout = std::chrono::seconds(1);  // for further addresses when one has answered

struct Dial {
  UniqueFd fd;
  Instant since{};
};

class Checker {
 public:
  Checker(EventLoop& loop, HostPort place) : loop_(loop), place_(std::move(place)) {}
  AddressCheck run(HostLookup lookup);

 private:
  Result<void> look_up(HostLookup lookup);
  Result<void> connect();
  void decide(std::size_t index);
  Result<void> greet();
  /// Waits for the socket; an error when the time is over.
  Result<void> wait(Interest interest);
  Result<void> flush(TlsStream& channel);
  /// The first frame inside the channel.
  Result<FrameView> exchange(TlsStream& channel);
  void say_hello(TlsStream& channel);
  Result<void> take_answer(const FrameView& answer);
  [[nodiscard]] std::string where() const { return found_.addresses[*found_.greeted].address.format(); }
  [[nodiscard]] tl::unexpected<Error> foreign(const std::string& why) const {
    return fail(ExitStatus::kProtocol, where() + " does not speak the p2pmesh protocol: " + why);
  }

  EventLoop& loop_;
  HostPort place_;
  AddressCheck found_;
  std::vector<Dial> dials_;
  std::size_t undecided_ = 0;
  Instant deadline_{};
  std::unique_ptr<Signer> signer_;
  std::optional<Handshake> handshake_;  // once hello is said
  Instant hello_at_{};
  FrameDecoder decoder_;
};

AddressCheck Checker::run(HostLookup lookup) {
  auto done = look_up(std::move(lookup));
  if (done) done = connect();
  if (done) done = greet();
  for (const Dial& dial : dials_) {
    if (dial.fd) loop_.remove(dial.fd.get());
  }
  if (!done) found_.error = done.error();
  return std::move(found_);
}

Result<void> Checker::look_up(HostLookup lookup) {
  auto resolver = Resolver::open(loop_, std::move(lookup));
  if (!resolver) return tl::unexpected<Error>(resolver.error());
  std::optional<Result<std::vector<SocketAddress>>> answer;
  (*resolver)->resolve(place_.host, place_.port, [&](auto result) { answer = std::move(result); });
  const Instant deadline = read_clock().monotonic + limits::kHandshakeTimeout;
  while (!answer && read_clock().monotonic < deadline) loop_.run_until(deadline);
  if (!answer)
    return fail(ExitStatus::kUnknownHost, "the look-up took more than 5 s; is the name server reachable?");
  if (!*answer) return tl::unexpected<Error>(answer->error());
  for (const SocketAddress& address : interleave_families(**answer))
    found_.addresses.push_back({address, {}});
  return {};
}

/// All at once: each is told of.
Result<void> Checker::connect() {
  deadline_ = read_clock().monotonic + limits::kHandshakeTimeout;
  dials_.resize(found_.addresses.size());
  for (std::size_t i = 0; i < dials_.size(); ++i) {
    CheckedAddress& checked = found_.addresses[i];
    checked.error = {ExitStatus::kUnavailable, "no answer in time"};
    dials_[i].since = read_clock().monotonic;
    auto socket = connect_tcp(checked.address);
    if (!socket) {
      checked.error = socket.error();
      continue;
    }
    dials_[i].fd = std::move(*socket);
    if (loop_.add(dials_[i].fd.get(), kWritable, [this, i](Ready) { decide(i); })) ++undecided_;
  }
  while (undecided_ > 0 && read_clock().monotonic < deadline_) loop_.run_until(deadline_);
  if (found_.greeted) return {};
  if (found_.addresses.size() == 1) return tl::unexpected<Error>(found_.addresses[0].error);
  return fail(ExitStatus::kUnavailable, "nobody answers at " + place_.host);
}

void Checker::decide(std::size_t index) {
  const Instant now = read_clock().monotonic;
  CheckedAddress& checked = found_.addresses[index];
  loop_.remove(dials_[index].fd.get());
  --undecided_;
  if (auto connected = connect_result(dials_[index].fd.get(), checked.address); !connected) {
    checked.error = connected.error();
    return;
  }
  checked.answered_after = now - dials_[index].since;
  checked.error = {};
  if (found_.greeted) return;
  found_.greeted = index;
  deadline_ = std::min(deadline_, now + Duration(kOthersTimeout));
}

Result<void> Checker::wait(Interest interest) {
  const int fd = dials_[*found_.greeted].fd.get();
  bool is_ready = false;
  if (auto added = loop_.add(fd, interest, [&](Ready) { is_ready = true; }); !added) return added;
  while (!is_ready && read_clock().monotonic < deadline_) loop_.run_until(deadline_);
  loop_.remove(fd);
  if (is_ready) return {};
  return fail(ExitStatus::kUnavailable, where() + " takes the connection and then says nothing for 5 s");
}

Result<void> Checker::flush(TlsStream& channel) {
  while (!channel.to_send().empty()) {
    const IoResult result = write_some(dials_[*found_.greeted].fd.get(), channel.to_send());
    if (result.status == IoStatus::kOk) {
      channel.sent(result.bytes);
    } else if (result.status != IoStatus::kWouldBlock) {
      return foreign("it closed the connection");
    } else if (auto waited = wait(kWritable); !waited) {
      return waited;
    }
  }
  return {};
}

void Checker::say_hello(TlsStream& channel) {
  HandshakeTerms terms;
  terms.dialler = true;
  terms.node_signer = signer_.get();
  terms.verifier = &ed25519_verifier();
  draw_random(terms.nonce);
  terms.channel_peer = to_node(channel.peer());
  terms.channel = channel.binding();
  terms.observed = to_net(found_.addresses[*found_.greeted].address);
  handshake_.emplace(std::move(terms));
  hello_at_ = read_clock().monotonic;
  channel.write(handshake_->start());
}

Result<FrameView> Checker::exchange(TlsStream& channel) {
  std::array<std::uint8_t, 4096> plain;
  for (;;) {
    const TlsResult result = channel.read(plain);
    if (result.status == TlsStatus::kFailed) return foreign("TLS: " + channel.fault());
    if (result.status == TlsStatus::kClosed) return foreign("it closed the connection");
    if (result.status == TlsStatus::kOk) {
      decoder_.push(ByteView(plain).first(result.bytes));
      if (const auto frame = decoder_.next()) return *frame;
      if (decoder_.error() != FrameError::kNone) return foreign("what it says is no frame");
      continue;
    }
    if (channel.is_established() && !handshake_) say_hello(channel);
    if (auto flushed = flush(channel); !flushed) return tl::unexpected<Error>(flushed.error());
    const IoResult got = read_some(dials_[*found_.greeted].fd.get(), channel.receive_space());
    if (got.status == IoStatus::kOk) {
      channel.received(got.bytes);
    } else if (got.status != IoStatus::kWouldBlock) {
      return foreign("it closed the connection");
    } else if (auto waited = wait(kReadable); !waited) {
      return tl::unexpected<Error>(waited.error());
    }
  }
}

Result<void> Checker::greet() {
  for (const Dial& dial : dials_) {
    if (dial.fd && loop_.contains(dial.fd.get())) loop_.remove(dial.fd.get());
  }
  deadline_ = read_clock().monotonic + limits::kHandshakeTimeout;
  KeySeed seed;
  draw_random(seed);
  signer_ = make_ed25519_signer(seed);
  auto context = TlsContext::make(seed);
  if (!context) return tl::unexpected<Error>(context.error());
  TlsStream channel(**context, true);
  const auto answer = exchange(channel);
  if (!answer) return tl::unexpected<Error>(answer.error());
  found_.greeted_for = read_clock().monotonic - hello_at_;
  found_.node = to_node(channel.peer());
  auto taken = take_answer(*answer);
  channel.close();
  (void)flush(channel);  // who hears no more has hung up
  return taken;
}

Result<void> Checker::take_answer(const FrameView& answer) {
  if (answer.type == static_cast<std::uint8_t>(FrameType::kRefuse)) {
    // Read by hand: a newer node has reasons that are not known here.
    Reader reader(answer.payload);
    const std::uint8_t reason = reader.u8();
    const std::uint16_t version = reader.u16();
    if (!reader.done()) return foreign("its refusal is malformed");
    found_.refusal = reason;
    found_.version = version;
    if (version == kProtocolVersion) return {};
    return fail(ExitStatus::kProtocol, where() + " speaks version " + std::to_string(version) +
                                           " of the p2pmesh protocol, this program version " +
                                           std::to_string(kProtocolVersion) +
                                           "; use the same release on both sides");
  }
  Bytes confirmation;  // never sent: with it the link would be up
  handshake_->on_frame(answer.type, answer.payload, confirmation);
  if (!handshake_->done()) return foreign("its welcome is malformed, or signed by another key");
  found_.version = kProtocolVersion;
  found_.mesh = handshake_->result().mesh;
  return {};
}

}  // namespace

AddressCheck check_address(const HostPort& place, HostLookup lookup) {
  AddressCheck failed;
  auto loop = EventLoop::open();
  if (!loop) {
    failed.error = loop.error();
  } else if (!init_crypto()) {
    failed.error = Error{ExitStatus::kIo, "the random source of this system does not answer"};
  } else {
    return Checker(**loop, place).run(std::move(lookup));
  }
  return failed;
}

}  // namespace p2pmesh
