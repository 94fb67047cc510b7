#include "p2pmesh/wire/revocation.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

Revocation sample() {
  Revocation revocation;
  for (std::size_t i = 0; i < 32; ++i) revocation.key.bytes[i] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < 64; ++i) revocation.signature[i] = static_cast<std::uint8_t>(255 - i);
  return revocation;
}

bool is_sample(const std::optional<Revocation>& revocation) {
  return revocation && revocation->key == sample().key && revocation->signature == sample().signature;
}

TEST_CASE("a revocation comes back from its body and from its line") {
  CHECK(encode_revocation(sample()).size() == 96);
  CHECK(is_sample(decode_revocation(encode_revocation(sample()))));
  const std::string line = format_revocation(sample());
  CHECK(line.starts_with("p2pmesh revocation 1 000102"));
  CHECK(line.size() == 214);
  CHECK(is_sample(parse_revocation(line)));
  CHECK(is_sample(parse_revocation("  \r\n" + line + "\n\n")));
}

TEST_CASE("its publisher's cut is in the body and not in the line") {
  Revocation revocation = sample();
  revocation.cut.epochs = {{7, 3}, {5, 1}};
  const auto decoded = decode_revocation(encode_revocation(revocation));
  REQUIRE(is_sample(decoded));
  CHECK(decoded->cut == revocation.cut);
  CHECK(format_revocation(revocation) == format_revocation(sample()));
  revocation.cut.epochs = {{5, 1}, {7, 3}};
  CHECK_FALSE(decode_revocation(encode_revocation(revocation)));
}

TEST_CASE("what is longer, shorter or another text is no revocation") {
  Bytes body = encode_revocation(sample());
  body.push_back(0);
  CHECK_FALSE(decode_revocation(body));
  body.push_back(0);  // a cut of no epochs: there is another form for that
  CHECK_FALSE(decode_revocation(body));
  body.resize(95);
  CHECK_FALSE(decode_revocation(body));
  CHECK_FALSE(decode_revocation({}));
  const std::string line = format_revocation(sample());
  for (std::size_t i = 0; i < line.size(); ++i) CHECK_FALSE(parse_revocation(line.substr(0, i)));
  for (const std::string& text : {line + "0", line + " 00", "x" + line, std::string(), std::string(" \n"),
                                  "p2pmesh revocation 2" + line.substr(20), line + "\n" + line})
    CHECK_FALSE(parse_revocation(text));
}

TEST_CASE("the record is about the key that its body names, and of no room") {
  Envelope record;
  record.envelope_class = EnvelopeClass::kRecord;
  record.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record.body = encode_revocation(sample());
  const MemberKey key = sample().key;
  record.subject.assign(key.bytes.begin(), key.bytes.end());
  CHECK(is_sample(read_revocation(record)));
  Envelope other = record;
  other.subject.resize(31);
  CHECK_FALSE(read_revocation(other));
  other = record;
  other.subject[0] ^= 1;
  CHECK_FALSE(read_revocation(other));
  other = record;
  other.room = "#lobby";
  CHECK_FALSE(read_revocation(other));
  other = record;
  other.envelope_class = EnvelopeClass::kLog;
  CHECK_FALSE(is_revocation(other));
  CHECK_FALSE(read_revocation(other));
}

TEST_CASE("what is signed is bound to its purpose") {
  const Bytes bytes = revocation_signing_bytes(sample().key);
  CHECK(as_text(bytes).starts_with("p2pmesh revocation 1:"));
  CHECK(bytes.size() == 21 + 32);
}

}  // namespace
}  // namespace p2pmesh
