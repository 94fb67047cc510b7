#include "p2pmesh/crypto/signature.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

using namespace p2pmesh;

namespace {

template <std::size_t kSize>
std::array<std::uint8_t, kSize> from_hex(std::string_view text) {
  const auto bytes = parse_hex(text);
  REQUIRE(bytes);
  REQUIRE(bytes->size() == kSize);
  std::array<std::uint8_t, kSize> out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

KeySeed seed_of(std::uint8_t byte) {
  REQUIRE(init_crypto());
  KeySeed seed;
  seed.fill(byte);
  return seed;
}

}  // namespace

TEST_CASE("signatures are those of RFC 8032, test 1") {
  REQUIRE(init_crypto());
  const auto signer =
      make_ed25519_signer(from_hex<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  CHECK(format_hex(signer->public_key()) ==
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const Signature signature = signer->sign({});
  CHECK(format_hex(signature) ==
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b");
  CHECK(ed25519_verifier().verify(signer->public_key(), {}, signature));
}

TEST_CASE("a signature holds for its key, message and bits alone") {
  const auto alice = make_ed25519_signer(seed_of(1));
  const auto bob = make_ed25519_signer(seed_of(2));
  const Verifier& verifier = ed25519_verifier();
  const ByteView message = as_bytes("hello");
  const Signature signature = alice->sign(message);
  CHECK(verifier.verify(alice->public_key(), message, signature));
  CHECK_FALSE(verifier.verify(bob->public_key(), message, signature));
  CHECK_FALSE(verifier.verify(alice->public_key(), as_bytes("hellp"), signature));
  CHECK_FALSE(verifier.verify(alice->public_key(), as_bytes("hello "), signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature flipped = signature;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CAPTURE(bit);
    CHECK_FALSE(verifier.verify(alice->public_key(), message, flipped));
  }
}

TEST_CASE("a key of another length is refused") {
  const auto alice = make_ed25519_signer(seed_of(1));
  const Signature signature = alice->sign({});
  const ByteView key = alice->public_key();
  Bytes longer(key.begin(), key.end());
  longer.push_back(0);
  CHECK_FALSE(ed25519_verifier().verify(key.first(31), {}, signature));
  CHECK_FALSE(ed25519_verifier().verify(longer, {}, signature));
  CHECK_FALSE(ed25519_verifier().verify({}, {}, signature));
}

TEST_CASE("keys of small order sign nothing") {
  REQUIRE(init_crypto());
  // All eight points, then encodings of them that are not canonical. With the neutral point and s = 0 the
  // equation of a signature holds for a message of one's choice.
  const std::string keys[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0100000000000000000000000000000000000000000000000000000000000080",
  };
  for (const std::string& key : keys) {
    const auto small = from_hex<32>(key);
    Signature signature{};
    for (const std::string& point : keys) {
      const auto r = from_hex<32>(point);
      std::copy(r.begin(), r.end(), signature.begin());
      for (const char* message : {"", "a", "b", "c", "d", "e", "f", "g", "h"}) {
        CHECK_FALSE(ed25519_verifier().verify(small, as_bytes(message), signature));
      }
    }
  }
}

TEST_CASE("s is taken below the group's order alone") {
  const auto alice = make_ed25519_signer(seed_of(1));
  Signature signature = alice->sign(as_bytes("hello"));
  const auto order = from_hex<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + static_cast<unsigned>(order[i]);
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  REQUIRE(carry == 0);
  CHECK_FALSE(ed25519_verifier().verify(alice->public_key(), as_bytes("hello"), signature));
}

TEST_CASE("drawn seeds and nonces differ") {
  REQUIRE(init_crypto());
  CHECK(draw_seed() != draw_seed());
  std::array<std::uint8_t, 32> first{};
  std::array<std::uint8_t, 32> second{};
  draw_random(first);
  draw_random(second);
  CHECK(first != second);
}

TEST_CASE("AKeyThatSignsIsNoPointOfSmallOrderAndIsWrittenInOneWayAlone") {
  REQUIRE(init_crypto());
  CHECK(is_signing_key(make_ed25519_signer(draw_seed())->public_key()));
  const std::string zeros(60, '0');
  // The points of order 1, 2, 4 and 8 (RFC 8032's curve), and of y = p and y = p + 1, which are 0 and 1.
  for (const std::string& hex :
       {"01" + zeros + "00", "ec" + std::string(60, 'f') + "7f", "00" + zeros + "00", "00" + zeros + "80",
        std::string("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        std::string("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        "ed" + std::string(60, 'f') + "7f", "ee" + std::string(60, 'f') + "7f"}) {
    CAPTURE(hex);
    CHECK_FALSE(is_signing_key(from_hex<32>(hex)));
  }
}
