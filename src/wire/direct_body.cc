#include "p2pmesh/wire/direct_body.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/text_body.h"
#include "padding.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kSealBytes = 16;  // what sealing adds, see crypto/sealing.h

template <std::size_t kSize>
std::array<std::uint8_t, kSize> read_array(Reader& reader) {
  std::array<std::uint8_t, kSize> array{};
  const ByteView bytes = reader.raw(kSize);
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

std::optional<DirectContent> decode_content(ByteView bytes) {
  Reader reader(bytes);
  DirectContent content;
  const std::uint8_t type = reader.u8();
  if (type < 1 || type > static_cast<std::uint8_t>(DirectType::kInvite)) return std::nullopt;
  content.type = static_cast<DirectType>(type);
  content.recipient = reader.id<MemberKey>();
  content.number = reader.u64();
  content.depth = reader.u64();
  if (content.number > limits::kDepthMax) return std::nullopt;
  if (content.depth == 0 || content.depth > limits::kDepthMax) return std::nullopt;
  if (content.type == DirectType::kInvite) {
    RoomSecret invite;
    invite.room = as_text(reader.short_bytes());
    invite.key = read_array<32>(reader);
    if (!reader.done() || !is_private_room(invite.room) || invite.room.size() > limits::kRoomBytesMax)
      return std::nullopt;
    content.invite = std::move(invite);
    return content;
  }
  if (content.type != DirectType::kText) return reader.done() ? std::optional(content) : std::nullopt;
  auto texts = decode_text_body(reader.raw(reader.remaining()));
  if (!texts) return std::nullopt;
  content.texts = std::move(*texts);
  return content;
}

}  // namespace

Bytes encode_sealed_body(const SealedBody& body) {
  return Writer().raw(body.tag).raw(body.ephemeral).raw(body.authors_copy).raw(body.sealed).take();
}

std::optional<SealedBody> decode_sealed_body(ByteView bytes) {
  Reader reader(bytes);
  SealedBody body;
  body.tag = read_array<8>(reader);
  body.ephemeral = read_array<32>(reader);
  body.authors_copy = read_array<48>(reader);
  if (!reader.ok() || reader.remaining() < kSealBytes) return std::nullopt;
  const ByteView sealed = reader.raw(reader.remaining());
  if (!is_padded(sealed.first(sealed.size() - kSealBytes), limits::kDirectPadding, limits::kDirectBytesMax))
    return std::nullopt;
  body.sealed.assign(sealed.begin(), sealed.end());
  return body;
}

Bytes encode_direct_content(const DirectContent& content) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(content.type))
      .id(content.recipient)
      .u64(content.number)
      .u64(content.depth);
  if (content.type == DirectType::kText) writer.raw(encode_text_body(content.texts));
  if (content.type == DirectType::kInvite)
    writer.short_bytes(as_bytes(content.invite->room)).raw(content.invite->key);
  return writer.take();
}

Bytes pad_direct(ByteView content, const Signature& signature) {
  Writer writer;
  writer.long_bytes(content).raw(signature);
  return pad(writer, limits::kDirectPadding);
}

std::optional<OpenedDirect> parse_padded_direct(ByteView padded) {
  if (!is_padded(padded, limits::kDirectPadding, limits::kDirectBytesMax)) return std::nullopt;
  Reader reader(padded);
  const ByteView content = reader.long_bytes();
  OpenedDirect opened;
  opened.signature = read_array<kSignatureBytes>(reader);
  if (!is_padding(reader, limits::kDirectPadding)) return std::nullopt;
  auto decoded = decode_content(content);
  if (!decoded) return std::nullopt;
  opened.content = std::move(*decoded);
  opened.signed_content.assign(content.begin(), content.end());
  return opened;
}

Bytes direct_signing_bytes(const MeshId& mesh, const MemberKey& author, std::uint64_t epoch,
                           std::uint64_t seq, ByteView content) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh direct 1:")).id(mesh).id(author).u64(epoch).u64(seq).raw(content);
  return writer.take();
}

Bytes encode_standing(const StandingBody& body) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(body.relation)).u64(body.here);
  writer.u8(static_cast<std::uint8_t>(body.received.size()));
  for (const ReceivedLog& log : body.received) {
    writer.u64(log.epoch).u64(log.read_to).u8(static_cast<std::uint8_t>(log.intervals.size()));
    for (const auto& [first, last] : log.intervals) writer.u64(first).u64(last);
  }
  return pad(writer, limits::kDirectPadding);
}

std::optional<StandingBody> decode_standing(ByteView padded) {
  if (!is_padded(padded, limits::kDirectPadding, limits::kDirectBytesMax)) return std::nullopt;
  Reader reader(padded);
  StandingBody body;
  const std::uint8_t relation = reader.u8();
  body.here = reader.u64();
  const std::size_t epochs = reader.u8();
  if (relation > static_cast<std::uint8_t>(Relation::kDeclined) || epochs > limits::kStandingEpochsMax)
    return std::nullopt;
  body.relation = static_cast<Relation>(relation);
  for (std::size_t i = 0; i < epochs && reader.ok(); ++i) {
    ReceivedLog log;
    log.epoch = reader.u64();
    log.read_to = reader.u64();
    const std::size_t intervals = reader.u8();
    if (intervals > limits::kStandingIntervalsMax) return std::nullopt;
    if (!body.received.empty() && log.epoch <= body.received.back().epoch) return std::nullopt;
    for (std::size_t n = 0; n < intervals && reader.ok(); ++n) {
      const std::uint64_t first = reader.u64();
      const std::uint64_t last = reader.u64();
      const bool touches = !log.intervals.empty() && first - 1 <= log.intervals.back().second;
      if (first == 0 || last < first || touches) return std::nullopt;
      log.intervals.emplace_back(first, last);
    }
    body.received.push_back(std::move(log));
  }
  return is_padding(reader, limits::kDirectPadding) ? std::optional(std::move(body)) : std::nullopt;
}

}  // namespace p2pmesh
