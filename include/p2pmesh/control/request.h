// What a client may ask of a node: p2pmesh-control(7). Parsed by the node, formatted by clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/base/time.h"

#include "p2pmesh/control/chat_message.h"
#include "p2pmesh/control/rpc_error.h"

namespace p2pmesh::control {

struct StatusRequest {};
struct MembersRequest {};
struct PeersRequest {};

/// Answered once durable.
struct SendRequest {
  std::string text;                ///< 1 to kMessageBytesMax bytes of UTF-8
  std::string room{kDefaultRoom};  ///< as the client wrote it, unchecked
  std::optional<std::string> as;   ///< name of a local member, unchecked
  std::optional<std::string>
      to;  ///< a direct message: shown name or key of a member, unchecked; no room then
};

/// The bounds are exclusive; with `after` the first ones after it, else the newest (before `before`). The
/// zero id (is_start()) as `after` stands before every message: the first ones of the room.
struct ListRequest {
  std::string room{kDefaultRoom};
  std::optional<MessageId> before;
  std::optional<MessageId> after;
  std::size_t limit = 100;  ///< 1 to kControlPageMax
  std::optional<std::string> with =
      std::nullopt;      ///< direct messages: shown name or key of a member; no room then
  bool ignored = false;  ///< those of members who are ignored too
};

/// Messages that contain all words, newest first in the node's own order.
struct SearchRequest {
  std::string words;                ///< 1 to kSearchQueryBytesMax bytes, unchecked for words
  std::optional<std::string> room;  ///< unchecked; nothing: every room
  std::optional<std::string> from;  ///< a member's name or a key in hexadecimal, unchecked
  std::optional<WallMs> since_ms;   ///< by the author's clock: from then on
  std::optional<WallMs> until_ms;   ///< and before then
  std::optional<Cursor> before;     ///< exclusive
  std::size_t limit = 100;          ///< 1 to kControlPageMax
  bool ignored = false;             ///< as in ListRequest
  std::optional<std::string> with =
      std::nullopt;  ///< what was exchanged with this member; unchecked, and no room then
};

struct RoomsRequest {};
struct JoinRoomRequest {
  std::string room;                           ///< as the client wrote it, unchecked
  std::optional<RoomKey> key = std::nullopt;  ///< then it is the private room of that key
};
struct PartRoomRequest {
  std::string room;  ///< likewise
};

/// What a room is about.
struct GetTopicRequest {
  std::string room;  ///< likewise
};
/// Answered once durable.
struct SetTopicRequest {
  std::string room;  ///< likewise
  std::string text;  ///< 0 (clears) to kTopicBytesMax bytes of UTF-8
};

/// Gives the key of a private room to a member. Answered once durable.
struct InviteRequest {
  std::string room;    ///< likewise
  std::string member;  ///< shown name or key of a member, unchecked
};

struct SubscribeRequest {
  std::optional<Cursor> after;  ///< replay everything after it first
  std::optional<std::string> as;
};

struct AttachRequest {};
struct MarkReadRequest {
  Cursor cursor;
  std::optional<std::string> room;                 ///< of this room; else up to where a screen replays from
  std::optional<Cursor> after;                     ///< with `room`: what came up to there was not shown
  std::optional<std::string> with = std::nullopt;  ///< of what this member wrote; no room then
};
struct ConnectRequest {
  std::string host;        ///< 1 to 255 bytes, a name or a numeric address, unchecked
  std::uint16_t port = 0;  ///< not 0
};
struct ShutdownRequest {};

/// Asks to talk without saying anything yet.
struct AskRequest {
  std::string to;  ///< shown name or key of a member, unchecked
};
/// Whether one wants to talk to a member that asked.
struct AnswerRequest {
  std::string member;  ///< as above
  bool accept = false;
};
/// A conversation is opened or closed on a screen.
struct ConversationRequest {
  std::string with;  ///< as above
  bool open = false;
};
struct ContactsRequest {};
/// What is noted of somebody; what is not given stays.
struct PersonRequest {
  std::string member;                               ///< shown name or key of a member, unchecked
  std::optional<bool> ignored;                      ///< what it writes is kept and not shown
  std::optional<bool> blocked;                      ///< nor is what it writes to the local member opened
  std::optional<std::string> alias = std::nullopt;  ///< another name for it, here alone; empty: none
};
/// Whether a name is that of a member, or an alias.
struct FindRequest {
  std::string member;  ///< as above
};
/// Notes where somebody is to be found; who is not known is looked for there at once.
struct AddRequest {
  std::string name;  ///< as above, or one that nobody has
  std::string host;  ///< as in ConnectRequest
  std::uint16_t port = 0;
};
/// Drops what was noted of somebody, and that one talked to it.
struct ForgetRequest {
  std::string name;  ///< as above, or what was given to AddRequest
};

/// What was written and no neighbor has taken.
struct PendingRequest {};
/// Takes back what is no envelope yet.
struct CancelRequest {
  std::optional<std::uint64_t> number;  ///< nothing: all
};
/// Whether others see the local member as online.
struct DiscoverRequest {
  bool on = true;
};
/// Whether those who write to the local member are told when it has read it.
struct ReceiptsRequest {
  bool on = false;
};
/// Another name for the local member.
struct NameRequest {
  std::string name;  ///< unchecked
};

/// A statement by which anybody can revoke the local member's key.
struct RevocationRequest {};
/// Publishes such a statement, of whatever key. Answered once durable.
struct RevokeRequest {
  std::string statement;  ///< unchecked
};
/// What keeps order in a room, or with `mesh` in the whole mesh. Answered once durable.
struct ModerateRequest {
  std::string verb;                ///< is_moderation_verb()
  std::string room{kDefaultRoom};  ///< as the client wrote it, unchecked
  bool mesh = false;
  std::optional<std::string> member =
      std::nullopt;  ///< shown name or key, unchecked; of the verbs that have one
  std::optional<std::uint64_t> for_ms = std::nullopt;  ///< of "ban" and "silence"; nothing: for good
  std::string reason = {};                             ///< at most kActReasonBytesMax bytes of UTF-8
};
/// Who keeps order there, and what holds.
struct ModerationRequest {
  std::string room{kDefaultRoom};  ///< likewise
  bool mesh = false;
};
/// Every bound of the node, and how far it is used.
struct LimitsRequest {};

/// A link by which others may come into the closed mesh. Answered once durable.
struct MakeLinkRequest {
  std::uint64_t uses = 1;                              ///< 0: any number
  std::optional<std::uint64_t> for_ms = std::nullopt;  ///< nothing: for good
  std::optional<std::string> address = std::nullopt;   ///< HOST:PORT that is to stand first in it, unchecked
};
/// The invites of the closed mesh.
struct InvitesRequest {};
/// An own invite counts no more. Answered once durable.
struct CancelInviteRequest {
  std::string key;  ///< how it begins, in hexadecimal, unchecked
};

/// The meshes that the node is in.
struct MeshesRequest {};
/// From now on this client's requests and events concern another mesh; its subscription ends.
struct UseMeshRequest {
  std::string mesh;  ///< its label, or how its id begins, unchecked
};
/// Joins another mesh and stays in the others.
struct EnterMeshRequest {
  std::string host;  ///< as in ConnectRequest; empty with `link`
  std::uint16_t port = 0;
  std::optional<std::string> link = std::nullopt;  ///< an invite, unchecked
  std::optional<std::string> find = std::nullopt;  ///< a name that the discovery servers know, unchecked
};
/// Opens another mesh and stays in the others.
struct OpenMeshRequest {
  bool closed = false;
};
/// Leaves a mesh, and is not resumed there; what is held of it stays.
struct LeaveMeshRequest {
  std::string mesh;  ///< as in UseMeshRequest
};
/// Which mesh new clients are in, and which is resumed first.
struct SwitchMeshRequest {
  std::string mesh;  ///< as in UseMeshRequest
};

/// The discovery servers that the node is registered at.
struct RendezvousRequest {};
/// One more of them, until the node ends.
struct AddRendezvousRequest {
  std::string host;  ///< as in ConnectRequest
  std::uint16_t port = 0;
};

/// Who and what they tell of.
struct RendezvousPeopleRequest {};

/// What is heard on the local network.
struct LanRequest {};

using Request = std::variant<
    StatusRequest, MembersRequest, PeersRequest, SendRequest, ListRequest, SearchRequest, RoomsRequest,
    JoinRoomRequest, PartRoomRequest, SubscribeRequest, AttachRequest, MarkReadRequest, ConnectRequest,
    ShutdownRequest, AskRequest, AnswerRequest, ConversationRequest, ContactsRequest, PersonRequest,
    PendingRequest, CancelRequest, DiscoverRequest, ReceiptsRequest, GetTopicRequest, SetTopicRequest,
    InviteRequest, NameRequest, FindRequest, AddRequest, ForgetRequest, RevocationRequest, RevokeRequest,
    ModerateRequest, ModerationRequest, MakeLinkRequest, InvitesRequest, CancelInviteRequest, LimitsRequest,
    MeshesRequest, UseMeshRequest, EnterMeshRequest, OpenMeshRequest, LeaveMeshRequest, SwitchMeshRequest,
    RendezvousRequest, AddRendezvousRequest, RendezvousPeopleRequest, LanRequest>;

/// One line from a client.
struct ParsedRequest {
  /// The id as JSON text (at most kControlIdBytesMax bytes), to be handed to append_reply() or
  /// append_error(). Empty for a notification, which gets no reply; "null" when the line was too broken to
  /// tell.
  std::string id;
  tl::expected<Request, RpcError> request;
};

/// Reads one line, without its line feed. Every line gives a request or an error; nothing is thrown, however
/// deep, long or malformed it is. Unknown and duplicate keys, numbers out of range and text that is not UTF-8
/// are errors.
ParsedRequest parse_request(std::string_view line);

/// "mod", "unmod", "kick", "ban", "unban", "silence", "unsilence", "lock" or "unlock".
bool is_moderation_verb(std::string_view verb);

/// The answer to a line over kControlLineBytesMax; its id is unknown ("null").
RpcError line_too_long_error();

/// Appends a request line, line feed included. `sequence` comes back with the reply; unique a connection.
void append_request(std::string& out, std::uint64_t sequence, const Request& request);

}  // namespace p2pmesh::control
