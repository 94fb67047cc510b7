#include "p2pmesh/wire/envelope.h"

#include <algorithm>
#include <cstring>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

void read_log_fields(Reader& reader, Envelope& envelope) {
  envelope.seq = reader.u64();
  envelope.prev = reader.id<EnvelopeId>();
  const std::size_t parents = reader.u8();
  if (parents > limits::kParentsMax) return reader.refuse();
  for (std::size_t i = 0; i < parents && reader.ok(); ++i) {
    envelope.parents.push_back(reader.id<EnvelopeId>());
    if (i > 0 && !(envelope.parents[i - 1] < envelope.parents[i])) return reader.refuse();
  }
  envelope.depth = reader.u64();
  // Depth and sequence are stored as signed 64-bit numbers; half of the range is beyond any honest use.
  constexpr std::uint64_t kHalf = 1ULL << 63;
  if (envelope.seq == 0 || envelope.seq >= kHalf || envelope.depth == 0 || envelope.depth > limits::kDepthMax)
    reader.refuse();
  if ((envelope.seq == 1) != envelope.prev.is_zero()) reader.refuse();
}

void read_record_fields(Reader& reader, Envelope& envelope) {
  ByteView subject = reader.short_bytes();
  if (subject.size() > limits::kSubjectBytesMax) return reader.refuse();
  envelope.subject.assign(subject.begin(), subject.end());
  envelope.version = reader.u64();
}

}  // namespace

Bytes encode_unsigned(const Envelope& envelope) {
  Writer writer;
  writer.u8(kEnvelopeVersion).u8(static_cast<std::uint8_t>(envelope.envelope_class)).u16(envelope.kind);
  writer.id(envelope.mesh).short_bytes(as_bytes(envelope.room)).id(envelope.author);
  writer.u64(envelope.epoch).u64(envelope.wall_ms);
  if (envelope.envelope_class == EnvelopeClass::kLog) {
    writer.u64(envelope.seq).id(envelope.prev).u8(static_cast<std::uint8_t>(envelope.parents.size()));
    for (const EnvelopeId& parent : envelope.parents) writer.id(parent);
    writer.u64(envelope.depth);
  } else if (envelope.envelope_class == EnvelopeClass::kRecord) {
    writer.short_bytes(envelope.subject).u64(envelope.version);
  }
  writer.long_bytes(envelope.body);
  return writer.take();
}

Bytes encode_envelope(const Envelope& envelope) {
  Bytes bytes = encode_unsigned(envelope);
  bytes.insert(bytes.end(), envelope.signature.begin(), envelope.signature.end());
  return bytes;
}

std::optional<Envelope> decode_envelope(ByteView bytes) {
  if (bytes.size() > limits::kEnvelopeBytesMax) return std::nullopt;
  Reader reader(bytes);
  Envelope envelope;
  if (reader.u8() != kEnvelopeVersion) return std::nullopt;
  const std::uint8_t envelope_class = reader.u8();
  if (envelope_class < 1 || envelope_class > 3) return std::nullopt;
  envelope.envelope_class = static_cast<EnvelopeClass>(envelope_class);
  envelope.kind = reader.u16();
  envelope.mesh = reader.id<MeshId>();
  ByteView room = reader.short_bytes();
  if (room.size() > limits::kRoomBytesMax) return std::nullopt;
  envelope.room = as_text(room);
  envelope.author = reader.id<MemberKey>();
  envelope.epoch = reader.u64();
  envelope.wall_ms = reader.u64();
  if (envelope.epoch >> 63 != 0 || envelope.wall_ms >> 63 != 0) return std::nullopt;
  if (envelope.envelope_class == EnvelopeClass::kLog) read_log_fields(reader, envelope);
  if (envelope.envelope_class == EnvelopeClass::kRecord) read_record_fields(reader, envelope);
  ByteView body = reader.long_bytes();
  ByteView signature = reader.raw(kSignatureBytes);
  if (!reader.done()) return std::nullopt;
  envelope.body.assign(body.begin(), body.end());
  std::memcpy(envelope.signature.data(), signature.data(), kSignatureBytes);
  return envelope;
}

ByteView unsigned_part(ByteView encoded) {
  return encoded.size() < kSignatureBytes ? ByteView{} : encoded.first(encoded.size() - kSignatureBytes);
}

}  // namespace p2pmesh
