#include "p2pmesh/wire/rendezvous_messages.h"

#include "net_address_codec.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "rendezvous_fields.h"

namespace p2pmesh {
namespace {

constexpr std::uint8_t kKnown = 1;  // flags of what was found
constexpr std::uint8_t kOnline = 2;
constexpr std::uint8_t kObserved = 4;
constexpr std::uint8_t kByName = 1;  // what a look-up goes by
constexpr std::uint8_t kByKey = 2;

void write_meshes(Writer& writer, const std::vector<OpenMesh>& meshes) {
  writer.u8(static_cast<std::uint8_t>(meshes.size()));
  for (const OpenMesh& open : meshes) {
    writer.id(open.mesh).u32(open.online);
    write_text(writer, open.label);
  }
}

std::vector<OpenMesh> read_meshes(Reader& reader) {
  std::vector<OpenMesh> meshes;
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kRendezvousMeshesPerMember);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    OpenMesh open;
    open.mesh = reader.id<MeshId>();
    open.online = reader.u32();
    open.label = read_text(reader, 0, limits::kRendezvousLabelBytesMax);
    if (i > 0 && open.mesh <= meshes.back().mesh) reader.refuse();
    meshes.push_back(std::move(open));
  }
  return meshes;
}

void write_unsigned(Writer& writer, const Registration& registration) {
  write_text(writer, registration.name);
  writer.id(registration.member).id(registration.node);
  write_addresses(writer, registration.addresses);
  write_meshes(writer, registration.meshes);
  write_flag(writer, registration.discoverable);
  writer.u64(registration.version).u64(registration.valid_until_ms);
}

Registration read_registration(Reader& reader) {
  Registration registration;
  registration.name = read_name(reader);
  registration.member = reader.id<MemberKey>();
  registration.node = reader.id<NodeKey>();
  registration.addresses = read_addresses(reader);
  registration.meshes = read_meshes(reader);
  registration.discoverable = read_flag(reader);
  registration.version = reader.u64();
  registration.valid_until_ms = reader.u64();
  read_signature(reader, registration.signature);
  return registration;
}

}  // namespace

Bytes encode_registration(const Registration& registration) {
  Writer writer;
  write_unsigned(writer, registration);
  return writer.raw(registration.signature).take();
}

std::optional<Registration> decode_registration(ByteView bytes) {
  Reader reader(bytes);
  Registration registration = read_registration(reader);
  return taken_whole(reader, registration);
}

Bytes registration_signing_bytes(const NodeKey& server, const Registration& registration) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh registration 1:")).id(server);
  write_unsigned(writer, registration);
  return writer.take();
}

Bytes withdrawal_signing_bytes(const NodeKey& server, const Withdraw& withdraw) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh withdrawal 1:")).id(server);
  return writer.id(withdraw.member).u64(withdraw.version).take();
}

Bytes encode_frame_of(const Register& message) {
  Writer writer;
  writer.u32(message.ticket).raw(encode_registration(message.registration));
  return finish(FrameType::kRegister, writer);
}

std::optional<Register> decode_register(ByteView payload) {
  Reader reader(payload);
  Register message;
  message.ticket = reader.u32();
  message.registration = read_registration(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Withdraw& message) {
  Writer writer;
  writer.u32(message.ticket).id(message.member).u64(message.version).raw(message.signature);
  return finish(FrameType::kWithdraw, writer);
}

std::optional<Withdraw> decode_withdraw(ByteView payload) {
  Reader reader(payload);
  Withdraw message;
  message.ticket = reader.u32();
  message.member = reader.id<MemberKey>();
  message.version = reader.u64();
  read_signature(reader, message.signature);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Registered& message) {
  Writer writer;
  writer.u32(message.ticket).u32(message.lease_s);
  write_flag(writer, message.observed.has_value());
  if (message.observed) write_address(writer, *message.observed);
  return finish(FrameType::kRegistered, writer);
}

std::optional<Registered> decode_registered(ByteView payload) {
  Reader reader(payload);
  Registered message;
  message.ticket = reader.u32();
  message.lease_s = reader.u32();
  if (read_flag(reader)) message.observed = read_address(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Denied& message) {
  Writer writer;
  writer.u32(message.ticket).u8(static_cast<std::uint8_t>(message.reason)).u64(message.value);
  return finish(FrameType::kDenied, writer);
}

std::optional<Denied> decode_denied(ByteView payload) {
  Reader reader(payload);
  Denied message;
  message.ticket = reader.u32();
  const std::uint8_t reason = reader.u8();
  if (reason < static_cast<std::uint8_t>(DenyReason::kNameHeld) ||
      reason > static_cast<std::uint8_t>(DenyReason::kUnknown))
    reader.refuse();
  message.reason = static_cast<DenyReason>(reason);
  message.value = reader.u64();
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Done& message) {
  Writer writer;
  return finish(FrameType::kDone, writer.u32(message.ticket));
}

std::optional<Done> decode_done(ByteView payload) {
  Reader reader(payload);
  Done message{reader.u32()};
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const LookUp& message) {
  Writer writer;
  writer.u32(message.ticket).u8(message.member ? kByKey : kByName);
  if (message.member)
    writer.id(*message.member);
  else
    write_text(writer, message.name);
  return finish(FrameType::kLookUp, writer);
}

std::optional<LookUp> decode_look_up(ByteView payload) {
  Reader reader(payload);
  LookUp message;
  message.ticket = reader.u32();
  const std::uint8_t by = reader.u8();
  if (by == kByKey)
    message.member = reader.id<MemberKey>();
  else if (by == kByName)
    message.name = read_name(reader);
  else
    reader.refuse();
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Found& message) {
  Writer writer;
  const bool has_observed = message.known && message.observed;
  writer.u32(message.ticket)
      .u8(static_cast<std::uint8_t>((message.known ? kKnown : 0) |
                                    (message.known && message.online ? kOnline : 0) |
                                    (has_observed ? kObserved : 0)));
  if (!message.known) return finish(FrameType::kFound, writer);
  writer.u64(message.seen_ms);
  if (has_observed) write_address(writer, *message.observed);
  writer.raw(message.registration);
  return finish(FrameType::kFound, writer);
}

std::optional<Found> decode_found(ByteView payload) {
  Reader reader(payload);
  Found message;
  message.ticket = reader.u32();
  const std::uint8_t flags = reader.u8();
  if (flags > (kKnown | kOnline | kObserved)) reader.refuse();
  message.known = (flags & kKnown) != 0;
  if (!message.known) {
    if (flags != 0) reader.refuse();
    return taken_whole(reader, message);
  }
  message.online = (flags & kOnline) != 0;
  message.seen_ms = reader.u64();
  if ((flags & kObserved) != 0) message.observed = read_address(reader);
  const ByteView registration = reader.raw(reader.remaining());
  if (registration.empty() || registration.size() > limits::kRegistrationBytesMax) reader.refuse();
  if (reader.ok()) message.registration.assign(registration.begin(), registration.end());
  return taken_whole(reader, message);
}

}  // namespace p2pmesh
