#include "p2pmesh/wire/room_body.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/text_body.h"
#include "padding.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kSealBytes = 16;  // what sealing adds, see crypto/sealing.h
enum class ContentType : std::uint8_t { kTexts = 1, kTopic = 2 };

}  // namespace

bool is_topic(std::string_view text) {
  return text.size() <= limits::kTopicBytesMax && is_utf8(text);
}

std::optional<std::string> decode_topic(ByteView body) {
  const std::string_view text = as_text(body);
  return is_topic(text) ? std::optional(std::string(text)) : std::nullopt;
}

bool is_sealed_room(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog && is_private_room(envelope.room) &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kSealedRoom);
}

Bytes encode_room_content(const RoomContent& content) {
  Writer writer;
  const Bytes texts = content.topic ? Bytes() : encode_text_body(content.texts);
  writer.u8(static_cast<std::uint8_t>(content.topic ? ContentType::kTopic : ContentType::kTexts));
  writer.long_bytes(content.topic ? as_bytes(*content.topic) : ByteView(texts));
  return pad(writer, limits::kRoomPadding);
}

std::optional<RoomContent> decode_room_content(ByteView padded) {
  if (!is_padded(padded, limits::kRoomPadding, limits::kRoomSealedBytesMax)) return std::nullopt;
  Reader reader(padded);
  const auto type = static_cast<ContentType>(reader.u8());
  const ByteView inside = reader.long_bytes();
  if (!is_padding(reader, limits::kRoomPadding)) return std::nullopt;
  RoomContent content;
  if (type == ContentType::kTopic) {
    content.topic = decode_topic(inside);
    return content.topic ? std::optional(std::move(content)) : std::nullopt;
  }
  auto texts = type == ContentType::kTexts ? decode_text_body(inside) : std::nullopt;
  if (!texts) return std::nullopt;
  content.texts = *std::move(texts);
  return content;
}

Bytes encode_sealed_room_body(const SealedRoomBody& body) {
  return Writer().raw(body.nonce).raw(body.sealed).take();
}

std::optional<SealedRoomBody> decode_sealed_room_body(ByteView bytes) {
  Reader reader(bytes);
  SealedRoomBody body;
  const ByteView nonce = reader.raw(body.nonce.size());
  if (!reader.ok() || reader.remaining() < kSealBytes) return std::nullopt;
  std::copy(nonce.begin(), nonce.end(), body.nonce.begin());
  const ByteView sealed = reader.raw(reader.remaining());
  const ByteView inside = sealed.first(sealed.size() - kSealBytes);
  if (!is_padded(inside, limits::kRoomPadding, limits::kRoomSealedBytesMax)) return std::nullopt;
  body.sealed.assign(sealed.begin(), sealed.end());
  return body;
}

Bytes room_sealing_bytes(const Envelope& place) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh sealed room 1:")).id(place.mesh).short_bytes(as_bytes(place.room));
  return writer.id(place.author).u64(place.epoch).u64(place.seq).take();
}

}  // namespace p2pmesh
