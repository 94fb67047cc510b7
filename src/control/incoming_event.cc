#include "incoming_event.h"

#include <utility>

namespace p2pmesh::control {

NameDoubt read_doubt(ObjectReader& fields) {
  NameDoubt doubt;
  doubt.looks_like = fields.optional_text("looks_like");
  doubt.mixes_scripts = fields.optional_boolean("mixes_scripts").value_or(false);
  return doubt;
}

ChatMessage read_message(ObjectReader& fields) {
  ChatMessage message;
  message.id = fields.message_id("id");
  message.author = fields.key<MemberKey>("author");
  message.name = fields.text("name");
  message.room = fields.text("room");
  message.text = fields.text("text");
  message.wall_ms = fields.number("wall_ms");
  message.depth = fields.number("depth");
  message.own = fields.boolean("own");
  message.forked = fields.boolean("forked");
  message.taken = fields.optional_number("taken", 0, UINT64_MAX);
  if (auto name = fields.optional_text("with_name")) {
    message.direct.emplace();
    message.direct->peer = fields.key<MemberKey>("with");
    message.direct->name = std::move(*name);
    message.direct->doubt = read_doubt(fields);
    if (const auto state = fields.optional_text("state")) message.direct->state = parse_direct_state(*state);
  }
  return message;
}

TopicFacts read_topic(ObjectReader& fields) {
  TopicFacts topic;
  topic.text = fields.text("text");
  topic.author = fields.key<MemberKey>("author");
  topic.name = fields.text("name");
  topic.at_ms = fields.number("at_ms");
  return topic;
}

Incoming read_event(const Json& json) {
  ObjectReader line(json);
  ObjectReader fields(line.object("params"));
  const std::string type = fields.text("type");
  Incoming incoming = UnknownEvent{};
  if (type == "message") {
    MessageEvent event;
    event.cursor = fields.cursor("cursor");
    event.message = read_message(fields);
    event.repaired = fields.boolean("repaired");
    event.gap = fields.boolean("gap");
    event.was_pending = fields.optional_boolean("was_pending").value_or(false);
    event.replayed = fields.boolean("replayed");
    incoming = Event(std::move(event));
  } else if (const auto kind = parse_notice_kind(type)) {
    NoticeEvent event;
    event.kind = *kind;
    event.cursor = fields.cursor("cursor");
    event.member = fields.key<MemberKey>("member");
    event.name = fields.text("name");
    if (event.kind == NoticeKind::kRenamed || event.kind == NoticeKind::kTakenOver)
      event.old_name = fields.text("old_name");
    event.doubt = read_doubt(fields);
    event.at_ms = fields.number("at_ms");
    event.replayed = fields.boolean("replayed");
    incoming = Event(std::move(event));
  } else if (type == "live") {
    incoming = Event(LiveEvent{});
  } else if (type == "synced") {
    incoming = Event(SyncedEvent{});
  } else if (type == "gap") {
    incoming = Event(GapEvent{fields.cursor("resume_after")});
  } else if (type == "delivery") {
    incoming = Event(DeliveryEvent{fields.key<MemberKey>("member"), fields.text("name")});
  } else if (type == "conversation") {
    ConversationEvent event;
    event.member = fields.key<MemberKey>("member");
    event.name = fields.text("name");
    event.open = fields.boolean("open");
    incoming = Event(std::move(event));
  } else if (type == "room") {
    RoomEvent event;
    event.room = fields.text("room");
    event.joined = fields.boolean("joined");
    incoming = Event(std::move(event));
  } else if (type == "topic") {
    TopicEvent event;
    event.room = fields.text("room");
    event.envelope = fields.key<EnvelopeId>("envelope");
    event.topic = read_topic(fields);
    incoming = Event(std::move(event));
  } else if (type == "opened") {
    RoomOpenedEvent event;
    event.room = fields.text("room");
    event.messages = fields.number("messages");
    incoming = Event(std::move(event));
  } else if (type == "invitation") {
    InvitationEvent event;
    event.room = fields.text("room");
    event.member = fields.key<MemberKey>("member");
    event.name = fields.text("name");
    incoming = Event(std::move(event));
  } else if (type == "moderation") {
    ModerationEvent event;
    event.verb = fields.text("verb");
    event.room = fields.text("room");
    event.by = fields.key<MemberKey>("by");
    event.by_name = fields.text("by_name");
    if (auto name = fields.optional_text("name")) {
      event.name = *std::move(name);
      event.member = fields.key<MemberKey>("member");
    }
    event.self = fields.boolean("self");
    event.end_ms = fields.number("end_ms");
    event.reason = fields.text("reason");
    incoming = Event(std::move(event));
  } else if (type == "mesh") {
    MeshEvent event;
    event.mesh = fields.key<MeshId>("mesh");
    event.label = fields.text("label");
    event.entered = fields.boolean("entered");
    incoming = Event(std::move(event));
  } else if (type == "stranger") {
    StrangerEvent event;
    event.what = fields.text("what");
    event.member = fields.key<MemberKey>("member");
    event.name = fields.text("name");
    event.mesh = fields.key<MeshId>("mesh");
    event.why = fields.text("why");
    incoming = Event(std::move(event));
  } else if (type == "storage") {
    incoming = Event(StorageEvent{fields.text("state")});
  }
  if (!line.fault().empty()) return MalformedLine{line.fault()};
  if (!fields.fault().empty()) return MalformedLine{fields.fault()};
  return incoming;
}

}  // namespace p2pmesh::control
