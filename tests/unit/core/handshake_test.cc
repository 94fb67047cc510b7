#include "p2pmesh/core/handshake.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

/// Two ends and the bytes between them.
struct Ends {
  Ends() {
    init_crypto();
    KeySeed seed{};
    seed[0] = 1;
    dialler_key = make_ed25519_signer(seed);
    seed[0] = 2;
    acceptor_key = make_ed25519_signer(seed);
    seed[0] = 3;
    other_key = make_ed25519_signer(seed);
    mesh.bytes[0] = 7;
    dialler.dialler = true;
    dialler.node_signer = dialler_key.get();
    acceptor.node_signer = acceptor_key.get();
    dialler.verifier = acceptor.verifier = &ed25519_verifier();
    dialler.nonce[0] = 10;
    acceptor.nonce[0] = 20;
    acceptor.mesh = mesh;
    acceptor.heads = {{EnvelopeId{}, 5}};
  }
  std::unique_ptr<Signer> dialler_key, acceptor_key, other_key;
  MeshId mesh;
  HandshakeTerms dialler, acceptor;
};

void feed(Handshake& end, const Bytes& bytes, Bytes& out) {
  FrameDecoder decoder;
  decoder.push(bytes);
  while (auto frame = decoder.next()) end.on_frame(frame->type, frame->payload, out);
}

/// Carries everything to and fro; `tamper` may change what the acceptor or the dialler sends.
template <class Tamper>
void carry(Handshake& dialler, Handshake& acceptor, Tamper tamper) {
  Bytes to_acceptor = dialler.start();
  for (int i = 0; i < 3; ++i) {
    Bytes to_dialler;
    tamper(to_acceptor, true);
    feed(acceptor, to_acceptor, to_dialler);
    tamper(to_dialler, false);
    to_acceptor.clear();
    feed(dialler, to_dialler, to_acceptor);
  }
}
void carry(Handshake& dialler, Handshake& acceptor) {
  carry(dialler, acceptor, [](Bytes&, bool) {});
}

TEST_CASE("BothEndsLearnWhoAndWhichMesh") {
  Ends ends;
  Handshake dialler(ends.dialler);
  Handshake acceptor(ends.acceptor);
  carry(dialler, acceptor);
  REQUIRE(dialler.done());
  REQUIRE(acceptor.done());
  CHECK(dialler.result().node == to_node(ends.acceptor_key->public_key()));
  CHECK(acceptor.result().node == to_node(ends.dialler_key->public_key()));
  CHECK(dialler.result().mesh == ends.mesh);
  CHECK(dialler.result().heads == ends.acceptor.heads);
}

TEST_CASE("AnAcceptorInSeveralMeshesIsTheOneThatIsWanted") {
  Ends ends;
  MeshId other;
  other.bytes[5] = 7;
  ends.acceptor.mesh.reset();
  ends.acceptor.heads.clear();
  ends.acceptor.choose = [&](const std::optional<MeshId>& wanted) {
    MeshTerms terms;
    terms.refusal = RefuseReason::kOtherMesh;
    if (wanted && *wanted != ends.mesh && *wanted != other) return terms;
    terms.mesh = wanted.value_or(ends.mesh);
    terms.heads = {{EnvelopeId{}, *terms.mesh == other ? 9u : 5u}};
    return terms;
  };
  const auto shake = [&](std::optional<MeshId> wanted) {
    ends.dialler.mesh = wanted;
    Handshake dialler(ends.dialler);
    Handshake acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.done() == acceptor.done());
    if (!dialler.done()) return std::pair(dialler.fault(), MeshId{});
    CHECK(acceptor.result().mesh == dialler.result().mesh);
    CHECK(acceptor.heads_given() == dialler.result().heads);
    CHECK(dialler.result().heads.front().depth == (dialler.result().mesh == other ? 9 : 5));
    return std::pair(HandshakeFault::kNone, dialler.result().mesh);
  };
  CHECK(shake(std::nullopt) == std::pair(HandshakeFault::kNone, ends.mesh));
  CHECK(shake(ends.mesh) == std::pair(HandshakeFault::kNone, ends.mesh));
  CHECK(shake(other) == std::pair(HandshakeFault::kNone, other));
  MeshId third;
  third.bytes[5] = 8;
  CHECK(shake(third).first == HandshakeFault::kOtherMesh);
}

