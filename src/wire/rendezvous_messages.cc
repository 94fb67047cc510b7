#include "p2pmesh/wire/rendezvous_messages.h"

#include "net_address_codec.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

constexpr std::uint8_t kKnown = 1;  // flags of what was found
constexpr std::uint8_t kOnline = 2;
constexpr std::uint8_t kObserved = 4;
constexpr std::uint8_t kByName = 1;  // what a look-up goes by
constexpr std::uint8_t kByKey = 2;

void write_flag(Writer& writer, bool flag) {
  writer.u8(flag ? 1 : 0);
}

bool read_flag(Reader& reader) {
  const std::uint8_t flag = reader.u8();
  if (flag > 1) reader.refuse();
  return flag == 1;
}

void read_signature(Reader& reader, Signature& signature) {
  const ByteView view = reader.raw(signature.size());
  std::copy(view.begin(), view.end(), signature.begin());
}

void write_text(Writer& writer, const std::string& text) {
  writer.short_bytes(as_bytes(text));
}

std::string read_text(Reader& reader, std::size_t least, std::size_t most) {
  const ByteView view = reader.short_bytes();
  if (view.size() < least || view.size() > most) reader.refuse();
  return reader.ok() ? std::string(as_text(view)) : std::string();
}

std::string read_name(Reader& reader) {
  return read_text(reader, 1, limits::kNameBytesMax);
}

/// How many items follow; 0 when there are too few or too many.
std::size_t read_count(Reader& reader, std::size_t count, std::size_t least, std::size_t most) {
  if (count < least || count > most) reader.refuse();
  return reader.ok() ? count : 0;
}

template <class Id>
void write_optional_id(Writer& writer, const std::optional<Id>& id) {
  write_flag(writer, id.has_value());
  if (id) writer.id(*id);
}

template <class Id>
std::optional<Id> read_optional_id(Reader& reader) {
  if (!read_flag(reader)) return std::nullopt;
  return reader.id<Id>();
}

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

template <class Message>
std::optional<Message> taken_whole(const Reader& reader, Message& message) {
  return reader.done() ? std::optional(std::move(message)) : std::nullopt;
}

Bytes finish(FrameType type, const Writer& writer) {
  return encode_frame(type, writer.bytes());
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

Bytes encode_frame_of(const ListPeople& message) {
  Writer writer;
  write_flag(writer.u32(message.ticket), message.online_only);
  write_optional_id(writer, message.after);
  return finish(FrameType::kListPeople, writer);
}

std::optional<ListPeople> decode_list_people(ByteView payload) {
  Reader reader(payload);
  ListPeople message;
  message.ticket = reader.u32();
  message.online_only = read_flag(reader);
  message.after = read_optional_id<MemberKey>(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const People& message) {
  Writer writer;
  write_flag(writer.u32(message.ticket), message.last);
  writer.u8(static_cast<std::uint8_t>(message.people.size()));
  for (const PersonEntry& person : message.people) {
    write_text(writer.id(person.member), person.name);
    write_flag(writer, person.online);
    writer.u64(person.seen_ms);
  }
  return finish(FrameType::kPeople, writer);
}

std::optional<People> decode_people(ByteView payload) {
  Reader reader(payload);
  People message;
  message.ticket = reader.u32();
  message.last = read_flag(reader);
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kRendezvousPageMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    PersonEntry person;
    person.member = reader.id<MemberKey>();
    person.name = read_name(reader);
    person.online = read_flag(reader);
    person.seen_ms = reader.u64();
    message.people.push_back(std::move(person));
  }
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const ListMeshes& message) {
  Writer writer;
  write_optional_id(writer.u32(message.ticket), message.after);
  return finish(FrameType::kListMeshes, writer);
}

std::optional<ListMeshes> decode_list_meshes(ByteView payload) {
  Reader reader(payload);
  ListMeshes message;
  message.ticket = reader.u32();
  message.after = read_optional_id<MeshId>(reader);
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Meshes& message) {
  Writer writer;
  write_flag(writer.u32(message.ticket), message.last);
  writer.u8(static_cast<std::uint8_t>(message.meshes.size()));
  for (const MeshEntry& entry : message.meshes) {
    write_text(writer.id(entry.mesh).u32(entry.online).u32(entry.registered), entry.label);
    writer.u8(static_cast<std::uint8_t>(entry.names.size()));
    for (const std::string& name : entry.names) write_text(writer, name);
  }
  return finish(FrameType::kMeshes, writer);
}

std::optional<Meshes> decode_meshes(ByteView payload) {
  Reader reader(payload);
  Meshes message;
  message.ticket = reader.u32();
  message.last = read_flag(reader);
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kRendezvousPageMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    MeshEntry entry;
    entry.mesh = reader.id<MeshId>();
    entry.online = reader.u32();
    entry.registered = reader.u32();
    entry.label = read_text(reader, 0, limits::kRendezvousLabelBytesMax);
    const std::size_t names = read_count(reader, reader.u8(), 0, limits::kRendezvousMeshNamesMax);
    for (std::size_t n = 0; n < names && reader.ok(); ++n) entry.names.push_back(read_name(reader));
    message.meshes.push_back(std::move(entry));
  }
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Watch& message) {
  Writer writer;
  writer.u32(message.ticket).u8(static_cast<std::uint8_t>(message.what));
  if (message.what == Watch::What::kSome) {
    writer.u16(static_cast<std::uint16_t>(message.members.size()));
    for (const MemberKey& member : message.members) writer.id(member);
  }
  return finish(FrameType::kWatch, writer);
}

std::optional<Watch> decode_watch(ByteView payload) {
  Reader reader(payload);
  Watch message;
  message.ticket = reader.u32();
  const std::uint8_t what = reader.u8();
  if (what > static_cast<std::uint8_t>(Watch::What::kSome)) reader.refuse();
  message.what = static_cast<Watch::What>(what);
  if (message.what == Watch::What::kSome) {
    const std::size_t count = read_count(reader, reader.u16(), 1, limits::kRendezvousWatchedMax);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
      const auto member = reader.id<MemberKey>();
      if (i > 0 && member <= message.members.back()) reader.refuse();
      message.members.push_back(member);
    }
  }
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const Changes& message) {
  Writer writer;
  write_flag(writer.u64(message.position), message.missed);
  writer.u16(static_cast<std::uint16_t>(message.changes.size()));
  for (const Change& change : message.changes) {
    write_text(writer.u8(static_cast<std::uint8_t>(change.what)).id(change.member), change.name);
    writer.u64(change.at_ms);
  }
  return finish(FrameType::kChanges, writer);
}

std::optional<Changes> decode_changes(ByteView payload) {
  Reader reader(payload);
  Changes message;
  message.position = reader.u64();
  message.missed = read_flag(reader);
  const std::size_t count = read_count(reader, reader.u16(), 0, limits::kRendezvousChangesPerFrame);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    Change change;
    const std::uint8_t what = reader.u8();
    if (what > static_cast<std::uint8_t>(Change::What::kMoved)) reader.refuse();
    change.what = static_cast<Change::What>(what);
    change.member = reader.id<MemberKey>();
    change.name = read_name(reader);
    change.at_ms = reader.u64();
    message.changes.push_back(std::move(change));
  }
  return taken_whole(reader, message);
}

Bytes encode_frame_of(const ChangesSeen& message) {
  Writer writer;
  return finish(FrameType::kChangesSeen, writer.u64(message.position));
}

std::optional<ChangesSeen> decode_changes_seen(ByteView payload) {
  Reader reader(payload);
  ChangesSeen message{reader.u64()};
  return taken_whole(reader, message);
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
