#include "p2pmesh/crypto/sealing.h"

#include <doctest/doctest.h>

namespace p2pmesh {
namespace {

KeySeed seed_of(std::uint8_t first) {
  KeySeed seed{};
  seed[0] = first;
  return seed;
}

TEST_CASE("BothEndsAgreeAndAThirdOneDoesNot") {
  REQUIRE(init_crypto());
  const auto alice = make_x25519_agreement(seed_of(1));
  const auto bob = make_x25519_agreement(seed_of(2));
  const auto carol = make_x25519_agreement(seed_of(3));
  const auto key_of = [](const KeyAgreement& any, std::uint8_t first) {
    return any.key_of(to_member(make_ed25519_signer(seed_of(first))->public_key()));
  };
  REQUIRE(key_of(*carol, 1));
  CHECK(*key_of(*carol, 1) == alice->own().public_key);  // from the signing key alone
  const auto here = alice->agree(alice->own(), *key_of(*alice, 2));
  const auto there = bob->agree(bob->own(), *key_of(*bob, 1));
  REQUIRE(here);
  CHECK(here == there);
  CHECK(carol->agree(carol->own(), *key_of(*carol, 1)) != here);
}

TEST_CASE("AFurtherPairAgreesWithAMembersKey") {
  const auto alice = make_x25519_agreement(seed_of(1));
  const auto bob = make_x25519_agreement(seed_of(2));
  const AgreementKeys prekey = bob->make_keys(seed_of(9));
  const auto here = alice->agree(alice->own(), prekey.public_key);
  REQUIRE(here);
  CHECK(bob->agree(prekey, alice->own().public_key) == here);
  CHECK(alice->agree(alice->own(), bob->own().public_key) != here);
}

TEST_CASE("KeysThatAreNoPointsOrOfSmallOrderGiveNothing") {
  const auto alice = make_x25519_agreement(seed_of(1));
  MemberKey no_point;
  no_point.bytes.fill(0xff);
  CHECK_FALSE(alice->key_of(no_point));
  MemberKey identity;  // y = 1: the neutral element
  identity.bytes[0] = 1;
  CHECK_FALSE(alice->key_of(identity));
  CHECK_FALSE(alice->agree(alice->own(), PublicKey{}));
}

TEST_CASE("WhatIsSealedOpensWithItsKeyAloneAndWhole") {
  SharedSecret key{};
  key[0] = 7;
  const Bytes plain{1, 2, 3, 4, 5};
  const Bytes sealed = seal_once(key, plain);
  CHECK(sealed.size() == plain.size() + kSealBytes);
  CHECK(open_sealed(key, sealed) == plain);
  CHECK(open_sealed(key, seal_once(key, {})) == Bytes{});
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes flipped = sealed;
    flipped[i] ^= 0x10;
    CHECK_FALSE(open_sealed(key, flipped));
  }
  CHECK_FALSE(open_sealed(key, ByteView(sealed).first(sealed.size() - 1)));
  CHECK_FALSE(open_sealed(key, ByteView(sealed).first(kSealBytes - 1)));
  key[0] = 8;
  CHECK_FALSE(open_sealed(key, sealed));
}

TEST_CASE("what is sealed opens only with the key, the nonce and what it is bound to") {
  SharedSecret key{};
  key[0] = 1;
  SealNonce nonce{};
  nonce[23] = 5;
  const Bytes plain(300, 7);
  const Bytes sealed = seal_bound(key, nonce, plain, as_bytes("here"));
  CHECK(sealed.size() == plain.size() + kSealBytes);
  CHECK(open_bound(key, nonce, sealed, as_bytes("here")) == plain);
  CHECK_FALSE(open_bound(key, nonce, sealed, as_bytes("there")));
  CHECK_FALSE(open_bound(key, nonce, sealed, {}));
  CHECK_FALSE(open_bound(key, SealNonce{}, sealed, as_bytes("here")));
  CHECK_FALSE(open_bound(SharedSecret{}, nonce, sealed, as_bytes("here")));
  CHECK_FALSE(open_bound(key, nonce, Bytes(kSealBytes - 1), {}));
  for (std::size_t i = 0; i < sealed.size(); i += 7) {
    Bytes damaged = sealed;
    damaged[i] ^= 1;
    CHECK_FALSE(open_bound(key, nonce, damaged, as_bytes("here")));
  }
}

}  // namespace
}  // namespace p2pmesh
