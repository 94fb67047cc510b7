#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"
#include "samples.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

Hello hello_of() {
  Hello hello;
  hello.node = id_from<NodeKey>(1);
  hello.nonce.fill(7);
  return hello;
}

Welcome welcome_of() {
  Welcome welcome;
  welcome.node = id_from<NodeKey>(1);
  welcome.nonce.fill(7);
  welcome.mesh = id_from<MeshId>(2);
  welcome.observed = v4_address();
  welcome.addresses = {v6_address(), v4_address()};
  welcome.heads = {{id_from<EnvelopeId>(3), 44}};
  welcome.signature = signature_from(4);
  return welcome;
}

SponsorRequest request_of() {
  return {id_from<MemberKey>(1), "Bob", {id_from<EnvelopeId>(2), id_from<EnvelopeId>(1)}};
}

}  // namespace

TEST_CASE("a hello comes back with and without a wanted mesh") {
  Hello hello = hello_of();
  auto got = decode_hello(payload(hello));
  REQUIRE(got);
  CHECK(got->version == kProtocolVersion);
  CHECK(got->node == hello.node);
  CHECK(got->nonce == hello.nonce);
  CHECK_FALSE(got->wanted_mesh);
  hello.wanted_mesh = id_from<MeshId>(9);
  got = decode_hello(payload(hello));
  REQUIRE(got);
  CHECK(got->wanted_mesh == hello.wanted_mesh);
  CHECK(type_of(hello) == 1);
}

TEST_CASE("a hello of our version has one encoding") {
  // Of another version nothing but the number is read, so there is nothing to encode again.
  const auto decode_ours = [](ByteView bytes) {
    auto hello = decode_hello(bytes);
    return hello && hello->version == kProtocolVersion ? hello : std::nullopt;
  };
  Hello hello = hello_of();
  check_canonical(payload(hello), decode_ours, payload<Hello>);
  hello.wanted_mesh = id_from<MeshId>(9);
  check_canonical(payload(hello), decode_ours, payload<Hello>);
}

TEST_CASE("what a closed mesh is shown has one encoding, and its bounds") {
  const auto decode_ours = [](ByteView bytes) {
    auto hello = decode_hello(bytes);
    return hello && hello->version == kProtocolVersion ? hello : std::nullopt;
  };
  Hello hello = hello_of();
  hello.proof.member = MemberProof{1, 2, 3};
  hello.proof.chain = {Bytes(3, 7), Bytes(400, 8)};
  check_canonical(payload(hello), decode_ours, payload<Hello>);
  hello.proof.invite = InviteProof{id_from<InviteKey>(5), signature_from(6)};
  check_canonical(payload(hello), decode_ours, payload<Hello>);
  const auto got = decode_hello(payload(hello));
  REQUIRE(got);
  CHECK(got->proof.member == hello.proof.member);
  CHECK(got->proof.chain == hello.proof.chain);
  CHECK(got->proof.invite->key == hello.proof.invite->key);
  // As long as the entries of a log are.
  hello.proof.chain.assign(limits::kEntryChainMax, Bytes(400, 9));
  CHECK(encode_frame_of(hello).size() - 4 <= limits::kFrameBytesMaxBeforeWelcome);
  hello.proof.chain.emplace_back(1);
  CHECK_FALSE(decode_hello(payload(hello)));
}

TEST_CASE("what a closed mesh shows has one encoding") {
  Welcome welcome = welcome_of();
  welcome.proof.member = MemberProof{9};
  welcome.proof.chain = {Bytes(3, 7), Bytes(400, 8)};
  check_canonical(payload(welcome), decode_welcome, payload<Welcome>);
  welcome.proof.grant = MeshGrant{MeshSecret{8}, id_from<MemberKey>(7)};
  check_canonical(payload(welcome), decode_welcome, payload<Welcome>);
  const auto got = decode_welcome(payload(welcome));
  REQUIRE(got);
  CHECK(got->proof.grant->secret == welcome.proof.grant->secret);
  CHECK(got->proof.grant->founder == welcome.proof.grant->founder);
  CHECK(got->proof.chain == welcome.proof.chain);
  // With the longest of everything.
  welcome.addresses.assign(limits::kAddressesMax, v6_address());
  welcome.heads.assign(limits::kParentsMax, {id_from<EnvelopeId>(3), 44});
  welcome.proof.chain.assign(limits::kEntryChainMax, Bytes(420, 9));
  CHECK(encode_frame_of(welcome).size() - 4 <= limits::kFrameBytesMaxBeforeWelcome);
}

