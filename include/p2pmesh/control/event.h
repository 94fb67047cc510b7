// What a node tells a subscriber unasked: p2pmesh-control(7). Formatted by the node, parsed by clients
// (incoming.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/control/chat_message.h"

namespace p2pmesh::control {

struct MessageEvent {
  Cursor cursor;
  ChatMessage message;
  bool repaired = false;     ///< came by anti-entropy, not live
  bool gap = false;          ///< an earlier message of this author is missing right before it
  bool replayed = false;     ///< from before the subscription
  bool was_pending = false;  ///< an own one that had to wait until it could be sent
};

enum class NoticeKind : std::uint8_t {
  kJoined,
  kLeft,
  kOffline,
  kBack,
  kRenamed,
  kAsks,
  kAccepted,
  kDeclined,
  kHidden,
  kTakenOver,
  kRevoked,
};

/// Something happened to a member.
struct NoticeEvent {
  NoticeKind kind = NoticeKind::kJoined;
  Cursor cursor;
  MemberKey member;
  std::string name;      ///< as shown then, suffix included
  std::string old_name;  ///< kRenamed; kTakenOver: how the contact is shown that was known by this name
  WallMs at_ms = 0;
  bool replayed = false;
  NameDoubt doubt = {};
};

/// The replay is done.
struct LiveEvent {};
/// The node has finished its first comparison with a neighbor.
struct SyncedEvent {};
/// The subscriber was too slow and its subscription has ended; subscribe again after `resume_after`.
struct GapEvent {
  Cursor resume_after;
};
/// A room was joined or left by this profile, in whatever screen.
struct RoomEvent {
  std::string room;
  bool joined = false;
};
/// The topic of a room is another one now.
struct TopicEvent {
  std::string room;
  EnvelopeId envelope;  ///< that set it
  TopicFacts topic;     ///< an empty text: it was cleared
};
/// So many earlier messages of a private room can be read now: its key has come.
struct RoomOpenedEvent {
  std::string room;
  std::uint64_t messages = 0;
};
/// This member has given the key of a private room.
struct InvitationEvent {
  std::string room;
  MemberKey member;
  std::string name;
};
/// Somebody keeps order in a room or in the mesh.
struct ModerationEvent {
  std::string verb;  ///< is_moderation_verb()
  std::string room;  ///< empty: the whole mesh
  MemberKey by;
  std::string by_name;
  std::optional<MemberKey> member;  ///< of the verbs that have one
  std::string name;
  bool self = false;  ///< it is the local member
  WallMs end_ms = 0;  ///< of "ban" and "silence"; 0: for good
  std::string reason;
};
/// The node has entered or left a mesh; told to the subscribers of all.
struct MeshEvent {
  MeshId mesh;
  std::string label;
  bool entered = false;
};
/// Of somebody who is in no mesh of the node but the one of the two; told to the subscribers of all meshes.
struct StrangerEvent {
  std::string what;  ///< "asks", "delivered", "declined", "together" or "refused"
  MemberKey member;
  std::string name;  ///< as it can be typed
  MeshId mesh;       ///< of the two
  std::string why;   ///< of "refused": a sentence
};
struct StorageEvent {
  std::string state = "ok";  ///< or what is wrong
};

/// States of what was written to this member may have changed.
struct DeliveryEvent {
  MemberKey member;
  std::string name;
};
/// This member has opened or closed the conversation with the local one.
struct ConversationEvent {
  MemberKey member;
  std::string name;
  bool open = false;
};

using Event = std::variant<MessageEvent, NoticeEvent, LiveEvent, SyncedEvent, GapEvent, RoomEvent,
                           StorageEvent, DeliveryEvent, ConversationEvent, TopicEvent, RoomOpenedEvent,
                           InvitationEvent, ModerationEvent, MeshEvent, StrangerEvent>;

/// Append an event line, line feed included. The same bytes serve every subscriber. Strings as in
/// append_reply().
void append_event(std::string& out, const MessageEvent& event);
void append_event(std::string& out, const NoticeEvent& event);
void append_event(std::string& out, const LiveEvent& event);
void append_event(std::string& out, const SyncedEvent& event);
void append_event(std::string& out, const GapEvent& event);
void append_event(std::string& out, const RoomEvent& event);
void append_event(std::string& out, const StorageEvent& event);
void append_event(std::string& out, const DeliveryEvent& event);
void append_event(std::string& out, const ConversationEvent& event);
void append_event(std::string& out, const TopicEvent& event);
void append_event(std::string& out, const RoomOpenedEvent& event);
void append_event(std::string& out, const InvitationEvent& event);
void append_event(std::string& out, const ModerationEvent& event);
void append_event(std::string& out, const MeshEvent& event);
void append_event(std::string& out, const StrangerEvent& event);
void append_event(std::string& out, const Event& event);

/// Appends the JSON object of an event alone ("params"), without a line feed.
void append_value(std::string& out, const Event& event);

/// "joined", "left", "offline", "back", "renamed", "asks", "accepted", "declined", "hidden", "taken_over" or
/// "revoked", as events and the store spell them.
const char* format_notice_kind(NoticeKind kind);
/// Takes what format_notice_kind() gives; nothing otherwise.
std::optional<NoticeKind> parse_notice_kind(std::string_view text);

}  // namespace p2pmesh::control
