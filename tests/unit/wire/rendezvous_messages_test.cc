#include "p2pmesh/wire/rendezvous_messages.h"

#include "p2pmesh/wire/codec.h"
#include "samples.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

Registration registration_of() {
  Registration registration;
  registration.name = "Alice";
  registration.member = id_from<MemberKey>(1);
  registration.node = id_from<NodeKey>(2);
  registration.addresses = {v4_address(), v6_address()};
  registration.meshes = {{id_from<MeshId>(3), 7, "Ann"}, {id_from<MeshId>(4), 0, ""}};
  registration.version = 0x0102030405060708;
  registration.valid_until_ms = 9;
  registration.signature = signature_from(5);
  return registration;
}

/// As long as there may be.
Registration fullest_registration() {
  Registration registration = registration_of();
  registration.name = std::string(limits::kNameBytesMax, 'n');
  registration.addresses.assign(limits::kAddressesMax, v6_address());
  registration.meshes.clear();
  for (std::size_t i = 0; i < limits::kRendezvousMeshesPerMember; ++i) {
    registration.meshes.push_back({id_from<MeshId>(static_cast<std::uint8_t>(i)), UINT32_MAX,
                                   std::string(limits::kRendezvousLabelBytesMax, 'l')});
  }
  return registration;
}

Ask ask_of() {
  return {id_from<MemberKey>(1), id_from<MemberKey>(2), 77, {1, 2, 3}, signature_from(9)};
}

template <class Message, class Decode>
void check(const Message& message, std::uint8_t type, Decode decode, bool cuts_are_refused = true) {
  CHECK(type_of(message) == type);
  check_canonical(payload(message), decode, payload<Message>, cuts_are_refused);
}

}  // namespace