TEST_CASE("a hello of another version tells its version, whatever follows") {
  for (const Bytes& rest : {Bytes{}, Bytes(500, 0xee)}) {
    const auto got = decode_hello(Writer().raw(as_bytes("p2pmesh\n")).u16(77).raw(rest).take());
    REQUIRE(got);
    CHECK(got->version == 77);
  }
  CHECK_FALSE(decode_hello(Writer().raw(as_bytes("p2pmesh\n")).u8(0).take()));
}

TEST_CASE("another protocol's first bytes are no hello") {
  for (const char* text :
       {"", "GET / HTTP/1.1\r\n\r\n", "p2pmesh", "p2pmesh\r\n\0\1", "P2pmesh\n\0\1", "SSH-2.0-OpenSSH_9.2"}) {
    CHECK_FALSE(decode_hello(as_bytes(text)));
  }
}

TEST_CASE("a welcome comes back field by field") {
  const Welcome welcome = welcome_of();
  const auto got = decode_welcome(payload(welcome));
  REQUIRE(got);
  CHECK(got->node == welcome.node);
  CHECK(got->nonce == welcome.nonce);
  CHECK(got->mesh == welcome.mesh);
  CHECK(got->observed == welcome.observed);
  CHECK(got->addresses == welcome.addresses);
  CHECK(got->heads == welcome.heads);
  CHECK(got->signature == welcome.signature);
  CHECK(type_of(welcome) == 2);
}

TEST_CASE("a welcome has one encoding, and its signature covers the rest") {
  check_canonical(payload(welcome_of()), decode_welcome, payload<Welcome>);
  const Bytes whole = payload(welcome_of());
  const Bytes covered = encode_unsigned_welcome(welcome_of());
  CHECK(covered == Bytes(whole.begin(), whole.end() - kSignatureBytes));
}

TEST_CASE("the fullest welcome fits the frame before the welcome, and one item more is refused") {
  Welcome welcome = welcome_of();
  welcome.observed = v6_address();
  welcome.addresses.assign(limits::kAddressesMax, v6_address());
  welcome.heads.assign(limits::kParentsMax, {id_from<EnvelopeId>(3), UINT64_MAX});
  CHECK(decode_welcome(payload(welcome)));
  CHECK(payload(welcome).size() + 1 <= limits::kFrameBytesMaxBeforeWelcome);
  Welcome more = welcome;
  more.heads.push_back({});
  CHECK_FALSE(decode_welcome(payload(more)));
  more = welcome;
  more.addresses.push_back(v4_address());
  CHECK_FALSE(decode_welcome(payload(more)));
}

TEST_CASE("an address of an unknown family is refused") {
  Bytes bytes = payload(welcome_of());
  const std::size_t family_at = 2 + 32 + 32 + 32;
  REQUIRE(bytes[family_at] == 4);
  bytes[family_at] = 5;
  CHECK_FALSE(decode_welcome(bytes));
}

TEST_CASE("a refusal has a known reason") {
  check_canonical(payload(Refuse{RefuseReason::kOtherMesh, 3}), decode_refuse, payload<Refuse>);
  const auto got = decode_refuse(payload(Refuse{RefuseReason::kBusy, 513}));
  REQUIRE(got);
  CHECK(got->reason == RefuseReason::kBusy);
  CHECK(got->version == 513);
  CHECK_FALSE(decode_refuse(Bytes{0, 0, 1}));
  CHECK_FALSE(decode_refuse(Bytes{13, 0, 1}));
  CHECK(type_of(Refuse{}) == 3);
}

TEST_CASE("a repair frame is the envelope alone") {
  const Bytes envelope(50, 0x5a);
  const Bytes frame = encode_repair(envelope);
  CHECK(frame[4] == 5);
  CHECK(payload_of(frame) == envelope);
}

TEST_CASE("taken ids come back in their order") {
  const Taken taken{{id_from<EnvelopeId>(2), id_from<EnvelopeId>(1), id_from<EnvelopeId>(2)}};
  const auto got = decode_taken(payload(taken));
  REQUIRE(got);
  CHECK(got->ids == taken.ids);
  check_canonical(payload(taken), decode_taken, payload<Taken>);
  CHECK(decode_taken(payload(Taken{}))->ids.empty());
  CHECK_FALSE(decode_taken(Writer().u16(0xffff).raw(Bytes(32)).take()));
  CHECK(type_of(taken) == 6);
}

