// A channel's far end sends what it likes, in pieces of any size: at an acceptor, or in place of a server's
// answer.
#include <memory>

#include "fuzz_input.h"
#include "p2pmesh/base/limits.h"
#include "tls_stream.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<TlsContext> context = [] {
    init_crypto();
    return std::move(*TlsContext::make(KeySeed{1}));
  }();
  FuzzInput input(data, size);
  const std::uint8_t choices = input.byte();
  TlsStream stream(*context, choices & 1);
  // What is changed of an honest client's bytes: else hardly anything gets past its first record.
  std::unique_ptr<TlsStream> honest;
  if (choices & 2) honest = std::make_unique<TlsStream>(*context, !(choices & 1));
  std::array<std::uint8_t, 4096> plain;
  for (int turn = 0; turn < 64 && !input.empty(); ++turn) {
    stream.read(plain);
    if (honest) honest->read(plain);
    const std::span<std::uint8_t> space = stream.receive_space();
    Bytes bytes;
    if (honest) {
      const ByteView sealed = honest->to_send();
      bytes.assign(sealed.begin(), sealed.end());
      honest->sent(bytes.size());
      const std::size_t changes = input.byte() % 4;
      for (std::size_t i = 0; i < changes && !bytes.empty(); ++i)
        bytes[input.below(bytes.size())] ^= input.byte();
      const ByteView back = stream.to_send();
      const auto honest_space = honest->receive_space();
      const std::size_t carried = std::min(back.size(), honest_space.size());
      std::copy_n(back.begin(), carried, honest_space.begin());
      honest->received(carried);
      stream.sent(carried);
    } else {
      const ByteView taken = input.take(1 + input.below(600));
      bytes.assign(taken.begin(), taken.end());
      stream.sent(stream.to_send().size());
    }
    const std::size_t taken = std::min(bytes.size(), space.size());
    std::copy_n(bytes.begin(), taken, space.begin());
    stream.received(taken);
    demand(stream.to_send().size() <= limits::kTlsRingBytes);
  }
  demand(stream.is_established() ? honest != nullptr : stream.write_space() == 0);
  look_for_hello(ByteView(data, std::min(size, kTlsBeginBytes)), size);
  return 0;
}
