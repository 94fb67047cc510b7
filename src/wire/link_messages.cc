// Payloads that concern a link and its two ends.
#include <algorithm>

#include "net_address_codec.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr std::uint8_t kPingRepaired = 1;  // flags of a ping
constexpr std::uint8_t kPingPlace = 2;
constexpr std::uint16_t kOverThisLink = 0x8000;  // beside the distance
constexpr std::string_view kMagic = "p2pmesh\n";

template <std::size_t kSize>
void read_array(Reader& reader, std::array<std::uint8_t, kSize>& out) {
  ByteView view = reader.raw(kSize);
  std::copy(view.begin(), view.end(), out.begin());
}

void write_heads(Writer& writer, const std::vector<EnvelopeId>& heads) {
  writer.u8(static_cast<std::uint8_t>(heads.size()));
  for (const EnvelopeId& head : heads) writer.id(head);
}

/// False when there are too many.
bool read_heads(Reader& reader, std::vector<EnvelopeId>& heads) {
  const std::size_t count = reader.u8();
  if (count > limits::kParentsMax) return false;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) heads.push_back(reader.id<EnvelopeId>());
  return true;
}

constexpr std::uint8_t kProvesMember = 1;  // flags of what is shown to and by a closed mesh
constexpr std::uint8_t kProvesInvite = 2;
constexpr std::uint8_t kGrants = 2;

void write_member(Writer& writer, const MemberProof& member, const std::vector<Bytes>& chain) {
  writer.raw(member).u8(static_cast<std::uint8_t>(chain.size()));
  for (const Bytes& envelope : chain) writer.u16(static_cast<std::uint16_t>(envelope.size())).raw(envelope);
}

/// False when there are too many.
bool read_member(Reader& reader, std::optional<MemberProof>& member, std::vector<Bytes>& chain) {
  read_array(reader, member.emplace());
  const std::size_t count = reader.u8();
  if (count > limits::kEntryChainMax) return false;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const ByteView envelope = reader.raw(reader.u16());
    chain.emplace_back(envelope.begin(), envelope.end());
  }
  return true;
}

void write_proof(Writer& writer, const HelloProof& proof) {
  writer.u8(
      static_cast<std::uint8_t>((proof.member ? kProvesMember : 0) | (proof.invite ? kProvesInvite : 0)));
  if (proof.member) write_member(writer, *proof.member, proof.chain);
  if (proof.invite) writer.id(proof.invite->key).raw(proof.invite->signature);
}

/// False when it is malformed.
bool read_proof(Reader& reader, HelloProof& proof) {
  const std::uint8_t flags = reader.u8();
  if ((flags & ~(kProvesMember | kProvesInvite)) != 0) return false;
  if ((flags & kProvesMember) != 0 && !read_member(reader, proof.member, proof.chain)) return false;
  if ((flags & kProvesInvite) != 0) {
    proof.invite.emplace().key = reader.id<InviteKey>();
    read_array(reader, proof.invite->signature);
  }
  return reader.ok();
}

void write_proof(Writer& writer, const WelcomeProof& proof) {
  writer.u8(static_cast<std::uint8_t>((proof.member ? kProvesMember : 0) | (proof.grant ? kGrants : 0)));
  if (proof.member) write_member(writer, *proof.member, proof.chain);
  if (proof.grant) writer.raw(proof.grant->secret).id(proof.grant->founder);
}

/// False when it is malformed.
bool read_proof(Reader& reader, WelcomeProof& proof) {
  const std::uint8_t flags = reader.u8();
  if ((flags & ~(kProvesMember | kGrants)) != 0) return false;
  if ((flags & kProvesMember) != 0 && !read_member(reader, proof.member, proof.chain)) return false;
  if ((flags & kGrants) != 0) {
    read_array(reader, proof.grant.emplace().secret);
    proof.grant->founder = reader.id<MemberKey>();
  }
  return reader.ok();
}

}  // namespace

