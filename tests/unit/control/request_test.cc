#include "p2pmesh/control/request.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh::control {
namespace {

std::string call(const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}";
}

RpcError error_of(const std::string& line) {
  const ParsedRequest parsed = parse_request(line);
  CAPTURE(line.substr(0, 200));
  REQUIRE_FALSE(parsed.request);
  return parsed.request.error();
}

template <class Kind>
Kind parsed_as(const std::string& line) {
  const ParsedRequest parsed = parse_request(line);
  CAPTURE(line);
  if (!parsed.request) FAIL(parsed.request.error().message);
  REQUIRE(std::holds_alternative<Kind>(*parsed.request));
  return std::get<Kind>(*parsed.request);
}

/// What the node reads of a request that a client wrote.
template <class Kind>
Kind there_and_back(const Kind& request) {
  std::string line;
  append_request(line, 7, request);
  REQUIRE(line.back() == '\n');
  REQUIRE(line.find('\n') == line.size() - 1);
  line.pop_back();
  return parsed_as<Kind>(line);
}

TEST_CASE("an act has what its verb needs and nothing else") {
  const auto is_taken = [](const std::string& params) {
    return parse_request(R"({"jsonrpc":"2.0","id":1,"method":"moderation.act","params":)" + params + "}")
        .request.has_value();
  };
  CHECK(is_taken(R"({"verb":"ban","member":"Bob","for_ms":1,"reason":"x"})"));
  CHECK(is_taken(R"({"verb":"lock"})"));
  CHECK_FALSE(is_taken(R"({"verb":"found"})"));
  CHECK_FALSE(is_taken(R"({"verb":"ban"})"));
  CHECK_FALSE(is_taken(R"({"verb":"lock","member":"Bob"})"));
  CHECK_FALSE(is_taken(R"({"verb":"lock","mesh":true})"));
  CHECK_FALSE(is_taken(R"({"verb":"kick","member":"Bob","for_ms":1})"));
  CHECK_FALSE(is_taken(R"({"verb":"ban","member":"Bob","for_ms":0})"));
  CHECK_FALSE(is_taken(R"({"verb":"ban","member":"Bob","reason":")" + std::string(257, 'x') + "\"}"));
}

