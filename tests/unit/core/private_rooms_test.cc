// Private rooms: read by those who hold the key, carried by all; what is forged, damaged or moved opens
// nowhere.
#include <doctest/doctest.h>

#include <algorithm>

#include "author.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/room_secret.h"
#include "room_sealing.h"
#include "test_mesh.h"

namespace p2pmesh::test {
namespace {

using Texts = std::vector<std::string>;

RoomSecret secret_of(const std::string& name, std::uint8_t byte) {
  RoomSecret secret;
  secret.key.fill(byte);
  secret.room = private_room_label(name, secret.key);
  return secret;
}
const RoomSecret kBoard = secret_of("#board", 7);

/// What was announced opened, in order.
Texts read_by(const TestNode& node) {
  Texts texts;
  for (const Announce& announce : node.announced) {
    if (!announce.context.opened) continue;
    const RoomContent& content = *announce.context.opened;
    texts.insert(texts.end(), content.texts.begin(), content.texts.end());
    if (content.topic) texts.push_back("topic: " + *content.topic);
  }
  return texts;
}

/// Alice and Bob hold the key.
struct KeyHolders : Three {
  KeyHolders() {
    a().handle(RoomKeyGiven{kBoard});
    b().handle(RoomKeyGiven{kBoard});
  }
};

Envelope place_of(const MemberKey& author, std::uint64_t seq = 1) {
  Envelope place;
  place.kind = static_cast<std::uint16_t>(Kind::kSealedRoom);
  place.room = kBoard.room;
  place.author = author;
  place.epoch = 5;
  place.seq = seq;
  place.depth = 1;
  if (seq > 1) place.prev.bytes[0] = 1;
  return place;
}

TEST_CASE("WhoHoldsTheKeyReadsAndWhoLacksItCarries") {
  KeyHolders mesh;
  mesh.a().say("secret words", kBoard.room);
  mesh.a().handle(SetTopic{99, kBoard.room, "secret matter"});
  mesh.run();
  const Texts all = {"secret words", "topic: secret matter"};
  CHECK(read_by(mesh.a()) == all);
  CHECK(read_by(mesh.b()) == all);
  CHECK(read_by(mesh.c()).empty());
  CHECK(mesh.b().counter("rooms_opened") == 2);
  REQUIRE(mesh.c().store.logs.size() == 2);
  for (const EnvelopePtr& held : mesh.c().store.logs) {
    CHECK(held->envelope.kind == static_cast<std::uint16_t>(Kind::kSealedRoom));
    CHECK(as_text(held->encoded).find("secret") == std::string_view::npos);
  }
  CHECK(mesh.c().announced.back().context.messages == 0);
  CHECK(mesh.c().counter("bodies_malformed") == 0);
  CHECK(mesh.c().counter("kinds_unknown") == 0);
  CHECK(mesh.a().acknowledged.size() == 2);
  CHECK(mesh.a().node->status().pending == 0);
  // A text and a topic of one length look alike.
  CHECK(mesh.c().store.logs[0]->envelope.body.size() == mesh.c().store.logs[1]->envelope.body.size());
}

TEST_CASE("AKeyThatComesLaterOpensWhatIsHeld") {
  KeyHolders mesh;
  mesh.a().say("before", kBoard.room);
  mesh.run();
  const Envelope& held = mesh.c().store.logs.back()->envelope;
  CHECK_FALSE(mesh.c().node->open_room_envelope(held));
  CHECK_FALSE(mesh.c().node->holds_room_key(kBoard.room));
  mesh.c().handle(RoomKeyGiven{kBoard});
  CHECK(mesh.c().node->holds_room_key(kBoard.room));
  const RoomContentPtr opened = mesh.c().node->open_room_envelope(held);
  REQUIRE(opened);
  CHECK(opened->texts == Texts{"before"});
  mesh.a().say("after", kBoard.room);
  mesh.run();
  CHECK(read_by(mesh.c()) == Texts{"after"});
}

TEST_CASE("WhatIsHeldBackIsOpenedWithAKeyThatComesMeanwhile") {
  KeyHolders mesh;
  auto signer = make_ed25519_signer(KeySeed{9});
  RoomSealing sealing(mesh.mesh);
  REQUIRE(sealing.add(kBoard));
  Envelope place = place_of(to_member(signer->public_key()), 2);
  place.mesh = mesh.mesh;
  place.epoch = mesh.now.wall_ms;
  place.wall_ms = mesh.now.wall_ms;
  place.body = sealing.seal({{"early"}}, place);
  const LinkId link = mesh.wires.begin()->first;
  TestNode* carol = &mesh.c();
  LinkId at_carol = 0;
  for (const auto& [id, wire] : mesh.wires) at_carol = wire.from == carol ? id : at_carol;
  REQUIRE(link != 0);
  carol->handle(EnvelopeReceived{at_carol, true, 0, seal_envelope(place, *signer)});
  carol->handle(RoomKeyGiven{kBoard});
  mesh.run(2s);
  CHECK(read_by(*carol) == Texts{"early"});
}

TEST_CASE("WhatIsForgedDamagedOrMovedIsCountedAndNeverOpened") {
  RoomSealing holder{MeshId{}};
  REQUIRE(holder.add(kBoard));
  const MemberKey alice{{1}};
  Envelope place = place_of(alice);
  place.body = holder.seal({{"to be moved"}}, place);
  REQUIRE(holder.open(place));
  std::uint64_t damaged = 0;
  const auto check_closed = [&](const Envelope& envelope) {
    CHECK_FALSE(holder.open(envelope));
    CHECK(holder.counters().damaged == ++damaged);
  };
  Envelope moved = place;
  moved.author = MemberKey{{2}};
  check_closed(moved);
  moved = place;
  moved.seq = 2;
  check_closed(moved);
  moved = place;
  moved.epoch = 6;
  check_closed(moved);
  for (std::size_t i = 0; i < place.body.size(); i += 5) {
    Envelope bad = place;
    bad.body[i] ^= 0x80;
    check_closed(bad);
  }
  moved.body = Bytes(24 + 16 + 256, 1);
  check_closed(moved);
  moved.body.clear();
  check_closed(moved);
  // Of another key of the same name, or into its room.
  const RoomSecret other = secret_of("#board", 8);
  CHECK(other.room != kBoard.room);
  REQUIRE(holder.add(other));
  moved = place;
  moved.room = other.room;
  check_closed(moved);
  // In another mesh the same key seals otherwise.
  RoomSealing elsewhere{MeshId{{1}}};
  REQUIRE(elsewhere.add(kBoard));
  CHECK_FALSE(elsewhere.open(place));
}

TEST_CASE("TheSamePlaceNeverSealsTwoTextsUnderOneNonce") {
  RoomSealing holder{MeshId{}};
  REQUIRE(holder.add(kBoard));
  const Envelope place = place_of(MemberKey{{1}});
  const Envelope next = place_of(MemberKey{{1}}, 2);
  const auto nonce = [&](const Bytes& body) { return Bytes(body.begin(), body.begin() + 24); };
  CHECK(nonce(holder.seal({{"one"}}, place)) != nonce(holder.seal({{"two"}}, place)));
  CHECK(nonce(holder.seal({{"one"}}, place)) != nonce(holder.seal({{"one"}}, next)));
  CHECK(holder.seal({{"one"}}, place) == holder.seal({{"one"}}, place));
}

TEST_CASE("OnlyALabelThatFitsItsKeyIsTakenAndNotTooMany") {
  RoomSealing holder{MeshId{}};
  RoomSecret wrong = kBoard;
  wrong.key[0] ^= 1;
  CHECK_FALSE(holder.add(wrong));
  for (const std::string name : {"#a b", "board", "#", "#Board", "#\x1b", ""}) {
    const RoomSecret hostile{private_room_label(name, kBoard.key), kBoard.key};
    CHECK_FALSE(is_room_secret(hostile));
    CHECK_FALSE(holder.add(hostile));
  }
  for (std::size_t i = 0; i < limits::kPrivateRoomsMax; ++i)
    CHECK(holder.add(secret_of("#r" + std::to_string(i), static_cast<std::uint8_t>(i))));
  CHECK_FALSE(holder.add(secret_of("#one", 200)));
  CHECK(holder.add(secret_of("#r0", 0)));
}

TEST_CASE("AnInvitationReachesAFriendAndIsDelivered") {
  KeyHolders mesh;
  mesh.befriend(mesh.a(), mesh.c());
  mesh.a().handle(SendInvite{77, mesh.c().key(), kBoard});
  mesh.run(3s);
  CHECK(std::count(mesh.a().acknowledged.begin(), mesh.a().acknowledged.end(), 77) == 1);
  const DirectMessagePtr& direct = mesh.c().announced.back().context.direct;
  REQUIRE(direct);
  CHECK(direct->invite == kBoard);
  CHECK(direct->texts.empty());
  CHECK(mesh.c().node->is_shown(mesh.a().key()));
  CHECK(mesh.a().node->delivery_of(mesh.c().key(), mesh.c().announced.back().envelope->id,
                                   mesh.c().announced.back().envelope->envelope.epoch,
                                   direct->number) == Delivery::kDelivered);
  CHECK_FALSE(mesh.c().node->holds_room_key(kBoard.room));
  for (const Announce& announce : mesh.b().announced) CHECK_FALSE(announce.context.direct);
}

TEST_CASE("AStrangersInvitationIsHeldAsItsTextsAre") {
  KeyHolders mesh;
  mesh.a().handle(SendInvite{77, mesh.c().key(), kBoard});
  mesh.run(2s);
  const DirectMessagePtr& direct = mesh.c().announced.back().context.direct;
  REQUIRE(direct);
  CHECK(direct->invite == kBoard);
  CHECK_FALSE(mesh.c().node->is_shown(mesh.a().key()));
  mesh.c().handle(AnswerRequest{mesh.a().key(), true});
  CHECK(mesh.c().node->is_shown(mesh.a().key()));
}

TEST_CASE("AForkOfASealedEnvelopeIsOpenedToo") {
  KeyHolders mesh;
  auto signer = make_ed25519_signer(KeySeed{9});
  RoomSealing sealing(mesh.mesh);
  REQUIRE(sealing.add(kBoard));
  std::size_t opened = 0;
  for (const char* text : {"one", "two"}) {
    Envelope place = place_of(to_member(signer->public_key()));
    place.mesh = mesh.mesh;
    place.epoch = place.wall_ms = mesh.now.wall_ms;
    place.body = sealing.seal({{text}}, place);
    Outputs outputs;
    mesh.b().node->handle(EnvelopeReceived{1, false, 0, seal_envelope(place, *signer)}, mesh.now, outputs);
    for (const Output& output : outputs) {
      const auto* store = std::get_if<Store>(&output);
      if (store != nullptr && store->context.opened) opened += store->context.opened->texts == Texts{text};
    }
  }
  CHECK(opened == 2);
}

}  // namespace
}  // namespace p2pmesh::test
