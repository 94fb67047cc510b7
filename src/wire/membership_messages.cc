#include "p2pmesh/wire/membership_messages.h"

#include "net_address_codec.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {
namespace {

void write_peer(Writer& writer, const PeerEntry& peer) {
  writer.id(peer.node);
  write_addresses(writer, peer.addresses);
}

PeerEntry read_peer(Reader& reader) {
  PeerEntry peer;
  peer.node = reader.id<NodeKey>();
  peer.addresses = read_addresses(reader);
  return peer;
}

void write_peers(Writer& writer, const std::vector<PeerEntry>& peers) {
  writer.u8(static_cast<std::uint8_t>(peers.size()));
  for (const PeerEntry& peer : peers) write_peer(writer, peer);
}

std::vector<PeerEntry> read_peers(Reader& reader) {
  std::vector<PeerEntry> peers;
  const std::size_t count = reader.u8();
  if (count > limits::kShufflePeersMax) reader.refuse();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) peers.push_back(read_peer(reader));
  return peers;
}

}  // namespace

Bytes encode_join() {
  return encode_frame(FrameType::kJoin, {});
}

Bytes encode_frame_of(const ForwardJoin& join) {
  Writer writer;
  write_peer(writer, join.newcomer);
  return encode_frame(FrameType::kForwardJoin, writer.u8(join.hops_left).bytes());
}

std::optional<ForwardJoin> decode_forward_join(ByteView payload) {
  Reader reader(payload);
  ForwardJoin join;
  join.newcomer = read_peer(reader);
  join.hops_left = reader.u8();
  return reader.done() ? std::optional(std::move(join)) : std::nullopt;
}

Bytes encode_frame_of(const NeighborRequest& request) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(request.priority)).u64(request.as_of_ms).u64(request.root);
  return encode_frame(FrameType::kNeighbor, writer.bytes());
}

std::optional<NeighborRequest> decode_neighbor_request(ByteView payload) {
  Reader reader(payload);
  NeighborRequest request;
  const std::uint8_t priority = reader.u8();
  request.as_of_ms = reader.u64();
  request.root = reader.u64();
  if (!reader.done() || priority > static_cast<std::uint8_t>(NeighborPriority::kTrade)) return std::nullopt;
  request.priority = static_cast<NeighborPriority>(priority);
  return request;
}

Bytes encode_frame_of(const NeighborReply& reply) {
  Writer writer;
  return encode_frame(FrameType::kNeighborReply, writer.u8(reply.granted ? 1 : 0).bytes());
}

std::optional<NeighborReply> decode_neighbor_reply(ByteView payload) {
  Reader reader(payload);
  const std::uint8_t granted = reader.u8();
  if (!reader.done() || granted > 1) return std::nullopt;
  return NeighborReply{granted == 1};
}

Bytes encode_frame_of(const Shuffle& shuffle) {
  Writer writer;
  writer.id(shuffle.origin).u32(shuffle.id).u8(shuffle.hops_left);
  write_peers(writer, shuffle.peers);
  return encode_frame(FrameType::kShuffle, writer.bytes());
}

std::optional<Shuffle> decode_shuffle(ByteView payload) {
  Reader reader(payload);
  Shuffle shuffle;
  shuffle.origin = reader.id<NodeKey>();
  shuffle.id = reader.u32();
  shuffle.hops_left = reader.u8();
  shuffle.peers = read_peers(reader);
  return reader.done() ? std::optional(std::move(shuffle)) : std::nullopt;
}

Bytes encode_frame_of(const ShuffleReply& reply) {
  Writer writer;
  writer.id(reply.origin).u32(reply.id);
  write_peers(writer, reply.peers);
  return encode_frame(FrameType::kShuffleReply, writer.bytes());
}

std::optional<ShuffleReply> decode_shuffle_reply(ByteView payload) {
  Reader reader(payload);
  ShuffleReply reply;
  reply.origin = reader.id<NodeKey>();
  reply.id = reader.u32();
  reply.peers = read_peers(reader);
  return reader.done() ? std::optional(std::move(reply)) : std::nullopt;
}

}  // namespace p2pmesh