TEST_CASE("EachReasonToRefuseHasItsFaultAtBothEnds") {
  Ends ends;
  SUBCASE("another mesh") {
    ends.dialler.mesh = MeshId{};
    ends.dialler.mesh->bytes[0] = 9;
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.fault() == HandshakeFault::kOtherMesh);
    CHECK(acceptor.fault() == HandshakeFault::kOtherMesh);
  }
  SUBCASE("a rendezvous where a member was wanted, and the other way round") {
    MeshId rendezvous;
    rendezvous.bytes[0] = 99;
    ends.acceptor.choose = [&](const std::optional<MeshId>& wanted) {
      MeshTerms terms;
      terms.refusal = RefuseReason::kRendezvous;
      if (wanted == rendezvous) terms.mesh = rendezvous;
      return terms;
    };
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.fault() == HandshakeFault::kRendezvous);
    CHECK(acceptor.fault() == HandshakeFault::kRendezvous);
    ends.dialler.mesh = rendezvous;
    Handshake member(ends.dialler), server(ends.acceptor);
    carry(member, server);
    REQUIRE(member.done());
    CHECK(member.result().mesh == rendezvous);
  }
  SUBCASE("oneself") {
    ends.dialler.node_signer = ends.acceptor_key.get();
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.fault() == HandshakeFault::kSelf);
  }
  SUBCASE("no mesh yet") {
    ends.acceptor.mesh.reset();
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.fault() == HandshakeFault::kBusy);
  }
  SUBCASE("another node than expected") {
    ends.dialler.expected = to_node(ends.other_key->public_key());
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK(dialler.fault() == HandshakeFault::kOtherNode);
    CHECK_FALSE(acceptor.done());
  }
  SUBCASE("another version") {
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor, [](Bytes& bytes, bool from_dialler) {
      if (from_dialler && bytes.size() > 20)
        bytes[5 + 9] = 99;  // frame header, magic, second byte of the version
    });
    CHECK(dialler.fault() == HandshakeFault::kOtherVersion);
    CHECK(acceptor.fault() == HandshakeFault::kOtherVersion);
    CHECK(acceptor.peer_version() == 99);
  }
  SUBCASE("another protocol") {
    Handshake acceptor(ends.acceptor);
    Bytes out;
    feed(acceptor, encode_frame(FrameType::kHello, as_bytes("GET / HTTP/1.1")), out);
    CHECK(acceptor.fault() == HandshakeFault::kNotOurProtocol);
    CHECK(out.empty());
  }
}

TEST_CASE("AReplayedWelcomeOfAnEarlierHandshakeIsRefused") {
  Ends ends;
  Bytes first_welcome;
  {
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    feed(acceptor, dialler.start(), first_welcome);
  }
  ends.dialler.nonce[0] = 11;
  Handshake dialler(ends.dialler);
  dialler.start();
  Bytes out;
  feed(dialler, first_welcome, out);
  CHECK(dialler.fault() == HandshakeFault::kBadSignature);
  CHECK(out.empty());
}

TEST_CASE("AnyBitFlippedInAWelcomeIsNoticed") {
  Ends ends;
  Bytes welcome;
  {
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    feed(acceptor, dialler.start(), welcome);
  }
  for (std::size_t bit = 0; bit < welcome.size() * 8; ++bit) {
    Bytes changed = welcome;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    Handshake dialler(ends.dialler);
    dialler.start();
    Bytes out;
    feed(dialler, changed, out);
    CHECK_FALSE(dialler.done());
  }
}

TEST_CASE("RandomFramesNeverCompleteAHandshake") {
  Ends ends;
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    Handshake acceptor(ends.acceptor);
    for (int frames = 0; frames < 4; ++frames) {
      Bytes payload(random.below(200));
      for (auto& byte : payload) byte = static_cast<std::uint8_t>(random.next());
      Bytes out;
      acceptor.on_frame(static_cast<std::uint8_t>(random.below(4)), payload, out);
    }
    CHECK_FALSE(acceptor.done());
  }
}

TEST_CASE("AWelcomeOfAnotherChannelProvesNothing") {
  Ends ends;
  ends.dialler.channel.fill(1);
  ends.acceptor.channel.fill(1);
  Handshake dialler(ends.dialler), acceptor(ends.acceptor);
  carry(dialler, acceptor);
  CHECK(dialler.done());
  CHECK(acceptor.done());
  // One that stands between passes on what each of two channels says.
  ends.acceptor.channel.fill(2);
  Handshake one(ends.dialler), other(ends.acceptor);
  carry(one, other);
  CHECK(one.fault() == HandshakeFault::kBadSignature);
  CHECK_FALSE(other.done());
}

TEST_CASE("WhoSaysAnotherKeyThanItsChannelHasShownIsNotBelieved") {
  for (const bool at_dialler : {true, false}) {
    Ends ends;
    const NodeKey other = to_node(ends.other_key->public_key());
    ends.dialler.channel_peer = at_dialler ? other : to_node(ends.acceptor_key->public_key());
    ends.acceptor.channel_peer = at_dialler ? to_node(ends.dialler_key->public_key()) : other;
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    carry(dialler, acceptor);
    CHECK((at_dialler ? dialler : acceptor).fault() == HandshakeFault::kBadSignature);
    CHECK_FALSE(dialler.done());
    CHECK_FALSE(acceptor.done());
  }
}

