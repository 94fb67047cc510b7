#include "p2pmesh/control/event.h"

#include <array>

#include "json_text.h"

namespace p2pmesh::control {
namespace {

constexpr std::array<const char*, 11> kNoticeKinds = {"joined",  "left",       "offline",  "back",
                                                      "renamed", "asks",       "accepted", "declined",
                                                      "hidden",  "taken_over", "revoked"};

void open_event(std::string& out, std::string_view type) {
  out += "{\"type\":\"";
  out += type;
  out += '"';
}

void append_member(std::string& out, const MemberKey& member, const std::string& name) {
  out += ",\"member\":";
  append_id(out, member);
  out += ",\"name\":";
  append_json_string(out, name);
}

void append_one(std::string& out, const MessageEvent& event) {
  open_event(out, "message");
  out += ",\"cursor\":";
  append_cursor(out, event.cursor);
  out += ',';
  append_message_fields(out, event.message);
  out += event.repaired ? ",\"repaired\":true" : ",\"repaired\":false";
  out += event.gap ? ",\"gap\":true" : ",\"gap\":false";
  if (event.was_pending) out += ",\"was_pending\":true";
  out += event.replayed ? ",\"replayed\":true}" : ",\"replayed\":false}";
}

void append_one(std::string& out, const NoticeEvent& event) {
  open_event(out, format_notice_kind(event.kind));
  out += ",\"cursor\":";
  append_cursor(out, event.cursor);
  append_member(out, event.member, event.name);
  append_doubt(out, event.doubt);
  if (event.kind == NoticeKind::kRenamed || event.kind == NoticeKind::kTakenOver) {
    out += ",\"old_name\":";
    append_json_string(out, event.old_name);
  }
  out += ",\"at_ms\":";
  append_number(out, event.at_ms);
  out += event.replayed ? ",\"replayed\":true}" : ",\"replayed\":false}";
}

void append_one(std::string& out, const LiveEvent&) {
  open_event(out, "live");
  out += "}";
}

void append_one(std::string& out, const SyncedEvent&) {
  open_event(out, "synced");
  out += "}";
}

void append_one(std::string& out, const GapEvent& event) {
  open_event(out, "gap");
  out += ",\"resume_after\":";
  append_cursor(out, event.resume_after);
  out += "}";
}

void append_one(std::string& out, const RoomEvent& event) {
  open_event(out, "room");
  out += ",\"room\":";
  append_json_string(out, event.room);
  out += event.joined ? ",\"joined\":true}" : ",\"joined\":false}";
}

void append_one(std::string& out, const StrangerEvent& event) {
  open_event(out, "stranger");
  out += ",\"what\":";
  append_json_string(out, event.what);
  out += ",\"member\":";
  append_id(out, event.member);
  out += ",\"name\":";
  append_json_string(out, event.name);
  out += ",\"mesh\":";
  append_id(out, event.mesh);
  out += ",\"why\":";
  append_json_string(out, event.why);
  out += '}';
}

void append_one(std::string& out, const MeshEvent& event) {
  open_event(out, "mesh");
  out += ",\"mesh\":";
  append_id(out, event.mesh);
  out += ",\"label\":";
  append_json_string(out, event.label);
  out += event.entered ? ",\"entered\":true}" : ",\"entered\":false}";
}

void append_one(std::string& out, const StorageEvent& event) {
  open_event(out, "storage");
  out += ",\"state\":";
  append_json_string(out, event.state);
  out += "}";
}

void append_one(std::string& out, const DeliveryEvent& event) {
  open_event(out, "delivery");
  append_member(out, event.member, event.name);
  out += "}";
}

void append_one(std::string& out, const ConversationEvent& event) {
  open_event(out, "conversation");
  append_member(out, event.member, event.name);
  out += event.open ? ",\"open\":true}" : ",\"open\":false}";
}

void append_one(std::string& out, const TopicEvent& event) {
  open_event(out, "topic");
  out += ",\"room\":";
  append_json_string(out, event.room);
  out += ",\"envelope\":";
  append_id(out, event.envelope);
  out += ',';
  append_topic_fields(out, event.topic);
  out += "}";
}

void append_room(std::string& out, const std::string& room) {
  out += ",\"room\":";
  append_json_string(out, room);
}

void append_one(std::string& out, const RoomOpenedEvent& event) {
  open_event(out, "opened");
  append_room(out, event.room);
  out += ",\"messages\":";
  append_number(out, event.messages);
  out += "}";
}

void append_one(std::string& out, const InvitationEvent& event) {
  open_event(out, "invitation");
  append_room(out, event.room);
  append_member(out, event.member, event.name);
  out += "}";
}

void append_one(std::string& out, const ModerationEvent& event) {
  open_event(out, "moderation");
  append_room(out, event.room);
  out += ",\"verb\":";
  append_json_string(out, event.verb);
  out += ",\"by\":";
  append_id(out, event.by);
  out += ",\"by_name\":";
  append_json_string(out, event.by_name);
  if (event.member) append_member(out, *event.member, event.name);
  out += event.self ? ",\"self\":true" : ",\"self\":false";
  out += ",\"end_ms\":";
  append_number(out, event.end_ms);
  out += ",\"reason\":";
  append_json_string(out, event.reason);
  out += "}";
}

template <class OneEvent>
void append_line(std::string& out, const OneEvent& event) {
  out += "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":";
  append_one(out, event);
  out += "}\n";
}

}  // namespace

void append_event(std::string& out, const MessageEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const NoticeEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const LiveEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const SyncedEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const GapEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const RoomEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const StorageEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const DeliveryEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const ConversationEvent& event) {
  append_line(out, event);
}

void append_event(std::string& out, const TopicEvent& event) {
  append_line(out, event);
}

void append_event(std::string& out, const RoomOpenedEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const InvitationEvent& event) {
  append_line(out, event);
}

void append_event(std::string& out, const ModerationEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const MeshEvent& event) {
  append_line(out, event);
}
void append_event(std::string& out, const StrangerEvent& event) {
  append_line(out, event);
}

void append_event(std::string& out, const Event& event) {
  std::visit([&](const auto& alternative) { append_line(out, alternative); }, event);
}

void append_value(std::string& out, const Event& event) {
  std::visit([&](const auto& alternative) { append_one(out, alternative); }, event);
}

const char* format_notice_kind(NoticeKind kind) {
  return kNoticeKinds[static_cast<std::size_t>(kind)];
}

std::optional<NoticeKind> parse_notice_kind(std::string_view text) {
  for (std::size_t i = 0; i < kNoticeKinds.size(); ++i) {
    if (text == kNoticeKinds[i]) return static_cast<NoticeKind>(i);
  }
  return std::nullopt;
}

}  // namespace p2pmesh::control
