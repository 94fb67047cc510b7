#include "mesh_door.h"

namespace p2pmesh {
namespace {

RefuseReason reason_of(InviteStanding standing) {
  if (standing == InviteStanding::kExpired) return RefuseReason::kInviteExpired;
  if (standing == InviteStanding::kUsedUp) return RefuseReason::kInviteUsedUp;
  return RefuseReason::kInviteUnknown;
}

}  // namespace

MemberDoor::MemberDoor(DoorKeeper& keeper, const ClosedMesh& mesh, const Verifier& verifier)
    : keeper_(keeper), grant_(mesh.grant), verifier_(verifier) {
  if (mesh.invite) invite_ = make_ed25519_signer(*mesh.invite);
}

HelloProof MemberDoor::knock(const Doorstep& at) {
  HelloProof shown{prove_member(grant_.secret, at, true)};
  shown.chain = keeper_.node().entry_chain(keeper_.wall_ms());
  // Who let us in may have lost what it wrote of it.
  if (shown.chain.empty() && invite_) shown.invite = prove_invite(*invite_, at);
  return shown;
}

DoorAnswer MemberDoor::answer(const Doorstep& at, const HelloProof& shown) {
  const MemberKey member{at.dialler.bytes};
  if (shown.member && *shown.member == prove_member(grant_.secret, at, true) && is_known(member, shown))
    return {std::nullopt, {prove_member(grant_.secret, at, false)}};
  if (!shown.invite || !is_true(*shown.invite, at, verifier_)) return {RefuseReason::kClosed, {}};
  const WelcomeProof welcome{prove_member(grant_.secret, at, false), grant_};
  Node& node = keeper_.node();
  // It was let in before, and has not heard so.
  if (node.is_admitted(member, keeper_.wall_ms())) return {std::nullopt, welcome};
  const InviteStanding standing = node.standing_of(shown.invite->key, keeper_.wall_ms());
  if (standing != InviteStanding::kOpen) return {reason_of(standing), {}};
  if (!node.can_admit()) return {RefuseReason::kBusy, {}};
  if (const auto banned = node.restriction_on(member, {}, keeper_.wall_ms()); banned && banned->is_ban)
    return {RefuseReason::kClosed, {}};
  let_in(member, shown.invite->key);
  return {std::nullopt, welcome};
}

bool MemberDoor::trusts(const Doorstep& at, const WelcomeProof& shown) {
  return shown.member && *shown.member == prove_member(grant_.secret, at, false);
}

void MemberDoor::let_in(const MemberKey& member, const InviteKey& invite) {
  EntryBody body;
  body.verb = EntryVerb::kAdmit;
  body.invite = invite;
  body.member = member;
  keeper_.handle(WriteEntry{0, body});
}

/// Here, or by what it shows of itself. Whose sponsors are all revoked gets another one.
bool MemberDoor::is_known(const MemberKey& member, const HelloProof& shown) {
  Node& node = keeper_.node();
  if (!node.is_admitted(member, keeper_.wall_ms())) {
    for (const Bytes& entry : shown.chain) node.vouch(entry);
    if (!node.is_admitted(member, keeper_.wall_ms())) return false;
  }
  const auto lost = node.lost_sponsor(member);
  if (lost && node.can_admit()) let_in(member, *lost);
  return true;
}

HelloProof InviteDoor::knock(const Doorstep& at) {
  HelloProof shown;
  shown.invite = prove_invite(*invite_, at);
  return shown;
}

DoorAnswer InviteDoor::answer(const Doorstep&, const HelloProof&) {
  return {RefuseReason::kBusy, {}};
}

bool InviteDoor::trusts(const Doorstep& at, const WelcomeProof& shown) {
  if (!shown.grant || !is_grant_of(*shown.grant, at.mesh)) return false;
  grant_ = shown.grant;
  return true;
}

std::optional<ClosedMesh> InviteDoor::gained() const {
  if (!grant_) return std::nullopt;
  return ClosedMesh{*grant_, {}, secret_};
}

}  // namespace p2pmesh
