// What a rendezvous lists, and what changes in it.
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/rendezvous_messages.h"
#include "rendezvous_fields.h"

namespace p2pmesh {

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

}  // namespace p2pmesh
