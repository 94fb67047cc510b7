// A node with two neighbors, one of whom sends whatever it likes, as frames of every type.
#include <memory>

#include "fuzz_input.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/envelope.h"
#include "tests/unit/core/many_members.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  static const bool is_ready = init_crypto();
  demand(is_ready);
  FuzzInput input(data, size);
  const Scribble signer(PublicKey{9});
  const Credulous verifier;
  NodeOptions options;
  options.name = "Alice";
  options.member_signer = options.node_signer = &signer;
  options.verifier = &verifier;
  options.founder_nonce = MeshNonce{};
  options.mesh = hash_mesh(to_member(signer.public_key()), MeshNonce{});
  Now now{Instant(1000s), 1'700'000'000'000};
  Outputs out;
  Node node(options, {}, now, out);
  for (LinkId link = 1; link <= 2; ++link) {
    LinkUp up;
    up.link = link;
    up.node = NodeKey{key_of(static_cast<std::uint32_t>(link)).bytes};
    node.handle(up, now, out);
  }
  while (!input.empty()) {
    out.clear();
    now.monotonic += std::chrono::milliseconds(input.byte());
    const std::uint8_t type = input.byte();
    const ByteView payload = input.take(input.below(2000));
    if (type == 255) {
      node.handle(Wake{}, now, out);
    } else if (type == 254 || type == 253) {
      if (auto envelope = decode_envelope(payload)) {
        auto sealed = std::make_shared<SealedEnvelope>();
        sealed->id.bytes[0] = input.byte();
        sealed->encoded.assign(payload.begin(), payload.end());
        sealed->envelope = std::move(*envelope);
        node.handle(EnvelopeReceived{1, type == 254, 1, sealed}, now, out);
      }
    } else {
      node.handle(FrameReceived{1, static_cast<FrameType>(type), payload}, now, out);
    }
    node.flush(now, out);
  }
  demand(node.status().online >= 1 && !node.members().empty());
  return 0;
}