Bytes encode_frame_of(const Hello& hello) {
  Writer writer;
  writer.raw(as_bytes(kMagic)).u16(hello.version).id(hello.node).raw(hello.nonce);
  writer.u8(hello.wanted_mesh ? 1 : 0);
  if (hello.wanted_mesh) writer.id(*hello.wanted_mesh);
  write_proof(writer, hello.proof);
  return encode_frame(FrameType::kHello, writer.bytes());
}

std::optional<Hello> decode_hello(ByteView payload) {
  Reader reader(payload);
  if (as_text(reader.raw(kMagic.size())) != kMagic) return std::nullopt;
  Hello hello;
  hello.version = reader.u16();
  if (!reader.ok()) return std::nullopt;
  if (hello.version != kProtocolVersion) return hello;
  hello.node = reader.id<NodeKey>();
  read_array(reader, hello.nonce);
  const std::uint8_t wants = reader.u8();
  if (wants > 1) return std::nullopt;
  if (wants == 1) hello.wanted_mesh = reader.id<MeshId>();
  if (!read_proof(reader, hello.proof)) return std::nullopt;
  return reader.done() ? std::optional(hello) : std::nullopt;
}

Bytes encode_unsigned_welcome(const Welcome& welcome) {
  Writer writer;
  writer.u16(kProtocolVersion).id(welcome.node).raw(welcome.nonce).id(welcome.mesh);
  write_address(writer, welcome.observed);
  write_addresses(writer, welcome.addresses);
  writer.u8(static_cast<std::uint8_t>(welcome.heads.size()));
  for (const Head& head : welcome.heads) writer.id(head.id).u64(head.depth);
  write_proof(writer, welcome.proof);
  return writer.take();
}

Bytes encode_frame_of(const Welcome& welcome) {
  Bytes payload = encode_unsigned_welcome(welcome);
  payload.insert(payload.end(), welcome.signature.begin(), welcome.signature.end());
  return encode_frame(FrameType::kWelcome, payload);
}

std::optional<Welcome> decode_welcome(ByteView payload) {
  Reader reader(payload);
  Welcome welcome;
  if (reader.u16() != kProtocolVersion) return std::nullopt;
  welcome.node = reader.id<NodeKey>();
  read_array(reader, welcome.nonce);
  welcome.mesh = reader.id<MeshId>();
  welcome.observed = read_address(reader);
  welcome.addresses = read_addresses(reader);
  const std::size_t heads = reader.u8();
  if (heads > limits::kParentsMax) return std::nullopt;
  for (std::size_t i = 0; i < heads && reader.ok(); ++i) {
    Head head;
    head.id = reader.id<EnvelopeId>();
    head.depth = reader.u64();
    welcome.heads.push_back(head);
  }
  if (!read_proof(reader, welcome.proof)) return std::nullopt;
  read_array(reader, welcome.signature);
  return reader.done() ? std::optional(std::move(welcome)) : std::nullopt;
}

Bytes encode_frame_of(const Refuse& refuse) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(refuse.reason)).u16(refuse.version);
  return encode_frame(FrameType::kRefuse, writer.bytes());
}

std::optional<Refuse> decode_refuse(ByteView payload) {
  Reader reader(payload);
  Refuse refuse;
  const std::uint8_t reason = reader.u8();
  refuse.version = reader.u16();
  if (!reader.done() || reason < 1 || reason > static_cast<std::uint8_t>(RefuseReason::kRendezvous))
    return std::nullopt;
  refuse.reason = static_cast<RefuseReason>(reason);
  return refuse;
}

Bytes encode_repair(ByteView envelope) {
  return encode_frame(FrameType::kRepair, envelope);
}

Bytes encode_frame_of(const Taken& taken) {
  Writer writer;
  writer.u16(static_cast<std::uint16_t>(taken.ids.size()));
  for (const EnvelopeId& id : taken.ids) writer.id(id);
  return encode_frame(FrameType::kTaken, writer.bytes());
}

std::optional<Taken> decode_taken(ByteView payload) {
  Reader reader(payload);
  const std::size_t count = reader.u16();
  if (!reader.ok() || reader.remaining() != count * EnvelopeId::kSize) return std::nullopt;
  Taken taken;
  taken.ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) taken.ids.push_back(reader.id<EnvelopeId>());
  return taken;
}