/// Lets in whom it is told to, and keeps what it was shown.
struct TestDoor final : Door {
  HelloProof knock(const Doorstep& at) override {
    HelloProof shown;
    shown.member = prove_member(secret, at, true);
    return shown;
  }
  DoorAnswer answer(const Doorstep& at, const HelloProof& proof) override {
    if (!proof.member || *proof.member != prove_member(secret, at, true)) return {refusal, {}};
    return {std::nullopt, {prove_member(secret, at, false), {}, {}}};
  }
  bool trusts(const Doorstep& at, const NodeKey&, const WelcomeProof& proof) override {
    return proof.member && *proof.member == prove_member(secret, at, false);
  }
  MeshSecret secret{};
  RefuseReason refusal = RefuseReason::kClosed;
};

struct ClosedEnds : Ends {
  ClosedEnds() {
    dialler.mesh = mesh;
    dialler.door = &inside;
    acceptor.door = &other;
    dialler.channel.fill(1);
    acceptor.channel.fill(1);
  }
  TestDoor inside, other;
};

TEST_CASE("MembersOfAClosedMeshKnowEachOtherByItsSecret") {
  ClosedEnds ends;
  Handshake dialler(ends.dialler), acceptor(ends.acceptor);
  carry(dialler, acceptor);
  CHECK(dialler.done());
  CHECK(acceptor.done());
}

TEST_CASE("AnOutsiderIsToldWhyAndNothingElse") {
  for (const RefuseReason reason :
       {RefuseReason::kClosed, RefuseReason::kInviteExpired, RefuseReason::kInviteUsedUp,
        RefuseReason::kInviteUnknown, RefuseReason::kBanned, RefuseReason::kCannotAdmit}) {
    ClosedEnds ends;
    ends.inside.secret.fill(9);
    ends.other.refusal = reason;
    Handshake dialler(ends.dialler), acceptor(ends.acceptor);
    Bytes answer;
    feed(acceptor, dialler.start(), answer);
    CHECK_FALSE(acceptor.done());
    CHECK(answer == encode_frame_of(Refuse{reason}));
    Bytes more;
    feed(dialler, answer, more);
    CHECK(more.empty());
    CHECK(dialler.fault() == acceptor.fault());
    CHECK(dialler.fault() != HandshakeFault::kNone);
    // Not one frame more is looked at.
    Bytes later;
    feed(acceptor, encode_frame(FrameType::kPing, Bytes(9)), later);
    CHECK(later.empty());
  }
}

TEST_CASE("WhatWasShownOnOneChannelIsWorthNothingOnAnother") {
  ClosedEnds ends;
  ends.acceptor.channel.fill(2);
  Handshake dialler(ends.dialler), acceptor(ends.acceptor);
  carry(dialler, acceptor);
  CHECK_FALSE(dialler.done());
  CHECK(acceptor.fault() == HandshakeFault::kClosed);
}

TEST_CASE("AMemberSaysNothingToWhoOnlyClaimsToBeOne") {
  ClosedEnds ends;
  ends.acceptor.door = nullptr;  // welcomes everybody
  Handshake dialler(ends.dialler), acceptor(ends.acceptor);
  Bytes welcome;
  feed(acceptor, dialler.start(), welcome);
  REQUIRE_FALSE(welcome.empty());
  Bytes more;
  feed(dialler, welcome, more);
  CHECK(more.empty());
  CHECK(dialler.fault() == HandshakeFault::kNotOfMesh);
}

TEST_CASE("WhatADiallerShowsAndWhatAnAcceptorShowsAreNotTheSame") {
  const Doorstep at{MeshId{}, ChannelBinding{1}, LinkNonce{2}, NodeKey{}};
  CHECK(prove_member(MeshSecret{1}, at, true) != prove_member(MeshSecret{1}, at, false));
  CHECK(prove_member(MeshSecret{1}, at, true) != prove_member(MeshSecret{2}, at, true));
}

TEST_CASE("AnInviteIsProvenForOneDiallerAndOneMesh") {
  Ends ends;
  Doorstep at{ends.mesh, ChannelBinding{1}, LinkNonce{2}, to_node(ends.dialler_key->public_key())};
  const InviteProof proof = prove_invite(*ends.other_key, at);
  const MemberKey dialler{at.dialler.bytes};
  CHECK(is_true(proof, ends.mesh, dialler, ed25519_verifier()));
  CHECK_FALSE(is_true(proof, MeshId{}, dialler, ed25519_verifier()));
  CHECK_FALSE(is_true(proof, ends.mesh, to_member(ends.acceptor_key->public_key()), ed25519_verifier()));
  CHECK_FALSE(is_true({InviteKey{ends.dialler_key->public_key()}, proof.signature}, ends.mesh, dialler,
                      ed25519_verifier()));
}

}  // namespace
}  // namespace p2pmesh
