#include "p2pmesh/wire/direct_body.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

DirectContent sample() {
  DirectContent content;
  content.recipient.bytes.fill(0x42);
  content.number = 3;
  content.depth = 7;
  content.texts = {"hello", "two\nlines"};
  return content;
}

TEST_CASE("WhatIsPaddedIsFoundAgain") {
  Signature signature{};
  signature[0] = 9;
  const Bytes content = encode_direct_content(sample());
  const Bytes padded = pad_direct(content, signature);
  CHECK(padded.size() == limits::kDirectPadding);
  const auto opened = parse_padded_direct(padded);
  REQUIRE(opened);
  CHECK(opened->content.texts == sample().texts);
  CHECK(opened->content.recipient == sample().recipient);
  CHECK(opened->content.number == 3);
  CHECK(opened->content.depth == 7);
  CHECK(opened->signed_content == content);
  CHECK(opened->signature == signature);
}

TEST_CASE("TheLengthOfATextShowsInStepsAlone") {
  const auto padded_size = [](std::size_t length) {
    DirectContent content = sample();
    content.texts = {std::string(length, 'x')};
    return pad_direct(encode_direct_content(content), Signature{}).size();
  };
  CHECK(padded_size(1) == 256);
  CHECK(padded_size(135) == 256);
  CHECK(padded_size(136) == 512);
  CHECK(padded_size(391) == 512);
  CHECK(padded_size(392) == 768);
}

TEST_CASE("WhatIsNotExactlyPaddedIsRefused") {
  const Bytes good = pad_direct(encode_direct_content(sample()), Signature{});
  CHECK_FALSE(parse_padded_direct({}));
  CHECK_FALSE(parse_padded_direct(ByteView(good).first(good.size() - 1)));
  Bytes tail = good;
  tail.back() = 1;
  CHECK_FALSE(parse_padded_direct(tail));
  Bytes longer = good;
  longer.resize(good.size() + limits::kDirectPadding);
  CHECK_FALSE(parse_padded_direct(longer));
  Bytes length = good;
  length[0] = 0xff;
  CHECK_FALSE(parse_padded_direct(length));
  CHECK_FALSE(parse_padded_direct(Bytes(limits::kDirectBytesMax + limits::kDirectPadding)));
}

TEST_CASE("UnknownTypesAndImpossibleDepthsAreRefused") {
  const auto parse = [](DirectContent content) {
    return parse_padded_direct(pad_direct(encode_direct_content(content), Signature{}));
  };
  DirectContent content = sample();
  content.type = DirectType::kRequest;
  content.texts.clear();
  CHECK(parse(content));
  content.type = static_cast<DirectType>(6);
  CHECK_FALSE(parse(content));
  content.type = static_cast<DirectType>(0);
  CHECK_FALSE(parse(content));
  content = sample();
  content.depth = 0;
  CHECK_FALSE(parse(content));
  content.depth = limits::kDepthMax + 1;
  CHECK_FALSE(parse(content));
  content = sample();
  content.texts = {"\xff"};
  CHECK_FALSE(parse(content));
}

TEST_CASE("SealedBodiesHoldWholeSteps") {
  SealedBody body;
  body.tag[7] = 1;
  body.ephemeral[31] = 2;
  body.authors_copy[47] = 3;
  body.sealed = Bytes(16 + 512, 4);
  const auto decoded = decode_sealed_body(encode_sealed_body(body));
  REQUIRE(decoded);
  CHECK(decoded->tag == body.tag);
  CHECK(decoded->ephemeral == body.ephemeral);
  CHECK(decoded->authors_copy == body.authors_copy);
  CHECK(decoded->sealed == body.sealed);
  for (std::size_t size : {std::size_t{0}, std::size_t{15}, std::size_t{16}, std::size_t{16 + 255},
                           16 + limits::kDirectBytesMax + 256}) {
    body.sealed = Bytes(size);
    CHECK_FALSE(decode_sealed_body(encode_sealed_body(body)));
  }
}

