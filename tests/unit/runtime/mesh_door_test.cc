// What a member's door answers to whoever knocks.
#include "mesh_door.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

constexpr WallMs kWall = 1'795'000'000'000;

std::unique_ptr<Signer> signer_of(std::uint8_t number) {
  KeySeed seed{};
  seed[0] = number;
  return make_ed25519_signer(seed);
}

/// The founder's node, alone, with its door.
struct House final : DoorKeeper {
  House() {
    closed.grant.secret.fill(7);
    closed.grant.founder = key;
    NodeOptions options;
    options.founder_nonce = closed_mesh_nonce(closed.grant.secret);
    options.mesh = mesh = hash_mesh(key, *options.founder_nonce);
    options.name = "Alice";
    options.member_signer = options.node_signer = signer.get();
    options.verifier = &ed25519_verifier();
    options.roots = {key};
    REQUIRE(is_grant_of(closed.grant, mesh));
    core = std::make_unique<Node>(options, RestoredState{}, now(), outputs);
    core->flush(now(), outputs);
    door = std::make_unique<MemberDoor>(*this, closed, ed25519_verifier());
  }
  Node& node() override { return *core; }
  WallMs wall_ms() const override { return kWall + static_cast<WallMs>(ticks); }
  void handle(const Input& input) override {
    core->handle(input, now(), outputs);
    core->flush(now(), outputs);
  }
  Now now() const { return {Instant(std::chrono::milliseconds(ticks)), wall_ms()}; }

  Doorstep doorstep(const Signer& dialler) const {
    return {mesh, ChannelBinding{1}, LinkNonce{2}, to_node(dialler.public_key())};
  }
  HelloProof invited(const Signer& dialler, std::uint8_t invite) const {
    HelloProof shown;
    shown.invite = prove_invite(*signer_of(invite), doorstep(dialler));
    return shown;
  }
  HelloProof as_member(const Signer& dialler) const {
    HelloProof shown;
    shown.member = prove_member(closed.grant.secret, doorstep(dialler), true);
    return shown;
  }
  DoorAnswer knock(const Signer& dialler, const HelloProof& shown) {
    return door->answer(doorstep(dialler), shown);
  }
  void make_invite(std::uint8_t number, std::uint32_t uses, WallMs end_ms = 0) {
    EntryBody body;
    body.invite = InviteKey{signer_of(number)->public_key()};
    body.uses = uses;
    body.end_ms = end_ms;
    handle(WriteEntry{0, body});
  }

  bool has_crypto = init_crypto();  // before the first key
  std::unique_ptr<Signer> signer = signer_of(1);
  MemberKey key = to_member(signer->public_key());
  ClosedMesh closed;
  MeshId mesh;
  int ticks = 1000;
  Outputs outputs;
  std::unique_ptr<Node> core;
  std::unique_ptr<MemberDoor> door;
};

TEST_CASE("WhoShowsNothingOrMakesItUpStaysOutside") {
  House house;
  const auto stranger = signer_of(20);
  CHECK(house.knock(*stranger, {}).refusal == RefuseReason::kClosed);
  HelloProof made_up;
  made_up.member = MemberProof{1, 2, 3};
  made_up.chain = {Bytes(300, 7), {}};
  CHECK(house.knock(*stranger, made_up).refusal == RefuseReason::kClosed);
  CHECK(house.knock(*stranger, house.invited(*stranger, 30)).refusal == RefuseReason::kInviteUnknown);
  // What another one has shown, and one with the secret whom nobody let in.
  house.make_invite(30, 0);
  const auto other = signer_of(21);
  CHECK(house.knock(*stranger, house.invited(*other, 30)).refusal == RefuseReason::kClosed);
  CHECK(house.knock(*stranger, house.as_member(*stranger)).refusal == RefuseReason::kClosed);
  CHECK_FALSE(house.core->is_admitted(to_member(stranger->public_key()), kWall));
}

TEST_CASE("WhoHasAnInviteIsLetInAndIsAMemberFromThenOn") {
  House house;
  house.make_invite(30, 1);
  const auto bob = signer_of(20);
  const DoorAnswer answer = house.knock(*bob, house.invited(*bob, 30));
  REQUIRE_FALSE(answer.refusal);
  REQUIRE(answer.proof.grant);
  CHECK(is_grant_of(*answer.proof.grant, house.mesh));
  // Again, as after a crash: it is the same member.
  CHECK_FALSE(house.knock(*bob, house.invited(*bob, 30)).refusal);
  const DoorAnswer later = house.knock(*bob, house.as_member(*bob));
  CHECK_FALSE(later.refusal);
  CHECK_FALSE(later.proof.grant);
  CHECK(later.proof.member == prove_member(house.closed.grant.secret, house.doorstep(*bob), false));
  const auto carol = signer_of(21);
  CHECK(house.knock(*carol, house.invited(*carol, 30)).refusal == RefuseReason::kInviteUsedUp);
}