TEST_CASE("a ping carries a token and a digest as of a time") {
  const Ping ping{0x0102030405060708, 0x1112131415161718, UINT64_MAX, true};
  const Bytes frame = encode_ping(ping);
  CHECK(frame[4] == 7);
  const auto got = decode_ping(payload_of(frame));
  REQUIRE(got);
  CHECK(got->token == ping.token);
  CHECK(got->as_of_ms == ping.as_of_ms);
  CHECK(got->root == UINT64_MAX);
  CHECK(got->repaired);
  const auto encode = [](const Ping& value) { return payload_of(encode_ping(value)); };
  check_canonical(payload_of(frame), decode_ping, encode);
  check_canonical(encode(Ping{}), decode_ping, encode);
  CHECK(decode_ping(encode(Ping{}))->as_of_ms == kAsOfAll);
  CHECK_FALSE(decode_ping(encode(Ping{}))->repaired);
  CHECK_FALSE(decode_ping(encode(Ping{}))->place);
}

TEST_CASE("a ping may carry a place in the common tree") {
  Ping ping{0, kAsOfAll, 5, true, TreePlace{0x0102, kTreeDistanceMax, 0x0304, true}};
  const auto encode = [](const Ping& value) { return payload_of(encode_ping(value)); };
  Bytes payload = encode(ping);
  CHECK(payload.size() == encode(Ping{}).size() + 6);
  const auto got = decode_ping(payload);
  REQUIRE(got);
  CHECK(got->repaired);
  REQUIRE(got->place);
  CHECK(got->place->root == 0x0102);
  CHECK(got->place->age_cs == 0x0304);
  CHECK(got->place->distance == kTreeDistanceMax);
  CHECK(got->place->over_this_link);
  check_canonical(payload, decode_ping, encode);
  ping.place->over_this_link = false;
  check_canonical(encode(ping), decode_ping, encode);
  CHECK_FALSE(decode_ping(encode(ping))->place->over_this_link);
  ping.place->distance = kTreeDistanceMax + 1;
  CHECK_FALSE(decode_ping(encode(ping)));
  payload[24] = 4;  // a flag that is none
  CHECK_FALSE(decode_ping(payload));
}

TEST_CASE("a pong is the token alone") {
  const Bytes frame = encode_pong(0x0102030405060708);
  CHECK(frame[4] == 8);
  CHECK(payload_of(frame) == Bytes{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(decode_pong(payload_of(frame)) == 0x0102030405060708);
  check_canonical(payload_of(frame), decode_pong,
                  [](std::uint64_t token) { return payload_of(encode_pong(token)); });
  CHECK_FALSE(decode_pong(payload_of(encode_ping(Ping{}))));
}

TEST_CASE("a sponsor request comes back and keeps to its bounds") {
  SponsorRequest request = request_of();
  const auto got = decode_sponsor_request(payload(request));
  REQUIRE(got);
  CHECK(got->member == request.member);
  CHECK(got->name == "Bob");
  CHECK(got->heads == request.heads);
  check_canonical(payload(request), decode_sponsor_request, payload<SponsorRequest>);
  request.name.assign(limits::kNameBytesMax, 'n');
  request.heads.assign(limits::kParentsMax, {});
  CHECK(decode_sponsor_request(payload(request)));
  request.heads.push_back({});
  CHECK_FALSE(decode_sponsor_request(payload(request)));
  request.heads.clear();
  request.name.push_back('n');
  CHECK_FALSE(decode_sponsor_request(payload(request)));
  request.name.clear();
  CHECK_FALSE(decode_sponsor_request(payload(request)));
  CHECK(type_of(request) == 9);
}

TEST_CASE("a sponsor reply comes back") {
  SponsorReply reply{SponsorVerdict::kGranted,
                     id_from<MemberKey>(1),
                     12,
                     {id_from<EnvelopeId>(5), id_from<EnvelopeId>(6)},
                     signature_from(2)};
  const auto got = decode_sponsor_reply(payload(reply));
  REQUIRE(got);
  CHECK(got->verdict == SponsorVerdict::kGranted);
  CHECK(got->sponsor == reply.sponsor);
  CHECK(got->depth == 12);
  CHECK(got->heads == reply.heads);
  CHECK(got->signature == reply.signature);
  check_canonical(payload(reply), decode_sponsor_reply, payload<SponsorReply>);
  reply.heads.assign(limits::kParentsMax, {});
  CHECK(decode_sponsor_reply(payload(reply)));
  reply.heads.push_back({});
  CHECK_FALSE(decode_sponsor_reply(payload(reply)));
  CHECK(type_of(reply) == 10);
}

TEST_CASE("a close has a known reason") {
  check_canonical(payload(Close{CloseReason::kBetterLink}), decode_close, payload<Close>);
  CHECK(decode_close(payload(Close{CloseReason::kLeaving}))->reason == CloseReason::kLeaving);
  CHECK_FALSE(decode_close(Bytes{0}));
  CHECK(decode_close(payload(Close{CloseReason::kDisconnect}))->reason == CloseReason::kDisconnect);
  CHECK_FALSE(decode_close(Bytes{5}));
  CHECK(type_of(Close{}) == 16);
}
