// Bodies of what concerns one room but is no plain text.
#include "p2pmesh/wire/room_body.h"

#include <doctest/doctest.h>

#include <random>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

TEST_CASE("ATopicIsUtf8OfBoundedLength") {
  CHECK(decode_topic(as_bytes("")) == "");
  CHECK(decode_topic(as_bytes("Gr\u00fc\u00dfe\n\x1b[2J")) == "Gr\u00fc\u00dfe\n\x1b[2J");
  CHECK(decode_topic(as_bytes(std::string(limits::kTopicBytesMax, 'x'))));
  CHECK_FALSE(decode_topic(as_bytes(std::string(limits::kTopicBytesMax + 1, 'x'))));
  for (const char* bad : {"\xff", "a\xc0\x80", "\xed\xa0\x80", "\xe4\xb8"})
    CHECK_FALSE(decode_topic(as_bytes(bad)));
}

TEST_CASE("ALabelIsThatOfAPrivateRoomWithANameAndEightDigitsAlone") {
  CHECK(is_private_room("#board~1a2b3c4d"));
  CHECK(room_name("#board~1a2b3c4d") == "#board");
  for (const std::string label :
       {"", "#", "~1a2b3c4d", "#~1a2b3c4d", "board~1a2b3c4d", "#board", "#board~1a2b3c4", "#board~1A2B3C4D",
        "#board~1a2b3c4g", "#board-1a2b3c4d", "#a~1"}) {
    CAPTURE(label);
    CHECK_FALSE(is_private_room(label));
    CHECK(room_name(label) == label);
  }
}

TEST_CASE("WhatIsSaidInAPrivateRoomSurvivesThePaddingAndNothingElseDoes") {
  for (const RoomContent& content :
       {RoomContent{{"hello"}}, RoomContent{{"a", std::string(8192, 'b'), "\u00fc"}}, RoomContent{{}, ""},
        RoomContent{{}, "what it is about"}}) {
    const Bytes padded = encode_room_content(content);
    CHECK(padded.size() % limits::kRoomPadding == 0);
    CHECK(decode_room_content(padded) == content);
    CHECK_FALSE(decode_room_content(ByteView(padded).first(padded.size() - 1)));
    Bytes longer = padded;
    longer.resize(longer.size() + limits::kRoomPadding);
    CHECK_FALSE(decode_room_content(longer));  // more zeros than are needed
    Bytes other = padded;
    other.front() = 3;
    CHECK_FALSE(decode_room_content(other));
    other = padded;
    other.back() = 1;
    CHECK_FALSE(decode_room_content(other));
  }
  CHECK(encode_room_content({{std::string(1, 'x')}}).size() ==
        encode_room_content({{std::string(200, 'x')}}).size());
  CHECK_FALSE(decode_room_content({}));
  CHECK_FALSE(decode_room_content(Bytes(limits::kRoomPadding)));
  CHECK_FALSE(decode_room_content(encode_room_content({{}, std::string(513, 'x')})));
  CHECK_FALSE(decode_room_content(encode_room_content({{}, "\xff"})));
  CHECK_FALSE(decode_room_content(encode_room_content({{"\xff"}})));
  CHECK_FALSE(decode_room_content(encode_room_content({{}})));
  CHECK_FALSE(decode_room_content(Bytes(limits::kRoomSealedBytesMax + limits::kRoomPadding)));
}

TEST_CASE("TheFullestEnvelopeOfAPrivateRoomFitsItsBounds") {
  std::vector<std::string> texts;
  std::size_t bytes = 2 + kBesideRoomContent;
  while (bytes + text_message_bytes(8000) <= limits::kTextBodyBytesMax) {
    texts.emplace_back(8000, 'x');
    bytes += text_message_bytes(8000);
  }
  texts.emplace_back(limits::kTextBodyBytesMax - bytes - 2, 'y');
  const Bytes padded = encode_room_content({texts});
  CHECK(padded.size() == limits::kRoomSealedBytesMax);
  CHECK(decode_room_content(padded) == RoomContent{texts});
}

TEST_CASE("ASealedBodyHasANonceAndWholeSteps") {
  SealedRoomBody body;
  body.nonce.fill(7);
  body.sealed = Bytes(16 + 512, 9);
  const Bytes bytes = encode_sealed_room_body(body);
  const auto back = decode_sealed_room_body(bytes);
  REQUIRE(back);
  CHECK(back->nonce == body.nonce);
  CHECK(back->sealed == body.sealed);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const bool is_whole = size == 24 + 16 + 256;
    CHECK(decode_sealed_room_body(ByteView(bytes).first(size)).has_value() == is_whole);
  }
  CHECK_FALSE(decode_sealed_room_body(Bytes(24 + 16 + limits::kRoomSealedBytesMax + 256)));
}

TEST_CASE("EachFactOfThePlaceChangesWhatASealIsBoundTo") {
  Envelope place;
  place.room = "#board~1a2b3c4d";
  place.seq = 1;
  const Bytes bound_to = room_sealing_bytes(place);
  std::vector<Envelope> others(5, place);
  others[0].mesh.bytes[0] = 1;
  others[1].room = "#board~1a2b3c4e";
  others[2].author.bytes[31] = 1;
  others[3].epoch = 1;
  others[4].seq = 2;
  for (const Envelope& other : others) CHECK(room_sealing_bytes(other) != bound_to);
}

TEST_CASE("RandomBytesAreNoContentOfARoomOrOneThatEncodesToThem") {
  std::minstd_rand random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = encode_room_content({{std::string(random() % 300, 'x') + "y"}});
    for (std::size_t changes = random() % 4; changes > 0; --changes)
      bytes[random() % std::min<std::size_t>(bytes.size(), 12)] = static_cast<std::uint8_t>(random());
    bytes.resize(random() % 8 == 0 ? random() % 600 : bytes.size());
    if (const auto content = decode_room_content(bytes)) CHECK(encode_room_content(*content) == bytes);
    if (const auto body = decode_sealed_room_body(bytes)) CHECK(encode_sealed_room_body(*body) == bytes);
  }
}

}  // namespace
}  // namespace p2pmesh
