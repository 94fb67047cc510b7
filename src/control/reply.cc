#include "p2pmesh/control/reply.h"

#include "json_text.h"
#include "reply_finding.h"
#include "status_reply.h"

namespace p2pmesh::control {
namespace {

/// Of somebody who is in no other mesh with the local member.
void append_mesh_field(std::string& out, const std::optional<MeshId>& mesh) {
  if (!mesh) return;
  out += ",\"mesh\":";
  append_id(out, *mesh);
}

void append_one(std::string& out, const EmptyReply&) {
  out += "{}";
}

void append_one(std::string& out, const StatusReply& reply) {
  append_status(out, reply);
}

void append_one(std::string& out, const MembersReply& reply) {
  append_array(out, reply.members, [&](const MemberEntry& member) {
    append_text_field(out, "{\"name\":", member.name);
    out += ",\"key\":";
    append_id(out, member.key);
    append_boolean_field(out, ",\"online\":", member.online);
    append_number_field(out, ",\"since_ms\":", member.since_ms);
    append_boolean_field(out, ",\"self\":", member.self);
    append_boolean_field(out, ",\"hidden\":", member.hidden);
    append_boolean_field(out, ",\"ignored\":", member.ignored);
    append_boolean_field(out, ",\"blocked\":", member.blocked);
    append_doubt(out, member.doubt);
    out += ",\"addresses\":";
    append_array(out, member.addresses,
                 [&](const std::string& address) { append_json_string(out, address); });
    out += '}';
  });
}

void append_one(std::string& out, const PeersReply& reply) {
  append_array(out, reply.peers, [&](const PeerEntry& peer) {
    append_text_field(out, "{\"name\":", peer.name);
    out += ",\"key\":";
    append_id(out, peer.key);
    append_text_field(out, ",\"address\":", peer.address);
    append_boolean_field(out, ",\"outbound\":", peer.outbound);
    out += ",\"rtt_ms\":";
    if (peer.rtt_ms) {
      append_number(out, *peer.rtt_ms);
    } else {
      out += "null";
    }
    out += '}';
  });
}

void append_one(std::string& out, const SendReply& reply) {
  if (reply.pending != 0) {
    append_number_field(out, "{\"pending\":", reply.pending);
  } else {
    out += "{\"id\":";
    append_id(out, reply.id);
  }
  out += '}';
}

void append_one(std::string& out, const ListReply& reply) {
  out += "{\"messages\":";
  append_array(out, reply.messages, [&](const ChatMessage& message) { append_value(out, message); });
  append_boolean_field(out, ",\"more\":", reply.more);
  out += '}';
}

void append_topic_field(std::string& out, const std::optional<TopicFacts>& topic) {
  if (!topic) {
    out += ",\"topic\":null";
    return;
  }
  out += ",\"topic\":{";
  append_topic_fields(out, *topic);
  out += '}';
}

void append_one(std::string& out, const RoomReply& reply) {
  const RoomEntry& room = reply.room;
  append_text_field(out, "{\"name\":", room.name);
  append_boolean_field(out, ",\"joined\":", room.joined);
  append_boolean_field(out, ",\"current\":", room.current);
  append_number_field(out, ",\"unread\":", room.unread);
  append_number_field(out, ",\"messages\":", room.messages);
  append_number_field(out, ",\"newest_ms\":", room.newest_ms);
  append_topic_field(out, room.topic);
  append_boolean_field(out, ",\"private\":", room.is_private);
  append_boolean_field(out, ",\"key\":", room.has_key);
  if (room.invited_by) append_text_field(out, ",\"invited_by\":", *room.invited_by);
  out += '}';
}

void append_one(std::string& out, const TopicReply& reply) {
  append_text_field(out, "{\"room\":", reply.room);
  append_topic_field(out, reply.topic);
  out += '}';
}

void append_one(std::string& out, const SearchReply& reply) {
  out += "{\"messages\":";
  append_array(out, reply.messages, [&](const FoundMessage& found) { append_value(out, found); });
  append_boolean_field(out, ",\"more\":", reply.more);
  out += '}';
}

void append_one(std::string& out, const RoomsReply& reply) {
  append_array(out, reply.rooms, [&](const RoomEntry& room) { append_one(out, RoomReply{room}); });
}

void append_one(std::string& out, const MemberReply& reply) {
  out += "{\"member\":";
  append_id(out, reply.member);
  append_text_field(out, ",\"name\":", reply.name);
  append_mesh_field(out, reply.mesh);
  out += '}';
}

void append_one(std::string& out, const ContactsReply& reply) {
  append_array(out, reply.contacts, [&](const ContactEntry& contact) {
    append_text_field(out, "{\"name\":", contact.name);
    if (contact.known) {
      out += ",\"key\":";
      append_id(out, contact.key);
    }
    append_text_field(out, ",\"relation\":", contact.relation);
    append_text_field(out, ",\"theirs\":", contact.theirs);
    append_boolean_field(out, ",\"asks\":", contact.asks);
    append_boolean_field(out, ",\"online\":", contact.online);
    append_boolean_field(out, ",\"hidden\":", contact.hidden);
    append_boolean_field(out, ",\"ignored\":", contact.ignored);
    append_boolean_field(out, ",\"blocked\":", contact.blocked);
    append_number_field(out, ",\"unread\":", contact.unread);
    append_doubt(out, contact.doubt);
    if (contact.taken_over) {
      append_text_field(out, ",\"known_as\":", contact.taken_over->name);
      out += ",\"taken_over_by\":";
      append_id(out, contact.taken_over->key);
    }
    if (!contact.alias.empty()) append_text_field(out, ",\"alias\":", contact.alias);
    if (!contact.host.empty()) {
      append_text_field(out, ",\"host\":", contact.host);
      append_number_field(out, ",\"port\":", std::uint64_t{contact.port});
    }
    append_mesh_field(out, contact.mesh);
    out += '}';
  });
}

void append_one(std::string& out, const PendingReply& reply) {
  out += "{\"lines\":";
  append_array(out, reply.lines, [&](const PendingEntry& line) {
    append_number_field(out, "{\"number\":", line.number);
    append_text_field(out, ",\"room\":", line.room);
    append_text_field(out, ",\"name\":", line.name);
    append_text_field(out, ",\"text\":", line.text);
    append_number_field(out, ",\"wall_ms\":", line.wall_ms);
    out += '}';
  });
  append_boolean_field(out, ",\"more\":", reply.more);
  out += '}';
}

void append_one(std::string& out, const CancelReply& reply) {
  append_number_field(out, "{\"cancelled\":", reply.cancelled);
  out += '}';
}

void append_one(std::string& out, const NameReply& reply) {
  append_text_field(out, "{\"name\":", reply.name);
  append_boolean_field(out, ",\"changed\":", reply.changed);
  out += '}';
}

void append_one(std::string& out, const FindReply& reply) {
  append_boolean_field(out, "{\"known\":", reply.known);
  out += '}';
}

void append_one(std::string& out, const AddReply& reply) {
  append_text_field(out, "{\"name\":", reply.name);
  if (reply.member) {
    out += ",\"member\":";
    append_id(out, *reply.member);
  }
  if (!reply.alias.empty()) append_text_field(out, ",\"alias\":", reply.alias);
  if (!reply.why.empty()) append_text_field(out, ",\"why\":", reply.why);
  out += '}';
}

void append_one(std::string& out, const RevocationReply& reply) {
  append_text_field(out, "{\"statement\":", reply.statement);
  out += '}';
}

void append_one(std::string& out, const ForgetReply& reply) {
  append_text_field(out, "{\"name\":", reply.name);
  append_boolean_field(out, ",\"contact\":", reply.contact);
  out += '}';
}

void append_one(std::string& out, const LimitsReply& reply) {
  append_array(out, reply.limits, [&](const LimitEntry& entry) {
    append_text_field(out, "{\"name\":", entry.name);
    append_number_field(out, ",\"limit\":", entry.limit);
    append_text_field(out, ",\"unit\":", entry.unit);
    if (entry.used) append_number_field(out, ",\"used\":", *entry.used);
    if (!entry.key.empty()) append_text_field(out, ",\"key\":", entry.key);
    out += '}';
  });
}

void append_one(std::string& out, const ModerationReply& reply) {
  append_text_field(out, "{\"room\":", reply.room);
  append_boolean_field(out, ",\"locked\":", reply.locked);
  out += ",\"ranks\":";
  append_array(out, reply.ranks, [&](const RankEntry& entry) {
    append_text_field(out, "{\"name\":", entry.name);
    out += ",\"key\":";
    append_id(out, entry.key);
    append_text_field(out, ",\"rank\":", entry.rank);
    out += '}';
  });
  out += ",\"restrictions\":";
  append_array(out, reply.restrictions, [&](const RestrictionEntry& entry) {
    append_text_field(out, "{\"name\":", entry.name);
    out += ",\"key\":";
    append_id(out, entry.key);
    append_boolean_field(out, ",\"ban\":", entry.ban);
    append_text_field(out, ",\"by\":", entry.by);
    append_number_field(out, ",\"since_ms\":", entry.since_ms);
    append_number_field(out, ",\"end_ms\":", entry.end_ms);
    append_text_field(out, ",\"reason\":", entry.reason);
    out += '}';
  });
  out += '}';
}

void append_one(std::string& out, const LinkReply& reply) {
  append_text_field(out, "{\"link\":", reply.link);
  append_text_field(out, ",\"key\":", reply.key);
  append_number_field(out, ",\"uses\":", reply.uses);
  append_number_field(out, ",\"end_ms\":", reply.end_ms);
  out += '}';
}

void append_one(std::string& out, const InvitesReply& reply) {
  append_array(out, reply.invites, [&](const InviteEntry& entry) {
    append_text_field(out, "{\"key\":", entry.key);
    append_text_field(out, ",\"by\":", entry.by);
    out += ",\"by_key\":";
    append_id(out, entry.by_key);
    append_number_field(out, ",\"uses\":", entry.uses);
    append_number_field(out, ",\"used\":", entry.used);
    append_number_field(out, ",\"made_ms\":", entry.made_ms);
    append_number_field(out, ",\"end_ms\":", entry.end_ms);
    append_text_field(out, ",\"standing\":", entry.standing);
    out += '}';
  });
}

void append_one(std::string& out, const SubscribeReply& reply) {
  out += "{\"cursor\":";
  append_cursor(out, reply.cursor);
  out += '}';
}

void append_one(std::string& out, const AttachReply& reply) {
  append_boolean_field(out, "{\"leaves_with_last_screen\":", reply.leaves_with_last_screen);
  out += ",\"read_cursor\":";
  append_cursor(out, reply.read_cursor);
  out += '}';
}

template <class OneReply>
void append_line(std::string& out, std::string_view id, const OneReply& reply) {
  if (id.empty()) return;
  out += "{\"jsonrpc\":\"2.0\",\"id\":";
  out += id;
  out += ",\"result\":";
  append_one(out, reply);
  out += "}\n";
}

}  // namespace

void append_reply(std::string& out, std::string_view id, const EmptyReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const StatusReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const MembersReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const PeersReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const SendReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const ListReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const SearchReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const RoomsReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const RoomReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const SubscribeReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const AttachReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const ContactsReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const MemberReply& reply) {
  append_line(out, id, reply);
}

void append_reply(std::string& out, std::string_view id, const PendingReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const CancelReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const TopicReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const NameReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const FindReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const AddReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const RevocationReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const ForgetReply& reply) {
  append_line(out, id, reply);
}

void append_reply(std::string& out, std::string_view id, const ModerationReply& reply) {
  append_line(out, id, reply);
}

void append_reply(std::string& out, std::string_view id, const LinkReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const InvitesReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const LimitsReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const RendezvousReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const RendezvousPeopleReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const LanReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const MeshesReply& reply) {
  append_line(out, id, reply);
}
void append_reply(std::string& out, std::string_view id, const MeshReply& reply) {
  append_line(out, id, reply);
}

void append_error(std::string& out, std::string_view id, const RpcError& error) {
  if (id.empty()) return;
  out += "{\"jsonrpc\":\"2.0\",\"id\":";
  out += id;
  append_number_field(out, ",\"error\":{\"code\":", static_cast<std::int64_t>(error.code));
  append_text_field(out, ",\"message\":", error.message);
  if (error.code == RpcErrorCode::kApplication) {
    append_number_field(out, ",\"data\":{\"status\":", static_cast<std::int64_t>(error.status));
    out += '}';
  }
  out += "}}\n";
}

void append_value(std::string& out, const Reply& reply) {
  std::visit([&](const auto& alternative) { append_one(out, alternative); }, reply);
}

void append_value(std::string& out, const ChatMessage& message) {
  out += '{';
  append_message_fields(out, message);
  out += '}';
}

void append_value(std::string& out, const FoundMessage& found) {
  out += "{\"cursor\":";
  append_cursor(out, found.cursor);
  out += ',';
  append_message_fields(out, found.message);
  out += '}';
}

}  // namespace p2pmesh::control