TEST_CASE("AnInviteWhoseTimeIsOverLetsNobodyIn") {
  House house;
  house.make_invite(30, 0, house.wall_ms() + 10);
  const auto bob = signer_of(20);
  house.ticks += 10;
  CHECK(house.knock(*bob, house.invited(*bob, 30)).refusal == RefuseReason::kInviteExpired);
}

TEST_CASE("AnOutsiderIsNotTrustedByADiallerEither") {
  House house;
  const Doorstep at = house.doorstep(*house.signer);
  const NodeKey founder{house.key.bytes};
  const NodeKey stranger = to_node(signer_of(20)->public_key());
  const MemberProof proof = prove_member(house.closed.grant.secret, at, false);
  CHECK_FALSE(house.door->trusts(at, founder, {}));
  CHECK_FALSE(house.door->trusts(at, founder, {MemberProof{1}, {}, {}}));
  CHECK(house.door->trusts(at, founder, {proof, {}, {}}));
  // The secret alone makes nobody a member, and nor does what says so of another one.
  CHECK_FALSE(house.door->trusts(at, stranger, {proof, {}, {}}));
  // Who expects the mesh of somebody takes no other one.
  InviteDoor wary(at.mesh, InviteSecret{9}, ed25519_verifier(), MemberKey{stranger.bytes});
  CHECK_FALSE(wary.trusts(at, founder, {std::nullopt, {}, house.closed.grant}));
  CHECK_FALSE(wary.gained());
  InviteDoor sure(at.mesh, InviteSecret{9}, ed25519_verifier(), house.closed.grant.founder);
  CHECK(sure.trusts(at, founder, {std::nullopt, {}, house.closed.grant}));
  CHECK(sure.is_of(at.mesh, InviteSecret{9}, house.closed.grant.founder));
  CHECK_FALSE(sure.is_of(at.mesh, InviteSecret{9}, std::nullopt));
  CHECK_FALSE(sure.is_of(at.mesh, InviteSecret{8}, house.closed.grant.founder));
  InviteDoor newcomer(at.mesh, InviteSecret{9}, ed25519_verifier());
  CHECK_FALSE(newcomer.trusts(at, founder, {}));
  CHECK_FALSE(newcomer.trusts(at, founder, {std::nullopt, {}, MeshGrant{MeshSecret{1}, house.key}}));
  CHECK_FALSE(newcomer.trusts(at, stranger, {std::nullopt, {}, house.closed.grant}));
  CHECK_FALSE(newcomer.gained());
  CHECK(newcomer.trusts(at, founder, {std::nullopt, {}, house.closed.grant}));
  CHECK(newcomer.gained()->grant.secret == house.closed.grant.secret);
  CHECK(newcomer.answer(at, {}).refusal == RefuseReason::kBusy);
}

TEST_CASE("WhoShowsThatAMemberLetItInIsKnownWhereNobodyHeardOfIt") {
  House here;
  House there;  // the same founder, twice
  here.make_invite(30, 1);
  const auto bob = signer_of(20);
  REQUIRE_FALSE(here.knock(*bob, here.invited(*bob, 30)).refusal);
  std::vector<Bytes> chain;
  for (const Output& output : here.outputs) {
    const auto* store = std::get_if<Store>(&output);
    const auto body = store != nullptr && is_entry(store->envelope->envelope)
                          ? decode_entry_body(store->envelope->envelope.body)
                          : std::nullopt;
    if (body && body->verb == EntryVerb::kAdmit) chain.push_back(store->envelope->encoded);
  }
  REQUIRE(chain.size() == 1);
  HelloProof shown = there.as_member(*bob);
  CHECK(there.knock(*bob, shown).refusal == RefuseReason::kClosed);
  // Of somebody else it says nothing.
  const auto carol = signer_of(21);
  HelloProof stolen = there.as_member(*carol);
  stolen.chain = chain;
  CHECK(there.knock(*carol, stolen).refusal == RefuseReason::kClosed);
  for (const std::size_t at : {std::size_t{40}, chain[0].size() - 100, chain[0].size() - 1}) {
    shown.chain = chain;
    shown.chain[0][at] ^= 1;
    CAPTURE(at);
    CHECK(there.knock(*bob, shown).refusal == RefuseReason::kClosed);
  }
  shown.chain = chain;
  CHECK_FALSE(there.knock(*bob, shown).refusal);
}

TEST_CASE("WhoIsBannedIsTurnedAwayWhateverItShows") {
  House house;
  house.make_invite(30, 0);
  const auto bob = signer_of(20);
  REQUIRE_FALSE(house.knock(*bob, house.invited(*bob, 30)).refusal);
  WriteAct ban;
  ban.verb = ActVerb::kBan;
  ban.subject = to_member(bob->public_key());
  house.handle(ban);
  CHECK(house.knock(*bob, house.as_member(*bob)).refusal == RefuseReason::kBanned);
  CHECK(house.knock(*bob, house.invited(*bob, 30)).refusal == RefuseReason::kBanned);
}

}  // namespace
}  // namespace p2pmesh
