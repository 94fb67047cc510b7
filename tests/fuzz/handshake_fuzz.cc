// Hello and welcome: whatever comes, in whatever pieces, nobody is believed who has not signed.
#include <memory>

#include "fuzz_input.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/wire/frame.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Signer> signer = [] {
    init_crypto();
    return make_ed25519_signer(KeySeed{1});
  }();
  FuzzInput input(data, size);
  HandshakeTerms terms;
  const std::uint8_t choices = input.byte();
  terms.dialler = choices & 1;
  terms.node_signer = signer.get();
  terms.verifier = &ed25519_verifier();
  if (choices & 2) terms.mesh = MeshId{};
  Handshake handshake(std::move(terms));
  handshake.start();
  FrameDecoder decoder;
  Bytes out;
  while (!input.empty()) {
    decoder.push(input.take(1 + input.below(200)));
    while (const auto frame = decoder.next()) handshake.on_frame(frame->type, frame->payload, out);
  }
  demand(!handshake.done());
  demand(out.size() < 3 * limits::kFrameBytesMaxBeforeWelcome);
  return 0;
}
