#include "p2pmesh/wire/act_body.h"

#include <doctest/doctest.h>

#include "canonical.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh::test {
namespace {

ActBody ban() {
  ActBody body;
  body.verb = ActVerb::kBan;
  body.subject = id_from<MemberKey>(1);
  body.end_ms = 1795269600000;
  body.proof = MeshNonce{1, 2, 3};
  body.cut.epochs = {{20, 7}, {10, 300}};
  body.seen = {id_from<EnvelopeId>(1), id_from<EnvelopeId>(2)};
  body.reason = "Grüße";
  return body;
}

TEST_CASE("AnActHasOneEncoding") {
  check_canonical(encode_act_body(ban()), decode_act_body, encode_act_body);
  ActBody lock;
  lock.verb = ActVerb::kLockTopic;
  lock.topic = id_from<EnvelopeId>(9);
  check_canonical(encode_act_body(lock), decode_act_body, encode_act_body);
  CHECK(decode_act_body(encode_act_body(ban())) == ban());
}

TEST_CASE("AnActHasNoFieldThatItsVerbHasNot") {
  const auto is_taken = [](const auto& change) {
    ActBody body = ban();
    change(body);
    return decode_act_body(encode_act_body(body)).has_value();
  };
  CHECK(is_taken([](ActBody&) {}));
  CHECK_FALSE(is_taken([](ActBody& body) { body.subject = {}; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.topic = id_from<EnvelopeId>(9); }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.verb = ActVerb::kKick; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.verb = ActVerb::kUnmod; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.verb = static_cast<ActVerb>(11); }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.end_ms = 1ULL << 63; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.cut.epochs = {{10, 1}, {10, 2}}; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.cut.epochs = {{10, 0}}; }));
  CHECK_FALSE(is_taken([](ActBody& body) { body.reason = "\xff"; }));
}

TEST_CASE("EachListOfAnActHasItsBound") {
  ActBody body = ban();
  body.reason = std::string(limits::kActReasonBytesMax, 'x');
  body.cut.epochs.clear();
  for (std::uint64_t i = 0; i < limits::kCutEpochsMax; ++i) body.cut.epochs.emplace_back(10'000 - i, 1);
  body.seen.clear();
  for (std::size_t i = 0; i < limits::kActSeenMax; ++i)
    body.seen.push_back(id_from<EnvelopeId>(static_cast<std::uint8_t>(i)));
  CHECK(decode_act_body(encode_act_body(body)) == body);
  ActBody over = body;
  over.reason += 'x';
  CHECK_FALSE(decode_act_body(encode_act_body(over)));
  over = body;
  over.cut.epochs.emplace_back(1, 1);
  CHECK_FALSE(decode_act_body(encode_act_body(over)));
  over = body;
  over.seen.push_back(id_from<EnvelopeId>(100));
  CHECK_FALSE(decode_act_body(encode_act_body(over)));
}

TEST_CASE("WhatACutDoesNotListIsBeyondIt") {
  const LogCut cut{{{20, 7}, {10, 300}}};
  CHECK_FALSE(cut.is_beyond(20, 7));
  CHECK(cut.is_beyond(20, 8));
  CHECK_FALSE(cut.is_beyond(10, 300));
  CHECK(cut.is_beyond(10, 301));
  for (const std::uint64_t made_up : {0, 5, 15, 21}) CHECK(cut.is_beyond(made_up, 1));
  CHECK(LogCut{}.is_beyond(1, 1));
}

TEST_CASE("ABanRefusesAllAndASilenceWhatIsSaidInRooms") {
  Envelope text;
  text.kind = static_cast<std::uint16_t>(Kind::kText);
  text.room = "#dev";
  text.epoch = 20;
  text.seq = 8;
  text.wall_ms = 1000;
  Envelope direct = text;
  direct.kind = static_cast<std::uint16_t>(Kind::kDirect);
  direct.room.clear();
  const LogCut cut{{{20, 7}}};
  CHECK(Restriction{"", true, cut, 0}.refuses(text));
  CHECK(Restriction{"", true, cut, 0}.refuses(direct));
  CHECK(Restriction{"", false, cut, 0}.refuses(text));
  CHECK_FALSE(Restriction{"", false, cut, 0}.refuses(direct));
  CHECK(Restriction{"#dev", true, cut, 0}.refuses(text));
  CHECK_FALSE(Restriction{"#dev", true, cut, 0}.refuses(direct));
  CHECK_FALSE(Restriction{"#other", true, cut, 0}.refuses(text));
  CHECK(Restriction{"#dev", true, cut, 1001}.refuses(text));
  CHECK_FALSE(Restriction{"#dev", true, cut, 1000}.refuses(text));
  text.seq = 7;
  CHECK_FALSE(Restriction{"", true, cut, 0}.refuses(text));
}

}  // namespace
}  // namespace p2pmesh::test
