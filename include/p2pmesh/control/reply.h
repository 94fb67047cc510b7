// What a node answers: p2pmesh-control(7). Formatted by the node, parsed by clients (incoming.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/control/chat_message.h"
#include "p2pmesh/control/rpc_error.h"

namespace p2pmesh::control {

/// Of a discovery server, in place of what is of a mesh.
struct RendezvousFacts {
  std::uint64_t registered = 0;  ///< members, those offline included
  std::uint64_t online = 0;
  std::uint64_t requests = 0;  ///< that wait for whom they are for
  std::uint64_t watchers = 0;
  std::uint64_t links = 0;

  bool operator==(const RendezvousFacts&) const = default;
};

/// What became of asking the router to send on the listening port.
struct PortMappingFacts {
  std::string state = "off";            ///< or "asking", "open", "failed"
  std::string address;                  ///< "203.0.113.5:9750", when it is open
  std::string by;                       ///< "NAT-PMP" or "UPnP", when it is open
  std::optional<WallMs> until_ms = {};  ///< nothing: until it is taken back
  std::string why;                      ///< what is wrong, in words; empty: nothing

  bool operator==(const PortMappingFacts&) const = default;
};

struct StatusReply {
  std::string name;          ///< as shown, suffix included
  std::string claimed_name;  ///< as claimed in this mesh, without a suffix
  std::string profile;       ///< whose the data directory is: the name of its first start
  MemberKey key;
  NodeKey node_key;
  MeshId mesh;
  std::string address;  ///< ADDR of "NAME at address ADDR is listening at PORT"
  std::uint16_t port = 0;
  std::string view = "full";    ///< "full": linked to everybody; "partial": to some
  std::uint64_t neighbors = 0;  ///< live links
  std::uint64_t passive = 0;    ///< nodes in the passive view
  std::uint64_t members = 0;    ///< oneself included
  std::uint64_t online = 0;     ///< oneself included
  std::uint64_t pending = 0;    ///< own messages that no neighbor has taken
  std::uint64_t messages = 0;   ///< held
  std::uint64_t carried = 0;    ///< direct envelopes between others, held for them
  std::uint64_t carried_bytes = 0;
  std::uint64_t carried_dropped = 0;  ///< over the quota, since the node's start
  bool closed = false;                ///< the mesh lets in who is invited alone
  bool discoverable = true;
  bool receipts = false;  ///< those who write are told when it was read
  bool synced = false;    ///< the first comparison with a neighbor is done
  bool leaves_with_last_screen = false;
  std::uint64_t screens = 0;  ///< connections that attached as screens, the asking one included
  std::int64_t pid = 0;
  std::string version;
  std::string storage = "ok";         ///< or what is wrong with it
  std::string reachable = "unknown";  ///< whether others can dial the node: "yes", "no" or "unknown"
  std::string reachable_why;
  PortMappingFacts port_mapping;
  std::string lan = "off";  ///< or "on": it announces itself on the local network, and hears who does
  std::vector<std::pair<std::string, std::uint64_t>> counters;
  std::optional<RendezvousFacts> rendezvous = std::nullopt;
};

struct MemberEntry {
  std::string name;
  MemberKey key;
  bool online = false;
  WallMs since_ms = 0;
  bool self = false;
  std::vector<std::string> addresses;  ///< "1.2.3.4:5", "[::1]:5"
  bool hidden = false;                 ///< online, and only its contacts know
  bool ignored = false;
  bool blocked = false;
  NameDoubt doubt = {};
};
struct MembersReply {
  std::vector<MemberEntry> members;
};

/// A live link.
struct PeerEntry {
  std::string name;
  NodeKey key;
  std::string address;
  bool outbound = false;
  std::optional<double> rtt_ms;  ///< nothing before the first measurement
};
struct PeersReply {
  std::vector<PeerEntry> peers;
};

struct SendReply {
  MessageId id;
  std::uint64_t pending = 0;  ///< not 0: it waits under this number, and has no id yet
};

/// A line that waits; direct when `name` is not empty.
struct PendingEntry {
  std::uint64_t number = 0;  ///< 0: it is an envelope already, and can no longer be taken back
  std::string room;
  std::string name;  ///< of the recipient, as shown now
  std::string text;  ///< empty: a request that says nothing
  WallMs wall_ms = 0;
};
struct PendingReply {
  std::vector<PendingEntry> lines;  ///< oldest first
  bool more = false;                ///< there are further ones, newer than these
};
struct CancelReply {
  std::uint64_t cancelled = 0;
};

struct ListReply {
  std::vector<ChatMessage> messages;  ///< in transcript order; may be fewer than asked for, `more` tells
  bool more = false;                  ///< there are further ones in the direction asked for
};

/// A room as this profile sees it.
struct RoomEntry {
  std::string name;
  bool joined = false;
  bool current = false;
  std::uint64_t unread = 0;    ///< by others, not shown by any screen
  std::uint64_t messages = 0;  ///< held
  WallMs newest_ms = 0;        ///< wall time of the last one of the transcript; 0 without messages
  std::optional<TopicFacts> topic = std::nullopt;
  bool is_private = false;  ///< `name` is its label
  bool has_key = false;     ///< of a private one: it can be read
  std::optional<std::string> invited_by =
      std::nullopt;  ///< a member, as shown: it can be joined without a key

