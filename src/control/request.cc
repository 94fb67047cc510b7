#include "p2pmesh/control/request.h"

#include <algorithm>
#include <array>
#include <limits>

#include "json_text.h"
#include "method_names.h"
#include "object_reader.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh::control {
namespace {

std::string bounded_text(ObjectReader& params, const char* name, std::size_t bytes_max) {
  std::string text = params.text(name);
  if (text.size() > bytes_max) {
    params.refuse("\"" + std::string(name) + "\" has " + std::to_string(text.size()) + " bytes, more than " +
                  std::to_string(bytes_max));
  }
  return text;
}

Request read_send(ObjectReader& params) {
  SendRequest request;
  request.text = bounded_text(params, "text", limits::kMessageBytesMax);
  if (request.text.empty()) params.refuse("\"text\" is empty");
  if (auto room = params.optional_text("room")) request.room = *std::move(room);
  request.as = params.optional_text("as");
  request.to = params.optional_text("to");
  return request;
}

Request read_list(ObjectReader& params) {
  ListRequest request;
  if (auto room = params.optional_text("room")) request.room = *std::move(room);
  request.before = params.optional_message_id("before");
  request.after = params.optional_message_id("after");
  request.limit = params.optional_number("limit", 1, limits::kControlPageMax).value_or(request.limit);
  request.with = params.optional_text("with");
  request.ignored = params.optional_boolean("ignored").value_or(false);
  return request;
}

Request read_ask(ObjectReader& params) {
  return AskRequest{params.text("to")};
}

Request read_name(ObjectReader& params) {
  return NameRequest{params.text("name")};
}

Request read_answer(ObjectReader& params) {
  AnswerRequest request;
  request.member = params.text("member");
  request.accept = params.boolean("accept");
  return request;
}

Request read_conversation(ObjectReader& params) {
  ConversationRequest request;
  request.with = params.text("with");
  request.open = params.boolean("open");
  return request;
}

Request read_search(ObjectReader& params) {
  constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
  SearchRequest request;
  request.words = bounded_text(params, "words", limits::kSearchQueryBytesMax);
  request.room = params.optional_text("room");
  request.from = params.optional_text("from");
  request.since_ms = params.optional_number("since_ms", 0, kAny);
  request.until_ms = params.optional_number("until_ms", 0, kAny);
  request.before = params.optional_cursor("before");
  request.limit = params.optional_number("limit", 1, limits::kControlPageMax).value_or(request.limit);
  request.ignored = params.optional_boolean("ignored").value_or(false);
  request.with = params.optional_text("with");
  if (request.with && request.room) params.refuse("\"with\" and \"room\" exclude each other");
  return request;
}

Request read_subscribe(ObjectReader& params) {
  SubscribeRequest request;
  request.after = params.optional_cursor("after");
  request.as = params.optional_text("as");
  return request;
}

std::string read_host(ObjectReader& params) {
  std::string host = params.text("host");
  if (host.empty() || host.size() > limits::kHostBytesMax) params.refuse("\"host\" must have 1 to 255 bytes");
  return host;
}
std::uint16_t read_port(ObjectReader& params) {
  return static_cast<std::uint16_t>(params.number("port", 1, 65535));
}

Request read_connect(ObjectReader& params) {
  ConnectRequest request;
  request.host = read_host(params);
  request.port = read_port(params);
  return request;
}

template <class Empty>
Request read_empty(ObjectReader&) {
  return Empty{};
}

Request read_mark(ObjectReader& params) {
  MarkReadRequest request;
  request.cursor = params.cursor("cursor");
  request.room = params.optional_text("room");
  request.after = params.optional_cursor("after");
  if (request.after && !request.room) params.refuse("\"after\" needs a \"room\"");
  request.with = params.optional_text("with");
  if (request.with && request.room) params.refuse("\"with\" and \"room\" exclude each other");
  return request;
}

Request read_person(ObjectReader& params) {
  PersonRequest request;
  request.member = params.text("member");
  request.ignored = params.optional_boolean("ignored");
  request.blocked = params.optional_boolean("blocked");
  request.alias = params.optional_text("alias");
  if (!request.ignored && !request.blocked && !request.alias)
    params.refuse("\"ignored\", \"blocked\" or \"alias\" is missing");
  return request;
}

Request read_find(ObjectReader& params) {
  return FindRequest{params.text("member")};
}

Request read_add(ObjectReader& params) {
  AddRequest request;
  request.name = params.text("name");
  request.host = read_host(params);
  request.port = read_port(params);
  return request;
}

Request read_forget(ObjectReader& params) {
  return ForgetRequest{params.text("name")};
}

Request read_revoke(ObjectReader& params) {
  return RevokeRequest{params.text("statement")};
}

Request read_cancel(ObjectReader& params) {
  return CancelRequest{params.optional_number("number", 1, std::numeric_limits<std::uint64_t>::max())};
}

template <class Switch>
Request read_switch(ObjectReader& params) {
  return Switch{params.boolean("on")};
}

template <class OfRoom>
Request read_room(ObjectReader& params) {
  return OfRoom{params.text("room")};
}

Request read_join(ObjectReader& params) {
  JoinRoomRequest request;
  request.room = params.text("room");
  const auto text = params.optional_text("key");
  if (!text) return request;
  const auto key = parse_hex(*text);
  if (key && key->size() == RoomKey().size()) {
    std::copy(key->begin(), key->end(), request.key.emplace().begin());
  } else {
    params.refuse("\"key\" must be 64 hexadecimal digits");
  }
  return request;
}

Request read_invite(ObjectReader& params) {
  InviteRequest request;
  request.room = params.text("room");
  request.member = params.text("member");
  return request;
}

Request read_moderate(ObjectReader& params) {
  constexpr std::uint64_t kLongest = 100ULL * 365 * 24 * 3600 * 1000;
  ModerateRequest request;
  request.verb = params.text("verb");
  if (!is_moderation_verb(request.verb)) params.refuse("\"verb\" is none of the verbs of moderation");
  if (auto room = params.optional_text("room")) request.room = *std::move(room);
  request.mesh = params.optional_boolean("mesh").value_or(false);
  request.member = params.optional_text("member");
  request.for_ms = params.optional_number("for_ms", 1, kLongest);
  if (params.optional_text("reason"))
    request.reason = bounded_text(params, "reason", limits::kActReasonBytesMax);
  const bool has_member = request.verb != "lock" && request.verb != "unlock";
  if (has_member != request.member.has_value())
    params.refuse(has_member ? "\"member\" is missing" : "\"member\" is too much");
  if (request.for_ms && request.verb != "ban" && request.verb != "silence")
    params.refuse("\"for_ms\" is of \"ban\" and \"silence\" alone");
  if (request.mesh && !has_member) params.refuse("a topic is of a room");
  return request;
}

Request read_moderation(ObjectReader& params) {
  ModerationRequest request;
  if (auto room = params.optional_text("room")) request.room = *std::move(room);
  request.mesh = params.optional_boolean("mesh").value_or(false);
  return request;
}

Request read_make_link(ObjectReader& params) {
  constexpr std::uint64_t kLongest = 100ULL * 365 * 24 * 3600 * 1000;
  MakeLinkRequest request;
  request.uses = params.optional_number("uses", 0, limits::kMembersMax).value_or(1);
  request.for_ms = params.optional_number("for_ms", 1, kLongest);
  request.address = params.optional_text("address");
  return request;
}

Request read_cancel_invite(ObjectReader& params) {
  return CancelInviteRequest{params.text("key")};
}

Request read_set_topic(ObjectReader& params) {
  SetTopicRequest request;
  request.room = params.text("room");
  request.text = bounded_text(params, "text", limits::kTopicBytesMax);
  return request;
}

template <class OfMesh>
Request read_mesh(ObjectReader& params) {
  return OfMesh{params.text("mesh")};
}

Request read_enter(ObjectReader& params) {
  EnterMeshRequest request;
  request.link = params.optional_text("link");
  if (!request.link) request.find = params.optional_text("find");
  if (request.link || request.find) return request;
  request.host = read_host(params);
  request.port = read_port(params);
  return request;
}

Request read_add_rendezvous(ObjectReader& params) {
  AddRendezvousRequest request;
  request.host = read_host(params);
  request.port = read_port(params);
  return request;
}

Request read_open(ObjectReader& params) {
  return OpenMeshRequest{params.optional_boolean("closed").value_or(false)};
}

/// In the order of kMethodNames.
constexpr std::array<Request (*)(ObjectReader&), kMethodNames.size()> kReaders = {
    read_empty<StatusRequest>,
    read_empty<MembersRequest>,
    read_empty<PeersRequest>,
    read_send,
    read_list,
    read_search,
    read_empty<RoomsRequest>,
    read_join,
    read_room<PartRoomRequest>,
    read_subscribe,
    read_empty<AttachRequest>,
    read_mark,
    read_connect,
    read_empty<ShutdownRequest>,
    read_ask,
    read_answer,
    read_conversation,
    read_empty<ContactsRequest>,
    read_person,
    read_empty<PendingRequest>,
    read_cancel,
    read_switch<DiscoverRequest>,
    read_switch<ReceiptsRequest>,
    read_room<GetTopicRequest>,
    read_set_topic,
    read_invite,
    read_name,
    read_find,
    read_add,
    read_forget,
    read_empty<RevocationRequest>,
    read_revoke,

    read_moderate,
    read_moderation,
    read_make_link,
    read_empty<InvitesRequest>,
    read_cancel_invite,
    read_empty<LimitsRequest>,
    read_empty<MeshesRequest>,
    read_mesh<UseMeshRequest>,
    read_enter,
    read_open,
    read_mesh<LeaveMeshRequest>,
    read_mesh<SwitchMeshRequest>,
    read_empty<RendezvousRequest>,
    read_add_rendezvous,
    read_empty<RendezvousPeopleRequest>,
    read_empty<LanRequest>};

RpcError invalid_request(std::string reason) {
  return {RpcErrorCode::kInvalidRequest, std::move(reason), ExitStatus::kUsage};
}

const Json* find_field(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

/// The id as JSON text; nothing when it is none that a reply could carry.
std::optional<std::string> format_request_id(const Json& id) {
  std::string text;
  if (id.is_string()) {
    append_json_string(text, id.get_ref<const std::string&>());
  } else if (id.is_number_unsigned()) {
    append_number(text, id.get<std::uint64_t>());
  } else if (id.is_number_integer()) {
    append_number(text, id.get<std::int64_t>());
  } else if (id.is_number_float()) {
    append_number(text, id.get<double>());
  } else if (id.is_null()) {
    text = "null";
  } else {
    return std::nullopt;
  }
  if (text.size() > limits::kControlIdBytesMax) return std::nullopt;
  return text;
}

tl::expected<Request, RpcError> read_request(const Json& line) {
  const auto refuse = [](RpcError error) { return tl::unexpected<RpcError>(std::move(error)); };
  const Json* version = find_field(line, "jsonrpc");
  if (version == nullptr || !version->is_string() || version->get_ref<const std::string&>() != "2.0") {
    return refuse(invalid_request("\"jsonrpc\" must be \"2.0\"."));
  }
  const Json* method = find_field(line, "method");
  if (method == nullptr || !method->is_string())
    return refuse(invalid_request("\"method\" must be a string."));
  const auto& name = method->get_ref<const std::string&>();
  const std::size_t index = find_method(name);
  if (index == kMethodNames.size()) {
    return refuse({RpcErrorCode::kUnknownMethod, "There is no method \"" + name.substr(0, 64) + "\".",
                   ExitStatus::kUsage});
  }
  static const Json kNoParams = Json::object();
  const Json* given = find_field(line, "params");
  const Json& params = given == nullptr ? kNoParams : *given;
  if (!params.is_object())
    return refuse(invalid_params("The parameters must be an object with their names."));
  ObjectReader reader(params);
  Request request = kReaders[index](reader);
  reader.refuse_unknown();
  if (!reader.fault().empty()) return refuse(invalid_params(name + ": " + reader.fault() + "."));
  return request;
}

}  // namespace

ParsedRequest parse_request(std::string_view line) {
  const auto refuse = [](std::string id, RpcError error) {
    return ParsedRequest{std::move(id), tl::unexpected<RpcError>(std::move(error))};
  };
  const auto json = parse_json(line);
  if (!json) {
    const auto code = json.error().is_syntax ? RpcErrorCode::kParse : RpcErrorCode::kInvalidRequest;
    return refuse("null", {code, "The line " + json.error().reason + ".", ExitStatus::kUsage});
  }
  if (json->is_array())
    return refuse("null", invalid_request("Batches are not served; send one request a line."));
  if (!json->is_object()) return refuse("null", invalid_request("A request is an object."));

  auto request = read_request(*json);
  if (const Json* id = find_field(*json, "id"); id != nullptr) {
    auto text = format_request_id(*id);
    if (text) return {*std::move(text), std::move(request)};
    return refuse("null", invalid_request("\"id\" must be a short string, a number or null."));
  }
  // Without an id it is a notification, unless it is no request at all.
  const bool is_request = request || request.error().code != RpcErrorCode::kInvalidRequest;
  return {is_request ? "" : "null", std::move(request)};
}

bool is_moderation_verb(std::string_view verb) {
  static constexpr std::array<std::string_view, 9> kVerbs = {"mod",     "unmod",     "kick", "ban",   "unban",
                                                             "silence", "unsilence", "lock", "unlock"};
  return std::find(kVerbs.begin(), kVerbs.end(), verb) != kVerbs.end();
}

RpcError line_too_long_error() {
  return invalid_request("A line has more than " + std::to_string(limits::kControlLineBytesMax) +
                         " bytes; the connection is closed.");
}

}  // namespace p2pmesh::control
