// What a host does for its conversations with people of no mesh of its own.
#include <algorithm>

#include "address.h"
#include "node_host_impl.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {

void NodeHost::Impl::prepare_strangers() {
  StrangerActions actions;
  actions.open = [this] { return open_for_two(); };
  actions.enter = [this](const InviteLink& invite, const MemberKey& founder, Entered done) {
    enter_by(invite, std::move(done), founder);
  };
  actions.leave = [this](const MeshId& mesh) {
    // What was written there and nobody has stays where its author finds it.
    const MeshRunner* runner = seats.find(mesh);
    if (runner == nullptr || runner->node().status().pending > 0) return;
    if (auto left = leave_mesh(mesh); !left) log.log(LogLevel::kWarning, left.error().message);
  };
  actions.has_room = [this] { return seats.all().size() < limits::kMeshesMax; };
  actions.was_in = [this](const MeshId& mesh) {
    const std::vector<ActiveMesh> active = profile->active_meshes();
    return seats.find_seat(mesh) != nullptr || holds_closed(mesh) ||
           std::any_of(active.begin(), active.end(), [&](const ActiveMesh& one) { return one.mesh == mesh; });
  };
  actions.is_taken = [this](const std::string& name, const MemberKey& but) { return is_called(name, but); };
  actions.is_in = [this](const MeshId& mesh) { return seats.find(mesh) != nullptr; };
  actions.has_come = [this](const MeshId& mesh, const MemberKey& other) {
    const MeshRunner* runner = seats.find(mesh);
    if (runner == nullptr) return false;
    const std::vector<MemberView> members = runner->node().members();
    return std::any_of(members.begin(), members.end(),
                       [&](const MemberView& member) { return member.key == other; });
  };
  actions.is_alone = [this](const MeshId& mesh) {
    const MeshRunner* runner = seats.find(mesh);
    return runner != nullptr && runner->node().status().neighbors == 0;
  };
  actions.look_there = [this](const MeshId& mesh, const std::vector<HostPort>& places) {
    look_there(mesh, places);
  };
  actions.is_unwanted = [this](const MemberKey& member) {
    return std::any_of(seats.all().begin(), seats.all().end(), [&](const auto& seat) {
      return seat->runner->people().is_ignored(member) || seat->runner->people().is_blocked(member);
    });
  };
  actions.presence = [this] { return leaving ? std::nullopt : presence(); };
  actions.tell = [this](const control::StrangerEvent& event) { control->publish_everywhere(event); };
  actions.changed = [this] { seats.set_conversations(conversations()); };
  strangers = std::make_unique<Strangers>(*loop, *joins, *links, *rendezvous, *signer, *agreement,
                                          StrangerBook(options.data_dir + "/strangers", *files),
                                          std::move(actions), log);
  rendezvous->serve(*strangers);
}

void NodeHost::Impl::prepare_callers() {
  CallerActions actions;
  actions.look_up = [this](const WantedMember& wanted, RendezvousLinks::LookedUp done) {
    rendezvous->look_up(wanted, std::move(done));
  };
  actions.let_in = [this](const LinkUp& up, const MeshId& mesh) { return !leaving && let_in(up, mesh, 0); };
  actions.on_frame = [this](LinkId link, const FrameView& frame) { return on_frame(link, frame); };
  actions.close = [this](LinkId link, CloseReason reason) { links->close(link, reason); };
  actions.cut_off = [this](LinkId link) {
    links->close(link, CloseReason::kFault);
    on_link_down(link, true);
  };
  actions.log = [this](const std::string& sentence) { log.log(LogLevel::kWarning, sentence); };
  callers = std::make_unique<KnownCallers>(std::move(actions));
}

/// Where nobody else can be, as far as it is known: closed, and founded by one of the two.
std::map<MeshId, Conversation> NodeHost::Impl::conversations() const {
  std::map<MeshId, Conversation> conversations;
  for (const Stranger& stranger : strangers->book().all()) {
    const MeshRunner* runner = seats.find(stranger.invite.mesh);
    if (runner == nullptr || !is_talk(stranger)) continue;
    const auto founder = runner->founder();
    if (founder == stranger.member || founder == runner->member())
      conversations[stranger.invite.mesh] = {stranger.member, strangers->shown_name(stranger)};
  }
  return conversations;
}

bool NodeHost::Impl::is_called(const std::string& name, const MemberKey& but) const {
  for (const auto& seat : seats.all()) {
    if (strangers->book().find(seat->runner->mesh()) != nullptr) continue;
    for (const MemberView& member : seat->runner->node().members()) {
      if (member.key != but && name_key(claimed_part(member.name)) == name_key(name)) return true;
    }
  }
  return false;
}

Result<InviteLink> NodeHost::Impl::open_for_two() {
  const auto present = presence();
  if (!present || !present->discoverable) {
    return fail(ExitStatus::kTryAgain,
                "Nobody new can be asked while you are undiscoverable, as that would be seen: /discover on");
  }
  const auto mesh = open_new_mesh(true);
  if (!mesh) return tl::unexpected<Error>(mesh.error());
  InviteLink invite;
  invite.mesh = *mesh;
  draw_random(invite.secret);
  for (const NetAddress& address : present->addresses) {
    if (invite.addresses.size() < limits::kAddressesMax)
      invite.addresses.push_back(to_socket(address).format());
  }
  seats.find(*mesh)->write_invite(invite.secret);
  return invite;
}

/// An invite that the disk has lost is made again: somebody may be on the way with it.
void NodeHost::Impl::renew_invites() {
  for (const Stranger& stranger : strangers->book().all()) {
    MeshRunner* runner = seats.find(stranger.invite.mesh);
    if (runner == nullptr || stranger.state != StrangerState::kAsked) continue;
    const InviteKey key{make_ed25519_signer(stranger.invite.secret)->public_key()};
    const std::vector<InviteView> invites = runner->node().invites(loop->now().wall_ms);
    if (std::none_of(invites.begin(), invites.end(), [&](const InviteView& view) { return view.key == key; }))
      runner->write_invite(stranger.invite.secret);
  }
}

std::vector<control::ContactEntry> NodeHost::Impl::list_strangers() const {
  std::vector<control::ContactEntry> contacts;
  for (const Stranger& stranger : strangers->book().all()) {
    if (stranger.state == StrangerState::kLeft) continue;
    control::ContactEntry entry;
    entry.name = strangers->shown_name(stranger);
    entry.key = stranger.member;
    entry.mesh = stranger.invite.mesh;
    entry.asks = stranger.state == StrangerState::kAsks;
    entry.relation = entry.theirs = "none";
    if (stranger.state == StrangerState::kAsked) entry.relation = "asked";
    if (stranger.state == StrangerState::kDeclined) entry.relation = "declined";
    if (stranger.state == StrangerState::kAccepted || stranger.state == StrangerState::kTogether)
      entry.relation = "accepted";
    if (entry.asks || stranger.state == StrangerState::kAccepted) entry.theirs = "asked";
    if (stranger.state == StrangerState::kTogether) entry.theirs = "accepted";
    if (stranger.is_declined) entry.theirs = "declined";
    if (const MeshRunner* runner = seats.find(stranger.invite.mesh)) {
      entry.online = runner->node().status().online > 1;
      entry.unread = runner->describe_room(std::string(kDefaultRoom)).unread;
    }
    contacts.push_back(std::move(entry));
  }
  return contacts;
}

}  // namespace p2pmesh