TEST_CASE("StandingsComeBackAndIntervalsStandInOrder") {
  StandingBody body;
  body.relation = Relation::kAccepted;
  body.received = {{5, {{1, 4}, {6, 6}}, 3}, {9, {{2, 2}}, 0}};
  const Bytes bytes = encode_standing(body);
  CHECK(bytes.size() == limits::kDirectPadding);
  const auto decoded = decode_standing(bytes);
  REQUIRE(decoded);
  CHECK(decoded->relation == Relation::kAccepted);
  REQUIRE(decoded->received.size() == 2);
  CHECK(decoded->received[0].intervals == body.received[0].intervals);
  CHECK(decoded->received[0].read_to == 3);
  CHECK(decoded->received[1].epoch == 9);

  const auto refused = [](StandingBody wrong) { return !decode_standing(encode_standing(wrong)); };
  StandingBody wrong = body;
  wrong.received[1].epoch = 5;
  CHECK(refused(wrong));
  wrong = body;
  wrong.received[0].intervals = {{1, 4}, {5, 6}};
  CHECK(refused(wrong));
  wrong.received[0].intervals = {{4, 3}};
  CHECK(refused(wrong));
  wrong.received[0].intervals = {{0, 3}};
  CHECK(refused(wrong));
  wrong = body;
  wrong.relation = static_cast<Relation>(4);
  CHECK(refused(wrong));
  wrong = body;
  wrong.received[0].intervals.assign(limits::kStandingIntervalsMax + 1, {1, 1});
  CHECK(refused(wrong));
}

TEST_CASE("AnInvitationCarriesALabelAndAKeyAndNothingElse") {
  RoomSecret secret{"#board~1a2b3c4d", {}};
  secret.key.fill(9);
  const DirectContent content{DirectType::kInvite, MemberKey{}, 3, 4, {}, secret};
  const Bytes inner = encode_direct_content(content);
  const auto opened = parse_padded_direct(pad_direct(inner, Signature{}));
  REQUIRE(opened);
  CHECK(opened->content.type == DirectType::kInvite);
  CHECK(opened->content.invite == secret);
  CHECK(opened->content.texts.empty());
  CHECK(opened->content.number == 3);
  for (const std::string& room : {std::string("#board"), std::string(""), std::string("board~1a2b3c4d"),
                                  "#" + std::string(60, 'x') + "~1a2b3c4d"}) {
    DirectContent other = content;
    other.invite->room = room;
    CHECK_FALSE(parse_padded_direct(pad_direct(encode_direct_content(other), Signature{})));
  }
  for (const int change : {-1, 1}) {
    Bytes other = inner;
    other.resize(static_cast<std::size_t>(static_cast<int>(other.size()) + change));
    CHECK_FALSE(parse_padded_direct(pad_direct(other, Signature{})));
  }
}

TEST_CASE("AStandingTellsOfAsManyEpochsAndIntervalsAsTheBoundsAndNoMore") {
  const auto standing_of = [](std::size_t epochs, std::size_t intervals) {
    StandingBody body;
    body.relation = Relation::kAccepted;
    for (std::uint64_t epoch = 1; epoch <= epochs; ++epoch) {
      ReceivedLog log{epoch, {}, 0};
      for (std::uint64_t i = 0; i < intervals; ++i) log.intervals.emplace_back(2 * i + 1, 2 * i + 1);
      body.received.push_back(std::move(log));
    }
    return body;
  };
  const auto is_taken = [](const StandingBody& body) {
    const auto decoded = decode_standing(encode_standing(body));
    return decoded && *decoded == body;
  };
  CHECK(is_taken(standing_of(limits::kStandingEpochsMax, limits::kStandingIntervalsMax)));
  CHECK_FALSE(is_taken(standing_of(limits::kStandingEpochsMax + 1, 1)));
  CHECK_FALSE(is_taken(standing_of(1, limits::kStandingIntervalsMax + 1)));
}

}  // namespace
}  // namespace p2pmesh