Bytes encode_ping(const Ping& ping) {
  Writer writer;
  const int flags = (ping.repaired ? kPingRepaired : 0) | (ping.place ? kPingPlace : 0);
  writer.u64(ping.token).u64(ping.as_of_ms).u64(ping.root).u8(static_cast<std::uint8_t>(flags));
  if (ping.place) {
    const int over = ping.place->over_this_link ? kOverThisLink : 0;
    writer.u16(ping.place->root).u16(static_cast<std::uint16_t>(ping.place->distance | over));
    writer.u16(ping.place->age_cs);
  }
  return encode_frame(FrameType::kPing, writer.bytes());
}

std::optional<Ping> decode_ping(ByteView payload) {
  Reader reader(payload);
  Ping ping;
  ping.token = reader.u64();
  ping.as_of_ms = reader.u64();
  ping.root = reader.u64();
  const std::uint8_t flags = reader.u8();
  if ((flags & ~(kPingRepaired | kPingPlace)) != 0) return std::nullopt;
  ping.repaired = (flags & kPingRepaired) != 0;
  if ((flags & kPingPlace) != 0) {
    TreePlace& place = ping.place.emplace();
    place.root = reader.u16();
    const std::uint16_t distance = reader.u16();
    place.over_this_link = (distance & kOverThisLink) != 0;
    place.distance = static_cast<std::uint16_t>(distance & ~kOverThisLink);
    place.age_cs = reader.u16();
    if (place.distance > kTreeDistanceMax) return std::nullopt;
  }
  return reader.done() ? std::optional(ping) : std::nullopt;
}

Bytes encode_pong(std::uint64_t token) {
  Writer writer;
  return encode_frame(FrameType::kPong, writer.u64(token).bytes());
}

std::optional<std::uint64_t> decode_pong(ByteView payload) {
  Reader reader(payload);
  const std::uint64_t token = reader.u64();
  return reader.done() ? std::optional(token) : std::nullopt;
}

Bytes encode_frame_of(const SponsorRequest& request) {
  Writer writer;
  writer.id(request.member).short_bytes(as_bytes(request.name));
  write_heads(writer, request.heads);
  return encode_frame(FrameType::kSponsorRequest, writer.bytes());
}

std::optional<SponsorRequest> decode_sponsor_request(ByteView payload) {
  Reader reader(payload);
  SponsorRequest request;
  request.member = reader.id<MemberKey>();
  ByteView name = reader.short_bytes();
  if (name.empty() || name.size() > limits::kNameBytesMax) return std::nullopt;
  request.name = as_text(name);
  if (!read_heads(reader, request.heads)) return std::nullopt;
  return reader.done() ? std::optional(std::move(request)) : std::nullopt;
}

Bytes encode_frame_of(const SponsorReply& reply) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(reply.verdict)).id(reply.sponsor).u64(reply.depth);
  write_heads(writer, reply.heads);
  writer.raw(reply.signature);
  return encode_frame(FrameType::kSponsorReply, writer.bytes());
}

std::optional<SponsorReply> decode_sponsor_reply(ByteView payload) {
  Reader reader(payload);
  SponsorReply reply;
  const std::uint8_t verdict = reader.u8();
  if (verdict > 2) return std::nullopt;
  reply.verdict = static_cast<SponsorVerdict>(verdict);
  reply.sponsor = reader.id<MemberKey>();
  reply.depth = reader.u64();
  if (!read_heads(reader, reply.heads)) return std::nullopt;
  read_array(reader, reply.signature);
  return reader.done() ? std::optional(std::move(reply)) : std::nullopt;
}

Bytes encode_frame_of(const Close& close) {
  Writer writer;
  return encode_frame(FrameType::kClose, writer.u8(static_cast<std::uint8_t>(close.reason)).bytes());
}

std::optional<Close> decode_close(ByteView payload) {
  Reader reader(payload);
  const std::uint8_t reason = reader.u8();
  if (!reader.done() || reason < 1 || reason > 4) return std::nullopt;
  return Close{static_cast<CloseReason>(reason)};
}

}  // namespace p2pmesh
