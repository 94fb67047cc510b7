// Requests of members for others, and what is said of them.
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/rendezvous_messages.h"
#include "rendezvous_fields.h"

namespace p2pmesh {
namespace {

void write_unsigned(Writer& writer, const Ask& ask) {
  writer.id(ask.asker).id(ask.recipient).u64(ask.made_ms).long_bytes(ask.sealed);
}

Ask read_ask(Reader& reader) {
  Ask ask;
  ask.asker = reader.id<MemberKey>();
  ask.recipient = reader.id<MemberKey>();
  ask.made_ms = reader.u64();
  const ByteView sealed = reader.long_bytes();
  if (sealed.size() > limits::kAskBytesMax) reader.refuse();
  if (reader.ok()) ask.sealed.assign(sealed.begin(), sealed.end());
  read_signature(reader, ask.signature);
  return ask;
}

AskState::State read_state(Reader& reader) {
  const std::uint8_t state = reader.u8();
  if (state < static_cast<std::uint8_t>(AskState::State::kWaiting) ||
      state > static_cast<std::uint8_t>(AskState::State::kDelivered))
    reader.refuse();
  return static_cast<AskState::State>(state);
}

}  // namespace

Bytes encode_ask(const Ask& ask) {
  Writer writer;
  write_unsigned(writer, ask);
  return writer.raw(ask.signature).take();
}

std::optional<Ask> decode_ask(ByteView bytes) {
  Reader reader(bytes);
  Ask ask = read_ask(reader);
  return taken_whole(reader, ask);
}

Bytes ask_signing_bytes(const NodeKey& server, const Ask& ask) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh ask 1:")).id(server);
  write_unsigned(writer, ask);
  return writer.take();
}

Bytes encode_frame_of(const AskFrame& message) {
  Writer writer;
  writer.u32(message.ticket).raw(encode_ask(message.ask));
  return finish(FrameType::kAsk, writer);
}

std::optional<AskFrame> decode_ask_frame(ByteView payload) {
  Reader reader(payload);
  AskFrame message;
  message.ticket = reader.u32();
  message.ask = read_ask(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const AskState& message) {
  Writer writer;
  writer.u32(message.ticket).id(message.id).u8(static_cast<std::uint8_t>(message.state));
  return finish(FrameType::kAskState, writer);
}

std::optional<AskState> decode_ask_state(ByteView payload) {
  Reader reader(payload);
  AskState message;
  message.ticket = reader.u32();
  message.id = reader.id<AskId>();
  message.state = read_state(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const AskDelivery& message) {
  return encode_frame(FrameType::kAskDelivery, encode_ask(message.ask));
}

std::optional<AskDelivery> decode_ask_delivery(ByteView payload) {
  Reader reader(payload);
  AskDelivery message{read_ask(reader)};
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const AsksTaken& message) {
  Writer writer;
  writer.u32(message.ticket).u8(static_cast<std::uint8_t>(message.ids.size()));
  for (const AskId& id : message.ids) writer.id(id);
  return finish(FrameType::kAsksTaken, writer);
}

std::optional<AsksTaken> decode_asks_taken(ByteView payload) {
  Reader reader(payload);
  AsksTaken message;
  message.ticket = reader.u32();
  const std::size_t count = read_count(reader, reader.u8(), 1, limits::kAsksTakenMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) message.ids.push_back(reader.id<AskId>());
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const ListAsks& message) {
  Writer writer;
  return finish(FrameType::kListAsks, writer.u32(message.ticket).id(message.asker));
}

std::optional<ListAsks> decode_list_asks(ByteView payload) {
  Reader reader(payload);
  ListAsks message;
  message.ticket = reader.u32();
  message.asker = reader.id<MemberKey>();
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Asks& message) {
  Writer writer;
  writer.u32(message.ticket).u8(static_cast<std::uint8_t>(message.asks.size()));
  for (const AskEntry& entry : message.asks) {
    writer.id(entry.id).id(entry.recipient).u64(entry.since_ms);
    writer.u8(static_cast<std::uint8_t>(entry.state));
  }
  return finish(FrameType::kAsks, writer);
}

std::optional<Asks> decode_asks(ByteView payload) {
  Reader reader(payload);
  Asks message;
  message.ticket = reader.u32();
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kAsksPerAsker);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    AskEntry entry;
    entry.id = reader.id<AskId>();
    entry.recipient = reader.id<MemberKey>();
    entry.since_ms = reader.u64();
    entry.state = read_state(reader);
    message.asks.push_back(entry);
  }
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const TakeBack& message) {
  Writer writer;
  return finish(FrameType::kTakeBack, writer.u32(message.ticket).id(message.id));
}

std::optional<TakeBack> decode_take_back(ByteView payload) {
  Reader reader(payload);
  TakeBack message;
  message.ticket = reader.u32();
  message.id = reader.id<AskId>();
  return taken_whole(reader, message);
}

}  // namespace p2pmesh
