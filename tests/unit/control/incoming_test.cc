#include "p2pmesh/control/incoming.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "p2pmesh/control/request.h"

namespace p2pmesh::control {
namespace {

const std::string kAwkward = "q\"b\\n\n\x1b\x7f\u0085\u202e\u2028 ü\U0001F600";

template <class Id>
Id id_of(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

ChatMessage make_message() {
  return {{id_of<EnvelopeId>(0x0f), 5},
          id_of<MemberKey>(0xa0),
          "Bob~4f2a",
          "#lobby",
          kAwkward,
          1795000000123,
          42,
          true,
          true};
}

std::string without_line_feed(std::string line) {
  REQUIRE(line.back() == '\n');
  line.pop_back();
  REQUIRE(line.find('\n') == std::string::npos);
  return line;
}

/// What a client reads of the reply to a request of the kind `request`.
template <class OneReply>
OneReply reply_there_and_back(const Request& request, const OneReply& reply) {
  std::string asked;
  append_request(asked, 77, request);
  const ParsedRequest parsed = parse_request(without_line_feed(asked));
  std::string line;
  append_reply(line, parsed.id, reply);
  const Incoming incoming = parse_incoming(without_line_feed(line));
  if (const auto* malformed = std::get_if<MalformedLine>(&incoming)) FAIL(malformed->reason);
  const auto& got = std::get<IncomingReply>(incoming);
  CHECK(got.sequence == 77);
  REQUIRE(got.reply);
  return std::get<OneReply>(*got.reply);
}

template <class OneEvent>
OneEvent event_there_and_back(const OneEvent& event) {
  std::string line;
  append_event(line, event);
  line = without_line_feed(line);
  for (const char byte : line) REQUIRE((static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f'));
  REQUIRE(line.find("\u202e") == std::string::npos);
  REQUIRE(line.find("\u0085") == std::string::npos);
  const Incoming incoming = parse_incoming(line);
  if (const auto* malformed = std::get_if<MalformedLine>(&incoming)) FAIL(malformed->reason);
  return std::get<OneEvent>(std::get<Event>(incoming));
}

TEST_CASE("a status survives the way from node to client") {
  StatusReply status;
  status.name = kAwkward;
  status.claimed_name = "Bob";
  status.profile = "Rob";
  status.key = id_of<MemberKey>(1);
  status.node_key = id_of<NodeKey>(2);
  status.mesh = id_of<MeshId>(3);
  status.address = "127.0.0.1";
  status.port = 55107;
  status.view = "partial", status.passive = 30;
  status.neighbors = 2, status.members = 4, status.online = 3, status.pending = 5,
  status.messages = UINT64_MAX;
  status.synced = status.leaves_with_last_screen = true;
  status.screens = 2;
  status.pid = 4711;
  status.version = "0.1.0";
  status.storage = "disk full";
  status.reachable = "no";
  status.reachable_why = kAwkward;
  status.port_mapping = {"open", "203.0.113.5:9750", "NAT-PMP", UINT64_MAX, kAwkward};
  status.counters = {{"bytes_in", 7}, {"frames_in", UINT64_MAX}};
  const auto got = reply_there_and_back(StatusRequest{}, status);
  CHECK(got.name == kAwkward);
  CHECK(got.claimed_name == "Bob");
  CHECK(got.profile == "Rob");
  CHECK(got.mesh == status.mesh);
  CHECK(got.port == 55107);
  CHECK(got.view == "partial");
  CHECK(got.neighbors == 2);
  CHECK(got.passive == 30);
  CHECK(got.pending == 5);
  CHECK(got.messages == UINT64_MAX);
  CHECK(got.synced);
  CHECK(got.screens == 2);
  CHECK(got.pid == 4711);
  CHECK(got.storage == "disk full");
  CHECK(got.reachable == "no");
  CHECK(got.reachable_why == kAwkward);
  CHECK(got.port_mapping == status.port_mapping);
  CHECK(got.counters == status.counters);
  CHECK_FALSE(got.rendezvous);
  status.rendezvous = RendezvousFacts{10'000, 9'000, 7, 3, UINT64_MAX};
  CHECK(reply_there_and_back(StatusRequest{}, status).rendezvous == status.rendezvous);
}

TEST_CASE("lists survive the way from node to client") {
  const NameDoubt doubt{kAwkward, true};
  MemberEntry alice{"Alice", id_of<MemberKey>(1), true, 99, true, {"1.2.3.4:5", "[::1]:5"}};
  alice.doubt = doubt;
  const auto members = reply_there_and_back(MembersRequest{}, MembersReply{{alice, {}}});
  REQUIRE(members.members.size() == 2);
  CHECK(members.members[0].addresses == alice.addresses);
  CHECK(members.members[0].self);
  CHECK(members.members[0].doubt == doubt);
  CHECK(members.members[1].doubt == NameDoubt{});
  CHECK(members.members[1].addresses.empty());

  const auto peers = reply_there_and_back(
      PeersRequest{}, PeersReply{{{"Bob", id_of<NodeKey>(2), "[::1]:5", true, 0.25}, {}}});
  REQUIRE(peers.peers.size() == 2);
  CHECK(peers.peers[0].rtt_ms == 0.25);
  CHECK_FALSE(peers.peers[1].rtt_ms);

  const auto limits = reply_there_and_back(
      LimitsRequest{},
      LimitsReply{{{"links_max", 64, "", 3, ""}, {"a", UINT64_MAX, "ms", std::nullopt, "links.a"}}});
  REQUIRE(limits.limits.size() == 2);
  CHECK(limits.limits[0].used == 3);
  CHECK(limits.limits[0].key.empty());
  CHECK(limits.limits[1].name == "a");
  CHECK(limits.limits[1].limit == UINT64_MAX);
  CHECK(limits.limits[1].unit == "ms");
  CHECK_FALSE(limits.limits[1].used);
  CHECK(limits.limits[1].key == "links.a");

  LanReply heard;
  heard.on = true;
  heard.nodes = 2;
  heard.interfaces = {{"eth0", ""}, {"docker0", kAwkward}};
  heard.meshes.push_back({MeshId{}, kAwkward, 3, {"Alice", kAwkward}, true, "eth0", "10.0.0.7:9750", 250});
  heard.counters = {{"lan_dropped_forged", UINT64_MAX}};
  const auto lan = reply_there_and_back(LanRequest{}, heard);
  CHECK(lan.on);
  CHECK(lan.nodes == 2);
  REQUIRE(lan.interfaces.size() == 2);
  CHECK(lan.interfaces[1].left_out == kAwkward);
  REQUIRE(lan.meshes.size() == 1);
  CHECK(lan.meshes[0].label == kAwkward);
  CHECK(lan.meshes[0].names == std::vector<std::string>{"Alice", kAwkward});
  CHECK(lan.meshes[0].ours);
  CHECK(lan.meshes[0].interface == "eth0");
  CHECK(lan.meshes[0].address == "10.0.0.7:9750");
  CHECK(lan.meshes[0].online == 3);
  CHECK(lan.meshes[0].since_ms == 250);
  CHECK(lan.counters == heard.counters);
  CHECK_FALSE(reply_there_and_back(LanRequest{}, LanReply{}).on);

  const auto servers = reply_there_and_back(
      RendezvousRequest{}, RendezvousReply{{{"[::1]:7070", true, false, kAwkward}, {"a:1", true, true, ""}}});
  REQUIRE(servers.servers.size() == 2);
  CHECK(servers.servers[0].place == "[::1]:7070");
  CHECK(servers.servers[0].trouble == kAwkward);
  CHECK_FALSE(servers.servers[0].registered);
  CHECK(servers.servers[1].registered);
  const auto registered =
      reply_there_and_back(RendezvousPeopleRequest{},
                           RendezvousPeopleReply{{{kAwkward, id_of<MemberKey>(4), true, UINT64_MAX}, {}},
                                                 {{id_of<MeshId>(5), kAwkward, 9, {"a", kAwkward}}},
                                                 true});
  REQUIRE(registered.people.size() == 2);
  CHECK(registered.people[0].name == kAwkward);
  CHECK(registered.people[0].key == id_of<MemberKey>(4));
  CHECK(registered.people[0].online);
  CHECK(registered.people[0].seen_ms == UINT64_MAX);
  REQUIRE(registered.meshes.size() == 1);
  CHECK(registered.meshes[0].mesh == id_of<MeshId>(5));
  CHECK(registered.meshes[0].label == kAwkward);
  CHECK(registered.meshes[0].online == 9);
  CHECK(registered.meshes[0].names == std::vector<std::string>{"a", kAwkward});
  CHECK(registered.more);
  const auto stranger =
      reply_there_and_back(AskRequest{"x"}, MemberReply{id_of<MemberKey>(4), kAwkward, id_of<MeshId>(5)});
  CHECK(stranger.mesh == id_of<MeshId>(5));
  CHECK_FALSE(reply_there_and_back(ConversationRequest{"x", true}, MemberReply{}).mesh);
  ContactEntry apart;
  apart.mesh = id_of<MeshId>(6);
  const auto people = reply_there_and_back(ContactsRequest{}, ContactsReply{{apart, {}}});
  REQUIRE(people.contacts.size() == 2);
  CHECK(people.contacts[0].mesh == apart.mesh);
  CHECK_FALSE(people.contacts[1].mesh);
  MeshEntry of_two;
  of_two.with = id_of<MemberKey>(8);
  CHECK(reply_there_and_back(UseMeshRequest{"x"}, MeshReply{of_two}).mesh.with == of_two.with);
  const MeshEntry mesh{id_of<MeshId>(3), kAwkward, "Bob~9c1d", true, true, 5, 4, 3, 2, {7, 1}};
  const auto meshes = reply_there_and_back(MeshesRequest{}, MeshesReply{{mesh, {}}});
  REQUIRE(meshes.meshes.size() == 2);
  CHECK_FALSE(meshes.meshes[1].current);
  const MeshEntry back = reply_there_and_back(UseMeshRequest{"x"}, MeshReply{mesh}).mesh;
  CHECK(back.mesh == mesh.mesh);
  CHECK(back.label == kAwkward);
  CHECK(back.name == "Bob~9c1d");
  CHECK(back.current);
  CHECK(back.closed);
  CHECK(std::tuple(back.members, back.online, back.neighbors, back.unread) == std::tuple(5, 4, 3, 2));
  CHECK(back.read_cursor == Cursor{7, 1});

  const auto list = reply_there_and_back(ListRequest{}, ListReply{{make_message(), make_message()}, true});
  REQUIRE(list.messages.size() == 2);
  CHECK(list.messages[1] == make_message());
  CHECK(list.more);
  CHECK(reply_there_and_back(ListRequest{}, ListReply{}).messages.empty());
  const TopicFacts topic{kAwkward, id_of<MemberKey>(7), "Bob~4f2a", 1795000000123};
  const RoomEntry room{"#\u00fc", true, true, 3, UINT64_MAX, 1795000000123, topic};
  const RoomEntry invited{"#b~1a2b3c4d", false, false, 0, 0, 0, {}, true, false, kAwkward};
  CHECK(reply_there_and_back(JoinRoomRequest{"#b"}, RoomReply{invited}).room == invited);
  CHECK(reply_there_and_back(GetTopicRequest{"#dev"}, TopicReply{"#dev", topic}).topic == topic);
  CHECK_FALSE(reply_there_and_back(GetTopicRequest{"#dev"}, TopicReply{"#dev", {}}).topic);
  CHECK(reply_there_and_back(RoomsRequest{}, RoomsReply{{{}, room}}).rooms ==
        std::vector<RoomEntry>{{}, room});
  CHECK(reply_there_and_back(JoinRoomRequest{"#dev"}, RoomReply{room}).room == room);
  CHECK(reply_there_and_back(PartRoomRequest{"#dev"}, RoomReply{}).room == RoomEntry{});
  const auto found = reply_there_and_back(
      SearchRequest{}, SearchReply{{{{5, 3}, make_message()}, {{4, 0}, make_message()}}, true});
  REQUIRE(found.messages.size() == 2);
  CHECK(found.messages[0].cursor == Cursor{5, 3});
  CHECK(found.messages[1].message == make_message());
  CHECK(found.more);
  CHECK(reply_there_and_back(RoomsRequest{}, RoomsReply{}).rooms.empty());
  ContactEntry contact;
  contact.name = "Bob~9c1d";
  contact.doubt = doubt;
  contact.taken_over = ContactEntry::Successor{kAwkward, id_of<MemberKey>(7)};
  const auto contacts = reply_there_and_back(ContactsRequest{}, ContactsReply{{contact, {}}});
  REQUIRE(contacts.contacts.size() == 2);
  CHECK(contacts.contacts[0].doubt == doubt);
  REQUIRE(contacts.contacts[0].taken_over);
  CHECK(contacts.contacts[0].taken_over->name == kAwkward);
  CHECK(contacts.contacts[0].taken_over->key == id_of<MemberKey>(7));
  CHECK_FALSE(contacts.contacts[1].taken_over);
  CHECK(contacts.contacts[1].known);
  ContactEntry place;
  place.name = "Zoe";
  place.known = false;
  place.alias = kAwkward;
  place.host = "::1";
  place.port = 65535;
  const auto places = reply_there_and_back(ContactsRequest{}, ContactsReply{{place}});
  REQUIRE(places.contacts.size() == 1);
  CHECK_FALSE(places.contacts[0].known);
  CHECK(places.contacts[0].alias == kAwkward);
  CHECK(places.contacts[0].host == "::1");
  CHECK(places.contacts[0].port == 65535);
}

TEST_CASE("short replies survive the way from node to client") {
  const MessageId id{id_of<EnvelopeId>(9), 511};
  CHECK(reply_there_and_back(SendRequest{"x", "#lobby", {}, {}}, SendReply{id}).id == id);
  CHECK(reply_there_and_back(SubscribeRequest{}, SubscribeReply{{5, 2}}).cursor == Cursor{5, 2});
  const auto attached = reply_there_and_back(AttachRequest{}, AttachReply{true, {8, 1}});
  CHECK(attached.leaves_with_last_screen);
  CHECK(attached.read_cursor == Cursor{8, 1});
  const auto named = reply_there_and_back(NameRequest{"Rob"}, NameReply{kAwkward, true});
  CHECK(named.name == kAwkward);
  CHECK(named.changed);
  reply_there_and_back(MarkReadRequest{}, EmptyReply{});
  CHECK(reply_there_and_back(FindRequest{}, FindReply{true}).known);
  CHECK_FALSE(reply_there_and_back(FindRequest{}, FindReply{false}).known);
  const AddReply noted{id_of<MemberKey>(7), "Bob", kAwkward, ""};
  const auto added = reply_there_and_back(AddRequest{}, noted);
  CHECK(added.member == noted.member);
  CHECK(added.alias == kAwkward);
  CHECK(added.why.empty());
  const auto kept = reply_there_and_back(AddRequest{}, AddReply{std::nullopt, "Bob", "", kAwkward});
  CHECK_FALSE(kept.member);
  CHECK(kept.why == kAwkward);
  CHECK(reply_there_and_back(ForgetRequest{}, ForgetReply{"Bob", true}).contact);
  CHECK(reply_there_and_back(RevocationRequest{}, RevocationReply{kAwkward}).statement == kAwkward);
  const auto revoked = reply_there_and_back(RevokeRequest{}, MemberReply{id_of<MemberKey>(7), kAwkward});
  CHECK(revoked.member == id_of<MemberKey>(7));
  CHECK(reply_there_and_back(ConnectRequest{"a", 1}, MemberReply{{}, kAwkward}).name == kAwkward);
  reply_there_and_back(ShutdownRequest{}, EmptyReply{});
  ModerationReply moderation{"#dev", true, {{kAwkward, {}, "founder"}}, {}};
  moderation.restrictions.push_back({kAwkward, {}, true, "Alice", 1, 2, kAwkward});
  const auto order = reply_there_and_back(ModerationRequest{}, moderation);
  CHECK(order.locked);
  CHECK(order.ranks.at(0).rank == "founder");
  CHECK(order.restrictions.at(0).reason == kAwkward);
  CHECK(order.restrictions.at(0).end_ms == 2);
}

TEST_CASE("an error keeps its code, sentence and status") {
  std::string line;
  append_error(line, "\"mesh.connect#3\"",
               application_error({ExitStatus::kUnknownHost, "No such host: \x1b\xff"}));
  const Incoming incoming = parse_incoming(without_line_feed(line));
  const auto& reply = std::get<IncomingReply>(incoming);
  CHECK(reply.sequence == 3);
  REQUIRE_FALSE(reply.reply);
  CHECK(reply.reply.error() ==
        RpcError{RpcErrorCode::kApplication, "No such host: \x1b\ufffd", ExitStatus::kUnknownHost});
  CHECK(to_error(reply.reply.error()).status == ExitStatus::kUnknownHost);

  line.clear();
  append_error(line, "null", line_too_long_error());
  const Incoming unknown = parse_incoming(without_line_feed(line));
  CHECK(std::get<IncomingReply>(unknown).sequence == 0);
  CHECK(std::get<IncomingReply>(unknown).reply.error().code == RpcErrorCode::kInvalidRequest);
}

TEST_CASE("every event survives the way from node to client") {
  const auto message =
      event_there_and_back(MessageEvent{{UINT64_MAX, 511}, make_message(), true, false, true});
  CHECK(message.cursor == Cursor{UINT64_MAX, 511});
  CHECK(message.message == make_message());
  CHECK(message.repaired);
  CHECK_FALSE(message.gap);
  CHECK(message.replayed);
  CHECK(event_there_and_back(MessageEvent{{1, 0}, make_message(), false, true, false}).gap);

  for (const NoticeKind kind : {NoticeKind::kJoined, NoticeKind::kLeft, NoticeKind::kOffline,
                                NoticeKind::kBack, NoticeKind::kRenamed}) {
    const auto notice =
        event_there_and_back(NoticeEvent{kind, {3, 0}, id_of<MemberKey>(7), kAwkward, "Rob", 55, true});
    CHECK(notice.kind == kind);
    CHECK(notice.name == kAwkward);
    CHECK(notice.old_name == (kind == NoticeKind::kRenamed ? "Rob" : ""));
    CHECK(notice.at_ms == 55);
    CHECK(notice.replayed);
    CHECK(parse_notice_kind(format_notice_kind(kind)) == kind);
  }
  CHECK_FALSE(parse_notice_kind("message"));
  event_there_and_back(LiveEvent{});
  event_there_and_back(SyncedEvent{});
  CHECK(event_there_and_back(GapEvent{{4, 4}}).resume_after == Cursor{4, 4});
  CHECK(event_there_and_back(RoomEvent{"#dev", true}).joined);
  CHECK(event_there_and_back(RoomEvent{"#\u00fc", false}).room == "#\u00fc");
  CHECK(event_there_and_back(StorageEvent{kAwkward}).state == kAwkward);
  const auto entered = event_there_and_back(MeshEvent{id_of<MeshId>(3), kAwkward, true});
  CHECK(entered.mesh == id_of<MeshId>(3));
  CHECK(entered.label == kAwkward);
  CHECK(entered.entered);
  CHECK_FALSE(event_there_and_back(MeshEvent{}).entered);
  const auto refused = event_there_and_back(
      StrangerEvent{"refused", id_of<MemberKey>(1), kAwkward, id_of<MeshId>(2), kAwkward});
  CHECK(refused.what == "refused");
  CHECK(refused.member == id_of<MemberKey>(1));
  CHECK(refused.name == kAwkward);
  CHECK(refused.mesh == id_of<MeshId>(2));
  CHECK(refused.why == kAwkward);
  CHECK(event_there_and_back(RoomOpenedEvent{"#b~1a2b3c4d", 12}).messages == 12);
  CHECK(event_there_and_back(InvitationEvent{"#b~1a2b3c4d", id_of<MemberKey>(7), kAwkward}).name == kAwkward);
  ModerationEvent act{"ban", "#dev",  id_of<MemberKey>(1), "Alice", id_of<MemberKey>(7), kAwkward, true,
                      5,     kAwkward};
  const auto told = event_there_and_back(act);
  CHECK(told.member == id_of<MemberKey>(7));
  CHECK(told.self);
  CHECK(told.reason == kAwkward);
  act.member.reset();
  CHECK_FALSE(event_there_and_back(act).member);
  const TopicFacts topic{"", id_of<MemberKey>(7), kAwkward, 55};
  const auto set = event_there_and_back(TopicEvent{"#dev", id_of<EnvelopeId>(9), topic});
  CHECK(set.topic == topic);
  CHECK(set.envelope == id_of<EnvelopeId>(9));
}

TEST_CASE("events and values of later versions are told from broken lines") {
  const auto parse_params = [](const std::string& params) {
    return parse_incoming(R"({"jsonrpc":"2.0","method":"event","params":)" + params + "}");
  };
  CHECK(std::holds_alternative<UnknownEvent>(parse_params(R"({"type":"dance","x":[]})")));
  CHECK(std::holds_alternative<UnknownEvent>(parse_incoming(R"({"jsonrpc":"2.0","method":"other"})")));
  CHECK(std::holds_alternative<Event>(parse_params(R"({"type":"live","more":1})")));
  for (const char* params : {"[]", "{}", R"({"type":5})", R"({"type":"gap"})", R"({"type":"message"})",
                             R"({"type":"joined","name":1})"}) {
    CAPTURE(params);
    CHECK(std::holds_alternative<MalformedLine>(parse_params(params)));
  }
  for (const char* line :
       {"", "x", "[]", "{}", R"({"id":"status","result":{}})", R"({"id":"a#1","result":{}})",
        R"({"id":"status#1","result":{}})", R"({"id":"status#x","result":{}})",
        R"({"id":"status#1","error":5})", R"({"id":"status#1","error":{"message":"m"}})",
        R"({"id":7,"result":{}})", R"({"method":5})", R"({"id":"members.list#1","result":[5]})",
        R"({"id":"members.list#1","result":{}})"}) {
    CAPTURE(line);
    CHECK(std::holds_alternative<MalformedLine>(parse_incoming(line)));
  }
}

TEST_CASE("any changed byte of an event gives an event or a fault") {
  std::string line;
  append_event(line, MessageEvent{{1, 0}, make_message(), false, false, false});
  line.pop_back();
  for (std::size_t i = 0; i < line.size(); ++i) {
    for (const char byte : {'\0', '"', '\\', '{', '}', '[', '9', 'e', '-', '.', '\xff', ' '}) {
      std::string changed = line;
      changed[i] = byte;
      parse_incoming(changed);
    }
    parse_incoming(line.substr(0, i));
  }
}

TEST_CASE("a string of any bytes is one JSON string, the same text when it was UTF-8") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      std::string out;
      append_json_string(out, text);
      const auto back = nlohmann::json::parse(out, nullptr, false);
      REQUIRE(back.is_string());
      const bool is_utf8 =
          !nlohmann::json::parse('"' + (first < 0x80 ? std::string("aa") : text) + '"', nullptr, false)
               .is_discarded();
      if (first < 0x80 && second < 0x80) REQUIRE(back.get<std::string>() == text);
      if (first >= 0x80 && is_utf8) REQUIRE(back.get<std::string>() == text);
    }
  }
  for (const std::string text : {"\u0800\uffff\u07ff", "\U00010000\U0010ffff", "\u2027\u202f\u2065"}) {
    std::string out;
    append_json_string(out, text);
    CHECK(out == "\"" + text + "\"");
  }
  std::string out;
  append_json_string(out, "\u2066\u061c\xf4\x90\x80\x80\xe0\x80\x80");
  CHECK(out == "\"\\u2066\\u061c\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\"");
}

}  // namespace
}  // namespace p2pmesh::control
