// How a client writes a request.
#include "json_text.h"
#include "method_names.h"
#include "p2pmesh/control/request.h"

namespace p2pmesh::control {
namespace {

void append_params(std::string&, const StatusRequest&) {}
void append_params(std::string&, const MembersRequest&) {}
void append_params(std::string&, const PeersRequest&) {}
void append_params(std::string&, const RoomsRequest&) {}
void append_params(std::string&, const AttachRequest&) {}
void append_params(std::string&, const ShutdownRequest&) {}
void append_params(std::string&, const ContactsRequest&) {}
void append_params(std::string&, const PendingRequest&) {}
void append_params(std::string&, const RevocationRequest&) {}
void append_params(std::string&, const InvitesRequest&) {}
void append_params(std::string&, const LimitsRequest&) {}
void append_params(std::string&, const MeshesRequest&) {}
void append_params(std::string&, const RendezvousRequest&) {}
void append_params(std::string&, const RendezvousPeopleRequest&) {}
void append_params(std::string&, const LanRequest&) {}

void append_params(std::string& out, const SendRequest& request) {
  out += "\"text\":";
  append_json_string(out, request.text);
  out += ",\"room\":";
  append_json_string(out, request.room);
  if (request.as) {
    out += ",\"as\":";
    append_json_string(out, *request.as);
  }
  if (request.to) {
    out += ",\"to\":";
    append_json_string(out, *request.to);
  }
}

void append_mesh(std::string& out, const std::string& mesh) {
  out += "\"mesh\":";
  append_json_string(out, mesh);
}
void append_params(std::string& out, const UseMeshRequest& request) {
  append_mesh(out, request.mesh);
}
void append_params(std::string& out, const LeaveMeshRequest& request) {
  append_mesh(out, request.mesh);
}
void append_params(std::string& out, const SwitchMeshRequest& request) {
  append_mesh(out, request.mesh);
}
void append_params(std::string& out, const OpenMeshRequest& request) {
  out += request.closed ? "\"closed\":true" : "\"closed\":false";
}
void append_params(std::string& out, const AddRendezvousRequest& request) {
  out += "\"host\":";
  append_json_string(out, request.host);
  out += ",\"port\":";
  append_number(out, std::uint64_t{request.port});
}
void append_params(std::string& out, const EnterMeshRequest& request) {
  if (request.link) {
    out += "\"link\":";
    return append_json_string(out, *request.link);
  }
  if (request.find) {
    out += "\"find\":";
    return append_json_string(out, *request.find);
  }
  out += "\"host\":";
  append_json_string(out, request.host);
  out += ",\"port\":";
  append_number(out, std::uint64_t{request.port});
}

void append_params(std::string& out, const AskRequest& request) {
  out += "\"to\":";
  append_json_string(out, request.to);
}

void append_params(std::string& out, const NameRequest& request) {
  out += "\"name\":";
  append_json_string(out, request.name);
}

void append_params(std::string& out, const AnswerRequest& request) {
  out += "\"member\":";
  append_json_string(out, request.member);
  out += request.accept ? ",\"accept\":true" : ",\"accept\":false";
}

void append_params(std::string& out, const ConversationRequest& request) {
  out += "\"with\":";
  append_json_string(out, request.with);
  out += request.open ? ",\"open\":true" : ",\"open\":false";
}

void append_params(std::string& out, const PersonRequest& request) {
  out += "\"member\":";
  append_json_string(out, request.member);
  if (request.ignored) out += *request.ignored ? ",\"ignored\":true" : ",\"ignored\":false";
  if (request.blocked) out += *request.blocked ? ",\"blocked\":true" : ",\"blocked\":false";
  if (!request.alias) return;
  out += ",\"alias\":";
  append_json_string(out, *request.alias);
}

void append_params(std::string& out, const FindRequest& request) {
  out += "\"member\":";
  append_json_string(out, request.member);
}

void append_params(std::string& out, const ForgetRequest& request) {
  out += "\"name\":";
  append_json_string(out, request.name);
}

void append_params(std::string& out, const RevokeRequest& request) {
  out += "\"statement\":";
  append_json_string(out, request.statement);
}

void append_params(std::string& out, const CancelRequest& request) {
  if (!request.number) return;
  out += "\"number\":";
  append_number(out, *request.number);
}

void append_params(std::string& out, const DiscoverRequest& request) {
  out += request.on ? "\"on\":true" : "\"on\":false";
}
void append_params(std::string& out, const ReceiptsRequest& request) {
  out += request.on ? "\"on\":true" : "\"on\":false";
}

void append_params(std::string& out, const ListRequest& request) {
  out += "\"room\":";
  append_json_string(out, request.room);
  out += ",\"limit\":";
  append_number(out, std::uint64_t{request.limit});
  if (request.before) {
    out += ",\"before\":";
    append_id(out, *request.before);
  }
  if (request.after) {
    out += ",\"after\":";
    append_id(out, *request.after);
  }
  if (request.with) {
    out += ",\"with\":";
    append_json_string(out, *request.with);
  }
  if (request.ignored) out += ",\"ignored\":true";
}

void append_params(std::string& out, const SearchRequest& request) {
  out += "\"words\":";
  append_json_string(out, request.words);
  out += ",\"limit\":";
  append_number(out, std::uint64_t{request.limit});
  if (request.room) {
    out += ",\"room\":";
    append_json_string(out, *request.room);
  }
  if (request.from) {
    out += ",\"from\":";
    append_json_string(out, *request.from);
  }
  if (request.since_ms) {
    out += ",\"since_ms\":";
    append_number(out, *request.since_ms);
  }
  if (request.until_ms) {
    out += ",\"until_ms\":";
    append_number(out, *request.until_ms);
  }
  if (request.before) {
    out += ",\"before\":";
    append_cursor(out, *request.before);
  }
  if (request.with) {
    out += ",\"with\":";
    append_json_string(out, *request.with);
  }
  if (request.ignored) out += ",\"ignored\":true";
}

void append_params(std::string& out, const SubscribeRequest& request) {
  if (request.after) {
    out += "\"after\":";
    append_cursor(out, *request.after);
  }
  if (request.as) {
    out += request.after ? ",\"as\":" : "\"as\":";
    append_json_string(out, *request.as);
  }
}

void append_params(std::string& out, const MarkReadRequest& request) {
  out += "\"cursor\":";
  append_cursor(out, request.cursor);
  if (request.room) {
    out += ",\"room\":";
    append_json_string(out, *request.room);
  }
  if (request.after) {
    out += ",\"after\":";
    append_cursor(out, *request.after);
  }
  if (request.with) {
    out += ",\"with\":";
    append_json_string(out, *request.with);
  }
}

void append_room(std::string& out, const std::string& room) {
  out += "\"room\":";
  append_json_string(out, room);
}
void append_params(std::string& out, const JoinRoomRequest& request) {
  append_room(out, request.room);
  if (!request.key) return;
  out += ",\"key\":\"";
  append_hex(out, *request.key);
  out += '"';
}
void append_params(std::string& out, const InviteRequest& request) {
  append_room(out, request.room);
  out += ",\"member\":";
  append_json_string(out, request.member);
}
void append_params(std::string& out, const PartRoomRequest& request) {
  append_room(out, request.room);
}

void append_params(std::string& out, const GetTopicRequest& request) {
  append_room(out, request.room);
}
void append_params(std::string& out, const SetTopicRequest& request) {
  append_room(out, request.room);
  out += ",\"text\":";
  append_json_string(out, request.text);
}

void append_params(std::string& out, const ModerateRequest& request) {
  append_room(out, request.room);
  out += ",\"verb\":";
  append_json_string(out, request.verb);
  if (request.mesh) out += ",\"mesh\":true";
  if (request.member) {
    out += ",\"member\":";
    append_json_string(out, *request.member);
  }
  if (request.for_ms) {
    out += ",\"for_ms\":";
    append_number(out, *request.for_ms);
  }
  if (request.reason.empty()) return;
  out += ",\"reason\":";
  append_json_string(out, request.reason);
}
void append_params(std::string& out, const ModerationRequest& request) {
  append_room(out, request.room);
  if (request.mesh) out += ",\"mesh\":true";
}

void append_params(std::string& out, const MakeLinkRequest& request) {
  out += "\"uses\":";
  append_number(out, request.uses);
  if (request.for_ms) {
    out += ",\"for_ms\":";
    append_number(out, *request.for_ms);
  }
  if (!request.address) return;
  out += ",\"address\":";
  append_json_string(out, *request.address);
}
void append_params(std::string& out, const CancelInviteRequest& request) {
  out += "\"key\":";
  append_json_string(out, request.key);
}

void append_place(std::string& out, const std::string& host, std::uint16_t port) {
  out += "\"host\":";
  append_json_string(out, host);
  out += ",\"port\":";
  append_number(out, std::uint64_t{port});
}
void append_params(std::string& out, const ConnectRequest& request) {
  append_place(out, request.host, request.port);
}
void append_params(std::string& out, const AddRequest& request) {
  out += "\"name\":";
  append_json_string(out, request.name);
  out += ',';
  append_place(out, request.host, request.port);
}

}  // namespace

void append_request(std::string& out, std::uint64_t sequence, const Request& request) {
  const std::string_view method = kMethodNames[request.index()];
  out += "{\"jsonrpc\":\"2.0\",\"id\":\"";
  out += method;
  out += '#';
  append_number(out, sequence);
  out += "\",\"method\":\"";
  out += method;
  out += "\",\"params\":{";
  std::visit([&](const auto& alternative) { append_params(out, alternative); }, request);
  out += "}}\n";
}

}  // namespace p2pmesh::control
