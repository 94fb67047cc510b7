#include "p2pmesh/wire/reach_messages.h"

#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

Bytes encode_frame_of(const ReachAsk& ask) {
  Writer writer;
  writer.u16(ask.port);
  return encode_frame(static_cast<FrameType>(kReachAskType), writer.bytes());
}

std::optional<ReachAsk> decode_reach_ask(ByteView payload) {
  Reader reader(payload);
  const ReachAsk ask{reader.u16()};
  if (!reader.done() || ask.port == 0) return std::nullopt;
  return ask;
}

Bytes encode_frame_of(const ReachTold& told) {
  Writer writer;
  writer.u16(told.port).u8(static_cast<std::uint8_t>(told.reach));
  return encode_frame(static_cast<FrameType>(kReachToldType), writer.bytes());
}

std::optional<ReachTold> decode_reach_told(ByteView payload) {
  Reader reader(payload);
  const std::uint16_t port = reader.u16();
  const std::uint8_t reach = reader.u8();
  if (!reader.done() || port == 0 || reach < 1 || reach > static_cast<std::uint8_t>(Reach::kOtherNode))
    return std::nullopt;
  return ReachTold{port, static_cast<Reach>(reach)};
}

}  // namespace p2pmesh
