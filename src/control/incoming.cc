#include "p2pmesh/control/incoming.h"

#include <array>
#include <charconv>

#include "incoming_event.h"
#include "method_names.h"
#include "object_reader.h"
#include "status_reply.h"

namespace p2pmesh::control {
namespace {

/// Null when there is none.
std::optional<TopicFacts> read_topic_of(ObjectReader& outer) {
  const Json* object = outer.optional_object("topic");
  if (object == nullptr) return std::nullopt;
  ObjectReader fields(*object);
  TopicFacts topic = read_topic(fields);
  if (!fields.fault().empty()) outer.refuse(fields.fault());
  return topic;
}

FoundMessage read_found(ObjectReader& fields) {
  const Cursor cursor = fields.cursor("cursor");
  return {cursor, read_message(fields)};
}

MemberEntry read_member(ObjectReader& fields) {
  MemberEntry member;
  member.name = fields.text("name");
  member.key = fields.key<MemberKey>("key");
  member.online = fields.boolean("online");
  member.since_ms = fields.number("since_ms");
  member.self = fields.boolean("self");
  member.hidden = fields.boolean("hidden");
  member.ignored = fields.boolean("ignored");
  member.blocked = fields.boolean("blocked");
  member.doubt = read_doubt(fields);
  member.addresses = fields.texts("addresses");
  return member;
}

PeerEntry read_peer(ObjectReader& fields) {
  PeerEntry peer;
  peer.name = fields.text("name");
  peer.key = fields.key<NodeKey>("key");
  peer.address = fields.text("address");
  peer.outbound = fields.boolean("outbound");
  peer.rtt_ms = fields.optional_real("rtt_ms");
  return peer;
}

LimitEntry read_limit(ObjectReader& fields) {
  LimitEntry entry;
  entry.name = fields.text("name");
  entry.limit = fields.number("limit");
  entry.unit = fields.text("unit");
  entry.used = fields.optional_number("used", 0, UINT64_MAX);
  entry.key = fields.optional_text("key").value_or("");
  return entry;
}

ContactEntry read_contact(ObjectReader& fields) {
  ContactEntry contact;
  contact.name = fields.text("name");
  const auto key = fields.optional_text("key");
  contact.known = key.has_value();
  const auto parsed = key ? MemberKey::from_hex(*key) : std::nullopt;
  if (parsed) contact.key = *parsed;
  if (key && !parsed) fields.refuse("\"key\" must be 64 hexadecimal digits");
  contact.alias = fields.optional_text("alias").value_or("");
  contact.host = fields.optional_text("host").value_or("");
  contact.port = static_cast<std::uint16_t>(fields.optional_number("port", 1, 65535).value_or(0));
  contact.relation = fields.text("relation");
  contact.theirs = fields.text("theirs");
  contact.asks = fields.boolean("asks");
  contact.online = fields.boolean("online");
  contact.hidden = fields.boolean("hidden");
  contact.ignored = fields.boolean("ignored");
  contact.blocked = fields.boolean("blocked");
  contact.unread = fields.number("unread");
  contact.doubt = read_doubt(fields);
  if (auto known_as = fields.optional_text("known_as")) {
    const auto successor = fields.key<MemberKey>("taken_over_by");
    contact.taken_over = ContactEntry::Successor{*std::move(known_as), successor};
  }
  contact.mesh = fields.optional_key<MeshId>("mesh");
  return contact;
}

MemberReply read_member_reply(ObjectReader& fields) {
  MemberReply reply;
  reply.member = fields.key<MemberKey>("member");
  reply.name = fields.text("name");
  reply.mesh = fields.optional_key<MeshId>("mesh");
  return reply;
}

AddReply read_added(ObjectReader& fields) {
  AddReply added;
  added.name = fields.text("name");
  if (const auto member = fields.optional_text("member")) {
    added.member = MemberKey::from_hex(*member);
    if (!added.member) fields.refuse("\"member\" must be 64 hexadecimal digits");
  }
  added.alias = fields.optional_text("alias").value_or("");
  added.why = fields.optional_text("why").value_or("");
  return added;
}

PendingEntry read_pending(ObjectReader& fields) {
  PendingEntry line;
  line.number = fields.number("number");
  line.room = fields.text("room");
  line.name = fields.text("name");
  line.text = fields.text("text");
  line.wall_ms = fields.number("wall_ms");
  return line;
}

RankEntry read_rank(ObjectReader& fields) {
  RankEntry entry;
  entry.name = fields.text("name");
  entry.key = fields.key<MemberKey>("key");
  entry.rank = fields.text("rank");
  return entry;
}

RestrictionEntry read_restriction(ObjectReader& fields) {
  RestrictionEntry entry;
  entry.name = fields.text("name");
  entry.key = fields.key<MemberKey>("key");
  entry.ban = fields.boolean("ban");
  entry.by = fields.text("by");
  entry.since_ms = fields.number("since_ms");
  entry.end_ms = fields.number("end_ms");
  entry.reason = fields.text("reason");
  return entry;
}

RoomEntry read_room(ObjectReader& fields) {
  RoomEntry room;
  room.name = fields.text("name");
  room.joined = fields.boolean("joined");
  room.current = fields.boolean("current");
  room.unread = fields.number("unread");
  room.messages = fields.number("messages");
  room.newest_ms = fields.number("newest_ms");
  room.topic = read_topic_of(fields);
  room.is_private = fields.boolean("private");
  room.has_key = fields.boolean("key");
  room.invited_by = fields.optional_text("invited_by");
  return room;
}

RendezvousEntry read_standing(ObjectReader& fields) {
  RendezvousEntry entry;
  entry.place = fields.text("place");
  entry.linked = fields.boolean("linked");
  entry.registered = fields.boolean("registered");
  entry.trouble = fields.text("trouble");
  return entry;
}

RegisteredPerson read_registered(ObjectReader& fields) {
  RegisteredPerson person;
  person.name = fields.text("name");
  person.key = fields.key<MemberKey>("key");
  person.online = fields.boolean("online");
  person.seen_ms = fields.number("seen_ms");
  return person;
}

RegisteredMesh read_registered_mesh(ObjectReader& fields) {
  RegisteredMesh mesh;
  mesh.mesh = fields.key<MeshId>("mesh");
  mesh.label = fields.text("label");
  mesh.online = fields.number("online");
  mesh.names = fields.texts("names");
  return mesh;
}

LanInterfaceEntry read_lan_interface(ObjectReader& fields) {
  LanInterfaceEntry entry;
  entry.name = fields.text("name");
  entry.left_out = fields.text("left_out");
  return entry;
}

LanMeshEntry read_lan_mesh(ObjectReader& fields) {
  LanMeshEntry entry;
  entry.mesh = fields.key<MeshId>("mesh");
  entry.label = fields.text("label");
  entry.online = fields.number("online");
  entry.names = fields.texts("names");
  entry.ours = fields.boolean("ours");
  entry.interface = fields.text("interface");
  entry.address = fields.text("address");
  entry.since_ms = fields.number("since_ms");
  return entry;
}

MeshEntry read_mesh(ObjectReader& fields) {
  MeshEntry entry;
  entry.mesh = fields.key<MeshId>("mesh");
  entry.label = fields.text("label");
  entry.name = fields.text("name");
  entry.current = fields.boolean("current");
  entry.closed = fields.boolean("closed");
  entry.members = fields.number("members");
  entry.online = fields.number("online");
  entry.neighbors = fields.number("neighbors");
  entry.unread = fields.number("unread");
  entry.read_cursor = fields.cursor("read_cursor");
  entry.with = fields.optional_key<MemberKey>("with");
  return entry;
}

/// Reads each element of an array; the first fault of one is a fault of `outer`.
template <class Element>
std::vector<Element> read_each(const Json::array_t& array, Element (*read)(ObjectReader&),
                               ObjectReader& outer) {
  std::vector<Element> elements;
  elements.reserve(array.size());
  for (const Json& value : array) {
    ObjectReader fields(value);
    elements.push_back(read(fields));
    if (!fields.fault().empty()) outer.refuse(fields.fault());
  }
  return elements;
}

template <class Element>
std::vector<Element> read_each_of(ObjectReader& outer, std::string_view name,
                                  Element (*read)(ObjectReader&)) {
  return read_each(outer.array(name), read, outer);
}

InviteEntry read_invite(ObjectReader& fields) {
  InviteEntry entry;
  entry.key = fields.text("key");
  entry.by = fields.text("by");
  entry.by_key = fields.key<MemberKey>("by_key");
  entry.uses = fields.number("uses");
  entry.used = fields.number("used");
  entry.made_ms = fields.number("made_ms");
  entry.end_ms = fields.number("end_ms");
  entry.standing = fields.text("standing");
  return entry;
}

LinkReply read_link(ObjectReader& fields) {
  LinkReply reply;
  reply.link = fields.text("link");
  reply.key = fields.text("key");
  reply.uses = fields.number("uses");
  reply.end_ms = fields.number("end_ms");
  return reply;
}

LanReply read_lan(ObjectReader& fields) {
  LanReply reply;
  reply.on = fields.boolean("on");
  reply.nodes = fields.number("nodes");
  reply.interfaces = read_each_of(fields, "interfaces", read_lan_interface);
  reply.meshes = read_each_of(fields, "meshes", read_lan_mesh);
  for (const auto& [name, value] : fields.object("counters").get_ref<const Json::object_t&>()) {
    if (value.is_number_unsigned()) reply.counters.emplace_back(name, value.get<std::uint64_t>());
  }
  return reply;
}

/// The result of a method that answers with an array, wrapped so that one reader serves all.
constexpr std::string_view kResult = "result";

Reply read_result(std::string_view method, ObjectReader& line) {
  if (method == "members.list") return MembersReply{read_each(line.array(kResult), read_member, line)};
  if (method == "peers.list") return PeersReply{read_each(line.array(kResult), read_peer, line)};
  if (method == "contacts.list") return ContactsReply{read_each(line.array(kResult), read_contact, line)};
  if (method == "invite.list") return InvitesReply{read_each(line.array(kResult), read_invite, line)};
  if (method == "limits") return LimitsReply{read_each(line.array(kResult), read_limit, line)};
  if (method == "rendezvous.list")
    return RendezvousReply{read_each(line.array(kResult), read_standing, line)};
  if (method == "mesh.list") return MeshesReply{read_each(line.array(kResult), read_mesh, line)};
  if (method == "rooms.list") return RoomsReply{read_each(line.array(kResult), read_room, line)};

  ObjectReader fields(line.object(kResult));
  Reply reply = EmptyReply{};
  if (method == "status") {
    reply = read_status(fields);
  } else if (method == "message.send" || method == "contact.ask" || method == "topic.set" ||
             method == "room.invite" || method == "moderation.act") {
    const auto pending = fields.optional_number("pending", 1, UINT64_MAX);
    if (method == "contact.ask" && fields.has("member"))
      reply = read_member_reply(fields);
    else
      reply = pending ? SendReply{{}, *pending} : SendReply{fields.message_id("id")};
  } else if (method == "message.list") {
    auto messages = read_each(fields.array("messages"), read_message, fields);
    reply = ListReply{std::move(messages), fields.boolean("more")};
  } else if (method == "pending.list") {
    auto lines = read_each(fields.array("lines"), read_pending, fields);
    reply = PendingReply{std::move(lines), fields.boolean("more")};
  } else if (method == "pending.cancel") {
    reply = CancelReply{fields.number("cancelled")};
  } else if (method == "conversation.set" || method == "person.set" || method == "mesh.connect" ||
             method == "revocation.publish") {
    reply = read_member_reply(fields);
  } else if (method == "mesh.use" || method == "mesh.enter" || method == "mesh.open" ||
             method == "mesh.leave" || method == "mesh.switch") {
    reply = MeshReply{read_mesh(fields)};
  } else if (method == "rendezvous.people") {
    auto people = read_each_of(fields, "people", read_registered);
    auto meshes = read_each_of(fields, "meshes", read_registered_mesh);
    reply = RendezvousPeopleReply{std::move(people), std::move(meshes), fields.boolean("more")};
  } else if (method == "lan.list") {
    reply = read_lan(fields);
  } else if (method == "name.set") {
    std::string name = fields.text("name");
    reply = NameReply{std::move(name), fields.boolean("changed")};
  } else if (method == "invite.make") {
    reply = read_link(fields);
  } else if (method == "revocation.make") {
    reply = RevocationReply{fields.text("statement")};
  } else if (method == "member.find") {
    reply = FindReply{fields.boolean("known")};
  } else if (method == "book.add") {
    reply = read_added(fields);
  } else if (method == "book.forget") {
    std::string name = fields.text("name");
    reply = ForgetReply{std::move(name), fields.boolean("contact")};
  } else if (method == "room.join" || method == "room.part") {
    reply = RoomReply{read_room(fields)};
  } else if (method == "topic.get") {
    std::string room = fields.text("room");
    reply = TopicReply{std::move(room), read_topic_of(fields)};
  } else if (method == "moderation.list") {
    ModerationReply moderation{fields.text("room"), fields.boolean("locked"), {}, {}};
    moderation.ranks = read_each_of(fields, "ranks", read_rank);
    moderation.restrictions = read_each_of(fields, "restrictions", read_restriction);
    reply = std::move(moderation);
  } else if (method == "message.search") {
    auto messages = read_each(fields.array("messages"), read_found, fields);
    reply = SearchReply{std::move(messages), fields.boolean("more")};
  } else if (method == "events.subscribe") {
    reply = SubscribeReply{fields.cursor("cursor")};
  } else if (method == "screen.attach") {
    reply = AttachReply{fields.boolean("leaves_with_last_screen"), fields.cursor("read_cursor")};
  }
  if (!fields.fault().empty()) line.refuse(fields.fault());
  return reply;
}

RpcError read_error(ObjectReader& line) {
  const Json& object = line.object("error");
  ObjectReader fields(object);
  RpcError error;
  error.message = fields.text("message");
  const auto code = object.find("code");
  if (code == object.end() || !code->is_number_integer()) {
    fields.refuse("an error without a code");
  } else {
    const auto value = code->get<std::int64_t>();
    const bool fits = value >= INT32_MIN && value <= INT32_MAX;
    error.code = static_cast<RpcErrorCode>(fits ? static_cast<int>(value) : -32000);
  }
  if (const auto data = object.find("data"); data != object.end() && data->is_object()) {
    ObjectReader more(*data);
    error.status = static_cast<ExitStatus>(more.optional_number("status", 1, 255).value_or(70));
  }
  if (!fields.fault().empty()) line.refuse(fields.fault());
  return error;
}

Incoming read_reply(const Json& json) {
  ObjectReader line(json);
  const auto id = line.optional_text("id");
  IncomingReply incoming{0, tl::unexpected<RpcError>(RpcError{})};
  std::string_view method;
  if (id) {
    const std::size_t mark = id->find('#');
    const char* end = id->data() + id->size();
    if (mark == std::string::npos ||
        std::from_chars(id->data() + mark + 1, end, incoming.sequence).ptr != end) {
      return MalformedLine{"a reply to a request that was not sent"};
    }
    method = std::string_view(*id).substr(0, mark);
  }
  if (json.contains("error")) {
    incoming.reply = tl::unexpected<RpcError>(read_error(line));
  } else if (find_method(method) == kMethodNames.size()) {
    return MalformedLine{"a reply to a request that was not sent"};
  } else {
    incoming.reply = read_result(method, line);
  }
  if (!line.fault().empty()) return MalformedLine{line.fault()};
  return incoming;
}

}  // namespace

Incoming parse_incoming(std::string_view line) {
  const auto json = parse_json(line);
  if (!json) return MalformedLine{"a line that " + json.error().reason};
  if (!json->is_object()) return MalformedLine{"a line that is no object"};
  if (!json->contains("method")) return read_reply(*json);
  const Json& method = (*json)["method"];
  if (!method.is_string()) return MalformedLine{"a method that is no string"};
  if (method.get_ref<const std::string&>() != "event") return UnknownEvent{};
  return read_event(*json);
}

Error to_error(const RpcError& error) {
  switch (error.code) {
    case RpcErrorCode::kApplication:
      return {error.status, error.message};
    case RpcErrorCode::kInvalidParams:
      return {ExitStatus::kUsage, error.message};
    default:
      return {ExitStatus::kProtocol, error.message};
  }
}

}  // namespace p2pmesh::control
