#include "mesh_door.h"

#include <utility>

#include "p2pmesh/base/limits.h"

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
  if (invite_) shown.invite = prove_invite(*invite_, at);
  return shown;
}

DoorAnswer MemberDoor::answer(const Doorstep& at, const HelloProof& shown) {
  const MemberKey member{at.dialler.bytes};
  Node& node = keeper_.node();
  const WallMs now_ms = keeper_.wall_ms();
  const bool has_secret = shown.member && *shown.member == prove_member(grant_.secret, at, true);
  if (has_secret && node.is_banned(member, now_ms)) return {RefuseReason::kBanned, {}};
  if (has_secret && is_known(member, shown.chain)) return {std::nullopt, as_member(at)};
  if (!shown.invite || !is_true(*shown.invite, at.mesh, member, verifier_))
    return {RefuseReason::kClosed, {}};
  if (node.is_banned(member, now_ms) || node.is_revoked(member)) return {RefuseReason::kBanned, {}};
  // Else it was let in before, and has not heard so.
  if (!node.is_admitted(member, now_ms)) {
    const InviteStanding standing = node.standing_of(shown.invite->key, now_ms);
    if (standing != InviteStanding::kOpen) return {reason_of(standing), {}};
    if (!node.can_admit()) return {RefuseReason::kCannotAdmit, {}};
    let_in(member, *shown.invite);
  }
  WelcomeProof welcome = as_member(at);
  welcome.grant = grant_;
  return {std::nullopt, std::move(welcome)};
}

bool MemberDoor::trusts(const Doorstep& at, const NodeKey& acceptor, const WelcomeProof& shown) {
  const MemberKey member{acceptor.bytes};
  return shown.member && *shown.member == prove_member(grant_.secret, at, false) &&
         !keeper_.node().is_banned(member, keeper_.wall_ms()) && is_known(member, shown.chain);
}

WelcomeProof MemberDoor::as_member(const Doorstep& at) {
  return {prove_member(grant_.secret, at, false), keeper_.node().entry_chain(keeper_.wall_ms())};
}

void MemberDoor::let_in(const MemberKey& member, const InviteProof& by) {
  EntryBody body;
  body.verb = EntryVerb::kAdmit;
  body.invite = by.key;
  body.member = member;
  body.ticket = by.signature;
  keeper_.handle(WriteEntry{0, body});
}

/// Here, or by what it shows of itself. Whose sponsors are all revoked gets another one.
bool MemberDoor::is_known(const MemberKey& member, const std::vector<Bytes>& chain) {
  Node& node = keeper_.node();
  const WallMs now_ms = keeper_.wall_ms();
  if (!node.is_admitted(member, now_ms) && !node.vouch(chain, member, now_ms)) return false;
  const auto lost = node.lost_sponsor(member);
  if (lost && node.can_admit()) let_in(member, {lost->invite, lost->ticket});
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

/// Up to the founder, or as far as a welcome can show it: knowing the secret is not enough.
bool InviteDoor::trusts(const Doorstep& at, const NodeKey& acceptor, const WelcomeProof& shown) {
  if (!shown.grant || !is_grant_of(*shown.grant, at.mesh)) return false;
  if (founder_ && shown.grant->founder != *founder_) return false;
  const MemberKey member{acceptor.bytes};
  const auto chain = read_chain(shown.chain, at.mesh, member, verifier_);
  if (!chain) return false;
  const MemberKey& first = chain->empty() ? member : chain->back()->envelope.author;
  if (first != shown.grant->founder && chain->size() < limits::kEntryChainMax) return false;
  grant_ = shown.grant;
  return true;
}

std::optional<ClosedMesh> InviteDoor::gained() const {
  if (!grant_) return std::nullopt;
  return ClosedMesh{*grant_, {}, secret_};
}

}  // namespace p2pmesh