TEST_CASE("every request survives the way from client to node") {
  MessageId id;
  id.envelope.bytes.fill(0xab);
  id.index = 511;
  there_and_back(StatusRequest{});
  there_and_back(MembersRequest{});
  there_and_back(PeersRequest{});
  there_and_back(RoomsRequest{});
  there_and_back(AttachRequest{});
  there_and_back(ShutdownRequest{});
  there_and_back(LimitsRequest{});
  there_and_back(MeshesRequest{});
  CHECK(there_and_back(UseMeshRequest{"Alice-4f2a"}).mesh == "Alice-4f2a");
  CHECK(there_and_back(LeaveMeshRequest{"Alice"}).mesh == "Alice");
  CHECK(there_and_back(SwitchMeshRequest{"5815"}).mesh == "5815");
  CHECK(there_and_back(OpenMeshRequest{true}).closed);
  CHECK_FALSE(there_and_back(OpenMeshRequest{}).closed);
  const auto enter = there_and_back(EnterMeshRequest{"::1", 9750});
  CHECK(enter.host == "::1");
  CHECK(enter.port == 9750);
  CHECK_FALSE(enter.link);
  CHECK(there_and_back(EnterMeshRequest{"", 0, {}, "Alice"}).find == "Alice");
  there_and_back(RendezvousRequest{});
  there_and_back(RendezvousPeopleRequest{});
  there_and_back(LanRequest{});
  CHECK(there_and_back(AddRendezvousRequest{"::1", 7070}).port == 7070);
  CHECK(there_and_back(EnterMeshRequest{"", 0, "p2pmesh://x"}).link == "p2pmesh://x");
  const std::string awkward = std::string("\"\\\n\t\r\0\x1b\x7f ü \u202e \U0001F600", 20);
  const auto send = there_and_back(SendRequest{awkward, "#dev", "Bob", {}});
  CHECK(send.text == awkward);
  CHECK(send.room == "#dev");
  CHECK(send.as == "Bob");
  CHECK_FALSE(send.to);
  SendRequest direct;
  direct.text = "hi";
  direct.to = "Bob~4f2a";
  CHECK(there_and_back(direct).to == "Bob~4f2a");
  ListRequest exchanged;
  exchanged.with = "Bob";
  CHECK(there_and_back(exchanged).with == "Bob");
  CHECK(there_and_back(AskRequest{"Bob"}).to == "Bob");
  CHECK(there_and_back(AnswerRequest{"Bob", true}).accept);
  CHECK_FALSE(there_and_back(AnswerRequest{"Bob", false}).accept);
  CHECK(there_and_back(ConversationRequest{"Bob", true}).open);
  there_and_back(ContactsRequest{});
  CHECK(there_and_back(NameRequest{"R\u00f6b"}).name == "R\u00f6b");
  const auto list = there_and_back(ListRequest{"#dev", id, std::nullopt, 1000});
  CHECK(list.before == id);
  CHECK_FALSE(list.after);
  CHECK(list.limit == 1000);
  CHECK(there_and_back(ListRequest{"#dev", std::nullopt, id, 1}).after == id);
  const auto search = there_and_back(SearchRequest{awkward, "#dev", "Bob", 0, UINT64_MAX, Cursor{9, 511}, 7});
  CHECK(search.words == awkward);
  CHECK(search.room == "#dev");
  CHECK(search.from == "Bob");
  CHECK(search.since_ms == 0);
  CHECK(search.until_ms == UINT64_MAX);
  CHECK(search.before == Cursor{9, 511});
  CHECK(search.limit == 7);
  CHECK_FALSE(search.with);
  SearchRequest exchanged_words;
  exchanged_words.words = "a";
  exchanged_words.with = awkward;
  CHECK(there_and_back(exchanged_words).with == awkward);
  CHECK(there_and_back(SubscribeRequest{Cursor{UINT64_MAX, 3}, std::nullopt}).after == Cursor{UINT64_MAX, 3});
  CHECK(there_and_back(SubscribeRequest{std::nullopt, "Bob"}).as == "Bob");
  CHECK(there_and_back(MarkReadRequest{{12, 1}, {}, {}}).cursor == Cursor{12, 1});
  CHECK_FALSE(there_and_back(MarkReadRequest{{12, 1}, {}, {}}).room);
  const auto mark = there_and_back(MarkReadRequest{{12, 1}, "#d\"\x1b", Cursor{3, 0}});
  CHECK(mark.cursor == Cursor{12, 1});
  CHECK(mark.room == "#d\"\x1b");
  CHECK(mark.after == Cursor{3, 0});
  CHECK(there_and_back(JoinRoomRequest{"#d\"\x1b"}).room == "#d\"\x1b");
  CHECK(there_and_back(PartRoomRequest{"#d\"\x1b"}).room == "#d\"\x1b");
  JoinRoomRequest joined{"#board"};
  CHECK_FALSE(there_and_back(joined).key);
  joined.key.emplace().fill(0xab);
  CHECK(there_and_back(joined).key == joined.key);
  const auto invite = there_and_back(InviteRequest{"#board~1a2b3c4d", awkward});
  CHECK(invite.room == "#board~1a2b3c4d");
  CHECK(invite.member == awkward);
  CHECK(there_and_back(GetTopicRequest{"#d\"\x1b"}).room == "#d\"\x1b");
  const auto topic = there_and_back(SetTopicRequest{"#dev", awkward});
  CHECK(topic.room == "#dev");
  CHECK(topic.text == awkward);
  CHECK(there_and_back(SetTopicRequest{"#dev", ""}).text.empty());
  const auto connect = there_and_back(ConnectRequest{"::1", 9750});
  CHECK(connect.host == "::1");
  CHECK(connect.port == 9750);
  const auto added = there_and_back(AddRequest{awkward, awkward, 65535});
  CHECK(added.name == awkward);
  CHECK(added.host == awkward);
  CHECK(added.port == 65535);
  CHECK(there_and_back(ForgetRequest{awkward}).name == awkward);
  CHECK(there_and_back(RevokeRequest{awkward}).statement == awkward);
  there_and_back(RevocationRequest{});
  const auto act = there_and_back(ModerateRequest{"ban", "#dev", true, awkward, 7'200'000, awkward});
  CHECK(act.verb == "ban");
  CHECK(act.room == "#dev");
  CHECK(act.mesh);
  CHECK(act.member == awkward);
  CHECK(act.for_ms == 7'200'000);
  CHECK(act.reason == awkward);
  CHECK_FALSE(there_and_back(ModerateRequest{"lock", "#dev"}).member);
  CHECK(there_and_back(ModerationRequest{"#dev", true}).mesh);
  CHECK(there_and_back(FindRequest{awkward}).member == awkward);
  PersonRequest person{"Bob", {}, {}};
  person.alias = awkward;
  CHECK(there_and_back(person).alias == awkward);
  CHECK_FALSE(there_and_back(person).ignored);
  person.alias = "";
  CHECK(there_and_back(person).alias == "");
}