TEST_CASE("the rendezvous has an id that is no hash") {
  CHECK(as_text(kRendezvousMesh.view()).substr(0, 18) == "p2pmesh rendezvous");
  CHECK(std::all_of(kRendezvousMesh.bytes.begin() + 18, kRendezvousMesh.bytes.end(),
                    [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE("a registration comes back and has one encoding") {
  const Registration registration = registration_of();
  check_canonical(encode_registration(registration), decode_registration, encode_registration);
  const auto got = decode_registration(encode_registration(registration));
  REQUIRE(got);
  CHECK(got->name == "Alice");
  CHECK(got->addresses == registration.addresses);
  CHECK(got->meshes == registration.meshes);
  CHECK(got->discoverable);
  CHECK(got->version == registration.version);
  CHECK(got->signature == registration.signature);
  check(Register{7, registration}, 28, decode_register);
}

TEST_CASE("the fullest registration fits its bound, and more of anything is refused") {
  const Registration fullest = fullest_registration();
  const Bytes encoded = encode_registration(fullest);
  CHECK(encoded.size() <= limits::kRegistrationBytesMax);
  CHECK(encoded.size() > limits::kRegistrationBytesMax - 128);
  CHECK(decode_registration(encoded));
  const auto refused = [&](auto change) {
    Registration registration = fullest;
    change(registration);
    return !decode_registration(encode_registration(registration));
  };
  CHECK(refused([](Registration& one) { one.name += "n"; }));
  CHECK(refused([](Registration& one) { one.name.clear(); }));
  CHECK(refused([](Registration& one) { one.addresses.push_back(v4_address()); }));
  CHECK(refused([](Registration& one) { one.meshes.push_back({id_from<MeshId>(99), 0, ""}); }));
  CHECK(refused([](Registration& one) { one.meshes[3].label += "l"; }));
  CHECK(refused([](Registration& one) { std::swap(one.meshes[0], one.meshes[1]); }));
  CHECK(refused([](Registration& one) { one.meshes[1] = one.meshes[0]; }));
}

TEST_CASE("what is signed names the server and everything but the signature") {
  const Registration registration = registration_of();
  const NodeKey server = id_from<NodeKey>(8);
  const Bytes bytes = registration_signing_bytes(server, registration);
  CHECK(bytes != registration_signing_bytes(id_from<NodeKey>(9), registration));
  Registration other = registration;
  other.signature = signature_from(77);
  CHECK(bytes == registration_signing_bytes(server, other));
  other.discoverable = false;
  CHECK(bytes != registration_signing_bytes(server, other));
  CHECK(withdrawal_signing_bytes(server, {1, registration.member, 5, {}}) !=
        withdrawal_signing_bytes(server, {1, registration.member, 6, {}}));
  Ask ask = ask_of();
  const Bytes asked = ask_signing_bytes(server, ask);
  ask.sealed.push_back(0);
  CHECK(asked != ask_signing_bytes(server, ask));
}

TEST_CASE("what a member asks has one encoding") {
  check(Withdraw{1, id_from<MemberKey>(3), 4, signature_from(5)}, 29, decode_withdraw);
  check(LookUp{2, std::nullopt, "Bob"}, 33, decode_look_up);
  check(LookUp{2, id_from<MemberKey>(3), ""}, 33, decode_look_up);
  check(ListPeople{3, true, id_from<MemberKey>(3)}, 35, decode_list_people);
  check(ListPeople{3, false, std::nullopt}, 35, decode_list_people);
  check(ListMeshes{4, id_from<MeshId>(3)}, 37, decode_list_meshes);
  check(Watch{5, Watch::What::kNothing, {}}, 39, decode_watch);
  check(Watch{5, Watch::What::kEverybody, {}}, 39, decode_watch);
  check(Watch{5, Watch::What::kSome, {id_from<MemberKey>(1), id_from<MemberKey>(2)}}, 39, decode_watch);
  check(ChangesSeen{UINT64_MAX}, 41, decode_changes_seen);
  check(AskFrame{6, ask_of()}, 42, decode_ask_frame);
  check(AsksTaken{7, {id_from<AskId>(1), id_from<AskId>(2)}}, 45, decode_asks_taken);
  check(ListAsks{8, id_from<MemberKey>(1)}, 46, decode_list_asks);
  check(TakeBack{9, id_from<AskId>(1)}, 48, decode_take_back);
}

TEST_CASE("what a rendezvous answers has one encoding") {
  check(Registered{1, 300, v4_address()}, 30, decode_registered);
  check(Registered{1, 300, std::nullopt}, 30, decode_registered);
  check(Denied{2, DenyReason::kUnknown, 5}, 31, decode_denied);
  check(Done{3}, 32, decode_done);
  check(Found{4, false, false, 0, std::nullopt, {}}, 34, decode_found);
  const Bytes registration = encode_registration(registration_of());
  check(Found{4, true, true, 6, v6_address(), registration}, 34, decode_found, false);
  check(Found{4, true, false, 6, std::nullopt, registration}, 34, decode_found, false);
  check(People{5, true, {{id_from<MemberKey>(1), "Bob", true, 3}, {id_from<MemberKey>(2), "Ann", false, 4}}},
        36, decode_people);
  check(Meshes{6, false, {{id_from<MeshId>(1), 3, 2, "Ann", {"Ann", "Bob"}}}}, 38, decode_meshes);
  check(Changes{7, false, {{Change::What::kMoved, id_from<MemberKey>(1), "Bob", 3}}}, 40, decode_changes);
  check(Changes{7, true, {}}, 40, decode_changes);
  check(AskState{8, id_from<AskId>(1), AskState::State::kDelivered}, 43, decode_ask_state);
  check(AskDelivery{ask_of()}, 44, decode_ask_delivery);
  check(Asks{9, {{id_from<AskId>(1), id_from<MemberKey>(2), 3, AskState::State::kWaiting}}}, 47, decode_asks);
}

TEST_CASE("each list has as many items as it may have, and one more is refused") {
  People people{1, false, std::vector<PersonEntry>(limits::kRendezvousPageMax, {{}, "Bob", true, 3})};
  CHECK(decode_people(payload(people)));
  people.people.push_back(people.people.front());
  CHECK_FALSE(decode_people(payload(people)));
  const MeshEntry fullest{
      {},
      1,
      1,
      std::string(limits::kRendezvousLabelBytesMax, 'l'),
      std::vector<std::string>(limits::kRendezvousMeshNamesMax, std::string(limits::kNameBytesMax, 'n'))};
  Meshes meshes{1, false, std::vector<MeshEntry>(limits::kRendezvousPageMax, fullest)};
  CHECK(decode_meshes(payload(meshes)));
  CHECK(encode_frame_of(meshes).size() < limits::kFrameBytesMax);
  meshes.meshes.front().names.push_back("Bob");
  CHECK_FALSE(decode_meshes(payload(meshes)));
  meshes.meshes.front().names.pop_back();
  meshes.meshes.push_back({});
  CHECK_FALSE(decode_meshes(payload(meshes)));
  Watch watch{1, Watch::What::kSome, {}};
  CHECK_FALSE(decode_watch(payload(watch)));
  for (std::size_t i = 0; i < limits::kRendezvousWatchedMax; ++i) {
    MemberKey key;
    key.bytes[0] = static_cast<std::uint8_t>(i >> 8), key.bytes[1] = static_cast<std::uint8_t>(i);
    watch.members.push_back(key);
  }
  CHECK(decode_watch(payload(watch)));
  watch.members.push_back(id_from<MemberKey>(200));
  CHECK_FALSE(decode_watch(payload(watch)));
  watch.members = {id_from<MemberKey>(2), id_from<MemberKey>(1)};
  CHECK_FALSE(decode_watch(payload(watch)));
  const Change longest{Change::What::kOnline, {}, std::string(limits::kNameBytesMax, 'n'), 1};
  Changes changes{1, false, std::vector<Change>(limits::kRendezvousChangesPerFrame, longest)};
  CHECK(decode_changes(payload(changes)));
  CHECK(encode_frame_of(changes).size() < limits::kFrameBytesMax);
  changes.changes.push_back(longest);
  CHECK_FALSE(decode_changes(payload(changes)));
  AsksTaken taken{1, std::vector<AskId>(limits::kAsksTakenMax)};
  CHECK(decode_asks_taken(payload(taken)));
  taken.ids.emplace_back();
  CHECK_FALSE(decode_asks_taken(payload(taken)));
  CHECK_FALSE(decode_asks_taken(payload(AsksTaken{1, {}})));
  Asks asks{1, std::vector<AskEntry>(limits::kAsksPerAsker)};
  CHECK(decode_asks(payload(asks)));
  asks.asks.emplace_back();
  CHECK_FALSE(decode_asks(payload(asks)));
  Ask ask = ask_of();
  ask.sealed.resize(limits::kAskBytesMax);
  CHECK(decode_ask(encode_ask(ask)));
  ask.sealed.push_back(0);
  CHECK_FALSE(decode_ask(encode_ask(ask)));
}

TEST_CASE("what is counted and not there is refused before it is made room for") {
  CHECK_FALSE(decode_people(Writer().u32(1).u8(0).u8(100).take()));
  CHECK_FALSE(decode_ask(Writer().raw(Bytes(72)).u32(0xffffffff).take()));
  CHECK_FALSE(decode_watch(Writer().u32(1).u8(2).u16(1000).take()));
  CHECK_FALSE(decode_look_up(Writer().u32(1).u8(3).take()));
  CHECK_FALSE(decode_denied(Writer().u32(1).u8(0).u64(0).take()));
  CHECK_FALSE(decode_denied(Writer().u32(1).u8(10).u64(0).take()));
  CHECK_FALSE(decode_found(Writer().u32(1).u8(2).take()));
}