  bool operator==(const RoomEntry&) const = default;
};
/// A message with its place in the node's own order.
struct FoundMessage {
  Cursor cursor;
  ChatMessage message;
};
struct SearchReply {
  std::vector<FoundMessage> messages;  ///< newest first
  bool more = false;                   ///< there may be further ones before the last of them
};

struct RoomsReply {
  std::vector<RoomEntry> rooms;
};
/// topic.get
struct TopicReply {
  std::string room;
  std::optional<TopicFacts> topic;
};
/// room.join: the room joined. room.part: the room that is current now.
struct RoomReply {
  RoomEntry room;
};

/// Somebody whom the local member has written to, or who wrote to it.
struct ContactEntry {
  std::string name;
  MemberKey key;
  std::string relation;  ///< the local member's: "none", "asked", "accepted" or "declined"
  std::string theirs;    ///< as far as it has told
  bool asks = false;     ///< waits for an answer
  bool online = false;
  bool hidden = false;  ///< as in MemberEntry
  bool ignored = false;
  bool blocked = false;
  std::uint64_t unread = 0;  ///< messages from it that no screen has shown
  NameDoubt doubt = {};
  /// Another member that is now shown by the name under which this one was known.
  struct Successor {
    std::string name;
    MemberKey key;
  };
  std::optional<Successor> taken_over = std::nullopt;
  std::string alias;  ///< another name for it, here alone; empty: none
  std::string host;   ///< where it was noted to be; empty: nowhere
  std::uint16_t port = 0;
  bool known = true;  ///< else a name and where to look: without a key, and nobody was found yet
  /// In no mesh with the local member but that of the two.
  std::optional<MeshId> mesh = std::nullopt;
};
/// member.find
struct FindReply {
  bool known = false;
};
/// book.add: for whom the place was noted; or nobody was found there, and it is kept for the name.
struct AddReply {
  std::optional<MemberKey> member;
  std::string name;   ///< of the member, as shown now; or as given
  std::string alias;  ///< the name given, when it became another name for the member; else empty
  std::string why;    ///< nobody was found
};
/// book.forget
struct ForgetReply {
  std::string name;      ///< of whom, as shown now; or as given
  bool contact = false;  ///< one talked to it
};
/// revocation.make
struct RevocationReply {
  std::string statement;  ///< one line
};
/// conversation.set, person.set, mesh.connect, revocation.publish, and contact.ask of somebody who is in no
/// mesh with the local member: with whom it is, for a name may be somebody else's later.
struct MemberReply {
  MemberKey member;
  std::string name;
  std::optional<MeshId> mesh = std::nullopt;  ///< that of the two, where it is apart from all others
};
struct ContactsReply {
  std::vector<ContactEntry> contacts;
};

/// Somebody with a rank.
struct RankEntry {
  std::string name;
  MemberKey key;
  std::string rank;  ///< "founder", "moderator", "room founder" or "room moderator"
};
/// A ban or a silence that holds.
struct RestrictionEntry {
  std::string name;
  MemberKey key;
  bool ban = false;  ///< else a silence
  std::string by;    ///< as shown now
  WallMs since_ms = 0;
  WallMs end_ms = 0;  ///< 0: for good
  std::string reason;
};
/// moderation.list
struct ModerationReply {
  std::string room;              ///< empty: the mesh
  bool locked = false;           ///< its topic
  std::vector<RankEntry> ranks;  ///< the highest first
  std::vector<RestrictionEntry> restrictions;
};

/// invite.make
struct LinkReply {
  std::string link;
  std::string key;         ///< by which it is listed
  std::uint64_t uses = 0;  ///< 0: any number
  WallMs end_ms = 0;       ///< 0: for good
};
struct InviteEntry {
  std::string key;
  std::string by;  ///< as shown now
  MemberKey by_key;
  std::uint64_t uses = 0;  ///< 0: any number
  std::uint64_t used = 0;
  WallMs made_ms = 0;
  WallMs end_ms = 0;     ///< 0: for good
  std::string standing;  ///< "open", "used up", "expired", "cancelled" or "void"
};
/// invite.list, the newest last
struct InvitesReply {
  std::vector<InviteEntry> invites;
};

/// name.set: how the local member is shown now.
struct NameReply {
  std::string name;
  bool changed = false;  ///< else it was its name already
};

struct SubscribeReply {
  Cursor cursor;  ///< the node's last one
};

struct AttachReply {
  bool leaves_with_last_screen = false;
  Cursor read_cursor;
};

/// A bound of the node.
struct LimitEntry {
  std::string name;
  std::uint64_t limit = 0;
  std::string unit;                   ///< "", "bytes", "ms", "/s", "bytes/s"
  std::optional<std::uint64_t> used;  ///< nothing where there is nothing to count
  std::string key = {};               ///< of the configuration file, which sets it; empty: nothing does
};
struct LimitsReply {
  std::vector<LimitEntry> limits;
};

/// A mesh that the node is in.
struct MeshEntry {
  MeshId mesh;
  std::string label;     ///< short, unlike all others' here, with nothing that has to be made safe
  std::string name;      ///< the local member's there, as shown
  bool current = false;  ///< new clients are in it
  bool closed = false;
  std::uint64_t members = 0;                     ///< oneself included
  std::uint64_t online = 0;                      ///< oneself included
  std::uint64_t neighbors = 0;                   ///< live links
  std::uint64_t unread = 0;                      ///< in the joined rooms
  Cursor read_cursor = {};                       ///< up to where screens have shown it
  std::optional<MemberKey> with = std::nullopt;  ///< it is a conversation with this one, and called so
};
/// mesh.list, in the order in which they were entered
struct MeshesReply {
  std::vector<MeshEntry> meshes;
};
/// mesh.use, mesh.enter, mesh.open, mesh.switch: the mesh it is; mesh.leave: the one that is current now.
struct MeshReply {
  MeshEntry mesh;
};

/// A discovery server that the node goes to.
struct RendezvousEntry {
  std::string place;  ///< "host:port"
  bool linked = false;
  bool registered = false;
  std::string trouble;  ///< a sentence; empty: none
};
/// rendezvous.list
struct RendezvousReply {
  std::vector<RendezvousEntry> servers;
};

/// An interface of the node's machine.
struct LanInterfaceEntry {
  std::string name;
  std::string left_out;  ///< why nothing is announced there; empty: it is used
};
/// A mesh that is heard on the local network.
struct LanMeshEntry {
  MeshId mesh;
  std::string label;               ///< as it is announced; for people
  std::uint64_t online = 0;        ///< about so many, as it is announced
  std::vector<std::string> names;  ///< of those who announce it
  bool ours = false;               ///< the node is in it
  std::string interface;           ///< by which it was heard last
  std::string address;             ///< of whom was heard last there
  std::uint64_t since_ms = 0;      ///< it was heard last
};
/// lan.list
struct LanReply {
  bool on = false;
  std::uint64_t nodes = 0;  ///< that are heard
  std::vector<LanInterfaceEntry> interfaces = {};
  std::vector<LanMeshEntry> meshes = {};
  std::vector<std::pair<std::string, std::uint64_t>> counters = {};
};

/// read.mark, shutdown, contact.answer, discover.set, receipts.set, invite.cancel: done.
struct EmptyReply {};

/// Somebody whom a discovery server tells of.
struct RegisteredPerson {
  std::string name;
  MemberKey key;
  bool online = false;
  WallMs seen_ms = 0;  ///< when it was last heard of
};
/// A mesh that others may join, as somebody in it has told.
struct RegisteredMesh {
  MeshId mesh;
  std::string label;  ///< the founder's name, or a piece of the id
  std::uint64_t online = 0;
  std::vector<std::string> names;  ///< of some who are in it
};
/// rendezvous.people
struct RendezvousPeopleReply {
  std::vector<RegisteredPerson> people;  ///< by name
  std::vector<RegisteredMesh> meshes;    ///< the largest first
  bool more = false;                     ///< there are further ones
};

using Reply =
    std::variant<EmptyReply, StatusReply, MembersReply, PeersReply, SendReply, ListReply, SearchReply,
                 RoomsReply, RoomReply, SubscribeReply, AttachReply, ContactsReply, MemberReply, PendingReply,
                 CancelReply, TopicReply, NameReply, FindReply, AddReply, ForgetReply, RevocationReply,
                 ModerationReply, LinkReply, InvitesReply, LimitsReply, MeshesReply, MeshReply,
                 RendezvousReply, RendezvousPeopleReply, LanReply>;

/// Append a reply line, line feed included; nothing at all when `id` is empty (a notification). `id` is
/// ParsedRequest::id. Strings need not be UTF-8: ill-formed bytes become U+FFFD. Control and bidi characters
/// are escaped, so a line is safe to print.
void append_reply(std::string& out, std::string_view id, const EmptyReply& reply);
void append_reply(std::string& out, std::string_view id, const StatusReply& reply);
void append_reply(std::string& out, std::string_view id, const MembersReply& reply);
void append_reply(std::string& out, std::string_view id, const PeersReply& reply);
void append_reply(std::string& out, std::string_view id, const SendReply& reply);
void append_reply(std::string& out, std::string_view id, const ListReply& reply);
void append_reply(std::string& out, std::string_view id, const SearchReply& reply);
void append_reply(std::string& out, std::string_view id, const RoomsReply& reply);
void append_reply(std::string& out, std::string_view id, const RoomReply& reply);
void append_reply(std::string& out, std::string_view id, const SubscribeReply& reply);
void append_reply(std::string& out, std::string_view id, const AttachReply& reply);
void append_reply(std::string& out, std::string_view id, const ContactsReply& reply);
void append_reply(std::string& out, std::string_view id, const MemberReply& reply);
void append_reply(std::string& out, std::string_view id, const PendingReply& reply);
void append_reply(std::string& out, std::string_view id, const CancelReply& reply);
void append_reply(std::string& out, std::string_view id, const TopicReply& reply);
void append_reply(std::string& out, std::string_view id, const NameReply& reply);
void append_reply(std::string& out, std::string_view id, const FindReply& reply);
void append_reply(std::string& out, std::string_view id, const AddReply& reply);
void append_reply(std::string& out, std::string_view id, const ForgetReply& reply);
void append_reply(std::string& out, std::string_view id, const RevocationReply& reply);
void append_reply(std::string& out, std::string_view id, const ModerationReply& reply);
void append_reply(std::string& out, std::string_view id, const LinkReply& reply);
void append_reply(std::string& out, std::string_view id, const InvitesReply& reply);
void append_reply(std::string& out, std::string_view id, const LimitsReply& reply);
void append_reply(std::string& out, std::string_view id, const MeshesReply& reply);
void append_reply(std::string& out, std::string_view id, const MeshReply& reply);
void append_reply(std::string& out, std::string_view id, const RendezvousReply& reply);
void append_reply(std::string& out, std::string_view id, const RendezvousPeopleReply& reply);
void append_reply(std::string& out, std::string_view id, const LanReply& reply);
void append_error(std::string& out, std::string_view id, const RpcError& error);

/// Appends the JSON value of a reply alone, without a line feed.
void append_value(std::string& out, const Reply& reply);
void append_value(std::string& out, const ChatMessage& message);
void append_value(std::string& out, const FoundMessage& found);

/// Appends a JSON string, quotes included, as safe to print as a reply line.
void append_json_string(std::string& out, std::string_view text);

}  // namespace p2pmesh::control
