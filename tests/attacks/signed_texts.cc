#include "signed_texts.h"

#include <chrono>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh::attacks {

std::vector<Bytes> sign_texts(const Signer& signer, const MeshId& mesh, std::size_t count) {
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.mesh = mesh;
  envelope.room = "#lobby";
  envelope.author = to_member(signer.public_key());
  envelope.wall_ms = static_cast<WallMs>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::system_clock::now().time_since_epoch())
                                             .count());
  envelope.epoch = envelope.wall_ms;
  envelope.depth = 1;
  std::vector<Bytes> signed_ones;
  signed_ones.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ++envelope.seq;
    envelope.body = encode_text_body({"flood " + std::to_string(envelope.seq)});
    const EnvelopeId id = hash_envelope(encode_unsigned(envelope));
    envelope.signature = signer.sign(envelope_signing_bytes(id));
    signed_ones.push_back(encode_envelope(envelope));
    envelope.prev = id;
  }
  return signed_ones;
}

}  // namespace p2pmesh::attacks
