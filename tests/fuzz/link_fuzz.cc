// A whole link, from plain frames at one end to plain frames at the other: channel, hello and welcomes,
// frames, carried in pieces of any size. What comes out was put in, in its order; all of it when nothing was
// changed.
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "fuzz_input.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/wire/frame.h"
#include "tls_stream.h"

using namespace p2pmesh;

namespace {

constexpr int kTurnsMax = 4000;

/// One end's key and context, made once.
struct Party {
  explicit Party(std::uint8_t number)
      : signer(make_ed25519_signer(KeySeed{number})),
        context(std::move(*TlsContext::make(KeySeed{number}))) {}
  std::unique_ptr<Signer> signer;
  std::unique_ptr<TlsContext> context;
};

struct End {
  End(const Party& of, bool is_dialler) : party(of), dialler(is_dialler), tls(*of.context, is_dialler) {}

  /// As runtime/link_traffic moves a connection.
  void turn() {
    std::array<std::uint8_t, 4096> plain;
    for (;;) {
      const TlsResult result = tls.read(plain);
      if (result.status == TlsStatus::kFailed || result.status == TlsStatus::kClosed) failed = true;
      begin();
      if (result.status != TlsStatus::kOk) break;
      if (!handshake) continue;
      decoder.push(ByteView(plain).first(result.bytes));
      take_frames();
    }
    if (handshake && handshake->done() && !was_done) {
      was_done = true;
      for (const Bytes& frame : to_say) out.insert(out.end(), frame.begin(), frame.end());
    }
    const std::size_t space = std::min(tls.write_space(), out.size());
    if (space == 0) return;
    demand(tls.write(ByteView(out).first(space)));
    out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(space));
  }
  void begin() {
    if (handshake || !tls.is_established()) return;
    HandshakeTerms terms;
    terms.dialler = dialler;
    terms.node_signer = party.signer.get();
    terms.verifier = &ed25519_verifier();
    terms.nonce.fill(dialler ? 1 : 2);
    terms.mesh = MeshId{};
    terms.mesh->bytes[0] = 7;
    terms.channel_peer = to_node(tls.peer());
    terms.channel = tls.binding();
    handshake.emplace(std::move(terms));
    out = handshake->start();
  }
  void take_frames() {
    while (const auto frame = decoder.next()) {
      if (!handshake->done()) {
        handshake->on_frame(frame->type, frame->payload, out);
        if (handshake->done()) decoder.set_frame_bytes_max(limits::kFrameBytesMax);
      } else {
        heard.push_back(encode_frame(static_cast<FrameType>(frame->type), frame->payload));
      }
    }
  }

  const Party& party;
  bool dialler;
  TlsStream tls;
  std::optional<Handshake> handshake;
  FrameDecoder decoder;
  Bytes out;
  std::vector<Bytes> to_say, heard;
  bool was_done = false;
  bool failed = false;
};

/// What was put into a link and is cut and changed on its way.
class Wire {
 public:
  Wire(FuzzInput& input, bool may_change) : input_(input), may_change_(may_change) {}
  /// True when something moved.
  bool carry(End& from, End& to) {
    const ByteView sealed = from.tls.to_send();
    const auto space = to.tls.receive_space();
    std::size_t size = std::min(sealed.size(), space.size());
    if (!input_.empty()) size = std::min(size, 1 + input_.below(700));
    if (size == 0) return false;
    std::copy_n(sealed.begin(), size, space.begin());
    if (may_change_ && !input_.empty()) change(space.first(size));
    from.tls.sent(size);
    to.tls.received(size);
    return true;
  }
  [[nodiscard]] bool has_changed() const { return has_changed_; }

 private:
  void change(std::span<std::uint8_t> bytes) {
    const std::uint8_t by = input_.byte();
    if (by < 192) return;
    bytes[input_.below(bytes.size())] ^= by;
    has_changed_ = true;
  }
  FuzzInput& input_;
  bool may_change_;
  bool has_changed_ = false;
};

void choose_frames(End& end, FuzzInput& input) {
  for (std::size_t i = input.below(4); i > 0; --i) {
    const std::uint8_t type = static_cast<std::uint8_t>(4 + input.below(200));
    end.to_say.push_back(encode_frame(static_cast<FrameType>(type), Bytes(input.below(40'000), type)));
  }
}

bool begins_with(const std::vector<Bytes>& whole, const std::vector<Bytes>& part) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = init_crypto();
  demand(is_ready);
  static const Party one_party(1), other_party(2);
  FuzzInput input(data, size);
  End dialler(one_party, true), acceptor(other_party, false);
  Wire wire(input, input.byte() % 2 == 1);
  choose_frames(dialler, input);
  choose_frames(acceptor, input);
  int turns = 0;
  for (bool moves = true; moves && turns < kTurnsMax; ++turns) {
    dialler.turn();
    moves = wire.carry(dialler, acceptor);
    acceptor.turn();
    moves |= wire.carry(acceptor, dialler);
  }
  demand(begins_with(dialler.to_say, acceptor.heard));
  demand(begins_with(acceptor.to_say, dialler.heard));
  for (const End* end : {&dialler, &acceptor}) {
    const Party& far = end == &dialler ? other_party : one_party;
    if (end->was_done) demand(end->handshake->result().node == to_node(far.signer->public_key()));
  }
  if (wire.has_changed()) return 0;
  demand(turns < kTurnsMax && !dialler.failed && !acceptor.failed);
  demand(dialler.was_done && acceptor.was_done);
  demand(dialler.heard == acceptor.to_say && acceptor.heard == dialler.to_say);
  return 0;
}
