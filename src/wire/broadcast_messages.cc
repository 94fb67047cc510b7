// Payloads of the broadcast: gossip, ihave, graft, prune.
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIHaveItemBytes = EnvelopeId::kSize + 2;

}  // namespace

Bytes encode_frame_of(const Gossip& gossip) {
  std::size_t bytes = 1;
  for (const GossipItem& item : gossip.items) bytes += kGossipItemBytes + item.envelope.size();
  Writer writer;
  writer.u32(static_cast<std::uint32_t>(bytes)).u8(static_cast<std::uint8_t>(FrameType::kGossip));
  for (const GossipItem& item : gossip.items) writer.u16(item.round).long_bytes(item.envelope);
  return writer.take();
}

std::optional<Gossip> decode_gossip(ByteView payload) {
  Reader reader(payload);
  Gossip gossip;
  do {
    GossipItem item;
    item.round = reader.u16();
    item.envelope = reader.long_bytes();
    if (!reader.ok()) return std::nullopt;
    gossip.items.push_back(item);
  } while (reader.remaining() > 0);
  return gossip;
}

Bytes encode_frame_of(const IHave& ihave) {
  Writer writer;
  writer.u16(static_cast<std::uint16_t>(ihave.items.size()));
  for (const IHave::Item& item : ihave.items) writer.id(item.id).u16(item.round);
  return encode_frame(FrameType::kIHave, writer.bytes());
}

std::optional<IHave> decode_ihave(ByteView payload) {
  Reader reader(payload);
  const std::size_t count = reader.u16();
  if (!reader.ok() || count == 0 || reader.remaining() != count * kIHaveItemBytes) return std::nullopt;
  IHave ihave;
  ihave.items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    IHave::Item item;
    item.id = reader.id<EnvelopeId>();
    item.round = reader.u16();
    ihave.items.push_back(item);
  }
  return ihave;
}

Bytes encode_frame_of(const Graft& graft) {
  Writer writer;
  writer.u16(static_cast<std::uint16_t>(graft.ids.size()));
  for (const EnvelopeId& id : graft.ids) writer.id(id);
  return encode_frame(FrameType::kGraft, writer.bytes());
}

std::optional<Graft> decode_graft(ByteView payload) {
  Reader reader(payload);
  const std::size_t count = reader.u16();
  if (!reader.ok() || reader.remaining() != count * EnvelopeId::kSize) return std::nullopt;
  Graft graft;
  for (std::size_t i = 0; i < count; ++i) graft.ids.push_back(reader.id<EnvelopeId>());
  return graft;
}

Bytes encode_frame_of(const Prune& prune) {
  return encode_frame(FrameType::kPrune, prune.author ? prune.author->view() : ByteView{});
}

std::optional<Prune> decode_prune(ByteView payload) {
  if (payload.empty()) return Prune{};
  const auto author = MemberKey::from_view(payload);
  return author ? std::optional(Prune{author}) : std::nullopt;
}

}  // namespace p2pmesh
