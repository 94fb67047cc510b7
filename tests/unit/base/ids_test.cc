#include "p2pmesh/base/ids.h"

#include <unordered_set>

#include <doctest/doctest.h>

using namespace p2pmesh;

TEST_CASE("an id takes exactly 32 bytes") {
  for (std::size_t size : {std::size_t{0}, std::size_t{31}, std::size_t{33}, std::size_t{64}}) {
    CHECK_FALSE(EnvelopeId::from_view(Bytes(size, 7)));
  }
  const auto id = EnvelopeId::from_view(Bytes(32, 7));
  REQUIRE(id);
  CHECK(id->bytes[31] == 7);
}

TEST_CASE("an id takes exactly 64 digits and gives them back") {
  const std::string text = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
  const auto key = MemberKey::from_hex(text);
  REQUIRE(key);
  CHECK(key->hex() == text);
  CHECK_FALSE(MemberKey::from_hex(text + "00"));
  CHECK_FALSE(MemberKey::from_hex(text.substr(2)));
  CHECK_FALSE(MemberKey::from_hex(text.substr(1) + "x"));
}

TEST_CASE("ids are ordered as byte strings") {
  EnvelopeId small;
  EnvelopeId large;
  small.bytes[31] = 0xff;
  large.bytes[0] = 0x80;
  CHECK(small < large);
  CHECK(EnvelopeId{} < small);
}

TEST_CASE("only an id of zeros is none") {
  CHECK(EnvelopeId{}.is_zero());
  for (std::size_t i = 0; i < 32; ++i) {
    EnvelopeId id;
    id.bytes[i] = 1;
    CHECK_FALSE(id.is_zero());
  }
}

TEST_CASE("each byte of an id counts in its hash") {
  std::unordered_set<std::size_t> hashes{std::hash<MemberKey>()(MemberKey{})};
  for (std::size_t i = 0; i < 32; ++i) {
    MemberKey key;
    key.bytes[i] = 1;
    CHECK(hashes.insert(std::hash<MemberKey>()(key)).second);
  }
}