TEST_CASE("parameters that may be missing have their defaults") {
  const auto send = parsed_as<SendRequest>(call("message.send", R"({"text":"hi"})"));
  CHECK(send.room == "#lobby");
  CHECK_FALSE(send.as);
  CHECK(parsed_as<ListRequest>(call("message.list", "{}")).limit == 100);
  const auto search = parsed_as<SearchRequest>(call("message.search", R"({"words":"a","before":null})"));
  CHECK_FALSE((search.room || search.from || search.since_ms || search.until_ms || search.before));
  CHECK(search.limit == 100);
  CHECK_FALSE(parsed_as<SubscribeRequest>(call("events.subscribe", R"({"after":null})")).after);
  parsed_as<StatusRequest>(R"({"jsonrpc":"2.0","id":1,"method":"status"})");
}

TEST_CASE("an id is echoed as it was written") {
  const auto id_of = [](const std::string& id) {
    return parse_request(R"({"jsonrpc":"2.0","method":"status","id":)" + id + "}").id;
  };
  CHECK(id_of("1") == "1");
  CHECK(id_of("-5") == "-5");
  CHECK(id_of("18446744073709551615") == "18446744073709551615");
  CHECK(id_of("1.5") == "1.5");
  CHECK(id_of("null") == "null");
  CHECK(id_of(R"("a\"b\n")") == R"("a\"b\n")");
  CHECK(id_of("[1]") == "null");
  CHECK(id_of("\"" + std::string(limits::kControlIdBytesMax, 'x') + "\"") == "null");
  CHECK(error_of(R"({"jsonrpc":"2.0","method":"status","id":{}})").code == RpcErrorCode::kInvalidRequest);
}

TEST_CASE("a request without an id is a notification, what is no request is answered with null") {
  CHECK(parse_request(R"({"jsonrpc":"2.0","method":"status"})").id.empty());
  CHECK(parse_request(R"({"jsonrpc":"2.0","method":"no.such"})").id.empty());
  CHECK(parse_request(R"({"jsonrpc":"2.0"})").id == "null");
  CHECK(parse_request("{").id == "null");
  std::string out;
  append_reply(out, "", EmptyReply{});
  append_error(out, "", RpcError{});
  CHECK(out.empty());
}

TEST_CASE("what is not JSON is a parse error") {
  for (const std::string line : {"", "{", "hello", "{\"a\":}", "{\"a\":1}x", "\"\\ud800\"", "[1,]", "nul",
                                 "{\"a\":1e999}", "{\"a\":-1e999}", "\"\x01\"", "GET / HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(error_of(line).code == RpcErrorCode::kParse);
  }
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe4\xb8"}) {
    CHECK(error_of(call("message.send", std::string(R"({"text":")") + bad + "\"}")).code ==
          RpcErrorCode::kParse);
  }
  CHECK(error_of(std::string("{\"a\":1}\0", 8)).code == RpcErrorCode::kParse);
}

TEST_CASE("JSON that is no request is refused") {
  for (const std::string line :
       {"1", "null", "\"x\"", "[]", "{}", R"([{"jsonrpc":"2.0","id":1,"method":"status"}])",
        R"({"jsonrpc":"1.0","id":1,"method":"status"})", R"({"jsonrpc":2.0,"id":1,"method":"status"})",
        R"({"jsonrpc":"2.0","id":1,"method":5})", R"({"jsonrpc":"2.0","id":1})"}) {
    CAPTURE(line);
    CHECK(error_of(line).code == RpcErrorCode::kInvalidRequest);
  }
  CHECK(error_of(call("no.such", "{}")).code == RpcErrorCode::kUnknownMethod);
  CHECK(error_of(call("", "{}")).code == RpcErrorCode::kUnknownMethod);
}

TEST_CASE("parameters that are wrong are refused by name") {
  const auto check_refused = [](const std::string& method, const std::string& params,
                                const std::string& word) {
    const RpcError error = error_of(call(method, params));
    CAPTURE(params);
    CAPTURE(error.message);
    CHECK(error.code == RpcErrorCode::kInvalidParams);
    CHECK(error.message.find(word) != std::string::npos);
  };
  check_refused("status", R"({"colour":1})", "\"colour\"");
  check_refused("status", "[]", "object");
  check_refused("status", "null", "object");
  check_refused("message.send", "{}", "\"text\" is missing");
  check_refused("message.send", R"({"text":5})", "\"text\" must be a string");
  check_refused("message.send", R"({"text":""})", "\"text\" is empty");
  check_refused("message.send", R"({"text":")" + std::string(limits::kMessageBytesMax + 1, 'x') + "\"}",
                "8193 bytes");
  check_refused("message.send", R"({"text":"a","too":"Bob"})", "\"too\"");
  check_refused("message.send", R"({"text":"a","to":5})", "\"to\"");
  check_refused("contact.ask", "{}", "\"to\"");
  check_refused("contact.answer", R"({"member":"Bob"})", "\"accept\"");
  check_refused("contact.answer", R"({"member":"Bob","accept":"yes"})", "\"accept\"");
  check_refused("conversation.set", R"({"open":true})", "\"with\"");
  check_refused("message.send", R"({"text":"a","room":["x"]})", "\"room\"");
  for (const char* limit : {"0", "1001", "-1", "1.0", "\"5\"", "18446744073709551616", "true"}) {
    check_refused("message.list", std::string(R"({"limit":)") + limit + "}", "\"limit\"");
  }
  check_refused("message.list", R"({"before":"ab.0"})", "\"before\"");
  check_refused("message.search", "{}", "\"words\" is missing");
  check_refused("message.search",
                R"({"words":")" + std::string(limits::kSearchQueryBytesMax + 1, 'x') + "\"}", "1025 bytes");
  check_refused("message.search", R"({"words":"a","before":5})", "\"before\"");
  check_refused("message.search", R"({"words":"a","since_ms":-1})", "\"since_ms\"");
  check_refused("message.search", R"({"words":"a","until_ms":"x"})", "\"until_ms\"");
  check_refused("message.search", R"({"words":"a","limit":1001})", "\"limit\"");
  check_refused("person.set", R"({"member":"Bob"})", "is missing");
  check_refused("book.add", R"({"name":"Bob","host":"","port":1})", "\"host\"");
  check_refused("book.add", R"({"name":"Bob","host":"a","port":0})", "\"port\"");
  check_refused("book.add", R"({"name":"Bob","host":"a","port":65536})", "\"port\"");
  check_refused("message.search", R"({"words":"a","room":"#dev","with":"Bob"})", "exclude each other");
  check_refused("message.search", R"({"words":"a","after":"1.0"})", "\"after\"");
  check_refused("events.subscribe", R"({"after":"1"})", "\"after\"");
  check_refused("events.subscribe", R"({"after":"18446744073709551616.0"})", "\"after\"");
  check_refused("read.mark", "{}", "\"cursor\"");
  check_refused("read.mark", R"({"cursor":null})", "\"cursor\"");
  check_refused("read.mark", R"({"cursor":"1.0","after":"1.0"})", "\"room\"");
  check_refused("room.join", "{}", "\"room\"");
  check_refused("room.part", R"({"room":5})", "\"room\"");
  check_refused("topic.set", R"({"room":"#dev"})", "\"text\" is missing");
  check_refused("topic.set",
                R"({"room":"#dev","text":")" + std::string(limits::kTopicBytesMax + 1, 'x') + "\"}",
                "513 bytes");
  check_refused("topic.get", "{}", "\"room\"");
  check_refused("room.join", R"({"room":"#board","key":"ab"})", "\"key\" must be 64");
  check_refused("room.join", R"({"room":"#board","key":5})", "\"key\"");
  check_refused("room.invite", R"({"room":"#board"})", "\"member\"");
  check_refused("mesh.connect", R"({"host":"a","port":0})", "\"port\"");
  check_refused("mesh.connect", R"({"host":"a","port":65536})", "\"port\"");
  check_refused("mesh.connect", R"({"host":"","port":1})", "\"host\"");
  check_refused("mesh.connect", R"({"port":1})", "\"host\"");
}

TEST_CASE("the longest message fits a line, however it is escaped") {
  std::string text;
  for (std::size_t i = 0; i < limits::kMessageBytesMax; ++i) text += "\\u0001";
  const std::string line = call("message.send", R"({"text":")" + text + "\"}");
  CHECK(line.size() < limits::kControlLineBytesMax);
  CHECK(parsed_as<SendRequest>(line).text == std::string(limits::kMessageBytesMax, '\x01'));
}

TEST_CASE("a key that is there twice is refused, whichever it is") {
  for (const std::string line :
       {R"({"jsonrpc":"2.0","id":1,"id":2,"method":"status"})",
        R"({"jsonrpc":"2.0","id":1,"method":"message.send","params":{"text":"a","text":"b"}})"}) {
    const RpcError error = error_of(line);
    CHECK(error.code == RpcErrorCode::kInvalidRequest);
    CHECK(error.message.find("twice") != std::string::npos);
  }
}

TEST_CASE("depth is refused before it can hurt") {
  for (const std::string open : {"[", "{\"a\":", "[{\"a\":"}) {
    std::string bomb;
    while (bomb.size() + open.size() <= limits::kControlLineBytesMax) bomb += open;
    CHECK(error_of(bomb).code == RpcErrorCode::kInvalidRequest);
  }
  std::string nested = "1";
  for (std::size_t i = 0; i < limits::kControlDepthMax - 1; ++i) nested = "[" + nested + "]";
  CHECK(error_of(call("status", R"({"x":)" + nested + "}")).message.find("nested") != std::string::npos);
}

TEST_CASE("any bytes give a request or an error") {
  const std::string line = call("message.send", R"({"text":"h\u00fc","room":"#a","as":null})");
  for (std::size_t i = 0; i < line.size(); ++i) {
    parse_request(line.substr(0, i));
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = line;
      changed[i] = static_cast<char>(byte);
      const ParsedRequest parsed = parse_request(changed);
      if (!parsed.request) REQUIRE_FALSE(parsed.request.error().message.empty());
    }
  }
}

TEST_CASE("a host may be as long as a domain name and no longer") {
  for (const auto& row : {std::pair("mesh.connect", "{"), std::pair("book.add", R"({"name":"Bob",)")}) {
    const char* method = row.first;
    const auto host_of = [&row](std::size_t bytes) {
      return row.second + std::string(R"("port":1,"host":")") + std::string(bytes, 'a') + "\"}";
    };
    CAPTURE(method);
    CHECK(parse_request(call(method, host_of(limits::kHostBytesMax))).request);
    CHECK(error_of(call(method, host_of(limits::kHostBytesMax + 1))).message.find("255 bytes") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace p2pmesh::control
